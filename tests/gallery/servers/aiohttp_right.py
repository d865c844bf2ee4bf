"""aiohttp done right: the raw body read strictly, plain checks, a middleware that puts errors in the contract's form."""

import re
from decimal import Decimal

from aiohttp import web
from aiohttp.typedefs import Handler
from desk import CURRENCIES, PATH, STORES, Windows, is_trip
from strict import parse

windows = Windows()
routes = web.RouteTableDef()
STORE, TRIP, CODE = (re.compile(text) for text in ("[0-9a-zA-Z_-]{0,255}", "[0-9a-zA-Z_-]{1,255}", "[A-Z]{3}"))


def error(status: int, message: str, headers: dict[str, str] | None = None, **more: str) -> web.Response:
    return web.json_response({"errorMsg": message, **more}, status=status, headers=headers)


@web.middleware
async def in_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as problem:
        allowed = {"Allow": problem.headers["Allow"]} if "Allow" in problem.headers else None
        return error(problem.status, problem.reason, allowed)
    except Exception:
        return error(500, "ServiceException")


def checked(document: object) -> tuple[str, str, str]:
    """Store, trip and code of a well-formed capture. Raises `ValueError` for any other document."""
    match document:
        case {
            "storeId": str(store),
            "shoppingTripId": str(trip),
            "amount": {"amount": Decimal() as value, "code": str(code)},
        } if STORE.fullmatch(store) and TRIP.fullmatch(trip) and CODE.fullmatch(code) and value > 0:
            return store, trip, code
    raise ValueError("no capture")


@routes.post(PATH)
async def charge(request: web.Request) -> web.Response:
    provoked = request.headers.get("X-Provoke")
    wait = windows.wait(request.headers.get("X-Client"), provoked)
    if wait:
        return error(429, "Too Many Requests", {"Retry-After": str(wait)})
    if provoked == "500":
        raise RuntimeError("provoked")
    if provoked == "503":
        return error(503, "ServiceUnavailableException", {"Retry-After": "2"}, retryAfter="1.5")
    try:
        store, trip, code = checked(parse(await request.read()))
    except ValueError:
        return error(400, "BadRequestException")
    if store not in STORES or code not in CURRENCIES:
        return error(400, "BadRequestException")
    if not is_trip(trip):
        return error(400, "UnknownShoppingTrip")
    return web.Response()


app = web.Application(middlewares=[in_form], client_max_size=4_000_000)
app.add_routes(routes)
