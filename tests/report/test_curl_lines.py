"""The shell lines of findings, run in a real shell with the real curl, show what the suite received.

Each line is taken from the page and run in an empty folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conformance.cases.model import Case, Expectation, Probe
from conformance.exchange.event import Sent
from conformance.exchange.model import Answer, Exchange, Request
from conformance.mock.faults import FAULTS
from conformance.mock.server import MockServer
from conformance.profile import BasicAuth, builtin_profile
from conformance.redact import Redactor
from conformance.report.curl import FRESH_TRIP, TRIP_VARIABLE, ReplayWriter, replay_writer
from conformance.report.reporter import Reporter
from tests.support.runs import of_the_tables, planned

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
CHANGES = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d\d:\d\d:\d\d|\d{9,}", re.IGNORECASE
)
SHOWN_BY_ONE_REQUEST = {name: fault for name, fault in FAULTS.items() if fault.one_exchange}
EVERY = "CONFORMANCE_EVERY_LINE" in os.environ
"""Set by `tox -e pages`: all faults that one request can show, in all shells (some minutes). Else one of each theme and a third
of those of framing, each in one shell."""
SHELLS = [name for name in ("sh", "bash", "dash") if shutil.which(name)]


def faults_to_try() -> list[str]:
    by_theme: dict[str, list[str]] = {}
    for name, fault in SHOWN_BY_ONE_REQUEST.items():
        by_theme.setdefault(min(fault.breaks).partition(".")[0], []).append(name)
    one_per_theme = {names[0] for names in by_theme.values()}
    of_framing = [name for name in SHOWN_BY_ONE_REQUEST if name.startswith("wire-")]
    return [*SHOWN_BY_ONE_REQUEST] if EVERY else sorted(one_per_theme | {*of_framing[::3]})


@pytest.fixture(scope="module")
def server():
    with MockServer() as running:
        yield running


def reported(server: MockServer, out: Path, name: str, chosen: Callable[[Case], bool]) -> Reporter:
    """A run of the opening, the acceptance cases and the chosen cases of the tables against the mock with this fault."""
    server.use(name)
    run = planned(out, server.url, name)
    if name.startswith("wire-"):  # curl waits for more bytes as long as the suite waits for an answer
        run.profile = run.profile.model_copy(
            update={"limits": run.profile.limits.model_copy(update={"timeout_s": 1.0})}
        )
    cases = [case for case in run.cases if of_the_tables(case)]
    run.execute([case for case in cases if case.theme in ("opening", "acceptance") or chosen(case)])
    return Reporter(run)


class Lines(HTMLParser):
    """The lines to paste in a page, as a browser copies them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "pre" and ("class", "replay") in attrs
        self.found += [""] if self.inside else []

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data):
        if self.inside:
            self.found[-1] += data


def shell(line: str, folder: Path, name: str = "bash") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([name, "-c", line], cwd=folder, capture_output=True, timeout=60, check=False)


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


def received_by_suite(exchange: Exchange) -> tuple[int, dict[bytes, list[bytes]], bytes]:
    head = "\r\n".join([f"HTTP/1.1 {exchange.answer.status}", *(f"{n}: {v}" for n, v in exchange.answer.headers)])
    return answer_of(head.encode("latin-1") + b"\r\n\r\n" + exchange.answer.body)


def shows(exchange: Exchange, done: subprocess.CompletedProcess[bytes]) -> bool:
    """Whether curl received what the suite received: the same answer, or one that curl rejects too."""
    if any("stray bytes" in defect for defect in exchange.defects):
        return undated(done.stdout) == undated(exchange.raw)
    if done.returncode:
        return exchange.answer is None or bool(exchange.defects)
    parts = 2 if exchange.defects else 3  # with a defect, the two may disagree where the body ends
    return exchange.answer is not None and answer_of(done.stdout)[:parts] == received_by_suite(exchange)[:parts]


def undated(raw: bytes) -> bytes:
    return re.sub(rb"\d\d:\d\d:\d\d", b"#", raw)


@pytest.mark.parametrize("name", faults_to_try())
def test_the_line_of_a_finding_shows_the_fault(name, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    violated = FAULTS[name].breaks
    reporter = reported(server, Path("few"), name, lambda case: bool(violated & set(case.requirements)))
    if not reporter.findings:
        reporter = reported(server, Path("all"), name, lambda case: case.scheduling != "chain")
    if reporter.result.stop:
        pytest.skip(f"no run gets past the opening step: {reporter.result.stop[:60]}")
    first_violations = [finding.violations[0] for finding in reporter.findings]
    of_one_request = [violation for violation in first_violations if violation.judgement.exchange is not None]
    assert of_one_request
    in_page = Lines(reporter.summary_part()).found
    (empty := tmp_path / "empty").mkdir()
    for position, violation in enumerate(of_one_request):
        judgement, line = violation.judgement, violation.replay_line
        assert line in in_page
        (exchange,) = (sent.exchange for sent in violation.row.result.evidence if sent.number == judgement.exchange)
        for used in SHELLS if EVERY else [SHELLS[(len(name) + position) % len(SHELLS)]]:
            done = shell(line, empty, used)
            assert shows(exchange, done), (judgement, line, used, done, exchange.answer, exchange.defects)


PROVOKED = Probe(Expectation("provoked", provoked=429), provoke=429)
TRIP = "0b5a6f8c-3a57-4c43-9d0e-2f8f3ad0c1de"
FAKE_CURL = 'curl() { for argument; do printf "<%s>\\n" "$argument"; done; cat 2>/dev/null < /dev/stdin; }; '


def curl_input(line: str, folder: Path, **environ: str) -> str:
    """What curl gets: its arguments, then its standard input."""
    done = subprocess.run(
        ["bash", "-c", FAKE_CURL + line], cwd=folder, env={**os.environ, **environ}, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=20, check=False,
    )  # fmt: skip
    return done.stdout.decode() + done.stderr.decode()


def curl_body(line: str, folder: Path, shell_name: str = "bash", **environ: str) -> bytes:
    """The body that curl sends: that of --data-raw, or its standard input."""
    fake = (
        'curl() { while [ $# -gt 0 ]; do case $1 in --data-raw) printf %s "$2" > body; shift;; '
        "--data-binary) cat > body; shift;; esac; shift; done; }; "
    )
    subprocess.run(
        [shell_name, "-c", fake + line], cwd=folder, env={**os.environ, **environ}, capture_output=True, timeout=20, check=True
    )  # fmt: skip
    return (folder / "body").read_bytes()


def sent(
    *headers: tuple[str, str], body: bytes = b"", method: str = "POST", status: int = 200, defects: tuple[str, ...] = ()
) -> Sent:
    request = Request(method, "/v1/capture/charge", headers, body)
    exchange = Exchange("c", 0, request, Answer(status, (), b""), trip=TRIP, defects=defects)
    return Sent(exchange, PROVOKED, 1, "first", final=True)


def writer(**more: object) -> ReplayWriter:
    return ReplayWriter("http://127.0.0.1:1/base", Redactor(("s3cret-token",)), **more)  # type: ignore[arg-type]


def line(request: Sent, **more: object) -> str:
    return writer(**more).line(request).text


@pytest.mark.parametrize("value", ["it's", '"$HOME"', "`id`", "a\\b", "$(id)", "!x", "é"])
def test_no_header_value_is_executed_by_the_shell(value, tmp_path):
    printed = curl_input(line(sent(("X-A", value))), tmp_path)
    assert f"<X-A: {value}>" in printed


@pytest.mark.parametrize("value", ["it's-77", '"$HOME"-77', "`id`-77", "a\\b-77"])
def test_a_unique_value_is_replaced_by_a_new_one(value, tmp_path):
    provoking = {429: (("X-Client", value.replace("77", "${unique}")),)}
    printed = curl_input(line(sent(("X-Client", value)), provoking=provoking), tmp_path)
    assert re.search(rf"<X-Client: {re.escape(value[:-2])}\d{{9,}}>", printed), printed


def test_credentials_are_variables(tmp_path):
    request = sent(("Authorization", "Bearer s3cret-token"), ("Cookie", "a=b"), ("X-B", "s3cret-token"))
    text = line(request, variables={"Authorization": "Bearer $PAY_TOKEN"})
    assert "s3cret" not in text
    assert "a=b" not in text
    printed = curl_input(text, tmp_path, PAY_TOKEN="from the environment", COOKIE="c=d")
    assert "<Authorization: Bearer from the environment>" in printed
    assert "<Cookie: c=d>" in printed


def test_basic_credentials_are_put_together_from_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("PAY_USER", "someone-long")
    monkeypatch.setenv("PAY_PASSWORD", "something-long")
    profile = builtin_profile("http://127.0.0.1:1")
    auth = BasicAuth(kind="basic", user_env="PAY_USER", password_env="PAY_PASSWORD")
    with_auth = replay_writer(profile.model_copy(update={"auth": auth}), Redactor(()))
    text = with_auth.line(sent(("Authorization", "x"))).text
    assert "<Authorization: Basic c29tZW9uZS1sb25nOnNvbWV0aGluZy1sb25n>" in curl_input(text, tmp_path)


@pytest.mark.parametrize("body", [b'{"t":"%b"}', b'{"t":"%b","a":"it\'s \xff"}', b'"%b"' + b" " * 3000])
@pytest.mark.parametrize(
    ("trip", "status", "environ", "expected"),
    [
        (FRESH_TRIP, 200, {}, r"(?!0b5a)[0-9a-f]{8}-[0-9a-f-]{27}"),
        (TRIP_VARIABLE, 200, {"TRIP": "mine"}, "mine"),
        (TRIP_VARIABLE, 400, {}, TRIP),
        ("", 200, {}, TRIP),
    ],
)
def test_a_used_trip_is_replaced_and_an_unused_one_is_sent_again(body, trip, status, environ, expected, tmp_path):
    text = line(sent(body=body % TRIP.encode(), status=status), trip=trip)
    received = curl_body(text, tmp_path, **environ)
    assert re.fullmatch(re.escape(body).replace(b"%b", expected.encode()), received), (text, received)


def test_a_used_trip_that_is_not_given_is_asked_for(tmp_path):
    assert "TRIP: set it to a fresh trip" in curl_input(line(sent(body=TRIP.encode()), trip=TRIP_VARIABLE), tmp_path)


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize(
    "body",
    [
        b'it\'s "$HOME" `id` \\ %s %d !x',
        bytes(range(256)),
        b"\n",
        b"@file",
        b"-n",
        b"-e a",
        b"[" * 20_000,
        b"a" * 1_000_000,
        "\uff21\u202e".encode(),
        b'{"a":"\\u0000\\n"}',
    ],
    ids=lambda body: repr(body[:8]),
)
def test_the_line_contains_exactly_these_bytes(name, body, tmp_path):
    assert curl_body(line(sent(body=body)), tmp_path, shell_name=name) == body
    assert len(line(sent(body=body))) < 8_000


def test_a_secret_in_a_body_is_not_written():
    replay = writer().line(sent(body=b'{"a":"s3cret-token","b":"\xff"}'))
    assert replay.body == b'{"a":"************","b":"\xff"}'
    assert b64encode(b"s3cret")[:7].decode() not in replay.text


@pytest.mark.parametrize(
    ("original", "expected"),
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
def test_the_line_sends_the_original_request(original, expected, tmp_path):
    assert expected in curl_input(line(original), tmp_path)


def test_other_calls_that_provoke_are_named_above(tmp_path):
    with_call = writer(calls={429: ("PUT http://127.0.0.1:1/limit before it",)})
    note = "# [provoke.429] of the profile also has: PUT http://127.0.0.1:1/limit before it\n"
    assert with_call.note(sent()) == note
    assert writer().note(sent()) == ""
