"""The terminal: a short plain summary, no control sequences in a pipe or in CI, and a progress bar on a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from conformance.cases.model import Case
from conformance.contract import load_contract
from conformance.judge.model import breaks
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.findings import Finding, Violation
from conformance.report.outcome import summarise
from conformance.report.terminal import Progress, print_lines, summary_lines
from conformance.run.model import CaseResult, RunResult

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile", "interrupted", "refused", "elsewhere"])
def test_the_summary_is_short_and_plain(kind, request):
    done = request.getfixturevalue(kind)
    lines = done.stdout.splitlines()
    assert re.match(
        r"(conformant|non-conformant|inconclusive), \d+ of \d+ mandatory requirements tested \(standard\)$", lines[0]
    )
    assert len(lines) <= 40
    assert lines[-1].startswith("Files: out/report.html, results.json, junit.xml, record.jsonl, evidence.har")
    assert not CONTROLS.search(done.stdout)
    assert not CONTROLS.search(done.stderr)
    assert len(done.stderr.splitlines()) <= 2 + 120 / 5


def test_the_worst_findings_are_shown_in_full(faulty):
    text = faulty.stdout
    assert "may charge" in text.split("\n\n")[0]
    first = text.split("\n\n")[1].splitlines()
    assert re.match(r"MUST [a-z.-]+: .+\.$", first[0])
    assert re.match(r"  at        .+, case [a-z0-9-]+.*; contract page: ", first[1])
    assert re.match(r"  sent      POST /v1/capture/charge \{", first[2])
    assert re.match(r"  expected  .", first[3])
    assert re.match(r"  received  .", first[4])
    assert "curl " in first[5]


def test_each_file_that_it_names_exists(faulty):
    names = re.split(r", ", faulty.stdout.splitlines()[-1].removeprefix("Files: out/"))
    assert names[-1] == "repro/"
    assert all((faulty.out / name).exists() for name in names)


def in_a_terminal(target: str, cwd, **more: str) -> str:
    """What a run writes to a pseudo-terminal."""
    from .conftest import ENVIRONMENT, command

    master, slave = pty.openpty()
    running = subprocess.Popen(
        command("run", "--out", "out", "--depth", "smoke", "--target", target),
        cwd=cwd, env={**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "100", **more}, stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    parts = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(master)
    assert running.wait(60) == 0
    return b"".join(parts).decode()


@pytest.fixture(scope="module")
def target():
    from conformance.mock.server import MockServer

    with MockServer() as server:
        yield server.url


def test_a_terminal_shows_a_progress_bar(target, tmp_path):
    printed = in_a_terminal(target, tmp_path)
    assert "\x1b[" in printed
    assert "partial, " in printed


def test_in_ci_a_terminal_shows_no_progress_bar(target, tmp_path):
    printed = in_a_terminal(target, tmp_path, CI="true")
    assert "\x1b" not in printed
    assert printed.startswith("partial, ")


def test_progress_is_a_line_from_time_to_time_and_not_for_each_request():
    stream = io.StringIO()
    progress = Progress(stream, every_s=3600)
    progress.start(1000)
    for _ in range(1000):
        progress.advance(1, 1)
    progress.stop()
    assert stream.getvalue() == ""
    progress = Progress(stream, every_s=0)
    progress.start(2)
    progress.advance(1, 1)
    progress.advance(1)
    assert stream.getvalue().splitlines() == [
        "1 of 2 requests, 1 wrong answers",
        "2 of 2 requests, 1 wrong answers",
    ]


def test_characters_that_the_encoding_lacks_are_escaped():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_lines(["caf\xe9…"], stream)
    stream.flush()
    assert stream.buffer.getvalue() == b"caf\\xe9\\u2026\n"


def test_never_more_than_40_lines():
    """Even if the summary has everything to show that it can have."""
    contract = load_contract()
    violating = [
        CaseResult(
            Case(f"c{n}", "t", "title", (requirement_id,), ()),
            (breaks(requirement_id, at="a", expected="b\nc", received="d" * 999),),
        )
        for n, requirement_id in enumerate(list(contract.requirements)[:60])
    ]
    unjudged = [
        CaseResult(Case(f"s{n}", "t", "title", (requirement_id,), ()), reason=f"reason {n}\n" * 99)
        for n, requirement_id in enumerate(list(contract.requirements)[60:])
    ]
    result = RunResult(
        (*violating, *unjudged), "r", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", 0, "standard", "http://h", 9,
        interrupted=True, stop="why\n" * 99, errors=("e\n" * 99,) * 9,
    )  # fmt: skip
    summary = summarise(contract, result)
    rows = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    by_case = {row.result.case.id: row for row in summary.cases}
    findings = tuple(
        Finding(
            row,
            (Violation(by_case[row.cases[0]], by_case[row.cases[0]].result.judgements[0], "# may charge\ncurl"),),
            3,
        )
        for row in rows
    )
    lines = summary_lines(summary, result, findings, Path("out"), Cleaner(Redactor(())))
    assert 35 < len(lines) <= 40
    assert not [line for line in lines if "\n" in line]
    assert lines[-1] == "No file could be written in out"
