"""The data of a target for the cases: those of the mock server, and of targets that have less."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from conformance.cases.testdata import Provoked, TestData
from conformance.mock import reading

CODES = ("USD", "EUR", "JPY", "KWD")
LIMITER, SHARED, FORCED = Provoked("limiter"), Provoked("limiter", "run"), Provoked("forced")


def _by_code(*amounts: str) -> dict[str, Decimal]:
    return dict(zip(CODES, map(Decimal, amounts), strict=True))


MOCK = TestData(
    stores=("store-001", "store-002"),
    currencies=CODES,
    amounts=_by_code("10.00", "10.00", "500", "1.000"),
    max_amounts=_by_code("90071992547409.93", "90071992547409.93", "9007199254740", "90071992547.409"),
    minor_units={"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3},
    unknown_store="store-999",
    unknown_trip=reading.NO_TRIP,
    long_store=reading.LONG_STORE,
    short_store=reading.SHORT_STORE,
    long_trip=reading.LONG_TRIP,
    any_uuid=True,
    provocations={429: LIMITER, 500: FORCED, 503: FORCED},
)
BARE = TestData(("main",), ("JPY",), {"JPY": Decimal(500)}, {"JPY": Decimal(500)}, {"JPY": 0})
"""The least that a profile can contain."""
TWO_CURRENCIES = replace(
    BARE,
    stores=("store-001",),
    currencies=("USD", "JPY"),
    amounts={"USD": Decimal("10.00"), "JPY": Decimal(500)},
    max_amounts={"USD": Decimal("99.00"), "JPY": Decimal(900)},
    minor_units={"USD": 2, "JPY": 0},
    any_uuid=True,
)
