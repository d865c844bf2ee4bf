"""FastAPI in a hurry: a default pydantic model, HTTPException for everything, uvicorn."""

from uuid import UUID

import uvicorn
from desk import CURRENCIES, LONG_TRIP, NO_TRIP, PATH, STORES, Windows, port
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

app = FastAPI()
windows = Windows()


class Amount(BaseModel):
    amount: float = Field(gt=0)
    code: str = Field(max_length=3, pattern="^[A-Z]{3}$")


class Charge(BaseModel):
    storeId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]*$")  # noqa: N815
    shoppingTripId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]+$")  # noqa: N815
    amount: Amount


def known(trip: str) -> bool:
    try:
        return trip == LONG_TRIP or str(UUID(trip)) != NO_TRIP
    except ValueError:
        return False


@app.post(PATH)
def charge(body: Charge, x_provoke: str | None = Header(None), x_client: str | None = Header(None)):
    wait = windows.wait(x_client, x_provoke)
    if wait:
        raise HTTPException(429, "Too Many Requests", headers={"Retry-After": str(wait)})
    if x_provoke == "500":
        raise RuntimeError("provoked")
    if x_provoke == "503":
        raise HTTPException(503, "ServiceUnavailableException", headers={"Retry-After": "1"})
    if body.storeId not in STORES or body.amount.code not in CURRENCIES:
        raise HTTPException(400, "BadRequestException")
    if not known(body.shoppingTripId):
        raise HTTPException(400, "UnknownShoppingTrip")


if __name__ == "__main__":
    uvicorn.run(app, port=port(), log_level="warning")
