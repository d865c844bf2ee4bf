"""aiohttp in a hurry: request.json, isinstance, re.match, the HTTP exceptions of the framework."""

import re
from uuid import UUID

from aiohttp import web
from desk import CURRENCIES, LONG_TRIP, NO_TRIP, PATH, STORES, Windows, port

windows = Windows()
routes = web.RouteTableDef()


def known(trip):
    try:
        return trip == LONG_TRIP or str(UUID(trip)) != NO_TRIP
    except ValueError:
        return False


@routes.post(PATH)
async def charge(request):
    provoked = request.headers.get("X-Provoke")
    wait = windows.wait(request.headers.get("X-Client"), provoked)
    if wait:
        raise web.HTTPTooManyRequests(headers={"Retry-After": str(wait)})
    if provoked == "500":
        raise RuntimeError("provoked")
    if provoked == "503":
        raise web.HTTPServiceUnavailable
    body = await request.json()
    store, trip = body.get("storeId"), body.get("shoppingTripId")
    amount = body.get("amount")
    if not isinstance(store, str) or not isinstance(trip, str) or not isinstance(amount, dict):
        return web.json_response({"errorMsg": "BadRequestException"}, status=400)
    value, code = amount.get("amount"), amount.get("code")
    if not isinstance(value, int | float) or value <= 0 or not re.match("^[A-Z]{3}$", str(code)):
        return web.json_response({"errorMsg": "BadRequestException"}, status=400)
    if len(store) > 255 or len(trip) > 255 or not re.match("^[0-9a-zA-Z_-]+$", trip):
        return web.json_response({"errorMsg": "BadRequestException"}, status=400)
    if store not in STORES or code not in CURRENCIES:
        return web.json_response({"errorMsg": "BadRequestException"}, status=400)
    if not known(trip):
        return web.json_response({"errorMsg": "UnknownShoppingTrip"}, status=400)
    return web.Response()


if __name__ == "__main__":
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=port())
