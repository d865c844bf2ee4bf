"""Generated bodies before the target's data is filled in. Must not know how a template was made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from conformance.cases.body import plain, with_exponent
from conformance.cases.model import TRIP
from conformance.cases.testdata import TestData

OPEN, CLOSE = "⟦", "⟧"
_TOKEN = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")


@dataclass(frozen=True, slots=True)
class Template:
    """A body with tokens in place of the profile's data; U+DC80 to U+DCFF represent bytes that are not UTF-8."""

    text: str
    coding: str = "utf-8"

    @property
    def fields(self) -> tuple[str, str]:
        """Its parts, as values that JSON can hold."""
        return self.text, self.coding

    def fill(self, data: TestData) -> bytes:
        """The body for this data. The trip's placeholder stays. ValueError or KeyError where a token is unknown."""
        text = _TOKEN.sub(lambda match: _value(data, match[1]), self.text)
        return text.encode(self.coding, "surrogateescape")


def token(name: str, *arguments: object) -> str:
    """A token: a name of `_FILLERS` and its arguments."""
    return OPEN + " ".join((name, *map(str, arguments))) + CLOSE


def without_tokens(text: str) -> str:
    """`text` from elsewhere, made safe for a template."""
    return text.replace(OPEN, "[").replace(CLOSE, "]")


def half(text: str, which: int) -> str:
    """One half of a text, split where `fill_trip` splits a trip."""
    cut = len(text) // 2
    return text[cut:] if which else text[:cut]


def _value(data: TestData, inside: str) -> str:
    name, *arguments = inside.split(" ")
    return _FILLERS[name](data, *arguments)


def _store(data: TestData, which: str = "0") -> str:
    return data.stores[int(which) % len(data.stores)]


def _code(data: TestData, which: str = "0") -> str:
    return data.currencies[int(which) % len(data.currencies)]


def _amount(data: TestData, which: str = "0", units: str = "0") -> str:
    """The amount of a currency plus some minor units, with at least the decimals that the profile writes."""
    code = _code(data, which)
    unit = Decimal(1).scaleb(-data.minor_units[code]) * int(units)
    return plain(data.amounts[code] + unit)


def _spelling(data: TestData, shift: str, zeros: str, letter: str) -> str:
    return with_exponent(data.amounts[data.currency], int(shift), int(zeros), letter)


def _cased(data: TestData, pattern: str) -> str:
    """The first currency's code, in lower case where `pattern` has an l."""
    code = data.currency
    return "".join(
        each.lower() if wanted == "l" else each
        for each, wanted in zip(code, pattern.ljust(len(code), "u"), strict=False)
    )


_FILLERS: dict[str, Callable[..., str]] = {
    "store": _store,
    "store-half": lambda data, which: half(data.store, int(which)),
    "store-to": lambda data, length, character: data.store.ljust(int(length), character)[: int(length)],
    "trip-to": lambda _data, length, character: TRIP.ljust(int(length), character)[: int(length)],
    "unknown-store": lambda data: data.unknown_store or data.store,
    "unknown-trip": lambda data: data.unknown_trip or TRIP,
    "long-store": lambda data: data.long_store or data.store,
    "short-store": lambda data: data.short_store or data.store,
    "code": _code,
    "code-part": lambda data, start, end: data.currency[int(start) : int(end)],
    "code-cased": _cased,
    "amount": _amount,
    "spelling": _spelling,
    "times": lambda _data, number, text: text * int(number),
}
