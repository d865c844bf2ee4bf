"""A real rate limiter, met by a burst of requests that cannot charge."""

from __future__ import annotations

from conformance.mock.server import MockServer
from conformance.report.outcome import summarise
from conformance.run.offline import judge_record, sound_record
from conformance.run.plan import cost_of_plan
from conformance.run.prepare import Options, Run

LIMIT = 10
PROFILE = """
[target]
name = "A limiter"
environment = "local"
url = "http://127.0.0.1"
[data]
stores = ["store-001"]
currencies = ["USD"]
trips.generate = "uuid4"
[provoke.429]
kind = "limiter"
scope = "run"
burst = { requests = 30, per_second = 200 }
[limits]
max_wait_s = 5
"""


def run_against(folder, *faults, rate=f"{LIMIT}/s"):
    """Send the opening step and the burst, on a budget that has time to recover in between."""
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    with MockServer(faults=faults, rate=rate) as server:
        run = Run(Options(folder / "profile.toml", server.url, folder / "run"))
        run.make_folder()
        burst = "provoked-429-shared"
        run.execute([case for case in run.cases if case.id == burst or case.theme in ("opening", "acceptance")])
        book = list(server.mock.book)
    result = run.result()
    assert result.errors == ()
    return run, result, summarise(run.contract, result), book


def outcomes(summary, *words):
    return {row.requirement.id: row.outcome for row in summary.requirements if row.requirement.id in words}


def burst_of(result):
    return next(one for one in result.cases if one.case.id == "provoked-429-shared")


def test_a_limit_that_a_burst_meets_is_judged_to_its_end(tmp_path):
    run, result, summary, book = run_against(tmp_path)
    words = ("rate-limit.retry-after", "rate-limit.error-msg", "rate-limit.shared-window-end", "rate-limit.not-growing")
    told = outcomes(summary, *words)
    assert set(told.values()) == {"passed"}, told
    assert summary.verdict == "conformant"
    assert len(book) == 2  # the opening step, and the capture after the end of the window
    assert result.requests <= 2 + LIMIT + run.profile.limits.concurrency + 3
    again = summarise(run.contract, judge_record(sound_record(tmp_path / "run" / "record.jsonl"), run.contract))
    assert [row.outcome for row in again.requirements] == [row.outcome for row in summary.requirements]


def test_a_wrong_answer_of_the_limiter_is_found(tmp_path):
    _, _, summary, _ = run_against(tmp_path, "retry-after-missing")
    broken = [row.requirement.id for row in summary.requirements if row.outcome in ("failed", "warned")]
    assert broken == ["rate-limit.retry-after"]
    assert summary.verdict == "non-conformant"


def test_a_burst_that_meets_no_limit_says_so(tmp_path):
    _, result, summary, book = run_against(tmp_path, rate=None)
    assert burst_of(result).reason == "the profile's means did not provoke a 429 in 30 requests: answered 400"
    assert summary.verdict == "inconclusive"
    assert len(book) == 1


def test_the_plan_counts_every_request_of_a_burst_and_no_capture(tmp_path):
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    run = Run(Options(tmp_path / "profile.toml"))
    (case,) = (case for case in run.cases if case.id == "provoked-429-shared")
    cost = cost_of_plan(run.profile, [case])
    assert (cost.requests, cost.captures, cost.trips) == (33, 1, 1)
