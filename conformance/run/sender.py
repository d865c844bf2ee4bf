"""Send one probe of a case: trip, money, provocation, record, and waiting when the target asks to. Never judges."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from conformance.cases.model import Case, Probe, fill_trip
from conformance.contract import Contract
from conformance.exchange.client import Client, Endpoint
from conformance.exchange.model import Exchange, Headers
from conformance.exchange.record import Recorder
from conformance.judge.retry_after import announced_delay
from conformance.profile import Profile
from conformance.run.findings import counting, is_provoked
from conformance.run.gate import Gate, Halted
from conformance.run.model import Capture
from conformance.run.money import Ledger, Reservation, cost_of
from conformance.run.notes import meta
from conformance.run.plan import SAFE_METHODS
from conformance.run.trips import TripSource

RESENDS = 2
REFUSED_IN_A_ROW = 5


class Unsent(Exception):
    """The probe was not sent; the message is the reason, met during the run."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one probe led to: the exchange that counts, and those that were refused in passing before it."""

    exchange: Exchange
    in_passing: tuple[Exchange, ...] = ()
    charged: str = "no"
    stayed_refused: bool = False


@dataclass(slots=True)
class _Held:
    """What one sending holds: its trip, whether that was taken for it, its reservation and the line of its intent."""

    trip: str | None
    taken: str | None
    reservation: Reservation | None = None
    intent: int = 0
    sent: bool = False
    lost: bool = False


class Sender:
    """Shared by the sending threads; each brings a client of its own."""

    def __init__(
        self,
        contract: Contract,
        profile: Profile,
        endpoint: Endpoint,
        gate: Gate,
        ledger: Ledger,
        trips: TripSource,
        recorder: Recorder,
    ) -> None:
        self.contract, self.profile, self.endpoint = contract, profile, endpoint
        self.gate, self.ledger, self.trips, self.recorder = gate, ledger, trips, recorder
        self.requests = 0
        self.closed_early = 0
        self.late_defects: dict[str, str] = {}
        self.captures: list[Capture] = []
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        self._refused_in_a_row = 0
        self._pauses = 0

    def client(self) -> Client:
        """A new client, with a connection of its own."""
        client = Client(self.endpoint)
        with self._lock:
            self._clients.append(client)
        return client

    def abort(self) -> None:
        """Cut off whatever is in flight."""
        for client in self._clients:
            client.abort()

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()

    def abandon(self) -> None:
        """Count as unknown what is still in flight, since nobody is going to wait for it."""
        for made in self.ledger.held():
            if self.ledger.settle(made, None) == "unknown":
                self._note_capture(0, made, datetime.now(UTC), made.trip, "unknown")

    def send(self, client: Client, case: Case, index: int, *, unique: str, trip: str | None = None) -> Sent:
        """Send probe `index` of `case`; `trip` is the one to use again. Raises `Unsent` or `Halted`."""
        probe = case.probes[index]
        if probe.times > 1:
            return self._burst(client, case, index, unique)
        in_passing: list[Exchange] = []
        for attempt in range(1, RESENDS + 2):
            exchange, charged = self._once(client, case, index, unique, trip, attempt)
            status = exchange.answer.status if exchange.answer else None
            if status not in (429, 503) or status == probe.provoke:
                with self._lock:
                    self._refused_in_a_row = 0
                return Sent(exchange, tuple(in_passing), charged)
            in_passing.append(exchange)
            self._obey(exchange)
        with self._lock:
            self._refused_in_a_row += 1
            if self._refused_in_a_row >= REFUSED_IN_A_ROW:
                self.gate.halt(f"the target stays busy: {REFUSED_IN_A_ROW} cases in a row were answered {status}")
        return Sent(exchange, tuple(in_passing[:-1]), charged, stayed_refused=True)

    def _burst(self, client: Client, case: Case, index: int, unique: str) -> Sent:
        """Send one probe again and again, as many at once as may be in flight, until it is answered as is provoked."""
        probe, over = case.probes[index], threading.Event()
        done: list[tuple[Exchange, str]] = []
        left, lock, start = iter(range(2, probe.times + 1)), threading.Lock(), time.monotonic()

        def once(own: Client, attempt: int) -> None:
            if probe.per_second:
                self.gate.sleep_until(start + (attempt - 1) / probe.per_second)
            if over.is_set():
                return
            exchange, charged = self._once(own, case, index, unique, None, attempt)
            if exchange.answer is None or is_provoked(probe, exchange):
                over.set()
            with lock:
                done.append((exchange, charged))

        def along(own: Client) -> None:
            while not over.is_set():
                with lock:
                    attempt = next(left, 0)
                if not attempt:
                    return
                try:
                    once(own, attempt)
                except BaseException:
                    over.set()
                    raise

        once(client, 1)
        others = [self.client() for _ in range(self.profile.limits.concurrency - 1)]
        try:
            with ThreadPoolExecutor(len(others) + 1, "burst") as threads:
                futures = [threads.submit(along, own) for own in (client, *others)]
            failed = next((error for future in futures if (error := future.exception()) is not None), None)
        finally:
            for own in others:
                own.close()
        counts = counting(probe, [exchange for exchange, _ in done])
        if failed is not None and not (isinstance(failed, Halted) and is_provoked(probe, counts)):
            raise failed
        worst = max((charged for _, charged in done), key=("no", "unknown", "yes").index)
        return Sent(counts, tuple(exchange for exchange, _ in done if exchange is not counts), worst)

    def _obey(self, exchange: Exchange) -> None:
        """Hold all sending back until the announced end of a 429 or 503 that nobody asked for."""
        assert exchange.answer is not None
        delay = announced_delay(exchange.answer, exchange.wall_time)
        if delay is None:
            with self._lock:
                self._pauses += 1
                delay = 1.0 if self._pauses == 1 else 2.0
        if delay > self.profile.limits.max_wait_s:
            self.gate.halt(
                f"the target answered {exchange.answer.status} and asks to wait {delay:g} s, "
                f"longer than max_wait_s = {self.profile.limits.max_wait_s:g}"
            )
            return
        self.gate.pause_until((exchange.answered_at or time.monotonic()) + delay)

    def _once(
        self, client: Client, case: Case, index: int, unique: str, trip: str | None, attempt: int
    ) -> tuple[Exchange, str]:
        probe = case.probes[index]
        taken = None
        if probe.trip != "none" and trip is None:
            trip = taken = self.trips.take()
        elif trip is not None and self.trips.reusable:
            taken = self.trips.hold(trip)
        template, headers = self._provoked(probe, unique)
        body = fill_trip(template, trip) if trip is not None else template
        may_charge = probe.method not in SAFE_METHODS
        held = _Held(trip, taken)
        try:
            # What opens a window and what follows in it go their own way; a resending waits like all others.
            with self.gate.passage(exempt=probe.provoke == 429 and (attempt == 1 or probe.times > 1)):
                if may_charge:
                    self._reserve(held, case, index, body)
                with self._lock:
                    self.requests += 1
                self._call(probe, "before", unique)
                held.sent = True
                exchange = client.send(
                    probe.method,
                    self._path(probe),
                    headers,
                    body,
                    case=case.id,
                    probe=index,
                    framing=probe.framing,
                    accept=probe.accept,
                    trip=trip,
                    attempt=attempt,
                    retry_closed=self._fresh(template, case, index, held),
                )
        except BaseException:
            self._undo(held)
            raise
        status = exchange.answer.status if exchange.answer else None
        if exchange.unsent:
            self._give_back(held)
        reservation = held.reservation
        state = self.ledger.settle(reservation, status) if reservation is not None else "released"
        if held.taken is not None:
            self.trips.give_back(held.taken, status)
        late = self._note(client, exchange)
        exchange = replace(exchange, number=self.recorder.exchange(exchange, meta(probe, late)))
        if reservation is not None and state in ("captured", "unknown"):
            self._charge(exchange, reservation, "captured" if state == "captured" else "unknown")
        self._call(probe, "after", unique)
        return exchange, {"captured": "yes", "unknown": "unknown"}.get(state, "unknown" if held.lost else "no")

    def _reserve(self, held: _Held, case: Case, index: int, body: bytes) -> None:
        """Take what the request may cost out of the budget and note it on disk. Raises `Unsent` where it is spent."""
        currency, amount, known = cost_of(body, self.profile)
        held.reservation = self.ledger.reserve(case.id, currency, amount, trip=held.trip or "", known=known)
        if held.reservation is None:
            raise Unsent("the money budget is spent")
        held.intent = self.recorder.intent(
            {"case": case.id, "probe": index, "trip": held.trip, "amount": str(amount), "currency": currency}
        )

    def _undo(self, held: _Held) -> None:
        """Hand back what was held when something went wrong: as unused where nothing had been sent."""
        if held.sent:
            self._lose(held)
        else:
            self._give_back(held)

    def _give_back(self, held: _Held) -> None:
        """Hand back what was held for a request that the target never saw."""
        if held.reservation is not None:
            self.ledger.release(held.reservation)
        if held.taken is not None:
            self.trips.put_back(held.taken)
        held.reservation = held.taken = None

    def _lose(self, held: _Held) -> None:
        """Settle a sending of which nobody knows whether it charged."""
        made, held.reservation = held.reservation, None
        if made is not None and self.ledger.settle(made, None) == "unknown":
            held.lost = True
            self._note_capture(held.intent, made, datetime.now(UTC), made.trip, "unknown")
        if held.taken is not None:
            self.trips.give_back(held.taken, None)
            held.taken = None

    def _charge(self, exchange: Exchange, reservation: Reservation, state: Literal["captured", "unknown"]) -> None:
        """Note what was, or may have been, captured, so that finance can reverse it."""
        moment = datetime.fromtimestamp(exchange.wall_time or 0, UTC)
        self._note_capture(exchange.number or 0, reservation, moment, exchange.trip or "", state)

    def _note_capture(
        self, number: int, made: Reservation, moment: datetime, trip: str, state: Literal["captured", "unknown"]
    ) -> None:
        amount = str(made.amount) if made.known else f"{made.amount} (size unknown)"
        time_text = moment.isoformat(timespec="seconds")
        with self._lock:
            self.captures.append(Capture(number, trip, amount, made.currency, time_text, state))

    def _fresh(
        self, template: bytes, case: Case, index: int, held: _Held
    ) -> Callable[[], tuple[bytes, str | None]] | None:
        """How to send once more where a kept-alive connection turned out closed, or None where it may not be.

        The first sending may have charged: it stays counted, and the second needs a trip and a reservation of its own.
        """
        taken = held.taken
        if taken is None and held.trip is not None and not self.trips.reusable:
            return None

        def again() -> tuple[bytes, str | None]:
            if self.gate.halted:
                raise Halted
            charging = held.reservation is not None
            if taken is not None and self.trips.reusable:
                held.taken = None  # the same trip once more, kept from the others
            self._lose(held)
            if taken is not None:
                held.trip = held.taken = taken if self.trips.reusable else self.trips.take()
            body = fill_trip(template, held.trip) if held.trip is not None else template
            if charging:
                self._reserve(held, case, index, body)
            return body, held.trip

        return again

    def _note(self, client: Client, exchange: Exchange) -> tuple[str, str] | None:
        late = client.take_late_defect()
        with self._lock:
            self.closed_early += exchange.closed_early
            if late is not None:
                self.late_defects.setdefault(*late)
        return late

    def _path(self, probe: Probe) -> str:
        path = self.contract.path
        match probe.path:
            case "unknown":
                return path.rsplit("/", 1)[0] + "/no-such-operation"
            case "below":
                return path + "/no-such-part"
            case "trailing-slash":
                return path + "/"
            case "other-case":
                return path.rsplit("/", 1)[0] + "/" + path.rsplit("/", 1)[1].capitalize()
            case _:
                return path

    def _provoked(self, probe: Probe, unique: str) -> tuple[bytes, Headers]:
        """Body template and headers of the probe, with the profile's means of provoking laid over them."""
        provocation = self.profile.provoke.get(probe.provoke) if probe.provoke is not None else None
        if provocation is None:
            return probe.body, probe.headers
        headers = dict(provocation.headers)
        added = tuple((name, value.replace("${unique}", unique)) for name, value in headers.items())
        body = probe.body
        if provocation.body:
            merged = {**json.loads(body), **_filled(provocation.body, unique)}
            body = json.dumps(merged, separators=(",", ":")).encode()
        return body, probe.headers + added

    def _call(self, probe: Probe, when: str, unique: str) -> None:
        """Make the profile's call before or after a provoked request; its failure is told, never judged."""
        provocation = self.profile.provoke.get(probe.provoke) if probe.provoke is not None else None
        call = getattr(provocation, when, None) if provocation is not None else None
        if call is None:
            return
        client = Client(replace(self.endpoint, url=call.url.replace("${unique}", unique), headers=()))
        content = json.dumps(_filled(call.json_body, unique)).encode() if call.json_body is not None else b""
        exchange = client.send(
            call.method,
            "",
            (("Content-Type", "application/json"),) if content else (),
            content,
            case=f"{when}-call",
            probe=0,
            framing="length",
            accept=None,
        )
        client.close()
        if exchange.answer is None or exchange.answer.status >= 400:
            raise Unsent(f"the profile's `{when}` call to {call.url} failed")


def _filled(value: Any, unique: str) -> Any:
    """`value` with `${unique}` replaced in every string of it."""
    if isinstance(value, str):
        return value.replace("${unique}", unique)
    if isinstance(value, dict):
        return {key: _filled(inner, unique) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, unique) for inner in value]
    return value


def new_unique(case: Case) -> str:
    """A value for `${unique}`: one for each case, and none where nothing is provoked."""
    return secrets.token_hex(8) if any(probe.provoke is not None for probe in case.probes) else ""


__all__ = ["Halted", "Sender", "Sent", "Unsent", "new_unique"]
