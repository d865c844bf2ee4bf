"""Read JSON numbers from their text: exactly, and fast at any size. Must not know what is charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from conformance.cases.value import MOST_DIGITS

# Digits of an exponent, and characters of a number, above which a parser may refuse it (RFC 8259 section 6).
_EXPONENT_DIGITS, _LENGTH = 3, 40


@dataclass(frozen=True, slots=True)
class Magnitude:
    """A number: its sign, whether it is zero, and its value with the power of ten of its last significant digit.

    `value` is None for one that a parser may refuse: more digits than a double holds, or a very large exponent.
    """

    negative: bool
    zero: bool
    value: Decimal | None = None
    exponent: int = 0


def magnitude(text: str) -> Magnitude:
    """Read a number in the notation of RFC 8259."""
    negative = text.startswith("-")
    mantissa, _, power = text.lstrip("-").lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return Magnitude(negative, zero=True)
    magnitude_of_power = power.lstrip("+-").lstrip("0")
    if len(digits) > MOST_DIGITS or len(magnitude_of_power) > _EXPONENT_DIGITS or len(text) > _LENGTH:
        return Magnitude(negative, zero=False)
    exponent = int(power or "0") - len(fraction) + len(digits) - len(digits.rstrip("0"))
    return Magnitude(negative, zero=False, value=Decimal(text), exponent=exponent)
