"""Runs behind limiters, measured at the server: the rate is kept, windows are respected, and the verdicts stay the same.

`tox -e polite` makes all runs; the ordinary tests make a sample.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.runs import SHELF, Ran, finished, planned
from conformance.exchange.record import read_record
from conformance.exchange.retry_after import announced_delay
from conformance.mock.exchange import Inquiry, Reply
from conformance.mock.server import MockServer
from tests.fair.layers import EveryNth, FixedWindow, Layer, Next, SlidingWindow, TokenBucket, put_before

UNDERWAY_S, LATENCY_S = 0.3, 0.05
"""How long a request may be underway that was sent before the announcement was read, and an announcement itself."""


class Setup(NamedTuple):
    """A run: the limiters, the profile's own rate, concurrency, depth, and a fault that is found behind them."""

    limiters: Callable[[], tuple[Layer, ...]] = tuple
    rate: float | None = None
    concurrency: int = 8
    depth: str = "smoke"
    fault: str = ""


SETUPS = {
    "own-rate-20": Setup(rate=20),
    "own-rate-50": Setup(rate=50, fault="code-lower-case"),
    "own-rate-100": Setup(rate=100, depth="standard"),
    "own-rate-of-the-limiter-20": Setup(lambda: (SlidingWindow(20),), rate=20),
    "own-rate-of-the-limiter-50": Setup(lambda: (SlidingWindow(50),), rate=50, concurrency=4, depth="standard"),
    "own-rate-of-the-limiter-100": Setup(lambda: (SlidingWindow(100),), rate=100),
    "every-third-1": Setup(lambda: (EveryNth(3),), concurrency=1),
    "every-third-4": Setup(lambda: (EveryNth(3),), concurrency=4, fault="bad-request-text-plain"),
    "every-third-8": Setup(lambda: (EveryNth(3),)),
    "every-third-dated": Setup(lambda: (EveryNth(3, dated=True),)),
    "five-a-second-1": Setup(lambda: (TokenBucket(5, 5),), concurrency=1),
    "five-a-second-4": Setup(lambda: (TokenBucket(5, 5),), concurrency=4),
    "five-a-second-8": Setup(lambda: (TokenBucket(5, 5),), fault="store-missing"),
    "five-in-a-window": Setup(lambda: (FixedWindow(5),)),
    "five-in-any-second": Setup(lambda: (SlidingWindow(5),), concurrency=4, fault="success-201"),
    "fifty-in-a-window": Setup(lambda: (FixedWindow(50),), depth="standard"),
    "bucket-100": Setup(lambda: (TokenBucket(100, 10),), depth="standard", fault="code-lower-case"),
    "sixty-in-any-second": Setup(lambda: (SlidingWindow(60),), depth="standard", concurrency=4),
    "two-limiters": Setup(lambda: (TokenBucket(50, 10), FixedWindow(20, text="edge"))),
    "every-third-and-own-rate": Setup(lambda: (EveryNth(3),), rate=50),
}
DECIDED = ("passed", "failed", "warned")
SAMPLE = ("own-rate-of-the-limiter-100",)


class Seen(NamedTuple):
    """One request at the server: when it came, whether it is about a provoked window, and the answer's delay."""

    moment: float
    provoking: bool
    case: str
    delay: float | None


@dataclass
class Log(Layer):
    """Notes each request before the limiters get it."""

    seen: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, inquiry: Inquiry, behind: Next) -> Reply:
        moment = self.clock()
        reply = behind(inquiry)
        provoking = inquiry.get("x-provoke") == "429"
        value = reply.get("retry-after") if reply.status == 429 else None
        delay = float(value) if value is not None and value.isdigit() else None
        with self.lock:
            self.seen.append(Seen(moment, provoking, inquiry.get("user-agent") or "", delay))
        return reply


def run(out: Path, setup: Setup, limiters: tuple[Layer, ...]) -> tuple[Ran, list[Seen]]:
    log = Log()
    with MockServer(faults=[SHELF[setup.fault]] if setup.fault else []) as server:
        put_before(server.mock, *limiters, log)
        planned_run = planned(out, server.url, *([setup.fault] if setup.fault else []), depth=setup.depth)
        limits = {"requests_per_second": setup.rate, "concurrency": setup.concurrency, "max_wait_s": 5.0}
        planned_run.profile = planned_run.profile.model_copy(
            update={"limits": planned_run.profile.limits.model_copy(update=limits)}
        )
        planned_run.execute(planned_run.cases)
    return finished(planned_run), log.seen


def most_in_a_second(moments: list[float]) -> int:
    """The most of these moments within any second."""
    moments = sorted(moments)
    return max(sum(first <= moment < first + 1 for moment in moments[at:]) for at, first in enumerate(moments))


def within_windows(ran: Ran, seen: list[Seen]) -> list[str]:
    """The requests that came within the window of a limiter, and after the run had read its announcement.

    Server and run are one process here, so that both have the same clock.
    """
    wrong = []
    for sent in read_record(ran.run.out / "record.jsonl").sent:
        answer, read = sent.exchange.answer, sent.exchange.answered_at
        if answer is None or answer.status != 429 or read is None or sent.probe.provoke == 429:
            continue
        end = read + (announced_delay(answer, sent.exchange.wall_time) or 0.0)
        late = [each for each in seen if read + UNDERWAY_S < each.moment < end - LATENCY_S and not each.provoking]
        wrong += [f"{each.case}: {end - each.moment:.2f} s before the end of a window" for each in late]
    return wrong


def outcomes(ran: Ran) -> dict[str, str]:
    """The outcomes that say whether a requirement is met."""
    return {row.requirement.id: row.outcome for row in ran.summary.requirements if row.outcome in DECIDED}


@pytest.mark.parametrize("name", SETUPS if "POLITE" in os.environ else SAMPLE)
def test_a_run_is_polite(tmp_path, record_property, name):
    setup = SETUPS[name]
    limiters = setup.limiters()
    ran, seen = run(tmp_path / "out", setup, limiters)
    free, _ = run(tmp_path / "free", setup._replace(rate=None), ())
    paced = [each.moment for each in seen if not each.provoking]
    most, refused = most_in_a_second(paced), sum(each.delay is not None and not each.provoking for each in seen)
    seconds = seen[-1].moment - seen[0].moment
    print(
        f"{name:<30}{len(seen):>6} requests{refused:>5} refused{most:>5} a second{seconds:>7.1f} s  {ran.summary.verdict}"
    )
    assert within_windows(ran, seen) == []
    assert setup.rate is None or most <= setup.rate
    assert ran.summary.verdict == free.summary.verdict == ("non-conformant" if setup.fault else free.summary.verdict)
    alone, limited = outcomes(free), outcomes(ran)
    mandatory = {row.requirement.id for row in free.summary.requirements if row.requirement.level == "MUST"}
    # Another limiter may lawfully hide from a run what a SHOULD says about the provoked window.
    assert mandatory & set(alone) <= set(limited)
    assert {each: limited[each] for each in alone if each in limited} == {
        each: alone[each] for each in alone if each in limited
    }
    assert name.startswith("own-rate-of") <= (refused == 0)
