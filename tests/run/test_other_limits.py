"""Rate limits that nothing provoked, in front of the server: obeyed, and told apart from the window that is judged."""

from __future__ import annotations

import pytest

from conformance.report.terminal import other_limit
from tests.fair.layers import OWN_TEXT, EveryNth, FixedWindow, TokenBucket
from tests.support.direct import SimulatedClock
from tests.support.runs import of_the_tables, run_directly

LIMITERS = {
    "bucket": lambda: TokenBucket(100, 10),
    "small-bucket": lambda: TokenBucket(50, 5),
    "window": lambda: FixedWindow(50),
    "every-third": lambda: EveryNth(3),
    "every-second": lambda: EveryNth(2),
    "one-a-second": lambda: TokenBucket(1, 1),
    "every-third-in-the-form-of-the-window": lambda: EveryNth(3, text=OWN_TEXT),
    "bucket-with-dates": lambda: TokenBucket(20, 5, dated=True),
}
SOME = ("opening", "acceptance", "answers", "store-id", "independence")


def run_behind(folder, limiter, *faults, only=lambda case: case.theme in SOME):
    return run_directly(folder / "run", *faults, only=only, front=limiter)


@pytest.mark.parametrize("name", LIMITERS)
def test_a_limiter_in_front_is_obeyed_and_never_a_finding(tmp_path, name):
    ran = run_behind(tmp_path, LIMITERS[name]())
    assert (ran.broken, ran.result.stop) == (frozenset(), "")
    assert [row.reason for row in ran.summary.cases if row.outcome in ("not-judged", "error")] == []
    assert ran.summary.verdict == "partial"  # only because of the selection
    assert ran.judged_otherwise() == []


@pytest.mark.parametrize("name", ["small-bucket", "every-third", "every-third-in-the-form-of-the-window"])
@pytest.mark.parametrize("fault", ["window-late", "window-understated"])
def test_a_window_that_lasts_too_long_is_found_behind_a_limiter(tmp_path, name, fault):
    ran = run_behind(tmp_path, LIMITERS[name](), fault)
    assert ran.broken == {"rate-limit.window-end"}


def test_a_limiter_that_refuses_often_makes_the_run_slower(tmp_path):
    """It takes about as long as at the rate of the limit, and few requests are refused."""
    clock = SimulatedClock()
    ran = run_directly(tmp_path / "run", only=of_the_tables, front=TokenBucket(20, 5), clock=clock)
    assert (ran.broken, ran.summary.verdict) == (frozenset(), "conformant")
    limit = ran.result.other_limit
    assert limit is not None
    assert limit.answers < ran.result.requests / 20
    assert 10 < limit.fitting <= 21
    assert clock.seconds - 1000 < ran.result.requests / 10
    assert other_limit(ran.result).startswith(
        f"Another limit answered {limit.answers} of {ran.result.requests} requests"
    )


def test_without_another_limit_nothing_is_said(tmp_path):
    ran = run_behind(tmp_path, TokenBucket(10**6, 10**6))
    assert ran.result.other_limit is None
    assert other_limit(ran.result) == ""
