"""Send one probe of a case: trip, money, provocation, record, and waiting when the target asks to. Never judges."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
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
from conformance.run.gate import Gate, Halted
from conformance.run.model import Capture
from conformance.run.money import Ledger, Reservation, cost_of
from conformance.run.notes import meta
from conformance.run.trips import TripSource

RESENDS = 2
REFUSED_IN_A_ROW = 5
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Unsent(Exception):
    """The probe was not sent; the message is the reason, met during the run."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one probe led to: the exchange that counts, and those that were refused in passing before it."""

    exchange: Exchange
    in_passing: tuple[Exchange, ...] = ()
    charged: str = "no"
    stayed_refused: bool = False


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
        self._lock = threading.Lock()
        self._refused_in_a_row = 0
        self._pauses = 0

    def client(self) -> Client:
        """A new client, with a connection of its own."""
        return Client(self.endpoint)

    def send(self, client: Client, case: Case, index: int, *, unique: str, trip: str | None = None) -> Sent:
        """Send probe `index` of `case`; `trip` is the one to use again. Raises `Unsent` or `Halted`."""
        probe = case.probes[index]
        in_passing: list[Exchange] = []
        for attempt in range(1, RESENDS + 2):
            exchange, charged = self._once(client, case, index, unique, trip, attempt)
            status = exchange.answer.status if exchange.answer else None
            if status not in (429, 503) or probe.provoke is not None:
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
        template, headers = self._provoked(probe, unique)
        body = fill_trip(template, trip) if trip is not None else template
        may_charge = probe.method not in SAFE_METHODS
        reservation = None
        try:
            with self.gate.passage(exempt=probe.provoke is not None):
                if may_charge:
                    currency, amount, known = cost_of(body, self.profile)
                    reservation = self.ledger.reserve(case.id, currency, amount, trip=trip or "", known=known)
                    if reservation is None:
                        raise Unsent("the money budget is spent")
                    self.recorder.intent(
                        {"case": case.id, "probe": index, "trip": trip, "amount": str(amount), "currency": currency}
                    )
                with self._lock:
                    self.requests += 1
                self._call(probe, "before", unique)
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
                    retry_closed=self._fresh(template, probe, trip, taken),
                )
                self._call(probe, "after", unique)
        except BaseException:
            if reservation is not None:
                self.ledger.settle(reservation, None)
            raise
        status = exchange.answer.status if exchange.answer else None
        state = self.ledger.settle(reservation, status) if reservation is not None else "released"
        if taken is not None:
            self.trips.give_back(exchange.trip or taken, status)
        late = self._note(client, exchange)
        exchange = replace(exchange, number=self.recorder.exchange(exchange, meta(probe, late)))
        if reservation is not None and state in ("captured", "unknown"):
            self._charge(exchange, reservation, "captured" if state == "captured" else "unknown")
        return exchange, {"captured": "yes", "unknown": "unknown"}.get(state, "no")

    def _charge(self, exchange: Exchange, reservation: Reservation, state: Literal["captured", "unknown"]) -> None:
        """Note what was, or may have been, captured, so that finance can reverse it."""
        moment = datetime.fromtimestamp(exchange.wall_time or 0, UTC).isoformat(timespec="seconds")
        amount = str(reservation.amount) if reservation.known else f"{reservation.amount} (size unknown)"
        capture = Capture(exchange.number or 0, exchange.trip or "", amount, reservation.currency, moment, state)
        with self._lock:
            self.captures.append(capture)

    def _fresh(
        self, template: bytes, probe: Probe, trip: str | None, taken: str | None
    ) -> Callable[[], tuple[bytes, str | None]] | None:
        """How to send once more where a kept-alive connection turned out closed: with a fresh trip, or not at all."""
        if probe.trip == "none":
            return lambda: (template, None)
        if taken is None:
            return (lambda: (fill_trip(template, trip), trip)) if trip and self.trips.reusable else None

        def fresh() -> tuple[bytes, str | None]:
            other = self.trips.take()
            return fill_trip(template, other), other

        return fresh

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


def new_unique() -> str:
    """A value for `${unique}`: one for each case."""
    return secrets.token_hex(8)


__all__ = ["Halted", "Sender", "Sent", "Unsent", "new_unique"]
