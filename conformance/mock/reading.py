"""The mock's own reading of a request body: from bytes to a capture or a refusal. Knows no HTTP and no fault.

Limits and patterns are repeated here on purpose: the mock shares nothing with the suite that judges it.
Sources: RFC 8259 for the JSON text, ECMA-262 for the patterns (ASCII classes; the whole string must match).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

BAD_REQUEST = "BadRequestException"
UNKNOWN_TRIP = "UnknownShoppingTrip"

ID_LIMIT = 255
CODE_LIMIT = 3
STORE_PATTERN = re.compile(r"[0-9a-zA-Z_-]*", re.ASCII)
TRIP_PATTERN = re.compile(r"[0-9a-zA-Z_-]+", re.ASCII)
CODE_PATTERN = re.compile(r"[A-Z]{3}", re.ASCII)
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)

LONG_STORE = "L" * ID_LIMIT
SHORT_STORE = "S"
LONG_TRIP = "T" * ID_LIMIT
STORES = ("store-001", "store-002", LONG_STORE, SHORT_STORE)
NO_TRIP = "00000000-0000-0000-0000-000000000000"
CURRENCIES = ("USD", "EUR", "JPY", "KWD")


class Refused(Exception):
    """The request must be answered with 400; `name` is the text of `errorMsg`."""

    def __init__(self, name: str = BAD_REQUEST) -> None:
        """Refuse with `name`."""
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as text, so that any size and precision can be handled without loss."""

    text: str

    @property
    def is_zero(self) -> bool:
        """Whether every digit before the exponent is 0."""
        mantissa = re.split("[eE]", self.text)[0]
        return not re.search("[1-9]", mantissa)

    @property
    def is_negative(self) -> bool:
        """Whether there is a minus sign, as in `-0` too."""
        return self.text.startswith("-")

    @property
    def is_positive(self) -> bool:
        """Whether the value is above zero."""
        return not self.is_zero and not self.is_negative


@dataclass(frozen=True, slots=True)
class Capture:
    """An accepted capture."""

    store: str
    trip: str
    value: Number
    code: str


def _no_constant(_text: str) -> NoReturn:
    raise Refused


def parse(body: bytes) -> object:
    """Parse one JSON text strictly; numbers become `Number`. Raises `Refused` for anything that is not JSON."""
    try:
        return json.loads(body.decode("utf-8"), parse_float=Number, parse_int=Number, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused from error


def _identifier(document: dict[str, object], key: str, pattern: re.Pattern[str]) -> str:
    value = document.get(key)
    if not isinstance(value, str) or len(value) > ID_LIMIT or not pattern.fullmatch(value):
        raise Refused
    return value


def _amount(document: dict[str, object]) -> tuple[Number, str]:
    amount = document.get("amount")
    if not isinstance(amount, dict):
        raise Refused
    value, code = amount.get("amount"), amount.get("code")
    if not isinstance(value, Number) or not value.is_positive:
        raise Refused
    if not isinstance(code, str) or len(code) > CODE_LIMIT or not CODE_PATTERN.fullmatch(code):
        raise Refused
    return value, code


def is_trip(trip: str) -> bool:
    """Whether the mock knows the trip: any UUID except the nil UUID, and the id of maximum length."""
    return trip == LONG_TRIP or (trip != NO_TRIP and UUID_PATTERN.fullmatch(trip) is not None)


def validate(document: object) -> Capture:
    """Turn a parsed body into a capture. Raises `Refused` with the contract's name for the defect."""
    if not isinstance(document, dict):
        raise Refused
    store = _identifier(document, "storeId", STORE_PATTERN)
    trip = _identifier(document, "shoppingTripId", TRIP_PATTERN)
    value, code = _amount(document)
    if store not in STORES or code not in CURRENCIES:
        raise Refused
    if not is_trip(trip):
        raise Refused(UNKNOWN_TRIP)
    return Capture(store, trip, value, code)
