"""Judging a record again gives the outcomes of the run, for any fault of the target, and opens no connection."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.contract import load_contract
from conformance.errors import UsageError
from conformance.exchange.event import Sent
from conformance.exchange.record import Recorder, read_record
from conformance.options import Options
from conformance.redact import Redactor
from conformance.report.outcome import summarise
from conformance.run.result import judge_record, sound_record
from conformance.session import Run
from tests.support.profiles import profile_text
from tests.support.runs import outcomes, run_directly, run_once

FAULTS = ["wire-reset", "first-time-500"]  # tests/suite compares all other faults


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    reset = run_once(folder / "reset", "wire-reset", depth="smoke")
    return {
        "": run_directly(folder / "clean"),
        "wire-reset": reset,
        "first-time-500": run_directly(folder / "first", "first-time-500"),
    }


def record_of(ran):
    return ran.run.out / "record.jsonl"


@pytest.mark.parametrize("name", FAULTS)
def test_the_outcomes_are_those_of_the_run(name, runs, monkeypatch):
    ran = runs[name]
    monkeypatch.setattr(socket, "socket", None)
    judged_again = judge_record(sound_record(record_of(ran)), ran.run.contract)
    assert outcomes(summarise(ran.run.contract, judged_again)) == outcomes(ran.summary)
    assert judged_again.requests == ran.result.requests


def test_a_run_that_could_not_judge(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    run = Run(Options(target=url, out=tmp_path), builtin=True)
    run.make_folder()
    run.execute(run.cases)
    result, judged_again = run.result(), judge_record(sound_record(tmp_path / "record.jsonl"), run.contract)
    assert "no connection" in judged_again.stop
    assert judged_again.stop == result.stop
    assert outcomes(summarise(run.contract, judged_again)) == outcomes(summarise(run.contract, result))


def judged(capsys, *arguments) -> tuple[int, str]:
    """Exit status and output of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["judge", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(ended.value.code), printed.out + printed.err


@pytest.fixture
def folder(runs, tmp_path):
    """The record of a clean run."""
    shutil.copy(record_of(runs[""]), tmp_path)
    return tmp_path


def with_results(folder, ran, **changed):
    rows = [
        {"id": row.requirement.id, "outcome": changed.get("requirement", row.outcome), "observed": row.observed}
        for row in ran.summary.requirements
    ]
    scope = {"depth": ran.result.depth, "selection": ran.result.selection}
    cases = [{"id": row.result.case.id, "outcome": row.outcome} for row in ran.summary.cases]
    (folder / "results.json").write_text(
        json.dumps({"run": {"id": "x"}, "scope": scope, "requirements": rows, "cases": cases})
    )


def test_the_command_reports_that_nothing_changed(folder, runs, capsys):
    with_results(folder, runs[""])
    status, text = judged(capsys, folder)
    assert (status, text.splitlines()[0]) == (0, runs[""].summary.headline)
    assert "no outcome changed" in text


def test_the_command_reports_changed_outcomes(folder, runs, capsys):
    with_results(folder, runs[""], requirement="failed")
    status, text = judged(capsys, folder / "record.jsonl")
    assert status == 0
    assert "better: requirement store-id.required: failed before, passed now" in text


def test_a_faulty_target_is_still_faulty(runs, capsys):
    status, text = judged(capsys, record_of(runs["wire-reset"]))
    assert status == 1
    assert "answer.connection" in text
    assert "nothing to compare" in text


def test_another_time_limit_changes_the_outcome(folder, tmp_path, capsys):
    profile = tmp_path / "p.toml"
    profile.write_text(profile_text("http://127.0.0.1:9", timeout_s=0.00001))
    status, text = judged(capsys, folder, "--profile", profile)
    assert status == 1
    assert "answer.in-time" in text


def test_a_record_cut_off_is_inconclusive(folder, capsys):
    record = folder / "record.jsonl"
    whole = record.read_bytes()
    record.write_bytes(whole[: len(whole) // 2])
    status, text = judged(capsys, folder)
    assert status == 3
    assert "cut off" in text


@pytest.mark.parametrize(
    ("change", "text_part"),
    [
        (lambda lines: lines[:5] + lines[6:], "line 6"),
        (lambda lines: [lines[0], lines[1].replace(b"USD", b"EUR"), *lines[2:]], "line 3"),
        (lambda lines: [*lines[:-1], lines[-1].replace(b'"interrupted":false', b'"interrupted":true')], "footer"),
        (lambda _: [b"something else\n"], "line 1"),
        (lambda lines: [lines[0].replace(b'"format":2', b'"format":7'), *lines[1:]], "format 7"),
        (lambda _: [b'{"number":0,"previous":"%b","kind":"header","format":2}\n' % EMPTY], "lacks"),
    ],
)
def test_a_bad_record_is_a_usage_error(folder, capsys, change, text_part):
    record = folder / "record.jsonl"
    record.write_bytes(b"".join(change(record.read_bytes().splitlines(keepends=True))))
    status, text = judged(capsys, folder)
    assert status == 2
    assert text_part in text
    assert "Traceback" not in text


def test_a_sound_chain_of_events_that_cannot_have_happened_is_a_usage_error(tmp_path, runs, capsys):
    """Written anew by the recorder itself, but for the purpose of one exchange."""
    record = read_record(record_of(runs[""]))
    known = ("number", "previous", "kind", "digest", "format")
    header, footer = (
        {key: value for key, value in row.items() if key not in known} for row in (record.header, record.footer)
    )
    first = next(event for event in record.events if isinstance(event, Sent) and event.intent is not None)
    file = Recorder(tmp_path / "record.jsonl", header, Redactor(()))
    for event in record.events:
        file.write(replace(event, purpose="confirm") if event is first else event)
    file.footer(footer)
    status, text = judged(capsys, tmp_path)
    assert status == 2
    assert "the record contradicts itself: " in text


DATA = Path(__file__).resolve().parents[1] / "data"


def test_the_record_of_version_0_1_0_is_refused_and_its_version_named(capsys):
    """Written by that version, which was never published: its format is not read any more."""
    status, text = judged(capsys, DATA / "record-format-1.jsonl")
    assert status == 2
    assert "the record has format 1; this version reads format 2 only; judge it with version 0.1.0" in text


def test_a_record_of_the_present_format_can_be_judged_by_every_later_version(capsys):
    """Written on the mock with the fault `code-lower-case`; a later format gets a file of its own beside it."""
    status, text = judged(capsys, DATA / "record-format-2.jsonl")
    assert (status, "failed: code.pattern in code-lower-case" in text) == (1, True)
    result = judge_record(sound_record(DATA / "record-format-2.jsonl"), load_contract())
    known = (DATA / "requirements.txt").read_text().split()  # a record cannot meet later requirements
    rows = summarise(load_contract(), result).cases
    assert {
        row.result.case.id: {
            judgement.requirement
            for judgement in row.result.judgements
            if judgement.kind == "breaks" and judgement.requirement in known
        }
        for row in rows
    } == {"store-id-missing": set(), "code-lower-case": {"code.pattern"}, "provoked-503": set()}
    assert "not-judged" not in {row.outcome for row in rows}


EMPTY = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_missing_record_is_a_usage_error(tmp_path, runs):
    with pytest.raises(UsageError, match="cannot be read"):
        judge_record(sound_record(tmp_path / "none"), runs[""].run.contract)
