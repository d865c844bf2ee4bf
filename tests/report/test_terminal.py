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
from conformance.report.progress import Progress
from conformance.report.terminal import print_lines, status_line, summary_lines
from conformance.run.model import CaseResult, RunResult

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile", "interrupted", "refused", "elsewhere"])
def test_the_summary_is_short_and_plain(kind, request):
    done = request.getfixturevalue(kind)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["Target", "Profile", "Depth", "Charges"]
    assert re.match(
        r"(conformant|non-conformant|inconclusive), \d+ of \d+ mandatory requirements tested \(standard\)$", lines[4]
    )
    assert len(lines) <= 40
    assert ("Common cause: " in done.stdout) == (kind in ("faulty", "hostile"))
    assert lines[-2].startswith(
        "Files: out/report.html, results.json, junit.xml, captures.csv, record.jsonl, evidence.har"
    )
    assert re.match(rf"exit {done.status}: .", lines[-1])
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
    assert first[5].startswith(("  curl ", "  capture-conformance replay ", "  trip=", "  printf "))


def test_the_first_and_the_last_line_say_that_the_mock_is_tested(clean, faulty):
    lines = clean.stdout.splitlines()
    assert all("built-in mock server: no profile given" in line for line in (lines[0], lines[-1]))
    assert "built-in" not in faulty.stdout
    assert "assumed as for the mock server: stores store-001, store-002; currency USD;" in faulty.stdout.splitlines()[1]


def test_each_file_that_it_names_exists(faulty):
    names = re.split(r", ", faulty.stdout.splitlines()[-2].removeprefix("Files: out/"))
    assert len(names) == 6
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
    assert "\npartial, " in printed.replace("\r", "")


def test_no_color_turns_colours_off_and_keeps_the_bar(target, tmp_path):
    printed = in_a_terminal(target, tmp_path, NO_COLOR="1")
    assert "\x1b[" in printed
    assert not re.search("\x1b\\[3[1-7]m", printed)


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
    progress.advance(1)
    assert stream.getvalue().splitlines() == [
        "1 of 2 requests, 1 wrong answer",
        "2 of 2 requests, 1 wrong answer",
        "3 of 3 requests, 1 wrong answer",
    ]


def test_progress_names_waits_at_once_but_not_hundreds_of_them():
    stream = io.StringIO()
    progress = Progress(stream, every_s=3600)
    progress.start(9)
    for number in range(100):
        for _ in range(3):  # several threads meet the same wait
            progress.waiting(f"503, Retry-After {number} s: waiting, 1 of 3")
    assert stream.getvalue().splitlines() == [f"503, Retry-After {n} s: waiting, 1 of 3" for n in range(5)]
    progress = Progress(stream, every_s=0)
    progress.start(9)
    for number in range(6):
        progress.waiting(f"wait {number}")
    assert stream.getvalue().splitlines()[-1] == "0 of 9 requests, 0 wrong answers, 6 waits; wait 5"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


LONG = "MUST store-id.type: a storeId that is not a string, however long it is, must be refused with a 400 and no other"
CURL = (
    "  curl -sS -H 'Content-Type: application/json' --data-raw '"
    + "x" * 300
    + "' http://127.0.0.1:8080/v1/capture/charge"
)


def printed(monkeypatch, stream, **environment):
    for name in ("NO_COLOR", "TERM", "COLUMNS", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    print_lines([LONG, CURL], stream, {0: "red"})
    return stream.getvalue().splitlines()


def test_lines_are_wrapped_at_words_and_lines_to_paste_are_whole(monkeypatch):
    lines = printed(monkeypatch, Terminal(), COLUMNS="60", NO_COLOR="1")
    assert lines[-1] == CURL
    assert max(map(len, lines[:-1])) <= 60
    assert " ".join(line.strip() for line in lines[:-1]) == LONG
    assert all(line.startswith("    ") for line in lines[1:-1])
    assert printed(monkeypatch, io.StringIO()) == [LONG, CURL]


def test_colours_are_for_terminals_that_have_them(monkeypatch):
    assert printed(monkeypatch, Terminal(), COLUMNS="200")[0].startswith("\x1b[31m")
    for stream, environment in (
        (io.StringIO(), {"COLUMNS": "200"}),
        (Terminal(), {"COLUMNS": "200", "NO_COLOR": "1"}),
        (Terminal(), {"COLUMNS": "200", "TERM": "dumb"}),
        (Terminal(), {"COLUMNS": "200", "CI": "true"}),
    ):
        assert printed(monkeypatch, stream, **environment) == [LONG, CURL]


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
    assert 30 < len(lines) <= 35
    assert not [line for line in lines if "\n" in line]
    assert lines[-1] == "No file could be written in out"


CONTRACT = load_contract()


def reason(status, *, violated=(), judged=True, **result):
    """The last line of a run with these violated requirements; `judged`: whether all others are met."""
    from conformance.judge.model import holds

    judgements = [
        breaks(name, at="a", expected="b", received="c") if name in violated else holds(name)
        for name in CONTRACT.requirements
        if judged or name in violated
    ]
    why = "" if judged else "This profile cannot trigger a 429"
    case = CaseResult(
        Case("c", "t", "title", tuple(CONTRACT.requirements), ()), tuple(judgements), sent=int(judged), reason=why,
        beforehand=not judged,
    )  # fmt: skip
    run = RunResult(
        (case,), "r", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", 0, "standard", "http://h", 9, **result
    )
    return status_line(summarise(CONTRACT, run), run, status, Cleaner(Redactor(())), builtin=False)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"status": 0}, "exit 0: no mandatory requirement is violated"),
        ({"status": 0, "judged": False}, "exit 0: no mandatory requirement is violated; 70 mandatory requirements were not tested"),
        ({"status": 1, "violated": ["store-id.type"]}, "exit 1: 1 mandatory requirement is violated"),
        ({"status": 1, "violated": ["store-id.type", "amount.type"]}, "exit 1: 2 mandatory requirements are violated"),
        ({"status": 1, "violated": ["value.zero"]}, "exit 1: --fail-on-warning, and 1 recommendation is not met"),
        ({"status": 2, "usage": "no trips left"}, "exit 2: no trips left"),
        ({"status": 3, "judged": False, "stop": "no connection"}, "exit 3: the run could not decide: no connection"),
        ({"status": 3, "judged": False}, "exit 3: --require-complete, and 70 mandatory requirements were not tested: This profile cannot trigger a 429"),
        ({"status": 4, "errors": ("disk full",)}, "exit 4: the test suite itself failed: disk full"),
        ({"status": 130, "interrupted": True}, "exit 130: interrupted; the results until then are reported"),
    ],
)  # fmt: skip
def test_the_last_line_explains_the_exit_status(arguments, text):
    musts = sum(row.level == "MUST" for row in CONTRACT.requirements.values())
    assert reason(**arguments) == text.replace("70 mandatory", f"{musts} mandatory")
