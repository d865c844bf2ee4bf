"""The terminal: a short plain summary, no control sequences where nobody sees them, a bar where somebody does."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess

import pytest

from conformance.report.terminal import Progress, print_lines

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile", "interrupted", "refused", "elsewhere"])
def test_the_summary_is_short_and_plain(kind, request):
    done = request.getfixturevalue(kind)
    lines = done.stdout.splitlines()
    assert re.match(r"(conformant|non-conformant|inconclusive) \(standard, \d+ of \d+ MUSTs judged\)$", lines[0])
    assert len(lines) <= 40
    assert lines[-1].startswith("files: out/report.html, results.json, junit.xml, record.jsonl")
    assert not CONTROLS.search(done.stdout)
    assert not CONTROLS.search(done.stderr)
    assert len(done.stderr.splitlines()) <= 2 + 120 / 5


def test_the_worst_findings_are_told_in_full(faulty):
    text = faulty.stdout
    first = text.split("\n\n")[1].splitlines()
    assert re.match(r"MUST [a-z.-]+: .+\.$", first[0])
    assert re.match(r"  at        .+, case [a-z0-9-]+.*; page: ", first[1])
    assert re.match(r"  expected  .", first[2])
    assert re.match(r"  received  .", first[3])
    assert "curl " in first[4]


def test_each_file_that_it_names_is_there(faulty):
    names = re.split(r", ", faulty.stdout.splitlines()[-1].removeprefix("files: out/"))
    assert names[-1] == "repro/"
    assert all((faulty.out / name).exists() for name in names)


def in_a_terminal(target: str, cwd, **more: str) -> str:
    """What a run writes to a terminal of its own."""
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


def test_on_a_terminal_there_is_a_bar(target, tmp_path):
    shown = in_a_terminal(target, tmp_path)
    assert "\x1b[" in shown
    assert "conformant (smoke, " in shown


def test_with_ci_a_terminal_is_no_terminal(target, tmp_path):
    shown = in_a_terminal(target, tmp_path, CI="true")
    assert "\x1b" not in shown
    assert shown.startswith("conformant (smoke, ")


def test_progress_is_a_line_now_and_then_and_never_one_for_each():
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
        "1 of 2 requests, 1 answers that break something",
        "2 of 2 requests, 1 answers that break something",
    ]


def test_a_narrow_encoding_loses_nothing():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_lines(["caf\xe9…"], stream)
    stream.flush()
    assert stream.buffer.getvalue() == b"caf\\xe9\\u2026\n"
