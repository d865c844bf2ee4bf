"""`--max-time` ends a run in order, however a limiter on the way draws it out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.runs import SHELF, Ran, finished, planned
from conformance.mock.server import Mock
from conformance.report.outcome import exit_status
from tests.fair.layers import EveryNth, put_before
from tests.support.direct import SimulatedClock, on_mock


def limited(out: Path, *faults: str, **options: str) -> tuple[Ran, float]:
    """A run behind a limiter that refuses every third request, and the seconds that it took."""
    clock = SimulatedClock()
    began = clock.now()
    mock = Mock([SHELF[name] for name in faults], hang_s=3.0, clock=clock.now)
    put_before(mock, EveryNth(3))
    run = planned(out, "http://127.0.0.1", *faults, depth="smoke", **options)
    run.execute(run.cases, machinery=on_mock(mock, clock))
    return finished(run), clock.now() - began


def status(ran: Ran) -> int:
    return exit_status(ran.summary, ran.result, require_complete=False, fail_on_warning=False)


@pytest.mark.parametrize(("fault", "expected"), [([], 3), (["bad-request-text-plain"], 1)])
def test_what_was_judged_until_then_counts(tmp_path, fault, expected):
    ran, seconds = limited(tmp_path / "out", *fault, max_time="10s")
    whole, whole_seconds = limited(tmp_path / "whole", *fault)
    assert seconds == pytest.approx(10, abs=1)
    assert whole_seconds > 15
    assert ran.result.stop == "--max-time 10s is over"
    assert (status(ran), status(whole)) == (expected, expected if fault else 0)
    assert ran.broken <= whole.broken
    assert any(row.outcome == "passed" for row in ran.summary.requirements)
    assert not ran.result.interrupted
    assert not ran.judged_otherwise()


def test_a_run_that_ends_before_is_whole(tmp_path):
    ran, seconds = limited(tmp_path / "out", max_time="90m")
    assert seconds < 5400
    assert (ran.result.stop, status(ran)) == ("", 0)
