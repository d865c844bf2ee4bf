"""Send one planned request with its trip, money and pace; send it again where asked to wait. Never judges.

How it works
- A sending is one planned request and its repetitions where the target asks to wait.
- The steps of each request, in order: take a trip; wait for a place in flight and for the time to send (`Pace`);
  reserve the money (`Ledger`); make the profile's `before` call; record the intent; send; settle money and trip;
  record the exchange; make the `after` call.
- If the request was certainly not sent, trip and money are handed back. If that is uncertain, the charge counts as
  unknown.
- `_lock` guards the counters.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from conformance.cases.model import Path, PlannedRequest, Probe, fill_trip
from conformance.exchange.client import Client
from conformance.exchange.event import Intent, Purpose, Sent, charge_state
from conformance.exchange.model import BUSY, Exchange
from conformance.exchange.retry_after import announced_delay
from conformance.profile import Profile
from conformance.send import Unsent
from conformance.send.burst import send_burst
from conformance.send.connections import Connections
from conformance.send.money import Ledger, Reservation, cost_of
from conformance.send.pace import Halted, Pace
from conformance.send.provocation import Provoking
from conformance.send.trips import TripSource

RESENDS = 2
"""How often a request is sent again where the target asks to wait."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that charge nothing."""
UNREADABLE_WAITS = (1.0, 2.0)
"""Seconds to wait where the announced end cannot be read: the first time, and every later time."""


class Emit(Protocol):
    """Adds an event to the record and the results."""

    def intent(self, event: Intent) -> int:
        """Add an intent; gives the number of its line."""

    def sent(self, event: Sent) -> Sent:
        """Add an exchange; gives it with the number of its line."""


@dataclass(frozen=True, slots=True)
class _Sending:
    """One sending. `trip`: the trip to use again, if any; `keep`: its connection must stay open after it."""

    number: int
    purpose: Purpose
    unique: str
    trip: str | None
    keep: bool = False


@dataclass(slots=True)
class _Held:
    """What one request holds: its trip, the trip to hand back (`taken`), its reservation, the line of its intent."""

    trip: str | None
    taken: str | None
    cost: tuple[str, Decimal, bool] | None = None
    reservation: Reservation | None = None
    intent: int | None = None


class Sender:
    """Shared by the sending threads."""

    def __init__(
        self,
        operation: str,
        profile: Profile,
        new_client: Callable[[], Client],
        pace: Pace,
        ledger: Ledger,
        trips: TripSource,
        emit: Emit,
    ) -> None:
        self.operation, self.profile, self.pace, self.ledger, self.trips = operation, profile, pace, ledger, trips
        self.connections = Connections(new_client, profile.limits.concurrency)
        self._emit, self._provoking = emit, Provoking(profile)
        self._lock = threading.Lock()
        self._sendings = self._unreadable = 0

    def send(
        self,
        client: Client | None,
        request: PlannedRequest,
        *,
        purpose: Purpose = "first",
        unique: str = "",
        trip: str | None = None,
        keep: bool = False,
    ) -> Sent:
        """Send `request`, again where the target asks to wait; gives the final exchange. Raises `Unsent` or `Halted`.

        `client`: one that the caller owns; None for a shared one. `keep`: its connection must stay open after it.
        """
        with self._lock:
            self._sendings += 1
            sending = _Sending(self._sendings, purpose, unique, trip, keep=keep)
        if request.probe.times > 1:
            assert client is not None
            return self._burst(client, request, replace(sending, purpose="burst"))
        for left in range(RESENDS, -1, -1):
            sent = self._once(client, request, sending, last=not left)
            if sent.status in BUSY and sent.status != request.probe.provoke:
                self._obey(sent.exchange)
            if sent.final:
                break
            sending = replace(sending, purpose="resend")
        return sent

    def _burst(self, client: Client, request: PlannedRequest, sending: _Sending) -> Sent:
        others = [self.connections.own() for _ in range(self.profile.limits.concurrency - 1)]

        def once(client: Client, last: bool) -> Sent:
            return self._once(client, request, sending, last=last)

        try:
            return send_burst(request.probe, once, [client, *others], self.pace)
        finally:
            for other in others:
                self.connections.close(other)

    def _obey(self, exchange: Exchange) -> None:
        """Pause all sending until the announced end of a 429 or 503 that was not provoked."""
        assert exchange.answer is not None
        delay = announced_delay(exchange.answer, exchange.wall_time)
        if delay is None:
            with self._lock:
                delay = UNREADABLE_WAITS[min(self._unreadable, 1)]
                self._unreadable += 1
        if delay > self.profile.limits.max_wait_s:
            self.pace.halt(
                f"the server answered {exchange.answer.status} and asks to wait {delay:g} s, "
                f"longer than max_wait_s = {self.profile.limits.max_wait_s:g} allows"
            )
            return
        self.pace.pause_until((exchange.answered_at or self.pace.clock.now()) + delay)

    def _once(self, own: Client | None, request: PlannedRequest, sending: _Sending, *, last: bool) -> Sent:
        """Send the request a single time, and settle what it held. `last`: no other of this sending may follow."""
        probe, trip = request.probe, sending.trip
        held = _Held(trip, None)
        if probe.trip != "none" and trip is None:
            held.trip = held.taken = self.trips.take()
        elif trip is not None and self.trips.reusable:
            held.taken = self.trips.hold(trip)
        template, headers = self._provoking.applied(probe, sending.unique)
        body = fill_trip(template, held.trip) if held.trip is not None else template
        sending_began = False
        try:
            # Requests that open a window, or are sent inside it, wait neither for the rate nor for pauses; repetitions do.
            exempt = probe.provoke == 429 and sending.purpose != "resend"
            with self.connections.using(own, keep=sending.keep) as client, self.pace.passage(exempt=exempt):
                if probe.method not in SAFE_METHODS:
                    self._reserve(held, template)
                self._provoking.call("before", probe, sending.unique)
                self._intend(held, request.case_id)
                sending_began = True
                exchange = client.send(
                    probe.method,
                    path_of(self.operation, probe.path),
                    headers,
                    body,
                    case=request.case_id,
                    probe=request.number,
                    framing=probe.framing,
                    accept=probe.accept,
                    trip=held.trip,
                    retry_closed=self._retry(template, request, held),
                )
                late = client.take_late_defect()
        except BaseException:
            self._settle_unknown(held) if sending_began else self._give_back(held)
            raise
        self._settle(held, exchange)
        final = last or _is_final(probe, exchange)
        sent = self._emit.sent(Sent(exchange, probe, sending.number, sending.purpose, final, held.intent, late))
        self._provoking.call("after", probe, sending.unique)
        return sent

    def _reserve(self, held: _Held, body: bytes) -> None:
        """Reserve what the request may cost. Raises `Unsent` where the budget is spent."""
        held.cost = cost_of(body, self.profile)
        held.reservation = self.ledger.reserve(*held.cost[:2])
        if held.reservation is None:
            raise Unsent("The money budget is spent")

    def _intend(self, held: _Held, case: str) -> None:
        """Record what the request may cost, if it may charge."""
        if held.cost is not None:
            currency, amount, known = held.cost
            held.intent = self._emit.intent(Intent(case, held.trip or "", str(amount), currency, known, time.time()))

    def _settle(self, held: _Held, exchange: Exchange) -> None:
        if exchange.unsent:
            self._give_back(held)
            return
        if held.reservation is not None:
            self.ledger.settle(held.reservation, charge_state(exchange))
        if held.taken is not None:
            self.trips.give_back(held.taken, exchange.answer.status if exchange.answer else None)

    def _give_back(self, held: _Held) -> None:
        """Hand back what was held for a request that the target never received."""
        if held.reservation is not None:
            self.ledger.settle(held.reservation, "released")
        if held.taken is not None:
            self.trips.put_back(held.taken)

    def _settle_unknown(self, held: _Held) -> None:
        """Settle a request for which it is unknown whether it charged."""
        if held.reservation is not None:
            self.ledger.settle(held.reservation, "unknown")
        if held.taken is not None:
            self.trips.give_back(held.taken, None)
        held.reservation = held.taken = None

    def _retry(
        self, template: bytes, request: PlannedRequest, held: _Held
    ) -> Callable[[], tuple[bytes, str | None]] | None:
        """How to send once more where the kept-alive connection is found closed; None where that is not allowed.

        The first request may have charged: it stays counted, and the second needs its own trip and reservation.
        """
        taken = held.taken
        if taken is None and held.trip is not None and not self.trips.reusable:
            return None

        def retry() -> tuple[bytes, str | None]:
            if self.pace.halted:
                raise Halted
            charging = held.reservation is not None
            if taken is not None and self.trips.reusable:
                held.taken = None  # the same trip is used again, so it is not handed back
            self._settle_unknown(held)
            if taken is not None:
                held.trip = held.taken = taken if self.trips.reusable else self.trips.take()
            body = fill_trip(template, held.trip) if held.trip is not None else template
            if charging:
                self._reserve(held, template)
                self._intend(held, request.case_id)
            return body, held.trip

        return retry


def _is_final(probe: Probe, exchange: Exchange) -> bool:
    """Whether an answer ends its sending: in a burst the provoked one or none, else any that does not ask to wait."""
    status = exchange.answer.status if exchange.answer else None
    if probe.times > 1:
        return status is None or status == probe.expectation.provoked
    return status not in BUSY or status == probe.provoke


def path_of(operation: str, path: Path) -> str:
    """The path of a probe, derived from that of the operation."""
    folder, _, name = operation.rpartition("/")
    return {
        "operation": operation,
        "unknown": f"{folder}/no-such-operation",
        "below": f"{operation}/no-such-part",
        "trailing-slash": f"{operation}/",
        "other-case": f"{folder}/{name.capitalize()}",
    }[path]
