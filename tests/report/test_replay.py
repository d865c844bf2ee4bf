"""`replay` sends a recorded case again, with its windows and chains, and says what became better or worse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.runs import SHARED_WINDOW
from conformance.errors import UsageError
from conformance.exchange.record import read_record
from conformance.mock.faults import FAULTS
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.report.outcome import summarise
from conformance.report.replay import Comparison, compared, recorded_case, sent_again
from conformance.run.result import judge_record, sound_record
from conformance.run.whole_run import WHOLE_RUN
from conformance.session import Run
from tests.support.runs import of_the_tables, planned


@pytest.fixture(scope="module")
def server():
    with MockServer() as running:
        yield running


def recorded(server: MockServer, out: Path, fault: str, *themes: str) -> Path:
    """The record of a run of these themes against the mock with this fault."""
    server.use(fault)
    run = planned(out, server.url, fault)
    run.execute([case for case in run.cases if case.theme in ("opening", "acceptance", *themes) and not case.strategy])
    return out / "record.jsonl"


def replayed(server: MockServer, record: Path, case_id: str, out: Path, profile: Path | None = None) -> Comparison:
    sound = sound_record(record)
    run = Run(Options(profile=profile, target=server.url, out=out, depth="standard"))
    case = recorded_case(run, sound, case_id)
    return compared(run, case, judge_record(sound, run.contract), sent_again(run, case))


@pytest.mark.parametrize(
    ("fault", "theme", "case", "violated"),
    [
        ("store-missing", "store-id", "store-id-missing", "store-id.required"),
        ("window-late", "answers", "provoked-429-window", "rate-limit.window-end"),
        ("refused-after-bad", "independence", "independence-after-bad-store", "answer.independent"),
        ("every-third-refused", "independence", "independence-identical", "answer.independent"),
    ],
)
def test_a_replay_shows_the_violation_again_and_that_it_is_gone(fault, theme, case, violated, server, tmp_path):
    record = recorded(server, tmp_path / "run", fault, theme)
    server.use(fault)
    again = replayed(server, record, case, tmp_path / "again")
    assert (again.word, again.status) == ("same", 1)
    assert again.lines[0].startswith(f"still violated: {violated} at ")
    server.use()
    repaired = replayed(server, record, case, tmp_path / "repaired")
    assert (repaired.word, repaired.status) == ("better", 0)
    assert repaired.lines == (f"no longer violated: {violated}",)
    assert read_record(tmp_path / "repaired" / "record.jsonl").broken == ""


@pytest.mark.skipif("CONFORMANCE_EVERY_LINE" not in os.environ, reason="slow: tox -e pages")
@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if not fault.one_exchange])
def test_a_replay_shows_each_fault_that_one_request_cannot_show(fault, server, tmp_path):
    server.use(fault)
    run = planned(tmp_path / "run", server.url, fault)
    run.execute([case for case in run.cases if of_the_tables(case)])
    rows = summarise(run.contract, run.result()).cases
    failed = [row.result.case for row in rows if row.outcome in ("failed", "warned")]
    case = next((case for case in failed if case.id not in WHOLE_RUN), None)
    if case is None:  # the page says that these are judged over all requests of a run
        assert failed
        return
    (tmp_path / "profile.toml").write_text(SHARED_WINDOW)
    profile = tmp_path / "profile.toml" if FAULTS[fault].scope == "run" else None
    server.use(fault)
    assert replayed(server, tmp_path / "run" / "record.jsonl", case.id, tmp_path / "again", profile).word == "same"


def test_a_replay_shows_what_became_worse(server, tmp_path):
    record = recorded(server, tmp_path / "run", "store-missing", "store-id")
    server.use("store-missing", "trip-missing", "success-null")
    worse = replayed(server, record, "accept-store-1", tmp_path / "again")
    assert (worse.word, worse.status) == ("worse", 1)
    assert worse.lines[0].startswith("now violated: success.empty-body at body: expected 0 bytes, received ")


def test_a_replay_without_an_answer_says_so(server, tmp_path):
    record = recorded(server, tmp_path / "run", "store-missing", "store-id")
    with MockServer() as stopped:
        pass
    found = replayed(stopped, record, "store-id-missing", tmp_path / "again")
    assert (found.word, found.status) == ("not judged", 3)
    assert found.lines[0].startswith("no connection to the server")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("store-id-mising", r"did you mean store-id-missing\?"),
        ("run-equal-answers", "judged over all requests of a run"),
        ("provoked-429-shared", "has no request of such a case"),
    ],
)
def test_a_case_that_cannot_be_sent_alone_is_refused(case, words, server, tmp_path):
    record = sound_record(recorded(server, tmp_path / "run", "store-missing", "store-id", "answers", "whole-run"))
    run = Run(Options(target=server.url, out=tmp_path / "again"), builtin=True)
    with pytest.raises(UsageError, match=words):
        recorded_case(run, record, case)
