"""Flask done right: the raw body read strictly, plain checks, error handlers in the contract's form."""

import re
from decimal import Decimal

from desk import CURRENCIES, PATH, STORES, Windows, is_trip
from flask import Flask, Response, jsonify, request
from strict import parse
from werkzeug.exceptions import HTTPException

app = Flask(__name__)
windows = Windows()
STORE, TRIP, CODE = (re.compile(text) for text in ("[0-9a-zA-Z_-]{0,255}", "[0-9a-zA-Z_-]{1,255}", "[A-Z]{3}"))


class Refused(Exception):
    pass


@app.errorhandler(Refused)
def refused(problem: Refused) -> tuple[Response, int]:
    return jsonify(errorMsg=str(problem) or "BadRequestException"), 400


@app.errorhandler(HTTPException)
def failed(problem: HTTPException) -> tuple[Response, int, dict[str, str]]:
    headers = {name: value for name, value in problem.get_headers() if name == "Allow"}
    return jsonify(errorMsg=problem.name), problem.code or 500, headers


@app.errorhandler(Exception)
def crashed(_problem: Exception) -> tuple[Response, int]:
    return jsonify(errorMsg="ServiceException"), 500


def text(document: dict[str, object], name: str, pattern: re.Pattern[str]) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused
    return value


def member(document: object, name: str) -> dict[str, object]:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, dict):
        raise Refused
    return value


@app.post(PATH)
def charge() -> tuple[Response | str, int] | tuple[Response, int, dict[str, str]]:
    provoked = request.headers.get("X-Provoke")
    wait = windows.wait(request.headers.get("X-Client"), provoked)
    if wait:
        return jsonify(errorMsg="Too Many Requests"), 429, {"Retry-After": str(wait)}
    if provoked == "500":
        raise RuntimeError("provoked")
    if provoked == "503":
        return jsonify(errorMsg="ServiceUnavailableException", retryAfter="1.0"), 503
    try:
        body = member({"": parse(request.get_data())}, "")
    except ValueError:
        raise Refused from None
    amount = member(body, "amount")
    store, trip, code = (
        text(body, "storeId", STORE),
        text(body, "shoppingTripId", TRIP),
        text(amount, "code", CODE),
    )
    value = amount.get("amount")
    if not isinstance(value, Decimal) or value <= 0 or store not in STORES or code not in CURRENCIES:
        raise Refused
    if not is_trip(trip):
        raise Refused("UnknownShoppingTrip")
    return "", 200
