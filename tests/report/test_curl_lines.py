"""The shell lines of findings, run in a real shell with the real curl, show what the suite saw."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cases.model import Case, Expectation, Probe
from conformance.exchange.event import Sent
from conformance.exchange.model import Answer, Exchange, Request
from conformance.mock.faults import FAULTS
from conformance.mock.server import MockServer
from conformance.profile import BasicAuth, builtin_profile
from conformance.redact import Redactor
from conformance.report.curl import FRESH, OWN_TRIP, ReplayLine, replay_line_of
from conformance.report.reporter import Reporter
from tests.support.runs import planned

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
CHANGES = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d\d:\d\d:\d\d|\d{9,}", re.IGNORECASE
)
SHOWN_BY_ONE = {name: fault for name, fault in FAULTS.items() if fault.one_exchange}
EVERY = "CONFORMANCE_EVERY_LINE" in os.environ
"""Set to anything: all faults that one exchange can show, some minutes; else one of each theme, and the wire's."""


def tried() -> list[str]:
    by_theme: dict[str, list[str]] = {}
    for name, fault in SHOWN_BY_ONE.items():
        by_theme.setdefault(min(fault.breaks).partition(".")[0], []).append(name)
    some = {names[0] for names in by_theme.values()}
    return [name for name in SHOWN_BY_ONE if EVERY or name in some or name.startswith("wire-")]


@pytest.fixture(scope="module")
def server():
    with MockServer() as running:
        yield running


def reported(server: MockServer, out: Path, name: str, chosen: Callable[[Case], bool]) -> Reporter:
    """A run of the opening step and the chosen cases against the mock with the fault."""
    server.use(name)
    run = planned(out, server.url, name)
    if name.startswith("wire-"):  # curl waits as long for more bytes as the suite waits for an answer
        run.profile = run.profile.model_copy(
            update={"limits": run.profile.limits.model_copy(update={"timeout_s": 1.0})}
        )
    run.execute([case for case in run.cases if case.theme in ("opening", "acceptance") or chosen(case)])
    reporter = Reporter(run)
    reporter.write_repro()
    return reporter


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
    told = 2 if exchange.defects else 3  # where the answer ends is a matter of opinion then
    return exchange.answer is not None and answer_of(done.stdout)[:told] == seen(exchange)[:told]


def undated(raw: bytes) -> bytes:
    return re.sub(rb"\d\d:\d\d:\d\d", b"#", raw)


@pytest.mark.parametrize("name", tried())
def test_the_line_of_a_finding_shows_the_fault(name, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = FAULTS[name].breaks
    reporter = reported(server, Path("few"), name, lambda case: bool(words & set(case.requirements)))
    if not reporter.findings:
        reporter = reported(server, Path("all"), name, lambda case: case.scheduling == "one-shot")
    if reporter.result.stop:
        pytest.skip(f"no run gets past the opening step: {reporter.result.stop[:60]}")
    alone = [one.violations[0] for one in reporter.findings if one.violations[0].judgement.exchange is not None]
    assert alone
    for found in alone:
        (exchange,) = (one.exchange for one in found.row.result.evidence if one.number == found.judgement.exchange)
        done = shell(found.again, tmp_path)
        assert shows(exchange, done), (found.judgement, found.again, done, exchange.answer, exchange.defects)


def statuses(output: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1.1 (\d+)", output, re.MULTILINE)]


def script_of(reporter: Reporter, requirement: str) -> str:
    finding = next(one for one in reporter.findings if one.row.requirement.id == requirement)
    line = finding.violations[0].again
    assert line.startswith("# may charge\nsh out/repro/")
    return line


def test_a_script_shows_a_window_that_ends_late(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reporter = reported(server, Path("out"), "window-late", lambda case: case.id == "provoked-429-window")
    done = shell(script_of(reporter, "rate-limit.window-end"), tmp_path)
    assert b"... waiting 1 s" in done.stdout, done
    assert statuses(done.stdout) == [429] * 4
    server.use()
    done = shell(script_of(reporter, "rate-limit.window-end"), tmp_path)
    assert statuses(done.stdout) == [429, 429, 429, 200]


def test_a_script_shows_that_answers_depend_on_what_went_before(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reporter = reported(
        server, Path("out"), "refused-after-bad", lambda case: case.theme in ("independence", "whole-run")
    )
    line = script_of(reporter, "answer.independent")
    assert statuses(shell(line, tmp_path).stdout)[-1] == 400
    server.use()
    assert statuses(shell(line, tmp_path).stdout)[-1] == 200


def test_a_script_shows_what_comes_only_now_and_then(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reporter = reported(
        server, Path("out"), "every-third-refused", lambda case: "identical" in case.id or "run-" in case.id
    )
    seen = statuses(shell(script_of(reporter, "answer.independent"), tmp_path).stdout)
    assert len(seen) == 10
    assert {200, 400} <= set(seen)


PROVOKED = Probe(Expectation("provoked", provoked=429), provoke=429)
TRIP = "0b5a6f8c-3a57-4c43-9d0e-2f8f3ad0c1de"
PRINTED = 'curl() { for word; do printf "<%s>\\n" "$word"; done; cat 2>/dev/null < /dev/stdin; }; '


def words(line: str, folder: Path, **environ: str) -> str:
    """What curl would get: its arguments, then its standard input."""
    done = subprocess.run(
        ["bash", "-c", PRINTED + line], cwd=folder, env={**os.environ, **environ}, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=20, check=False,
    )  # fmt: skip
    return done.stdout.decode() + done.stderr.decode()


def sent(
    *headers: tuple[str, str], body: bytes = b"", method: str = "POST", status: int = 200, defects: tuple[str, ...] = ()
) -> Sent:
    request = Request(method, "/v1/capture/charge", headers, body)
    exchange = Exchange("c", 0, request, Answer(status, (), b""), trip=TRIP, defects=defects)
    return Sent(exchange, PROVOKED, 1, "first", final=True)


def lines(tmp_path: Path, **more: object) -> ReplayLine:
    return ReplayLine("http://127.0.0.1:1/base", tmp_path / "repro", Redactor(("s3cret-token",)), **more)  # type: ignore[arg-type]


def line(tmp_path: Path, one: Sent, **more: object) -> str:
    """The line for an exchange; what it reads is there."""
    replay = lines(tmp_path, **more).line(one)
    for name, content in replay.files.items():
        (tmp_path / "repro").mkdir(exist_ok=True)
        (tmp_path / "repro" / name).write_bytes(content)
    return replay.text


@pytest.mark.parametrize("value", ["it's", '"$HOME"', "`id`", "a\\b", "$(id)", "!x", "é"])
def test_no_text_of_a_header_is_code_for_the_shell(value, tmp_path):
    printed = words(line(tmp_path, sent(("X-A", value))), tmp_path)
    assert f"<X-A: {value}>" in printed


@pytest.mark.parametrize("value", ["it's-77", '"$HOME"-77', "`id`-77", "a\\b-77"])
def test_a_value_for_one_use_is_made_anew(value, tmp_path):
    provoking = {429: (("X-Client", value.replace("77", "${unique}")),)}
    printed = words(line(tmp_path, sent(("X-Client", value)), provoking=provoking), tmp_path)
    assert re.search(rf"<X-Client: {re.escape(value[:-2])}\d{{9,}}>", printed), printed


def test_credentials_are_variables(tmp_path):
    one = sent(("Authorization", "Bearer s3cret-token"), ("Cookie", "a=b"), ("X-B", "s3cret-token"))
    text = line(tmp_path, one, variables={"Authorization": "Bearer $PAY_TOKEN"})
    assert "s3cret" not in text
    assert "a=b" not in text
    printed = words(text, tmp_path, PAY_TOKEN="from the environment", COOKIE="c=d")
    assert "<Authorization: Bearer from the environment>" in printed
    assert "<Cookie: c=d>" in printed


def test_basic_credentials_are_put_together_from_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("PAY_USER", "someone-long")
    monkeypatch.setenv("PAY_PASSWORD", "something-long")
    profile = builtin_profile("http://127.0.0.1:1")
    auth = BasicAuth(kind="basic", user_env="PAY_USER", password_env="PAY_PASSWORD")
    made = replay_line_of(profile.model_copy(update={"auth": auth}), tmp_path, Redactor(()))
    text = made.line(sent(("Authorization", "x"))).text
    assert "<Authorization: Basic c29tZW9uZS1sb25nOnNvbWV0aGluZy1sb25n>" in words(text, tmp_path)


@pytest.mark.parametrize(
    ("trip", "status", "environ", "expected"),
    [
        (FRESH, 200, {}, r'\{"t":"(?!0b5a)[0-9a-f]{8}-[0-9a-f-]{27}"\}\xff?'),
        (OWN_TRIP, 200, {"TRIP": "mine"}, r'\{"t":"mine"\}'),
        (OWN_TRIP, 200, {}, r"TRIP: a fresh trip"),
        (OWN_TRIP, 400, {}, r"@.*body"),
        ("", 200, {}, r"@.*body"),
    ],
)
def test_a_used_trip_is_replaced_and_another_is_sent_again(trip, status, environ, expected, tmp_path):
    text = line(tmp_path, sent(body=b'{"t":"%b"}' % TRIP.encode(), status=status), trip=trip)
    assert re.search(expected, words(text, tmp_path, **environ))


def test_a_secret_in_a_body_is_not_written(tmp_path):
    files = lines(tmp_path).line(sent(body=b'{"a":"s3cret-token","b":"\xff"}')).files
    assert files == {"c-0.body": b'{"a":"************","b":"\xff"}'}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (sent(method="HEAD"), "<--head>"),
        (sent(("Content-Length", "0"), method="PUT"), "<Content-Length: 0>"),
        (sent(("Content-Type", "")), "<Content-Type;>"),
        (sent(body=b"x"), "<Content-Type:>"),
        (sent(("Transfer-Encoding", "chunked"), body=b"x"), "<Transfer-Encoding: chunked>"),
        (sent(body=b"x" * 5000), "<Expect:>"),
        (sent(), "<Accept:>"),
        (sent(method="HEAD", defects=("5 stray bytes after the end of the answer",)), "<-X>\n<HEAD>"),
        (sent(defects=("5 stray bytes after the end of the answer",)), "<--ignore-content-length>"),
    ],
)
def test_the_request_is_the_one_that_was_sent(one, expected, tmp_path):
    assert expected in words(line(tmp_path, one), tmp_path)


def test_other_calls_that_provoke_are_named_above(tmp_path):
    made = lines(tmp_path, calls={429: ("before it PUT http://127.0.0.1:1/limit",)})
    assert made.note(sent()) == "# [provoke.429] of the profile also has: before it PUT http://127.0.0.1:1/limit\n"
    assert lines(tmp_path).note(sent()) == ""
