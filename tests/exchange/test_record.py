"""The record: it is read as it was written, changes are detected, and it contains no secret in any encoding."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from urllib.parse import quote

import pytest

from conformance.cases.model import Case, Expectation, Probe
from conformance.exchange.event import Intent, Note, Plan, Resumed, Sent, Stray
from conformance.exchange.model import Answer, Exchange, Failure, Request
from conformance.exchange.record import Recorder, read_record
from conformance.redact import Redactor

RAW = b"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
ANSWER = Answer(400, (("Content-Type", "application/json"), ("Content-Length", "2")), b"{}", "Bad")
REQUEST = Request("POST", "/x", (("Host", "h"), ("A", "b")), b"{}")
EXCHANGE = Exchange("case", 0, REQUEST, ANSWER, None, (), RAW, 1.25, 1.5, 1.7e9, 1, False, "trip")
SECRET = 'S3cret/tok+é"n9'


PROBE = Probe(Expectation("accept", "capture.accepted"), b"{}")
INTENT = Intent("case", "trip", "1.00", "USD", True, 1.7e9)


def sent(exchange=EXCHANGE, probe=PROBE, **more) -> Sent:
    return Sent(
        exchange,
        replace(probe, body=exchange.request.body),
        **{"sending": 1, "purpose": "first", "final": True, **more},
    )


def recorder(path, *secrets, **header) -> Recorder:
    return Recorder(path, header, Redactor(secrets))


def written(tmp_path, *exchanges, secrets=(), header=None):
    path = tmp_path / "record.jsonl"
    new_recorder = recorder(path, *secrets, **(header or {}))
    for exchange in exchanges:
        new_recorder.write(replace(INTENT, case=exchange.case, trip=exchange.trip))
        new_recorder.write(sent(exchange))
    new_recorder.footer({"requests": len(exchanges)})
    return path


@pytest.mark.parametrize(
    "exchange",
    [
        EXCHANGE,
        replace(EXCHANGE, answer=None, raw=b"", failure=Failure("timeout", "none came"), answered_at=None),
        replace(EXCHANGE, answer=None, raw=b"\xff\x00nonsense", failure=Failure("garbled", "no status line")),
        replace(EXCHANGE, request=replace(REQUEST, body=b'\xef\xbb\xbf{"a": "\xc3\xa9\x00\xff"}')),
        replace(EXCHANGE, raw=RAW[:-1], answer=replace(ANSWER, body=b"{"), defects=("truncated: 1 of 2",)),
        replace(EXCHANGE, raw=b"x" * 262144, answer=replace(ANSWER, body=b"y" * 300_000, interim=(100,))),
        replace(EXCHANGE, raw=b"", connection=None, wall_time=None, sent_at=None, closed_early=True),
    ],
)
def test_a_record_is_read_as_it_was_written(tmp_path, exchange):
    record = read_record(written(tmp_path, exchange, EXCHANGE))
    assert (record.broken, record.complete, record.footer["requests"]) == ("", True, 2)
    assert record.events == [
        replace(INTENT, number=1),
        sent(replace(exchange, number=2)),
        replace(INTENT, number=3),
        sent(replace(EXCHANGE, number=4)),
    ]


UNUSUAL_PROBE = Probe(
    Expectation("provoked", "rate-limit.window-end", frozenset({411, 413}), ("A", "B"), 429, "label"),
    method="PUT", path="below", framing="expect", trip="same", provoke=429, wait=True, equal=True, connection=3, times=9,
)  # fmt: skip


@pytest.mark.parametrize(
    "event",
    [
        Plan(
            (
                Case(
                    "a", "theme", "A title", ("x.y", "x.z"), (PROBE, replace(PROBE, equal=True)), accepts=("s", "USD")
                ),
                Case("b", "theme", "", (), (), "chain", "window", True, "strategy", "a reason"),
            )
        ),
        replace(INTENT, known=False, number=1),
        Note("case", "a reason", beforehand=True),
        Note("case", "RuntimeError: x", error=True),
        Note("case", "\ud800 \x7f \x9b31m \u202e é 🛒 \ud83d \n\\u0041"),
        sent(
            replace(EXCHANGE, number=1),
            UNUSUAL_PROBE,
            sending=7,
            purpose="confirm",
            final=False,
            intent=5,
        ),
        Stray("case", "3 bytes"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_kind_of_event_is_read_as_it_was_written(tmp_path, event):
    new_recorder = recorder(tmp_path / "record.jsonl")
    new_recorder.write(event)
    new_recorder.footer({})
    (read_event,) = read_record(tmp_path / "record.jsonl").events
    assert comparable(read_event) == comparable(event)


def comparable(event):
    """An event without what the record omits on purpose: the probes of a plan, except whether they are equal."""
    if not isinstance(event, Plan):
        return event
    return [(replace(case, probes=()), sorted(probe.equal for probe in case.probes)) for case in event.cases]


def test_an_intent_is_written_before_the_request(tmp_path):
    path = tmp_path / "record.jsonl"
    new_recorder = recorder(path)
    new_recorder.write(INTENT)
    last = json.loads(path.read_text().splitlines()[-1])
    new_recorder.close()
    assert (last["kind"], last["case"]) == ("intent", "case")


def test_a_change_of_any_line_is_detected(tmp_path):
    path = written(tmp_path, EXCHANGE, EXCHANGE)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 6
    for number, line in enumerate(lines):
        changed = line.replace(b'"kind"', b'"kind" ', 1)
        path.write_bytes(b"".join([*lines[:number], changed, *lines[number + 1 :]]))
        assert f"line {min(number + 2, 6)}" in read_record(path).broken
        path.write_bytes(b"".join([*lines[:number], *lines[number + 1 :]]))
        record = read_record(path)
        assert record.broken if number < 5 else (record.broken, record.complete) == ("", False)
    path.write_bytes(b"".join(lines) + b"{}")
    assert "follows the footer" in read_record(path).broken
    path.write_bytes(b"".join([*lines, lines[-1]]))
    assert "line 7" in read_record(path).broken


def test_a_record_that_was_cut_off_is_not_a_changed_one(tmp_path):
    path = written(tmp_path, EXCHANGE, EXCHANGE)
    whole = path.read_bytes()
    for size in range(whole.index(b"\n") + 1, len(whole), 23):
        path.write_bytes(whole[:size])
        record = read_record(path)
        assert (record.broken, record.complete) == ("", False)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "line 1"),
        (b"hello\nworld\n", "line 1"),
        (b'{"log": {}}\n', "line 1"),
        (b"[1]\n", "line 1"),
        (b"\xff\xfe\n", "line 1"),
    ],
)
def test_a_file_that_is_not_a_record(tmp_path, content, place):
    path = tmp_path / "other"
    path.write_bytes(content)
    assert place in read_record(path).broken


@pytest.mark.parametrize("number", [1, 99])
def test_another_format_is_refused(tmp_path, number):
    broken = read_record(written(tmp_path, EXCHANGE, header={"format": number})).broken
    assert broken == f"line 1: the record has format {number}; this version reads format 2 only"


def forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    encoded = [
        raw,
        json.dumps(secret)[1:-1].encode(),
        quote(secret, safe="").encode(),
        quote(secret, safe="").lower().encode(),
    ]
    encoded += [
        "".join(f"\\u{ord(char):04X}" for char in secret).encode(),
        raw.hex().encode(),
        secret.encode("utf-16-le"),
    ]
    return (
        encoded + [base64.b64encode(b"." * shift + raw + b".") for shift in range(3)] + [base64.urlsafe_b64encode(raw)]
    )


@pytest.mark.parametrize("form", forms(SECRET))
@pytest.mark.parametrize("around", [b"%b", b'{"a": "%b"}', b"\xff\x00%b\xff"])
def test_it_contains_no_secret_and_lengths_stay(tmp_path, form, around):
    body = around % form
    raw = RAW.replace(b"Length: 2", b"Length: %d" % len(body))[:-2] + body
    text = form.decode("latin-1") if b"\0" not in form else "none"
    header = ("X-Echo", text)
    exchange = replace(
        EXCHANGE,
        request=Request("POST", "/x?" + text, (header,), body),
        answer=replace(ANSWER, headers=(header,), body=body),
        raw=raw,
    )
    path = written(tmp_path, exchange, secrets=(SECRET,), header={text: {text: 1}})
    record = read_record(path)
    assert record.broken == ""
    read = record.sent[0].exchange
    parts = [read.request.body, read.raw, read.answer.body, read.request.target.encode("latin-1"), path.read_bytes()]
    parts += [value.encode("latin-1") for _, value in read.request.headers]
    core = form[4:-6]
    assert not [part for part in parts if core in part]
    assert len(read.request.body) == len(body)
    assert read.request.body.count(b"*") >= len(form) - 10
    assert len(read.raw) == len(raw)
    assert json.dumps(core.decode("latin-1"))[1:-1].encode() not in path.read_bytes()


def test_secret_header_fields_are_hidden_by_name(tmp_path):
    raw = b"HTTP/1.1 200 OK\r\nset-cookie: session=abcdef\r\nContent-Length: 0\r\n\r\n"
    request = replace(REQUEST, headers=(("Authorization", "Basic abc"),))
    answer = Answer(200, (("set-cookie", "session=abcdef"), ("Content-Length", "0")), b"", "OK")
    path = written(tmp_path, replace(EXCHANGE, request=request, answer=answer, raw=raw))
    text = path.read_text()
    assert "abcdef" not in text
    assert "Basic" not in text
    assert read_record(path).sent[0].exchange.answer.values("Set-Cookie") == ["*" * 14]


def test_on_a_full_disk_no_intent_counts_as_written(tmp_path):
    """Threads write their lines together. If that fails, it fails for all of them and for all later lines."""
    new_recorder = recorder(tmp_path / "record.jsonl")
    new_recorder._file.close()
    new_recorder._file = Path("/dev/full").open("wb")  # noqa: SIM115 - the recorder closes it
    start = Barrier(8)

    def intend(number: int) -> str:
        start.wait()
        try:
            new_recorder.write(replace(INTENT, case=f"c{number}"))
        except OSError:
            return "failed"
        return "written"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(intend, range(8))) == ["failed"] * 8
    with pytest.raises(OSError, match="No space left"):
        new_recorder.close()


def test_each_line_is_in_the_file_at_once(tmp_path):
    path = tmp_path / "record.jsonl"
    new_recorder = recorder(path)
    new_recorder.write(sent())
    assert len(path.read_bytes().splitlines()) == 2
    new_recorder.close()


def test_a_record_goes_on_in_the_same_chain(tmp_path):
    path = tmp_path / "record.jsonl"
    first = recorder(path)
    first.write(sent())
    first.footer({"stop": "interrupted"})
    complete = path.read_bytes()
    path.write_bytes(complete[:-1])  # the footer was not written completely
    second = Recorder(path, None, Redactor(()))
    assert (second.so_far.complete, len(second.so_far.events)) == (False, 1)
    second.write(Resumed("2026-11-27T00:00:00Z"))
    second.footer({"stop": ""})
    third = Recorder(path, None, Redactor(()))
    third.write(Resumed("2026-11-28T00:00:00Z"))
    third.close()
    record = read_record(path)
    assert (record.broken, record.complete, record.footer["stop"]) == ("", False, "")
    assert [event.started[:10] for event in record.events[1:]] == ["2026-11-27", "2026-11-28"]


def test_a_record_is_written_by_one_process(tmp_path):
    path = tmp_path / "record.jsonl"
    first = recorder(path)
    first.write(sent())
    written = path.read_bytes()
    for header in ({}, None):
        with pytest.raises(BlockingIOError):
            Recorder(path, header, Redactor(()))
    first.close()
    assert path.read_bytes() == written
