"""Flask in a hurry: get_json, re.match, abort, and the development server."""

import re
from uuid import UUID

from desk import CURRENCIES, LONG_TRIP, NO_TRIP, PATH, STORES, Windows, port
from flask import Flask, abort, request

app = Flask(__name__)
windows = Windows()


def known(trip):
    try:
        return trip == LONG_TRIP or str(UUID(trip)) != NO_TRIP
    except ValueError:
        return False


@app.post(PATH)
def charge():
    provoked = request.headers.get("X-Provoke")
    wait = windows.wait(request.headers.get("X-Client"), provoked)
    if wait:
        return {"errorMsg": "Too Many Requests"}, 429, {"Retry-After": f"{wait} seconds"}
    if provoked == "500":
        raise RuntimeError("provoked")
    if provoked == "503":
        abort(503)
    body = request.get_json()
    store, trip = body["storeId"], body["shoppingTripId"]
    amount, code = body["amount"]["amount"], body["amount"]["code"]
    if not re.match(r"^[\w-]*$", store) or len(store) > 255 or store.strip() not in STORES:
        abort(400, "BadRequestException")
    if not re.match(r"^[\w-]+$", trip) or len(trip) > 255:
        abort(400, "BadRequestException")
    if not re.match(r"^[A-Z]{3}$", code) or code.strip() not in CURRENCIES:
        abort(400, "BadRequestException")
    if float(amount) <= 0:
        abort(400, "BadRequestException")
    if not known(trip.strip()):
        abort(400, "UnknownShoppingTrip")
    return "", 200


if __name__ == "__main__":
    app.run(port=port())
