"""A target that is slow for everything is named early, and a silent one ends the run soon."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from benchmarks.runs import finished, planned
from conformance.exchange.model import Answer, Exchange, Failure
from conformance.mock.server import Mock
from conformance.run.progress import NullProgress
from conformance.run.speed import Speed
from conformance.session import Machinery
from tests.support.direct import DirectClient, InlineExecutor, SimulatedClock

OK = Answer(200, (("Content-Length", "0"),), b"")


class SlowClient(DirectClient):
    """Answers as the mock does after some seconds, or not at all."""

    def __init__(self, endpoint, mock, clock, answer_s: float) -> None:
        super().__init__(endpoint, mock, clock)
        self.answer_s = answer_s

    def send(self, *arguments, **named) -> Exchange:
        began = self.clock.now()
        self.clock.seconds += min(self.answer_s, self.endpoint.timeout_s)
        if self.answer_s > self.endpoint.timeout_s:
            request = self.endpoint.request("POST", "/", (), b"", case=named["case"], framing="length", accept=None)
            failure = Failure("timeout", "no answer within the time limit")
            return Exchange(named["case"], named["probe"], request, failure=failure, sent_at=began, trip=named["trip"])
        return replace(super().send(*arguments, **named), sent_at=began)


class Said(NullProgress):
    """The texts of a progress."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def waiting(self, text: str) -> None:
        self.texts.append(text)


def run_slowly(tmp_path, answer_s: float):
    """A run that sends one request after the other."""
    clock, said = SimulatedClock(), Said()
    run = planned(tmp_path / "out", "http://127.0.0.1", depth="smoke", concurrency=1)
    mock = Mock(hang_s=3.0, clock=clock.now)
    machinery = Machinery(
        lambda endpoint: SlowClient(endpoint, mock, clock, answer_s), clock, lambda *_: InlineExecutor()
    )
    run.execute(run.cases, said, machinery)
    return finished(run), said.texts


def test_a_target_that_answers_nothing_ends_the_run_after_the_opening_step(tmp_path):
    ran, said = run_slowly(tmp_path, 11.0)
    assert "the server gave no answer within 10 s (5 requests in a row)" in ran.result.stop
    assert ran.result.requests == 5
    assert "answer.in-time" in ran.broken
    assert "answers did not come within 10 s" in said[0]
    assert ran.judged_otherwise() == []


def test_a_slow_target_is_named_early_and_tested_completely(tmp_path):
    ran, said = run_slowly(tmp_path, 4.0)
    slow = [text for text in said if "min left" in text]
    assert "3 of " in slow[0]
    assert "an answer takes 4.0 s, 1 at a time" in slow[0]
    assert 1 <= len(slow) <= 6
    assert (ran.result.stop, ran.broken) == ("", frozenset())


def test_a_fast_target_is_not_named(tmp_path):
    _, said = run_slowly(tmp_path, 0.01)
    assert not [text for text in said if "min left" in text]


def test_the_rate_is_a_reason(tmp_path):
    limits = copy(planned(tmp_path / "out", "http://127.0.0.1").profile.limits)
    busy = Speed(740, limits, 0.0)
    speed = Speed(740, limits.model_copy(update={"requests_per_second": 2.0}), 0.0)
    exchange = Exchange("c", 0, None, OK, sent_at=0.0, answered_at=0.1)
    said = [speed.take(exchange, now / 2) for now in range(1, 200)]
    assert "this machine is busy" in next(filter(None, (busy.take(exchange, now / 2) for now in range(1, 200))))
    text = next(text for text in said if text)
    assert text.startswith("20 of 740 requests in 10 s, about 6 min left: ")
    assert text.endswith("at most 2 requests a second are sent")
