"""Large bodies: kept once and within a budget, with equal results live and from the record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conformance.cases.model import Expectation, Probe
from conformance.exchange.contents import CUT_TO, Contents
from conformance.exchange.event import Sent
from conformance.exchange.har import write_har
from conformance.exchange.model import Answer, Exchange, Request
from conformance.exchange.record import Recorder, read_record
from conformance.exchange.wire import CONTENT_CAP, HEAD_CAP, RAW_CAP, parse
from conformance.redact import Redactor
from tests.support.answers import ACCEPT, REJECT, judged

JSON = (("Content-Type", "application/json"),)
LARGE = b'{"errorMsg":"%b"}' % (b"x" * 9_000)


def exchange(body: bytes, status: int = 400, **more) -> Exchange:
    answer = Answer(status, JSON, body, "Bad Request", **more)
    return Exchange(
        "case", 0, Request("POST", "/x", (), b"{}"), answer, raw=b"x" * RAW_CAP, sent_at=1.0, answered_at=1.1
    )


def recorded(tmp_path, *exchanges: Exchange) -> list[Exchange]:
    recorder = Recorder(tmp_path / "record", {"profile": {"target": {"url": "http://x"}}}, Redactor(("secret-value",)))
    for number, each in enumerate(exchanges):
        recorder.write(Sent(each, Probe(Expectation("observe")), number, "first", final=True))
    recorder.footer({})
    record = read_record(tmp_path / "record")
    assert (record.broken, record.complete) == ("", True)
    return [sent.exchange for sent in record.sent]


def test_equal_bodies_are_recorded_once(tmp_path):
    other = LARGE.replace(b"xx", b"xy", 1)
    read = recorded(tmp_path, *(exchange(body) for body in (LARGE, other, LARGE, other, LARGE)))
    assert [each.answer.body for each in read] == [LARGE, other, LARGE, other, LARGE]
    assert read[0].answer.body is read[2].answer.body
    assert (tmp_path / "record").read_bytes().count(b"x" * 5_000) == 2
    write_har(tmp_path / "har", tmp_path / "record")
    entries = [entry["response"]["content"] for entry in json.loads((tmp_path / "har").read_text())["log"]["entries"]]
    assert ["text" in entry for entry in entries] == [True, True, False, False, False]
    assert [entry["comment"] for entry in entries[2:]] == [
        f"the same as in entry {n}, counted from 0" for n in (0, 1, 0)
    ]


def test_a_secret_in_a_body_that_is_recorded_once(tmp_path):
    body = LARGE.replace(b"x" * 12, b"secret-value", 1)
    read = recorded(tmp_path, exchange(body), exchange(body))
    assert {each.answer.body for each in read} == {body.replace(b"secret-value", b"*" * 12)}


def test_a_reference_to_no_line_is_no_record(tmp_path):
    recorded(tmp_path, exchange(LARGE), exchange(LARGE))
    lines = (tmp_path / "record").read_bytes().splitlines(keepends=True)
    assert lines[2].count(b'{"same_as":1}') == 1
    lines[2] = lines[2].replace(b'{"same_as":1}', b'{"same_as":0}')
    (tmp_path / "record").write_bytes(b"".join(lines))
    assert read_record(tmp_path / "record").broken == "line 3 is not a line of a record"


@pytest.mark.parametrize("body", [LARGE, b"\x00" * 9_000, "\u00e9".encode() * 4_500, bytes(range(256)) * 36])
def test_a_budget_holds_for_what_is_written(tmp_path, body):
    contents = Contents(budget=60_000)
    kept = [contents.kept(exchange(body + b"%d" % number)) for number in range(12)]
    cut = [each.answer.cut for each in kept]
    assert cut == sorted(cut)
    assert 0 < sum(cut) < 12
    assert {len(each.answer.body) for each in kept if each.answer.cut} == {CUT_TO}
    assert [each.answer for each in recorded(tmp_path, *kept)] == [each.answer for each in kept]
    assert (tmp_path / "record").stat().st_size < 60_000 + 12 * (RAW_CAP + 2 * CUT_TO + 1_000)


def test_small_bodies_and_known_ones_cost_nothing():
    contents = Contents(budget=20_000)
    assert contents.kept(exchange(b"small")).answer.body == b"small"
    kept = [contents.kept(exchange(bytes(LARGE))) for _ in range(9)]
    assert not any(each.answer.cut for each in kept)
    assert len({id(each.answer.body) for each in kept}) == 1


def test_the_form_of_a_cut_body_is_not_judged():
    found = {judgement.requirement for judgement in judged(REJECT, exchange(LARGE[:CUT_TO], cut=True))}
    assert "bad-request.media-type" in found
    assert not found & {"bad-request.json", "bad-request.object", "bad-request.error-msg", "bad-request.text"}
    coded = replace(exchange(b"\x1f\x8b", cut=True).answer, headers=(*JSON, ("Content-Encoding", "gzip")))
    found = judged(REJECT, replace(exchange(b""), answer=coded))
    assert [judgement for judgement in found if judgement.requirement.startswith("bad-request.json")] == []


def test_a_cut_success_is_not_empty():
    found = judged(ACCEPT, exchange(b"x" * CUT_TO, status=200, cut=True))
    (violation,) = [judgement for judgement in found if judgement.kind == "breaks" and "empty" in judgement.requirement]
    assert violation.received.startswith("more than 1024 bytes: xxx")


def test_a_long_content_is_cut_and_a_long_head_is_a_defect():
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (CONTENT_CAP + 1) + b"x" * (CONTENT_CAP + 1)
    answer = parse(raw, "POST", ended=False).answer
    assert (len(answer.body), answer.cut) == (CONTENT_CAP, True)
    parsed = parse(b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_CAP, "POST", ended=False)
    assert (parsed.answer.status, parsed.keep_alive) == (200, False)
    assert any("header section is longer" in defect for defect in parsed.defects)


def test_large_header_sections_and_defects_are_cut_once_the_budget_is_used_up():
    fields = (*((f"X-{number}", "a" * 5_000) for number in range(40)), *JSON, ("Retry-After", "1"))
    long = replace(
        exchange(b"{}"), answer=replace(exchange(b"{}").answer, headers=fields), defects=("b" * 50_000,) * 30
    )
    contents = Contents(2_000_000)
    first, second = contents.kept(long), contents.kept(long)
    assert (first.answer.headers, first.defects) == (fields, long.defects)
    assert second.answer.headers[:2] == (*JSON, ("Retry-After", "1"))
    assert sum(len(value) for _, value in second.answer.headers) < 20_000
    assert (len(second.defects), {len(defect) for defect in second.defects}) == (16, {CUT_TO})
    assert contents.kept(exchange(b"{}")) == exchange(b"{}")
