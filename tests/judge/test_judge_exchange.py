"""Judging one exchange: tables of wrong answers, the order of checks, 5xx, and no findings on good answers."""

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases.model import Case, Expectation, Probe
from conformance.exchange.model import LATE, Answer, Exchange, Failure
from conformance.exchange.retry_after import end_of_window
from conformance.judge.error_body import PREFIXES
from conformance.judge.exchange import judge_exchange
from conformance.judge.groups import equals_of, judge_equals, judge_group
from conformance.judge.text import MOST
from tests.support.answers import (
    ACCEPT,
    CONTRACT,
    EITHER,
    ERR,
    NOW,
    P429,
    P500,
    REJECT,
    REQUEST,
    SHOULD,
    exchange,
    judged,
    of_kind,
    violated,
)

HTML = {"Content-Type": "text/html"}
WRONG_BODIES = [
    (
        "html 429",
        P429,
        429,
        b"<!DOCTYPE html><h1>HTTP Status 429</h1>",
        HTML,
        {"rate-limit.media-type", "answer.no-leak"},
    ),
    ("text 429", P429, 429, b"Too many requests", {}, {"rate-limit.json"}),
    ("text/plain 429", P429, 429, ERR, {"Content-Type": "text/plain"}, {"rate-limit.media-type"}),
    (
        "422 list",
        REJECT,
        422,
        b'{"detail":[{"loc":["body","storeId"],"msg":"Field required"}]}',
        {},
        {"answer.status-set"},
    ),
    (
        "400 page",
        REJECT,
        400,
        b"<!DOCTYPE html><pre>SyntaxError<br> at /srv/app/node_modules/x.js:109:10</pre>",
        HTML,
        {"bad-request.media-type", "answer.no-leak"},
    ),
    ("list msg", REJECT, 400, b'{"errorMsg":["storeId"]}', {}, {"bad-request.error-msg"}),
    ("null msg", REJECT, 400, b'{"errorMsg":null}', {}, {"bad-request.error-msg"}),
    ("no msg", REJECT, 400, b"{}", {}, {"bad-request.error-msg"}),
    ("array", REJECT, 400, b'[{"errorMsg":"x"}]', {}, {"bad-request.object"}),
    ("string", REJECT, 400, b'"x"', {}, {"bad-request.object"}),
    ("empty msg", REJECT, 400, b'{"errorMsg":"","code":7}', {}, {"bad-request.text"}),
    ("bad utf-8", REJECT, 400, b'{"errorMsg":"\xff"}', {}, {"bad-request.json"}),
    ("surrogate", REJECT, 400, b'{"errorMsg":"\xed\xa0\x80"}', {}, {"bad-request.json"}),
    ("NaN", REJECT, 400, b'{"errorMsg":"x","v":NaN}', {}, {"bad-request.json"}),
    ("-Infinity", REJECT, 400, b'{"errorMsg":"x","v":-Infinity}', {}, {"bad-request.json"}),
    ("BOM", REJECT, 400, b"\xef\xbb\xbf" + ERR, {}, {"bad-request.json"}),
    ("empty", REJECT, 400, b"", {}, {"bad-request.json"}),
    ("trailing comma", REJECT, 400, b'{"errorMsg":"x",}', {}, {"bad-request.json"}),
    ("trailing data", REJECT, 400, ERR + b"x", {}, {"bad-request.json"}),
    ("raw control", REJECT, 400, b'{"errorMsg":"a\nb"}', {}, {"bad-request.json"}),
    ("leading zero", REJECT, 400, b'{"errorMsg":"x","v":01}', {}, {"bad-request.json"}),
    ("twice", REJECT, 400, b'{"errorMsg":"x","errorMsg":"y"}', {}, {"bad-request.unique-names"}),
    ("no type", REJECT, 400, ERR, {"Content-Type": None}, {"bad-request.media-type"}),
    ("deep", REJECT, 400, b'{"errorMsg":"x","v":' + b"[" * 50_000 + b"]" * 50_000 + b"}", {}, set()),
    ("deep, cut", REJECT, 400, b"[" * 50_000, {}, {"bad-request.json"}),
    ("long number", REJECT, 400, b'{"errorMsg":"x","v":' + b"9" * 10_000 + b"}", {}, set()),
    ("lone escape", REJECT, 400, b'{"errorMsg":"\\ud800"}', {}, set()),
    ("problem+json", REJECT, 400, ERR, {"Content-Type": "Application/Problem+JSON; charset=utf-8"}, set()),
    ("nested", REJECT, 400, b' {"errorMsg":"x","v":[{"a":[]},{},[1,-2.5e+3,true,null]]}\n', {}, set()),
]


@pytest.mark.parametrize(
    ("name", "expectation", "status", "body", "changes", "breaks"), WRONG_BODIES, ids=[row[0] for row in WRONG_BODIES]
)
def test_wrong_error_bodies(name, expectation, status, body, changes, breaks):
    assert violated(expectation, status, body, changes) == breaks


EMPTY = [
    ("plain", 200, b"", {}, set()),
    ("typed", 200, b"", {"Content-Type": "application/json"}, set()),
    ("gzip", 200, gzip.compress(b""), {"Content-Encoding": "gzip"}, {"success.not-coded"}),
    (
        "gzip null",
        200,
        gzip.compress(b"null"),
        {"Content-Encoding": "gzip"},
        {"success.not-coded", "success.empty-body"},
    ),
    ("identity", 200, b"", {"Content-Encoding": "identity"}, set()),
    *(
        (body.decode(), 200, body, {"Content-Type": "application/json"}, {"success.empty-body"})
        for body in (b"null", b"{}", b'""', b"\n")
    ),
    *((str(status), status, b"", {}, {"success.exactly-200"}) for status in (201, 202, 204, 299)),
]


@pytest.mark.parametrize(("name", "status", "body", "changes", "breaks"), EMPTY, ids=[ascii(row[0]) for row in EMPTY])
def test_empty_success(name, status, body, changes, breaks):
    assert violated(ACCEPT, status, body, changes) == breaks


STATUS = [
    (ACCEPT, 400, {"capture.accepted"}),
    (ACCEPT, 500, {"capture.accepted"}),
    (ACCEPT, 404, {"answer.status-set"}),
    (ACCEPT, 302, {"answer.status-set"}),
    (ACCEPT, 502, {"answer.status-set"}),
    (REJECT, 200, {"store-id.required"}),
    (REJECT, 201, {"store-id.required"}),
    (REJECT, 500, {"store-id.required"}),
    (REJECT, 400, set()),
    (SHOULD, 400, set()),
    (SHOULD, 200, {"value.zero"}),
    (SHOULD, 500, {"answer.no-server-error"}),
    (EITHER, 400, set()),
    (EITHER, 200, set()),
    (EITHER, 201, {"success.exactly-200"}),
    (EITHER, 500, {"answer.no-server-error"}),
    (EITHER, 415, {"answer.status-set"}),
    (Expectation("either"), 500, {"answer.no-server-error"}),
    (Expectation("either", "media-type.other", frozenset({415})), 415, set()),
    (Expectation("accept", "request.chunked", frozenset({411})), 411, set()),
    (P500, 500, set()),
    (P500, 200, set()),
    (P500, 404, {"answer.status-set"}),
]


@pytest.mark.parametrize(
    ("expectation", "status", "breaks"), STATUS, ids=lambda value: getattr(value, "nature", str(value))
)
def test_the_status_for_each_expectation(expectation, status, breaks):
    assert violated(expectation, status) == breaks


@pytest.mark.parametrize("status", [401, 403, 407])
def test_refused_authentication_is_not_judged(status):
    assert judged(REJECT, exchange(status, b"<html>")) == []


def test_either_is_observed_with_its_label():
    judgements = judged(EITHER, exchange(400))
    assert "ZZZ: refused (400)" in [judgement.behaviour for judgement in judgements]


def test_an_unprovoked_429_does_not_decide_the_case():
    judgements = judged(REJECT, exchange(429))
    assert "store-id.required" not in [judgement.requirement for judgement in judgements]
    assert "rate-limit.grammar" in of_kind(judgements, "holds")


def test_the_body_of_an_unprovoked_500_is_not_judged():
    judgements = judged(REJECT, exchange(500, b"oops"))
    assert not [judgement for judgement in judgements if judgement.requirement.startswith("server-error")]


FAILURES = [
    ("timeout", ["answer.in-time"]),
    ("closed", ["answer.connection"]),
    ("reset", ["answer.connection"]),
    ("garbled", ["answer.framing"]),
    ("refused", []),
    ("dns", []),
    ("tls", []),
]


@pytest.mark.parametrize(("kind", "breaks"), FAILURES)
def test_no_answer(kind, breaks):
    judgements = judged(REJECT, Exchange("case", 0, REQUEST, failure=Failure(kind, "why\x1b"), sent_at=1.0))
    assert of_kind(judgements, "breaks") == breaks


def test_a_framing_error_ends_the_checks():
    judgements = judged(ACCEPT, exchange(200, b"<html>", defects=("truncated",)))
    assert of_kind(judgements, "breaks") == ["answer.framing"]
    assert judgements[-1].requirement == "answer.framing"


def test_too_late():
    assert violated(ACCEPT, 200, time_limit=0.4) == {"answer.in-time"}
    assert violated(ACCEPT, 200, time_limit=0.5) == set()


NAMES = [
    (("UnknownShoppingTrip",), "trip-id.unknown-name"),
    (("BadRequestException",), "bad-request.name"),
    (("BadRequestException", "UnknownShoppingTrip"), "bad-request.name"),
]


@pytest.mark.parametrize(("names", "requirement"), NAMES)
def test_names(names, requirement):
    expectation = Expectation("reject", "trip-id.unknown", names=names)
    assert violated(expectation, 400, ERR) == {requirement}
    assert violated(expectation, 400, json.dumps({"errorMsg": f"a {names[-1]}: b"}).encode()) == set()


def test_methods_and_paths():
    method = Expectation("method", "method.not-allowed")
    assert violated(method, 405, changes={"Allow": "OPTIONS, POST"}, method="PUT") == set()
    assert violated(method, 405, changes={"Allow": "GET"}, method="PUT") == {"method.allow"}
    assert violated(method, 405, method="PUT") == {"method.allow"}
    assert violated(method, 404, b"<html>", method="PUT") == {"method.not-allowed"}
    unknown = Expectation("unknown-path", "path.unknown")
    assert violated(unknown, 404, b"<html>", path="unknown") == set()
    assert violated(unknown, 200, path="unknown") == {"path.unknown"}
    assert violated(Expectation("observe", "path.variants"), 404, b"<html>", path="trailing-slash") == set()


LEAKS = [
    'Traceback (most recent call last):\n  File "/app/main.py", line 3, in f',
    "java.lang.NullPointerException",
    "\tat com.acme.Capture.run(Capture.java:42)",
    "at Layer.handle (/srv/app/lib/layer.js:95:5)",
    "at Acme.Pay.Run() in C:\\src\\Pay.cs:line 12",
    "#0 /var/www/index.php(12): run()",
    "app/models/x.rb:12:in `run'",
    "goroutine 12 [running]:",
    "main.go:12",
    "werkzeug.exceptions.BadRequest",
    "django.core.exceptions",
    "For more see https://errors.pydantic.dev/2",
    "org.springframework.web",
    "com.fasterxml.jackson.core.JsonParseException",
    "Apache Tomcat/9.0",
    "nginx/1.18",
    "<html><body>no</body></html>",
]


@pytest.mark.parametrize("text", LEAKS)
def test_leaks(text):
    assert violated(REJECT, 400, json.dumps({"errorMsg": text}).encode()) == {"answer.no-leak"}


INNOCENT = [
    "BadRequestException",
    "ServiceException",
    "UnknownShoppingTrip",
    "ServiceUnavailableException",
    "Field required",
    "express checkout",
    "Express checkout",
    "opens next spring",
    "a reaction at 10:30:15",
    "see /v1/capture/charge",
    "must be < 10 and > 0",
    "type error",
    "on line 3 of the order",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_harmless_texts_are_no_leaks(text):
    assert violated(REJECT, 400, json.dumps({"errorMsg": text}).encode()) == set()


def test_admitted_answers_are_not_searched_for_leaks():
    assert violated(Expectation("either", "body.extreme", frozenset({413})), 413, b"<html>nginx") == set()


_TEXT = st.text(st.characters(max_codepoint=255), max_size=30)
_NAME = st.sampled_from(["Content-Type", "Content-Encoding", "Retry-After", "Date", "Allow", "X"])
_VALUE = _TEXT | st.sampled_from(
    [
        "application/json",
        "gzip",
        "deflate",
        "600",
        "Wed, 25 Nov 2026 03:10:00 GMT",
        "Wed, 00 Nov 0000 99:99:99 GMT",
        "Monday, 31-Dec-99 23:59:60 GMT",
    ]
)
_BODY = st.binary(max_size=60) | st.sampled_from(
    [
        ERR,
        b"[" * 3000,
        b'{"retryAfter":"9e9","errorMsg":"\\udfff"}',
        b'{"errorMsg":"x","retryAfter":"' + b"9" * 5000 + b'"}',
        gzip.compress(ERR),
        gzip.compress(ERR)[:-4],
    ]
)
_NATURE = st.sampled_from(
    ["accept", "reject", "should-reject", "either", "provoked", "method", "head", "unknown-path", "observe"]
)
_STATUS = st.sampled_from(sorted(PREFIXES)) | st.integers(100, 999)


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(
    _NATURE,
    _STATUS,
    st.lists(st.tuples(_NAME, _VALUE), max_size=6),
    _BODY,
    st.sampled_from([None, 0.0, NOW, -1e300, 1e300]),
    st.booleans(),
)
def test_a_judge_never_raises(nature, status, headers, body, wall_time, with_times):
    answer = Answer(status, tuple(headers), body)
    given_exchange = Exchange(
        "case",
        0,
        REQUEST,
        answer,
        wall_time=wall_time,
        sent_at=1.0 if with_times else None,
        answered_at=2.0 if with_times else None,
    )
    expectation = Expectation(nature, "code.other", names=("BadRequestException",), provoked=status)
    for judgement in judge_exchange(CONTRACT, Probe(expectation), given_exchange):
        assert judgement.requirement in CONTRACT.requirements
        assert len(judgement.received) <= MOST + 100
    end_of_window(given_exchange)
    judge_equals(equals_of([given_exchange] * 2))
    for rule in ("same-answer", "window"):
        case = Case("case", "t", "t", (), (Probe(expectation, wait=True),), rule=rule)
        judge_group(CONTRACT, case, [given_exchange, given_exchange])


def test_a_body_that_is_not_coded_as_labelled():
    coded = {"Content-Encoding": "gzip"}
    assert violated(REJECT, 400, ERR, coded) == {"bad-request.json"}
    assert violated(REJECT, 400, gzip.compress(ERR), coded) == set()


def test_a_connection_that_timed_out_is_not_judged():
    assert judged(REJECT, Exchange("case", 0, REQUEST, failure=Failure("timeout", "no connection"))) == []


@pytest.mark.parametrize("body", [b'{"errorMsg":"' + b"x" * 300 + b'\x1b\xff"}', b"\xc3\xa9" * 5000, b"y" * 2_000_000])
def test_the_received_body_is_cut_only_at_the_limit(body):
    (violation,) = [judgement for judgement in judged(REJECT, exchange(422, body)) if judgement.kind == "breaks"]
    assert violation.received.endswith(body[:MOST].decode("utf-8", "backslashreplace"))


KEPT = 4 * 1024 * 1024
LONG = {
    "a long errorMsg": (b'{"errorMsg":"' + b"a" * KEPT, {}, set()),
    "blanks first": (b" \n" * KEPT + b"{", {}, set()),
    "cut within a character": (b'{"errorMsg":"' + b"\xc3\xa9" * KEPT, {}, set()),
    "an array": (b'["' + b"a" * KEPT, {}, {"bad-request.object"}),
    "no JSON": (b"x" * KEPT, {}, {"bad-request.json"}),
    "packed": (gzip.compress(b'{"errorMsg":"' + b"a" * KEPT + b'"}'), {"Content-Encoding": "gzip"}, set()),
    "whole": (b'{"errorMsg":"' + b"a" * 100_000 + b'"}', {}, set()),
}


@pytest.mark.parametrize("name", LONG)
def test_content_beyond_what_the_suite_keeps_is_judged_by_its_beginning(name):
    body, changes, breaks = LONG[name]
    assert violated(REJECT, 400, body[:KEPT], changes) == breaks


def test_a_large_request_may_be_cut_off():
    large = replace(REQUEST, body=b"a" * 1_000_000)
    extreme = Expectation("either", "body.extreme", frozenset({413}), label="1 MB")
    for kind in ("closed", "reset"):
        given_exchange = Exchange("case", 0, large, failure=Failure(kind, "why"), sent_at=1.0)
        (judgement,) = judged(extreme, given_exchange)
        assert judgement.behaviour == f"1 MB: no answer ({kind})"
        assert judged(REJECT, given_exchange) == []
        small = replace(given_exchange, request=replace(REQUEST, body=b"a" * 999_999))
        assert of_kind(judged(extreme, small), "breaks") == ["answer.connection"]


PLAIN = replace(REQUEST, headers=(("Content-Type", "text/plain"),))


@pytest.mark.parametrize("expectation", [REJECT, SHOULD, EITHER, Expectation("observe")])
def test_a_request_that_is_not_labelled_as_json_may_be_answered_with_415(expectation):
    page = exchange(415, b"<html><body>", {"Content-Type": "text/html"})
    assert of_kind(judged(expectation, replace(page, request=PLAIN)), "breaks") == []
    assert of_kind(judged(expectation, page), "breaks") == ["answer.status-set", "answer.no-leak"]


def test_a_recommendation_to_serve_is_not_broken_by_a_must():
    blank = Expectation("accept", "media-type.blank", frozenset({415}))
    assert violated(blank, 200) == set()
    assert violated(blank, 400) == violated(blank, 415) == {"media-type.blank"}
    assert violated(blank, 500) == {"answer.no-server-error"}


@pytest.mark.parametrize(("late", "requirement"), [((LATE,), "answer.in-time"), ((), "answer.framing")])
def test_an_answer_that_is_cut_by_its_time_is_late_and_not_badly_framed(late, requirement):
    judgements = judged(ACCEPT, exchange(200, defects=("truncated: the last chunk is missing", *late)))
    assert of_kind(judgements, "breaks") == [requirement]
