"""Whole runs that call the mock directly: in one thread, with a simulated clock and without sockets.

The suite's own engine, sender, record and judges run as usual. Only the client is replaced: it passes each request to
`Mock.reply` and reads the bytes that a server would send with the suite's own reader. Faults of the connection itself
(drops, resets, stray bytes) cannot occur here: they raise `NeedsWire`.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from threading import Event

from conformance.exchange.model import Exchange, Failure
from conformance.exchange.wire import parse
from conformance.mock.exchange import Inquiry, Reply
from conformance.mock.server import Mock
from conformance.send.pace import Clock
from conformance.session import Machinery

LATENCY_S = 0.0005
_NO_CONTENT = (204, 304)


class NeedsWire(BaseException):
    """The fault needs a real connection."""


class SimulatedClock(Clock):
    """A clock that only moves when a request is answered and when the run waits."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.began = datetime.now(UTC) - timedelta(seconds=self.seconds)

    def now(self) -> float:
        return self.seconds

    def wait(self, event: Event, seconds: float) -> bool:
        self.seconds += max(0.0, seconds)
        return event.is_set()

    @property
    def moment(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)


class InlineExecutor(Executor):
    """Runs submitted work immediately, in the same thread."""

    def submit(self, work, /, *arguments, **named):
        future: Future = Future()
        try:
            future.set_result(work(*arguments, **named))
        except BaseException as error:
            if isinstance(error, (NeedsWire, KeyboardInterrupt)):
                raise
            future.set_exception(error)
        return future


class DirectClient:
    """Replaces the client of a run."""

    _numbers = count(1)

    def __init__(self, endpoint, mock: Mock, clock: SimulatedClock) -> None:
        self.endpoint, self.mock, self.clock = endpoint, mock, clock
        self.name = f"connection {next(self._numbers)}"

    def send(
        self, method, target_path, headers, body, *, case, probe, framing="length", accept=None, trip=None, **_
    ) -> Exchange:
        request = self.endpoint.request(method, target_path, headers, body, case=case, framing=framing, accept=accept)
        fields = [(name.lower(), value) for name, value in request.headers if name != "User-Agent"]
        sent_at, wall = self.clock.now(), self.clock.moment.timestamp()
        inquiry = Inquiry(method, target_path, fields, body, self.name, self.mock.memory, self.mock.hang_s)
        reply = self.mock.reply(inquiry)
        if reply.wire:
            raise NeedsWire(reply.wire)
        pauses = reply.pause * max(0, reply.chunks - 1)
        if reply.delay + pauses > self.endpoint.timeout_s:
            self.clock.seconds += self.endpoint.timeout_s
            failure = Failure("timeout", "no answer within the time limit")
            return Exchange(case, probe, request, failure=failure, sent_at=sent_at, wall_time=wall, trip=trip)
        self.clock.seconds += LATENCY_S + reply.delay + pauses
        raw = self.written(reply, method)
        parsed = parse(raw, method, ended=False)
        return Exchange(
            case, probe, request, parsed.answer, parsed.failure, parsed.defects, raw, sent_at, self.clock.now(), wall,
            1, trip=trip,
        )  # fmt: skip

    def written(self, reply: Reply, method: str) -> bytes:
        """The bytes that a server would send."""
        fields = [("date", format_datetime(self.clock.moment, usegmt=True)), *reply.headers]
        body = reply.body
        if reply.chunks:
            size = max(1, -(-len(body) // reply.chunks))
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            fields.append(("transfer-encoding", "chunked"))
        elif reply.status not in _NO_CONTENT and reply.get("content-length") is None:
            fields.append(("content-length", str(len(body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")
        without = method == "HEAD" or reply.status in _NO_CONTENT
        return b"HTTP/1.1 %d OK\r\n%b\r\n%b" % (reply.status, head, b"" if without else body)

    found_gone = False

    def take_late_defect(self) -> None:
        return None

    def close(self, stray_wait_s: float = 0.0) -> None: ...

    def abort(self) -> None: ...


def on_mock(mock: Mock, clock: SimulatedClock) -> Machinery:
    """The client, clock and executor of a run that calls `mock` directly."""
    return Machinery(lambda endpoint: DirectClient(endpoint, mock, clock), clock, lambda *_: InlineExecutor())
