"""A server that a request ends is waited for, and the request is named: also where it was answered before the end."""

from __future__ import annotations

import pytest

from benchmarks.runs import finished, planned
from conformance.exchange.model import Exchange, Failure
from conformance.mock.server import Mock
from conformance.send.sender import RETURN_S
from conformance.session import Machinery
from tests.support.direct import DirectClient, InlineExecutor, SimulatedClock

DEEP = b'"note":' + b"[" * 5_000 + b"]"
LAST = b'"note":' + b"[" * 20_000 + b"]"
NULL = b'"storeId":null'
RESTART_S = 3.0


class Server:
    """A process that ends at a request with `trigger`, and is there again after `restart_s` seconds."""

    def __init__(self, clock: SimulatedClock, trigger: bytes, *, answers: bool, restart_s: float, times: int) -> None:
        self.clock, self.trigger, self.answers, self.restart_s, self.times = clock, trigger, answers, restart_s, times
        self.gone_until = self.ends = 0

    @property
    def is_gone(self) -> bool:
        return self.clock.now() < self.gone_until

    def takes(self, body: bytes) -> bool:
        """Whether it ends because of this body."""
        if self.trigger not in body or self.ends >= self.times:
            return False
        self.ends += 1
        self.gone_until = self.clock.now() + self.restart_s
        return True


class EndingClient(DirectClient):
    """Finds the server gone. Its connection ends with the server; the next request needs a new one."""

    def __init__(self, endpoint, mock: Mock, clock: SimulatedClock, server: Server) -> None:
        super().__init__(endpoint, mock, clock)
        self.server, self.is_open, self.seen = server, False, 0

    def send(self, method, target_path, headers, body, **named) -> Exchange:
        server, self.found_gone = self.server, False
        request = self.endpoint.request(
            method, target_path, headers, body, case=named["case"], framing="length", accept=None
        )
        began, wall = self.clock.now(), self.clock.moment.timestamp()
        if server.is_gone:
            refused = Failure("refused", "127.0.0.1:1: Connection refused")
            return Exchange(named["case"], named["probe"], request, failure=refused, wall_time=wall, trip=named["trip"])
        exchange, kept = None, self.is_open and self.seen == server.ends
        if not server.takes(body) or server.answers:
            exchange = super().send(method, target_path, headers, body, **named)
        if server.is_gone and not server.answers:
            self.clock.seconds += 0.002
            self.found_gone = kept
        self.is_open, self.seen = exchange is not None and not server.is_gone, server.ends
        return exchange or Exchange(
            named["case"], named["probe"], request, failure=Failure("closed", "closed before a status line"),
            sent_at=began, answered_at=self.clock.now(), wall_time=wall, trip=named["trip"],
        )  # fmt: skip


def run_on(tmp_path, trigger: bytes, *, answers: bool, restart_s: float = RESTART_S, times: int = 10**9):
    clock = SimulatedClock()
    server = Server(clock, trigger, answers=answers, restart_s=restart_s, times=times)
    run, mock = planned(tmp_path / "out", "http://127.0.0.1"), Mock(hang_s=3.0, clock=clock.now)
    machinery = Machinery(
        lambda endpoint: EndingClient(endpoint, mock, clock, server), clock, lambda *_: InlineExecutor()
    )
    cases = [case for case in run.cases if case.id.startswith(("accept-", "body-deep", "body-after", "store-id"))]
    run.execute(cases, machinery=machinery)
    ran = finished(run)
    assert ran.judged_otherwise() == []
    assert ran.result.errors == ()
    return ran, server, clock


def named(ran) -> dict[str, tuple[int, int] | None]:
    """The cases that violate `answer.connection`, with how often they did where that was not each time."""
    return {
        case.case.id: each.unstable
        for case in ran.result.cases
        for each in case.judgements
        if (each.requirement, each.kind) == ("answer.connection", "breaks")
    }


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize(("trigger", "case"), [(DEEP, "body-deep"), (NULL, "store-id-null")])
def test_the_request_that_ends_the_server_is_named_and_no_other(tmp_path, trigger, case, answers):
    ran, server, _ = run_on(tmp_path, trigger, answers=answers)
    assert server.ends >= 2
    assert ran.broken == {"answer.connection"}
    assert named(ran) == {case: None}
    assert ran.result.stop == ""


def test_a_server_that_is_gone_for_good_during_a_request_violates_a_must(tmp_path):
    ran, _, clock = run_on(tmp_path, NULL, answers=False, restart_s=10**6)
    assert (ran.summary.verdict, ran.broken) == ("non-conformant", {"answer.connection"})
    assert set(named(ran)) == {"store-id-null"}
    assert ran.result.stop.endswith("Connection refused; it ended during a request of store-id-null")
    assert clock.now() < 1000 + 2 * RETURN_S


@pytest.mark.parametrize(("trigger", "case"), [(NULL, "store-id-null"), (LAST, "body-deep")])
def test_a_server_that_is_gone_for_good_after_an_answer_decides_nothing(tmp_path, trigger, case):
    """The last request of a run shows that the server is still there."""
    ran, _, clock = run_on(tmp_path, trigger, answers=True, restart_s=10**6)
    assert (ran.summary.verdict, ran.broken) == ("inconclusive", frozenset())
    assert ran.result.stop.endswith(f"Connection refused; it answered a request of {case} last")
    assert clock.now() < 1000 + 2 * RETURN_S


def test_a_restart_that_no_request_caused_is_no_violation(tmp_path):
    ran, server, _ = run_on(tmp_path, NULL, answers=True, times=1)
    assert (server.ends, ran.broken, ran.result.stop) == (1, frozenset(), "")
