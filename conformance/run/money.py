"""The money budget: nothing that may charge is sent without a reservation. Must not send or judge."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from conformance.profile import Profile

WHOLE, DECIMALS = 16, 10  # digits before and after the point, few enough for sums to be exact
State = Literal["released", "captured", "unknown"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """One capture and its amount in major units, taken out of the budget until it is settled."""

    key: int
    case: int | str
    currency: str
    amount: Decimal
    trip: str = ""
    known: bool = True


class Ledger:
    """Counts captures and amounts under one lock, so that no limit is exceeded at any concurrency."""

    def __init__(self, profile: Profile) -> None:
        """Take the limits of the profile; a limit of None is none."""
        self._profile = profile
        self._changed = threading.Condition()
        self._held: dict[int, Reservation] = {}
        self._totals: dict[str, Decimal] = {}
        self._taken = self._next = 0
        self._line: deque[object] = deque()

    def reserve(
        self, case: int | str, currency: str, amount: Decimal, *, trip: str = "", known: bool = True
    ) -> Reservation | None:
        """Reserve one capture, in the order of asking; None when the budget is spent.

        One that does not fit waits until what is in flight has settled, and those who ask later wait behind it.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or not self._fits(currency, amount):
                    if self._line[0] is ticket and not self._held:
                        return None
                    self._changed.wait()
                self._next += 1
                made = Reservation(self._next, case, currency, amount, trip, known)
                self._held[made.key] = made
                self._taken += 1
                self._totals[currency] = self._totals.get(currency, Decimal(0)) + amount
                return made
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back, since nothing was sent for it; one that is settled stays so."""
        with self._changed:
            if self._held.pop(reservation.key, None) is not None:
                self._free(reservation)

    def settle(self, reservation: Reservation, status: int | None) -> State:
        """Close a reservation by the status received (None: no answer); a second settling changes nothing."""
        with self._changed:
            if self._held.pop(reservation.key, None) is None:
                return "released"
            state = _state(status)
            if state == "released":
                self._free(reservation)
            else:
                self._changed.notify_all()
            return state

    def _free(self, reservation: Reservation) -> None:
        self._taken -= 1
        self._totals[reservation.currency] -= reservation.amount
        self._changed.notify_all()

    def held(self) -> tuple[Reservation, ...]:
        """What is not settled yet, in order of asking."""
        with self._changed:
            return tuple(self._held.values())

    def totals(self) -> dict[str, Decimal]:
        """Amounts that count, in major units by currency."""
        with self._changed:
            return {code: total for code, total in self._totals.items() if total}

    def _fits(self, currency: str, amount: Decimal) -> bool:
        most, total = self._profile.max_captures, self._profile.max_total_of(currency)
        if most is not None and self._taken >= most:
            return False
        return total is None or self._totals.get(currency, Decimal(0)) + amount <= total


def _state(status: int | None) -> State:
    if status is not None and (400 <= status < 500 or status == 503):
        return "released"
    return "captured" if status == 200 else "unknown"


def cost_of(body: bytes, profile: Profile) -> tuple[str, Decimal, bool]:
    """Currency and amount that `body` may charge, and whether the body itself says so.

    Without a positive amount that money can have in a declared currency: the amount of the first currency, and False.
    """
    currency, amount = _read(body)
    if currency in profile.data.currencies and amount is not None:
        return str(currency), amount, True
    first = profile.data.currencies[0]
    return first, profile.amount_of(first), False


def _plausible(number: Decimal) -> bool:
    """Whether money comes in such a size, and sums with it are exact."""
    return number.adjusted() < WHOLE and -int(number.as_tuple().exponent) <= DECIMALS


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
