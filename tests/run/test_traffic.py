"""Traffic that a browser or a proxy recorded: what its file shows is judged, and nothing else.

`tests/data/mitmproxy.har` was written by mitmdump with `hardump`, `chromium.har` from Chromium's network events; both hold
the same ten requests to the mock with the fault `code-lower-case`. `requirements.txt` names the requirements of that time: the
recordings cannot meet later ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.contract import load_contract
from conformance.errors import UsageError
from conformance.options import Options
from conformance.report.outcome import summarise
from conformance.run.traffic import judge_har
from conformance.session import profile_of
from tests.support.profiles import profile_text

DATA = Path(__file__).resolve().parents[1] / "data"
URL = "http://127.0.0.1:18931"
ERROR_BODY = {"media-type", "json", "object", "error-msg", "text", "unique-names"}
PASSED = {
    *(f"{status}.{rule}" for status in ("bad-request", "rate-limit", "unavailable") for rule in ERROR_BODY),
    "bad-request.name", "rate-limit.retry-after", "rate-limit.single-value", "rate-limit.grammar",
    "unavailable.retry-after", "unavailable.seconds",
    "success.exactly-200", "success.empty-body", "success.not-coded",
    "answer.in-time", "answer.connection", "answer.status-set", "answer.no-server-error", "answer.no-leak",
    "store-id.pattern", "trip-id.not-null", "body.not-json", "method.not-allowed", "method.allow",
}  # fmt: skip
OBSERVED = {
    "success.content-type", "bad-request.charset", "rate-limit.value", "rate-limit.charset", "unavailable.name", "unavailable.charset",
}  # fmt: skip
GOOD, BAD_STORE, NULL_TRIP, BAD_CODE, NOT_JSON, LIMITED, BUSY = 0, 1, 2, 3, 4, 6, 7
"""Positions of requests in `mitmproxy.har`."""


CONTRACT = load_contract()
KNOWN = frozenset((DATA / "requirements.txt").read_text().split())


def judged(file: Path, tmp_path: Path, trips: str = 'generate = "uuid4"'):
    profile = tmp_path / "profile.toml"
    profile.write_text(profile_text(URL, target='environment = "local"', trips=trips))
    traffic = judge_har(file, CONTRACT, profile_of(Options(profile=profile), CONTRACT, None))
    return traffic, summarise(CONTRACT, traffic.result)


def ids(summary, *outcomes: str) -> set[str]:
    return KNOWN & {row.requirement.id for row in summary.requirements if row.outcome in outcomes}


@pytest.mark.parametrize(("name", "others"), [("chromium", [1, 11]), ("mitmproxy", [10])])
def test_what_a_recording_shows_is_judged_and_nothing_else(name, others, tmp_path):
    traffic, summary = judged(DATA / f"{name}.har", tmp_path)
    assert ids(summary, "failed", "warned") == {"code.pattern"}
    assert ids(summary, "passed") == PASSED
    assert ids(summary, "observed") == OBSERVED
    assert (traffic.not_judged, traffic.in_part) == ({"another path": others}, {})
    tested, musts = re.fullmatch(
        r"non-conformant, (\d+) of (\d+) mandatory requirements tested \(recorded traffic\)", summary.headline
    ).groups()
    later = {row.requirement.id for row in summary.requirements if row.outcome in ("passed", "failed")} - KNOWN
    assert int(tested) == 27 + sum(CONTRACT.level(name) == "MUST" for name in later)
    assert int(musts) == sum(row.level == "MUST" for row in CONTRACT.requirements.values())


def edited(tmp_path: Path, position: int, change: Callable[[dict], object], *, alone: bool = True) -> Path:
    """`mitmproxy.har` with one entry changed, without the other entries unless they are wanted."""
    har = json.loads((DATA / "mitmproxy.har").read_text())
    entry = har["log"]["entries"][position]
    change(entry)
    if alone:
        har["log"]["entries"] = [entry]
    file = tmp_path / "edited.har"
    file.write_text(json.dumps(har))
    return file


def field(entry: dict, side: str, name: str, value: str) -> None:
    headers = [pair for pair in entry[side]["headers"] if pair["name"].lower() != name.lower()]
    entry[side]["headers"] = [*headers, {"name": name, "value": value}]


def answered(status: int, body: str = "") -> Callable[[dict], None]:
    def change(entry: dict) -> None:
        entry["response"] |= {"status": status, "content": {"size": len(body), "text": body, "mimeType": ""}}

    return change


EXACT = "byte for byte"
LACKS = {
    "content of a 200": (
        GOOD, lambda entry: entry["response"]["content"].update(size=7, text=None),
        {"success.empty-body"}, f"content of the response {EXACT}",
    ),
    "content of a 400": (
        BAD_STORE, lambda entry: entry["response"]["content"].pop("text"),
        {"bad-request.json", "bad-request.error-msg", "answer.no-leak"}, f"content of the response {EXACT}",
    ),
    "content with replaced bytes": (
        BAD_STORE, lambda entry: entry["response"]["content"].update(text="\ufffd" + entry["response"]["content"]["text"][3:]),
        {"bad-request.json", "answer.no-leak"}, f"content of the response {EXACT}",
    ),
    "content that was coded": (
        BAD_STORE, lambda entry: field(entry, "response", "Content-Encoding", "gzip"), {"bad-request.json"}, EXACT,
    ),
    "content sent": (
        BAD_STORE, lambda entry: entry["request"].pop("postData"), {"store-id.pattern"}, f"content of the request {EXACT}",
    ),
    "content sent, of another length": (
        BAD_STORE, lambda entry: entry["request"].update(bodySize=3), {"store-id.pattern"}, f"content of the request {EXACT}",
    ),
    "times": (GOOD, lambda entry: entry.pop("timings"), {"answer.in-time"}, "the time until the response"),
    "one of the times": (GOOD, lambda entry: entry["timings"].update(wait=-1), {"answer.in-time"}, "the time until the response"),
}  # fmt: skip


@pytest.mark.parametrize(("position", "change", "unjudged", "reason"), LACKS.values(), ids=LACKS)
def test_what_a_recording_lacks_is_not_judged(position, change, unjudged, reason, tmp_path):
    _, whole = judged(edited(tmp_path, position, lambda _: None), tmp_path)
    assert unjudged <= ids(whole, "passed")
    traffic, summary = judged(edited(tmp_path, position, change), tmp_path)
    assert ids(summary, "failed", "warned") == set()
    assert unjudged & ids(summary, "passed") == set()
    assert [numbers for text, numbers in traffic.in_part.items() if reason in text] == [[1]]


FOUND = {
    "a 200 with content": (GOOD, answered(200, "{}"), {"success.empty-body"}),
    "a 201": (GOOD, answered(201), {"success.exactly-200"}),
    "a 422": (GOOD, answered(422, "{}"), {"answer.status-set"}),
    "a 500 to a bad request": (BAD_STORE, answered(500, '{"errorMsg": "x"}'), {"store-id.pattern"}),
    "a 502": (GOOD, answered(502, "x"), {"answer.status-set"}),
    "a 429 without Retry-After": (
        LIMITED, lambda entry: entry["response"].update(headers=[{"name": "content-type", "value": "application/json"}]),
        {"rate-limit.retry-after"},
    ),
    "an answer after eleven seconds": (GOOD, lambda entry: entry["timings"].update(wait=11_000), {"answer.in-time"}),
    "a missing store that is accepted": (
        GOOD,
        lambda entry: entry["request"].update(bodySize=2, postData={"text": "{}"}), {"body.several-faults"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("position", "change", "violated"), FOUND.values(), ids=FOUND)
def test_a_violation_in_a_recording_is_found(position, change, violated, tmp_path):
    _, summary = judged(edited(tmp_path, position, change), tmp_path)
    assert ids(summary, "failed") == violated
    assert summary.verdict == "non-conformant"


LAWFUL = {
    "a good request for a trip that may be used up": (GOOD, answered(400, '{"errorMsg": "UnknownShoppingTrip"}')),
    "a refused media type": (
        GOOD,
        lambda entry: (field(entry, "request", "Content-Type", "text/plain"), answered(415)(entry)),
    ),
    "a refused Accept": (GOOD, lambda entry: (field(entry, "request", "Accept", "text/html"), answered(406)(entry))),
    "refused chunks": (
        GOOD,
        lambda entry: (field(entry, "request", "Transfer-Encoding", "chunked"), answered(411)(entry)),
    ),
    "a refusal of the credentials": (GOOD, answered(403)),
}


@pytest.mark.parametrize(("position", "change"), LAWFUL.values(), ids=LAWFUL)
def test_what_is_lawful_raises_nothing(position, change, tmp_path):
    def labelled(entry):
        field(entry, "response", "Content-Type", "application/json")
        change(entry)

    _, summary = judged(edited(tmp_path, position, labelled), tmp_path)
    assert ids(summary, "failed", "warned") == set()
    assert summary.verdict == "partial"


def test_a_trip_that_may_be_used_again_must_be_accepted(tmp_path):
    har = json.loads((DATA / "mitmproxy.har").read_text())["log"]["entries"][GOOD]
    trip = json.loads(har["request"]["postData"]["text"])["shoppingTripId"]
    change = answered(400, '{"errorMsg": "UnknownShoppingTrip"}')
    _, summary = judged(edited(tmp_path, GOOD, change), tmp_path, f'reuse = ["{trip}"]')
    assert ids(summary, "failed") == {"body.equivalent"}  # the body has blanks


NOT_JUDGED = {
    "no response": (lambda entry: entry["response"].update(status=0), "no response was recorded"),
    "another server": (lambda entry: entry["request"].update(url="http://other/v1/capture/charge"), "another server"),
    "another port": (lambda entry: entry["request"].update(url="http://127.0.0.1/v1/capture/charge"), "another server"),
    "OPTIONS": (lambda entry: entry["request"].update(method="OPTIONS"), "a method that"),
}


@pytest.mark.parametrize(("change", "reason"), NOT_JUDGED.values(), ids=NOT_JUDGED)
def test_an_entry_that_cannot_be_judged_is_named(change, reason, tmp_path):
    traffic, _ = judged(edited(tmp_path, GOOD, change, alone=False), tmp_path)
    assert [numbers for text, numbers in traffic.not_judged.items() if reason in text] == [[1]]
    with pytest.raises(UsageError, match=f"nothing to judge: .*{reason}"):
        judged(edited(tmp_path, GOOD, change), tmp_path)


def called(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["judge", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


def test_the_command_judges_a_har_file(tmp_path, capsys):
    profile = tmp_path / "p.toml"
    profile.write_text(profile_text(URL, target='environment = "local"'))
    status, text = called(capsys, DATA / "mitmproxy.har", "--profile", profile)
    assert status == 1
    assert "failed: code.pattern in entry-4\n  at status: expected 400, received 200 OK\n" in text
    assert "not judged: another path: entry 10" in text
    status, text = called(capsys, edited(tmp_path, GOOD, lambda _: None), "--profile", profile)
    assert (status, "partial, " in text) == (0, True)


def test_a_file_that_is_no_har_file_is_a_usage_error(tmp_path, capsys):
    profile, file = tmp_path / "p.toml", tmp_path / "x.har"
    profile.write_text(profile_text(URL, target='environment = "local"'))
    assert called(capsys, DATA / "mitmproxy.har")[0] == 2
    for content in (b"", b"{", b"[]", b'{"log": {"entries": [{"request": 1}]}}', b'{"log": {"entries": []}}', b"\xff"):
        file.write_bytes(content)
        status, text = called(capsys, file, "--profile", profile)
        assert (status, "Traceback" in text) == (2, False), text
    assert called(capsys, tmp_path / "none.har", "--profile", profile)[0] == 2
