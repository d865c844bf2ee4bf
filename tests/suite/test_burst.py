"""A real rate limiter, reached by a burst of requests that cannot charge, and reached in passing."""

from __future__ import annotations

from benchmarks.runs import SHARED_WINDOW
from conformance.mock.faults import FAULTS
from conformance.mock.faults.model import Fault, on
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.report.outcome import summarise
from conformance.run.plan import cost_of_plan
from conformance.run.result import judge_record, sound_record
from conformance.session import Run

LIMIT = 10
PROFILE = SHARED_WINDOW.replace('headers = { "X-Provoke" = "429" }', "burst = { requests = 30, per_second = 200 }")


def run_against(folder, *faults, rate=f"{LIMIT}/s"):
    """Send the opening and the burst to a mock with these faults, given by name or as a value."""
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    with MockServer(rate=rate) as server:
        server.mock.faults = tuple(fault if isinstance(fault, Fault) else FAULTS[fault] for fault in faults)
        run = Run(Options(folder / "profile.toml", server.url, folder / "run"))
        run.make_folder()
        burst = "provoked-429-shared"
        run.execute([case for case in run.cases if case.id == burst or case.theme in ("opening", "acceptance")])
        book = list(server.mock.captures)
    result = run.result()
    assert result.errors == ()
    return run, result, summarise(run.contract, result), book


def outcomes(summary, *requirement_ids):
    return {row.requirement.id: row.outcome for row in summary.requirements if row.requirement.id in requirement_ids}


def same_offline(folder, run, summary):
    offline = summarise(run.contract, judge_record(sound_record(folder / "run" / "record.jsonl"), run.contract))
    return [row.outcome for row in offline.requirements] == [row.outcome for row in summary.requirements]


def burst_of(result):
    return next(case for case in result.cases if case.case.id == "provoked-429-shared")


def test_a_window_opened_by_a_burst_is_judged_to_its_end(tmp_path):
    run, result, summary, book = run_against(tmp_path)
    requirement_ids = (
        "rate-limit.retry-after",
        "rate-limit.error-msg",
        "rate-limit.shared-window-end",
        "rate-limit.not-growing",
    )
    reported = outcomes(summary, *requirement_ids)
    assert set(reported.values()) == {"passed"}, reported
    assert summary.verdict == "partial"  # only because of the selection
    assert len(book) == 2  # the opening, and the capture after the end of the window
    assert result.requests <= 2 + LIMIT + run.profile.limits.concurrency + 3
    assert burst_of(result).reason == ""
    assert same_offline(tmp_path, run, summary)


def slow_refusal(reply):
    reply.delay = 0.1


def test_later_answers_to_earlier_requests_do_not_hide_the_limit(tmp_path):
    """A gateway answers 429 fast; answers of the application to earlier requests arrive later."""
    slow = Fault("slow-400", "A 400 takes 100 ms.", benign=True, answer=on(400, slow_refusal))
    run, result, summary, _ = run_against(tmp_path, slow, "retry-after-missing")
    burst = burst_of(result)
    assert burst.reason == "Retry-After could not be read, so the end of the window is unknown"
    assert outcomes(summary, "rate-limit.retry-after") == {"rate-limit.retry-after": "failed"}
    assert burst.evidence[0].status == 429
    assert same_offline(tmp_path, run, summary)


def test_a_burst_that_was_cut_short_decides_nothing(tmp_path):
    """The run ends during the burst: the limit is not judged, neither then nor when the record is judged again."""
    (tmp_path / "profile.toml").write_text(PROFILE.replace("requests = 30", "requests = 1000"), encoding="utf-8")
    replies = []

    def stop(reply):
        replies.append(reply)
        if len(replies) == 20:
            run.pace.halt("enough")

    with MockServer() as server:
        server.mock.faults = (Fault("stops", "The twentieth 400 is the last.", benign=True, answer=on(400, stop)),)
        run = Run(Options(tmp_path / "profile.toml", server.url, tmp_path / "run"))
        run.make_folder()
        run.execute([case for case in run.cases if case.id == "provoked-429-shared" or case.theme == "acceptance"])
    summary = summarise(run.contract, run.result())
    assert 20 <= run.result().requests < 40
    burst = burst_of(run.result())
    assert [judgement for judgement in burst.judgements if judgement.requirement.startswith("rate-limit.")] == []
    assert (burst.sent, burst.reason) == (0, "enough")
    assert same_offline(tmp_path, run, summary)


def test_a_wrong_answer_of_the_limiter_is_found(tmp_path):
    _, _, summary, _ = run_against(tmp_path, "retry-after-missing")
    violated = [row.requirement.id for row in summary.requirements if row.outcome in ("failed", "warned")]
    assert violated == ["rate-limit.retry-after"]
    assert summary.verdict == "non-conformant"


def test_a_burst_that_meets_no_limit_has_a_reason(tmp_path):
    _, result, summary, book = run_against(tmp_path, rate=None)
    assert (
        burst_of(result).reason
        == "The profile's way of triggering a 429 did not work in 30 requests: the server answered 400"
    )
    assert summary.verdict == "inconclusive"
    assert len(book) == 1


def test_the_plan_counts_every_request_of_a_burst_and_no_capture(tmp_path):
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    run = Run(Options(tmp_path / "profile.toml"))
    (case,) = (case for case in run.cases if case.id == "provoked-429-shared")
    cost = cost_of_plan(run.profile, [case])
    assert (cost.requests, cost.captures, cost.trips) == (33, 1, 1)


def test_a_limit_met_in_passing_is_waited_out_before_another_status_is_provoked(tmp_path):
    """The opening uses up the limit."""
    with MockServer(rate="2/3s") as server:
        run = Run(Options(target=server.url, out=tmp_path / "run"), builtin=True)
        run.make_folder()
        opening = [case for case in run.cases if case.id == "accept-store-1"]
        run.execute([*opening, *(case for case in run.cases if case.id == "provoked-500")])
    summary = summarise(run.contract, run.result())
    assert outcomes(summary, "server-error.error-msg") == {"server-error.error-msg": "passed"}
    assert outcomes(summary, "rate-limit.retry-after") == {"rate-limit.retry-after": "passed"}
    assert same_offline(tmp_path, run, summary)


def test_an_inconclusive_run_has_a_reason(tmp_path):
    _, _, summary, _ = run_against(tmp_path, rate=None)
    assert summary.why.startswith("rate-limit.")
    assert "triggering a 429 did not work in 30 requests" in summary.why
