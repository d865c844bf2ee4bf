"""JSON by RFC 8259, for the services done right: `json.loads` alone accepts UTF-16, NaN and a lone surrogate."""

import json
from decimal import Decimal, InvalidOperation
from typing import NoReturn


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _number(text: str) -> Decimal:
    """The number as spelt: no size, precision or zero is lost. An exponent beyond all bounds is refused."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number beyond all bounds") from None


def parse(body: bytes) -> object:
    """Read one JSON text. Raises `ValueError` for anything else, nesting beyond the parser's stack included."""
    try:
        return json.loads(body.decode(), parse_float=_number, parse_int=_number, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
