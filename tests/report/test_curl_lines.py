"""The shell lines of findings, run in a real shell with the real curl, show what the suite saw."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cases.model import Case
from conformance.exchange.model import Exchange
from conformance.mock.faults import FAULTS
from conformance.mock.server import MockServer
from conformance.run.prepare import Options, Run
from conformance.suite.reporter import Reporter

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
CHANGES = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d\d:\d\d:\d\d|\d{9,}", re.IGNORECASE
)
SHOWN_BY_ONE = [name for name, fault in FAULTS.items() if fault.one_exchange]


class Quiet:
    def start(self, total: int) -> None: ...
    def advance(self, count: int = 1, findings: int = 0) -> None: ...
    def stop(self) -> None: ...


@pytest.fixture(scope="module")
def server():
    with MockServer() as running:
        yield running


def reported(server: MockServer, out: Path, name: str, chosen: Callable[[Case], bool]) -> Reporter:
    """A run of the opening step and the chosen cases against the mock with the fault."""
    server.use(name)
    run = Run(Options(target=server.url, out=out))
    limits = run.profile.limits.model_copy(update={"timeout_s": 1.0})
    run.profile = run.profile.model_copy(update={"limits": limits})
    run.make_folder()
    run.execute([case for case in run.cases if case.theme in ("opening", "acceptance") or chosen(case)], Quiet())
    return Reporter(run)


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, timeout=60, check=False)


def answer_of(output: bytes) -> tuple[int, dict[bytes, list[bytes]], bytes]:
    """Status, fields and body of the last answer in what `curl -i` printed."""
    head, _, body = output.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, body = body.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields: dict[bytes, list[bytes]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fields.setdefault(name.lower(), []).append(CHANGES.sub(b"#", value.strip()))
    fields.pop(b"date", None)
    return int(lines[0].split()[1]), fields, CHANGES.sub(b"#", body)


def seen(exchange: Exchange) -> tuple[int, dict[bytes, list[bytes]], bytes]:
    head = "\r\n".join([f"HTTP/1.1 {exchange.answer.status}", *(f"{n}: {v}" for n, v in exchange.answer.headers)])
    return answer_of(head.encode("latin-1") + b"\r\n\r\n" + exchange.answer.body)


def shows(exchange: Exchange, done: subprocess.CompletedProcess[bytes]) -> bool:
    """Whether the shell saw what the suite saw: the same answer, or that it is no good one."""
    if any("stray bytes" in defect for defect in exchange.defects):
        return undated(done.stdout) == undated(exchange.raw)
    if done.returncode:
        return exchange.answer is None or bool(exchange.defects)
    return exchange.answer is not None and answer_of(done.stdout) == seen(exchange)


def undated(raw: bytes) -> bytes:
    return re.sub(rb"\d\d:\d\d:\d\d", b"#", raw)


@pytest.mark.parametrize("name", SHOWN_BY_ONE)
def test_the_line_of_a_finding_shows_the_fault(name, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = FAULTS[name].breaks
    reporter = reported(server, Path("few"), name, lambda case: bool(words & set(case.requirements)))
    if not reporter.findings:
        reporter = reported(server, Path("all"), name, lambda case: case.scheduling == "one-shot")
    if reporter.result.stop:
        pytest.skip(f"no run gets past the opening step: {reporter.result.stop[:60]}")
    alone = [one.breaks[0] for one in reporter.findings if one.breaks[0].judgement.exchange is not None]
    assert alone
    for broken in alone:
        exchange = next(one for one in broken.row.result.evidence if one.number == broken.judgement.exchange)
        done = shell(broken.again, tmp_path)
        assert shows(exchange, done), (broken.judgement, broken.again, done, exchange.answer, exchange.defects)
