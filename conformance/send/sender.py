"""Send one planned request with its trip, money and pace; send it again where asked to wait. Never judges.

How it works
- A sending is one planned request and its repetitions where the target asks to wait.
- A sending holds a place of `Connections`. The steps of each request, in order: obtain credentials; take a trip; wait for a place in
  flight and for the time to send (`Pace`); reserve the money (`Ledger`); record the intent; send; obey where asked to
  wait; settle money and trip; record the exchange.
- A repetition is sent alone, so that a limit that serves one request after the wait serves this one.
- Where the server has answered before and no longer accepts connections, requests are sent again until it does, for at
  most 10 s. `gone` then says that it did not come back.
- `switched` makes the profile's `before` call, and its `after` call in any event. `off` is set while nothing that was
  switched on has to be switched off.
- If the request was certainly not sent, trip and money are handed back. If that is uncertain, the charge counts as
  unknown.
- `_lock` guards the counters.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from conformance.cases.model import Path, PlannedRequest, Probe, fill_trip
from conformance.exchange.client import Client
from conformance.exchange.event import Intent, Purpose, Sent, Stray, charge_state
from conformance.exchange.model import BUSY, Exchange
from conformance.exchange.retry_after import announced_delay
from conformance.profile import Profile
from conformance.send import NoCredentials, Unsent
from conformance.send.auth import Credentials, FixedFields
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
ASKS, ASKS_AMONG_LIMITS = 2, 4
"""How often it is tried whether a window is over: usually, and where another rate limit was met in the run."""
SWITCH_WAITS_S = (0.25, 0.5, 1.0)
"""Seconds before each request that needs the profile's switch: it may take a moment until it has an effect."""
AFTER_WAITS_S = (0.5, 1.0)
"""Seconds before the second and the third try of an `after` call."""
RETURN_S, RETURN_STEP_S = 10.0, 0.5
"""How long a server that is gone is waited for, and the seconds between two tries."""
UNREADABLE_WAITS = (1.0, 2.0)
"""Seconds to wait where the announced end cannot be read: the first time, and every later time."""


class Emit(Protocol):
    """Adds an event to the record and the results."""

    def intent(self, event: Intent) -> int:
        """Add an intent; gives the number of its line."""

    def sent(self, event: Sent) -> Sent:
        """Add an exchange; gives it with the number of its line."""

    def stray(self, event: Stray) -> None:
        """Add that bytes came after an answer."""


@dataclass(frozen=True, slots=True)
class _Sending:
    """One sending. `trip`: the trip to use again, if any."""

    number: int
    purpose: Purpose
    unique: str
    trip: str | None


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
        credentials: Credentials | None = None,
        waiting: Callable[[str], None] = lambda _text: None,
        sendings: int = 0,
    ) -> None:
        """`sendings`: how many were made before the run was resumed."""
        self.operation, self.profile, self.pace, self.ledger, self.trips = operation, profile, pace, ledger, trips
        self.connections = Connections(new_client, profile.limits.concurrency, emit.stray)
        self._emit, self._provoking = emit, Provoking(profile)
        self._credentials = credentials or FixedFields()
        self._waiting = waiting
        self._lock = threading.Lock()
        self._sendings = sendings
        self._unreadable = self._limited = 0
        self._served, self._gone_since = False, 0.0
        self.gone = False
        self.off = threading.Event()
        self.off.set()
        self.left_on = ""

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
            sending = _Sending(self._sendings, purpose, unique, trip)
        if request.probe.per_second:
            assert client is not None
            return self._burst(client, request, replace(sending, purpose="burst"))
        tried, sent = 0, None
        with self.connections.using(client, keep=keep) as connection:
            while sent is None or not sent.final:
                if request.probe.times > 1:
                    self._await_switch(request.probe, tried, sent)
                tried, most = tried + 1, self._most_tries(request.probe)
                sent = self._once(connection, request, sending, last=tried >= most, attempt=f"{tried} of {most}")
                if not sent.final:
                    tried -= sent.exchange.answer is None
                    sending = replace(sending, purpose="resend")
        return sent

    def _most_tries(self, probe: Probe) -> int:
        """How often a request is sent at most, with its repetitions."""
        if probe.wait:
            return ASKS_AMONG_LIMITS if self._limited else ASKS
        return probe.times if probe.times > 1 else 1 + RESENDS

    def _await_switch(self, probe: Probe, tried: int, sent: Sent | None) -> None:
        """Wait until a switch has had time to have an effect, and for what the last answer announced."""
        delay = SWITCH_WAITS_S[min(tried, len(SWITCH_WAITS_S) - 1)]
        if probe.settles and sent is not None and sent.exchange.answer is not None:
            announced = announced_delay(sent.exchange.answer, sent.exchange.wall_time) or 0.0
            delay = max(delay, announced if announced <= self.profile.limits.max_wait_s else 0.0)
        self.pace.sleep_until(self.pace.clock.now() + delay)

    @contextmanager
    def switched(self, status: int, unique: str) -> Iterator[None]:
        """The profile's `before` call for this status, and its `after` call when the context ends for any reason.

        Where the `after` call fails, the run ends: what was switched on would be taken for the server's own behaviour.
        """
        if self.pace.halted:
            raise Halted
        self.off.clear()
        try:
            try:
                self._provoking.call("before", status, unique)
                yield
            finally:
                self._switch_off(status, unique)
        finally:
            self.off.set()

    def _switch_off(self, status: int, unique: str) -> None:
        problem = ""
        for wait in (0.0, *AFTER_WAITS_S):
            self.pace.clock.wait(threading.Event(), wait)
            try:
                self._provoking.call("after", status, unique)
            except Unsent as error:
                problem = str(error)
            else:
                return
        self.left_on = f"{problem}, three times; the server may still answer {status} to everybody"
        self.pace.halt(self.left_on)

    def _burst(self, client: Client, request: PlannedRequest, sending: _Sending) -> Sent:
        others = [self.connections.own() for _ in range(self.profile.limits.concurrency - 1)]

        def once(client: Client, last: bool) -> Sent:
            with self.connections.using(client) as connection:
                return self._once(connection, request, sending, last=last)

        return send_burst(request.probe, once, [client, *others], self.pace)

    def _obey(self, probe: Probe, exchange: Exchange, attempt: str) -> bool:
        """Pause all sending until the announced end of a 429 or 503 that was not provoked.

        False where that is too long to wait for: then the run ends, unless it is only a window that is not over yet.
        """
        assert exchange.answer is not None
        status, limit = exchange.answer.status, self.profile.limits.max_wait_s
        limited = status == 429 and not probe.wait
        delay = announced_delay(exchange.answer, exchange.wall_time)
        announced = "no readable Retry-After" if delay is None else f"Retry-After {delay:g} s"
        with self._lock:
            self._limited += limited
            if delay is None:
                delay = UNREADABLE_WAITS[min(self._unreadable, 1)]
                self._unreadable += 1
        if delay <= limit:
            self._waiting(f"{status}, {announced}: waiting, {attempt}")
            self.pace.pause_until((exchange.answered_at or self.pace.clock.now()) + delay, limited=limited)
            return True
        if not probe.wait:
            self.pace.halt(
                f"the server answered {status} and asks to wait {delay:g} s, longer than max_wait_s = {limit:g} allows"
            )
        return False

    def _once(
        self, client: Client, request: PlannedRequest, sending: _Sending, *, last: bool, attempt: str = ""
    ) -> Sent:
        """Send the request a single time, and settle what it held. `last`: no other of this sending may follow.

        `attempt`: which request of how many of this sending, such as "1 of 3".
        """
        probe, trip = request.probe, sending.trip
        self._obtain_credentials()
        held = _Held(trip, None)
        if probe.trip != "none" and trip is None:
            held.trip = held.taken = self.trips.take()
        elif trip is not None and self.trips.reusable:
            held.taken = self.trips.hold(trip)
        template, headers = self._provoking.applied(probe, sending.unique)
        body = fill_trip(template, held.trip) if held.trip is not None else template
        sending_began = False
        try:
            again = sending.purpose == "resend"
            # Requests that open a window, or are sent inside it, wait neither for the rate nor for pauses.
            exempt = probe.provoke == 429 and not probe.wait and not again
            with self.pace.passage(exempt=exempt, alone=probe.wait or again, next_alone=probe.wait) as passage:
                if probe.method not in SAFE_METHODS:
                    self._reserve(held, template)
                if not exempt:  # the reservation may have taken long
                    self.pace.wait_out_pause()
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
                passage.sent_at = exchange.sent_at
                if _asks_to_wait(probe, exchange):
                    last = not self._obey(probe, exchange, attempt) or last
                if (late := client.take_late_defect()) is not None:
                    self._emit.stray(Stray(*late))
        except BaseException:
            self._settle_unknown(held) if sending_began else self._give_back(held)
            raise
        self._settle(held, exchange)
        waits = sending.purpose != "burst" and self._waits_for_return(exchange, sending.purpose, client)
        refused = self._credentials.answered(exchange.request, exchange.answer.status if exchange.answer else None)
        final = not waits and (last or (_is_final(probe, exchange) and not refused))
        return self._emit.sent(Sent(exchange, probe, sending.number, sending.purpose, final, held.intent))

    def _waits_for_return(self, exchange: Exchange, purpose: Purpose, client: Client) -> bool:
        """Whether the server is gone and may come back; then all sending pauses for a moment."""
        with self._lock:
            now = self.pace.clock.now()
            self._served = self._served or exchange.answer is not None
            if not exchange.unsent and not client.found_gone:
                self._gone_since = 0.0
            refused = exchange.failure is not None and exchange.failure.kind == "refused"
            lost = client.found_gone and purpose != "confirm"  # where that it is lost again is the answer
            if not (refused or lost) or not self._served:
                return False
            self._gone_since = self._gone_since or now
            self.gone = now - self._gone_since >= RETURN_S
            if self.gone:
                return False
        self._waiting(f"the server is gone: waiting for it, at most {RETURN_S:g} s")
        self.pace.pause_until(now + RETURN_STEP_S)
        return True

    def _obtain_credentials(self) -> None:
        try:
            self._credentials.prepare()
        except NoCredentials as why:
            self.pace.halt(str(why))
            raise Halted from None

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
    """Whether an answer ends its sending.

    Where a status is provoked by many requests or by a switch, it ends it, or that there is no answer. After the switch
    was turned off, and elsewhere, any answer does that is neither that status nor asks to wait.
    """
    status = exchange.answer.status if exchange.answer else None
    if probe.times > 1 and not probe.settles:
        return status is None or status == probe.expectation.provoked
    if probe.settles and status == probe.expectation.provoked:
        return False
    return not _asks_to_wait(probe, exchange)


def _asks_to_wait(probe: Probe, exchange: Exchange) -> bool:
    """Whether the answer asks to wait although the request was not made to provoke that."""
    status = exchange.answer.status if exchange.answer else None
    return status in BUSY and (probe.wait or status != probe.expectation.provoked)


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
