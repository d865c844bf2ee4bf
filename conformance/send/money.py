"""The money budget: a request that may charge needs a reservation. Must not send or judge.

How it works
- Threads that ask for a reservation form a queue. The first gets one as soon as its amount fits.
- If it does not fit, it waits until a request in flight is settled; later threads wait behind it.
- With nothing in flight, nothing can be released any more: the budget is spent.
- `_changed` guards everything in the ledger and wakes the waiting threads.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from conformance.exchange.event import ChargeState
from conformance.profile import Profile

WHOLE, DECIMALS = 16, 10  # the most digits before and after the point, so that sums are exact


@dataclass(frozen=True, slots=True)
class Reservation:
    """One capture and its amount in major units, taken from the budget until it is settled."""

    key: int
    currency: str
    amount: Decimal


class Ledger:
    """Counts captures and amounts under one lock, so that no limit is exceeded at any concurrency."""

    def __init__(self, profile: Profile) -> None:
        """Take the limits of the profile; None means no limit."""
        self._profile = profile
        self._changed = threading.Condition()
        self._held: set[int] = set()
        self._totals: dict[str, Decimal] = {}
        self._taken = self._next = 0
        self._queue: deque[object] = deque()

    def reserve(self, currency: str, amount: Decimal) -> Reservation | None:
        """Reserve one capture, in the order of the calls; None when the budget is spent."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or not self._fits(currency, amount):
                    if self._queue[0] is ticket and not self._held:
                        return None
                    self._changed.wait()
                self._next += 1
                reservation = Reservation(self._next, currency, amount)
                self._held.add(reservation.key)
                self._taken += 1
                self._totals[currency] = self._totals.get(currency, Decimal(0)) + amount
                return reservation
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def spend(self, charges: Iterable[tuple[str, Decimal]]) -> None:
        """Count charges (currency and amount) that were made, or may have been, before the run was resumed."""
        with self._changed:
            for currency, amount in charges:
                self._taken += 1
                self._totals[currency] = self._totals.get(currency, Decimal(0)) + amount

    def settle(self, reservation: Reservation, state: ChargeState) -> None:
        """Close a reservation: "released" returns it, any other state stays counted. A second call does nothing."""
        with self._changed:
            if reservation.key not in self._held:
                return
            self._held.remove(reservation.key)
            if state == "released":
                self._taken -= 1
                self._totals[reservation.currency] -= reservation.amount
            self._changed.notify_all()

    def totals(self) -> dict[str, Decimal]:
        """Amounts that count, in major units by currency."""
        with self._changed:
            return {code: total for code, total in self._totals.items() if total}

    def _fits(self, currency: str, amount: Decimal) -> bool:
        most, total = self._profile.max_captures, self._profile.max_total_of(currency)
        if most is not None and self._taken >= most:
            return False
        return total is None or self._totals.get(currency, Decimal(0)) + amount <= total


def cost_of(body: bytes, profile: Profile) -> tuple[str, Decimal, bool]:
    """Currency and amount that `body` may charge, and whether they are from the body itself.

    Without a plausible positive amount in a declared currency: the amount of the first currency, and False.
    """
    currency, amount = _read(body)
    if currency in profile.data.currencies and amount is not None:
        return str(currency), amount, True
    first = profile.data.currencies[0]
    return first, profile.amount_of(first), False


def _plausible(number: Decimal) -> bool:
    """Whether an amount of money can have this size, and sums with it are exact."""
    return number.adjusted() < WHOLE and -int(number.as_tuple().exponent) <= DECIMALS


@lru_cache(4096)
def _read(body: bytes) -> tuple[object, Decimal | None]:
    try:
        value: Any = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, ArithmeticError):
        return None, None
    money = value.get("amount") if isinstance(value, dict) else None
    if not isinstance(money, dict):
        return None, None
    number, currency = money.get("amount"), money.get("code")
    fits = isinstance(number, Decimal) and number.is_finite() and number > 0 and _plausible(number)
    return currency if isinstance(currency, str) else None, number if fits else None
