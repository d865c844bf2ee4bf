"""FastAPI done right: the raw body read strictly, a strict model, every error in the contract's form."""

from decimal import Decimal
from typing import Annotated

from desk import CURRENCIES, PATH, STORES, Windows, is_trip
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from strict import parse

app = FastAPI()
windows = Windows()


class Amount(BaseModel):
    model_config = ConfigDict(strict=True)
    amount: Decimal = Field(gt=0)
    code: str = Field(pattern="^[A-Z]{3}$")


class Charge(BaseModel):
    model_config = ConfigDict(strict=True)
    storeId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]*$")  # noqa: N815
    shoppingTripId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]+$")  # noqa: N815
    amount: Amount


def error(status: int, message: str, headers: dict[str, str] | None = None, **more: str) -> JSONResponse:
    return JSONResponse({"errorMsg": message, **more}, status, headers)


@app.exception_handler(HTTPException)
async def refused(_request: Request, problem: HTTPException) -> JSONResponse:
    return error(problem.status_code, str(problem.detail), dict(problem.headers or {}))


@app.exception_handler(Exception)
async def crashed(_request: Request, _problem: Exception) -> JSONResponse:
    return error(500, "ServiceException")


async def charge_of(request: Request) -> Charge:
    if request.headers.get("content-type", "").partition(";")[0].strip(" \t").lower() != "application/json":
        raise HTTPException(415, "UnsupportedMediaType")
    try:
        return Charge.model_validate(parse(await request.body()))
    except (ValueError, ValidationError):
        raise HTTPException(400, "BadRequestException") from None


@app.post(PATH)
def charge(
    body: Annotated[Charge, Depends(charge_of)],
    x_provoke: Annotated[str | None, Header()] = None,
    x_client: Annotated[str | None, Header()] = None,
) -> Response:
    wait = windows.wait(x_client, x_provoke)
    if wait:
        return error(429, "Too Many Requests", {"Retry-After": str(wait)})
    if x_provoke == "500":
        raise HTTPException(500, "ServiceException")  # after any other exception uvicorn closes, unannounced
    if x_provoke == "503":
        return error(503, "ServiceUnavailableException", {"Retry-After": "1"}, retryAfter="1")
    if body.storeId not in STORES or body.amount.code not in CURRENCIES:
        return error(400, "BadRequestException")
    if not is_trip(body.shoppingTripId):
        return error(400, "UnknownShoppingTrip")
    return Response()
