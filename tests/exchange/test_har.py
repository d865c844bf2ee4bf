"""The record as HAR 1.2: with the members that tools expect, complete URLs and bodies."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import jsonschema
import pytest

from conformance.cases.model import Expectation, Probe
from conformance.exchange.event import Sent
from conformance.exchange.har import write_har
from conformance.exchange.model import Answer, Exchange, Failure, Request
from conformance.exchange.record import Recorder
from conformance.redact import Redactor
from tests.support.runs import of_the_tables, run_directly


def schema_of(**properties):
    """The schema of an object with these members, all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT, COUNT = {"type": "string"}, {"type": "integer", "minimum": -1}
PAIRS = {"type": "array", "items": schema_of(name=TEXT, value=TEXT)}
HEAD = {"httpVersion": TEXT, "cookies": PAIRS, "headers": PAIRS, "headersSize": COUNT, "bodySize": COUNT}
REQUEST_SHAPE = schema_of(method=TEXT, url={"type": "string", "pattern": "^https?://[^/]+/"}, queryString=PAIRS, **HEAD)
REQUEST_SHAPE["properties"]["postData"] = schema_of(mimeType=TEXT, text=TEXT)
RESPONSE_SHAPE = schema_of(
    status=COUNT, statusText=TEXT, content=schema_of(size=COUNT, mimeType=TEXT), redirectURL=TEXT, **HEAD
)
TIME = {"type": "number", "minimum": 0}
ENTRY = schema_of(
    startedDateTime={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"},
    time=TIME,
    request=REQUEST_SHAPE,
    response=RESPONSE_SHAPE,
    cache={"type": "object"},
    timings=schema_of(send=TIME, wait=TIME, receive=TIME),
)
HAR = schema_of(
    log=schema_of(
        version={"const": "1.2"}, creator=schema_of(name=TEXT, version=TEXT), entries={"type": "array", "items": ENTRY}
    )
)

RAW = b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n\xff"
ANSWER = Answer(302, (("Location", "/y"), ("Content-Type", "text/plain"), ("Content-Length", "1")), b"\xff", "Found")
FIRST = Exchange(
    "case", 0, Request("POST", "/x?a=1&b=%20", (("Host", "pay.example"), ("Content-Type", "t/p")), b"{}"), ANSWER, None, (),
    RAW, 1.0, 1.5, 1.7e9, 1,
)  # fmt: skip


def har_of(tmp_path, *exchanges, url="https://pay.example", secrets=(), cut=0):
    recorder = Recorder(tmp_path / "record", {"profile": {"target": {"url": url}}}, Redactor(secrets))
    for number, exchange in enumerate(exchanges):
        recorder.write(Sent(exchange, Probe(Expectation("observe")), number, "first", final=True))
    recorder.close() if cut else recorder.footer({})
    record = (tmp_path / "record").read_bytes()
    (tmp_path / "record").write_bytes(record[: len(record) - cut])
    write_har(tmp_path / "har", tmp_path / "record")
    value = json.loads((tmp_path / "har").read_text())
    jsonschema.validate(value, HAR)
    return value["log"]["entries"]


def test_every_kind_of_exchange(tmp_path):
    request = replace(FIRST.request, body=b"\xff\xfe")
    failed = replace(
        FIRST, request=request, answer=None, raw=b"", failure=Failure("refused", "no server"), wall_time=None
    )
    proxied = replace(FIRST, request=Request("GET", "http://pay.example/x", (), b""), sent_at=None)
    first, second, third = har_of(tmp_path, FIRST, failed, proxied)
    assert first["request"]["url"] == "https://pay.example/x?a=1&b=%20"
    assert first["request"]["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": " "}]
    assert first["request"]["postData"]["text"] == "{}"
    assert (first["time"], first["response"]["status"], first["response"]["redirectURL"]) == (500, 302, "/y")
    content = first["response"]["content"]
    assert (content["encoding"], base64.b64decode(content["text"])) == ("base64", b"\xff")
    assert second["response"]["status"] == 0
    assert "refused: no server" in second["comment"]
    assert base64.b64decode(second["request"]["postData"]["text"]) == b"\xff\xfe"
    assert third["request"]["url"] == "http://pay.example/x"


@pytest.mark.parametrize("cut", [1, 100])
def test_an_exchange_that_a_full_disk_cut_off_is_left_out(tmp_path, cut):
    assert len(har_of(tmp_path, FIRST, FIRST, cut=cut)) == 1


def test_it_contains_no_secret(tmp_path):
    request = replace(FIRST.request, headers=(("Host", "h"), ("X", "tok-SECRET")), body=b"tok-SECRET")
    har_of(tmp_path, replace(FIRST, request=request), secrets=("tok-SECRET",))
    assert "SECRET" not in (tmp_path / "har").read_text()


def test_a_run_leaves_one(tmp_path):
    ran = run_directly(tmp_path / "run", only=of_the_tables, whole=False)
    ran.run.write_evidence()
    value = json.loads((ran.run.out / "evidence.har").read_text())
    jsonschema.validate(value, HAR)
    assert len(value["log"]["entries"]) >= ran.result.requests
