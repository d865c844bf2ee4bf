"""Capture services in five frameworks, each written in a hurry and done right: the suite finds exactly their defects.

A service done right runs behind every HTTP server that is usual for its framework, since the suite also judges framing
and connections. docs/gallery.md explains who is right where that was in doubt.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest


class Hurried(NamedTuple):
    script: str
    breaks: dict[str, str]


_LENIENT = "json.loads takes UTF-16, UTF-32, surrogates encoded as bytes, and NaN in attributes that are not read"
_NULL = "a handler that returns None is answered with the JSON text null, four bytes"
_DETAIL = "the framework's exception puts its text into detail, not errorMsg"
_MODEL_422 = "a model that does not fit is answered 422, which the page does not list"
_LAX = "pydantic reads the strings '10' and '1e1', and true, as a float unless the model is strict"
_UNCAUGHT = "an exception that is not caught becomes 500 in "

HURRIED = {
    "fastapi": Hurried(
        "fastapi_hurried.py",
        {
            "store-id.type": "the 422 repeats the input: [1e400] in it is infinite and cannot be written, hence 500",
            "trip-id.type": "as storeId",
            "amount.type": "as storeId",
            "code.type": "as storeId",
            "body.not-object": "as storeId",
            "store-id.pattern": "as its type; a lone surrogate cannot be written as UTF-8 either",
            "trip-id.pattern": "as storeId",
            "code.pattern": "as storeId",
            "value.type": _LAX,
            "value.not-finite": "json.loads takes NaN; Infinity is above 0, and a 422 that repeats NaN ends in 500",
            "body.lenient": _LENIENT,
            "body.invalid-utf-8": "json.loads takes a surrogate encoded as bytes, which a 422 cannot repeat, hence 500",
            "body.several-faults": "a 422 that repeats an object with 1e400 or a lone surrogate in it, hence 500",
            "answer.no-server-error": "as storeId: a 422 repeats -1e400",
            "answer.status-set": _MODEL_422,
            "answer.close-announced": "uvicorn closes, unannounced, after an exception that the application let through",
            "success.empty-body": _NULL,
            "bad-request.error-msg": _DETAIL,
            "rate-limit.error-msg": _DETAIL,
            "server-error.media-type": _UNCAUGHT + "plain text",
            "unavailable.error-msg": _DETAIL,
            "unavailable.retry-after": "an HTTPException has one text, so there is no retryAfter",
        },
    ),
    "flask": Hurried(
        "flask_hurried.py",
        {
            "store-id.required": "body['storeId'] raises KeyError, hence 500",
            "store-id.not-null": "re.match of None raises TypeError, hence 500",
            "store-id.type": "re.match of a number raises TypeError, hence 500",
            "store-id.pattern": "$ matches before a line feed, which strip then takes away",
            "trip-id.required": "as storeId",
            "trip-id.not-null": "as storeId",
            "trip-id.type": "as storeId",
            "trip-id.pattern": "as storeId; and \\w and UUID() take full-width digits",
            "amount.required": "body['amount'] raises KeyError, hence 500",
            "amount.not-null": "None['amount'] raises TypeError, hence 500",
            "amount.type": "10['amount'] raises TypeError, hence 500",
            "value.required": "KeyError, hence 500",
            "value.not-null": "float(None) raises TypeError, hence 500",
            "value.type": "float() reads '10' and True, and raises on the rest, hence 500",
            "value.not-finite": "get_json takes NaN and Infinity, and NaN <= 0 is false",
            "code.required": "KeyError, hence 500",
            "code.not-null": "re.match of None raises TypeError, hence 500",
            "code.type": "re.match of a number raises TypeError, hence 500",
            "code.pattern": "$ matches before a line feed, which strip then takes away",
            "body.not-json": "deep nesting raises RecursionError, which get_json does not expect, hence 500",
            "body.not-object": "[]['storeId'] raises TypeError, hence 500",
            "body.lenient": _LENIENT,
            "body.several-faults": "the first missing member raises KeyError, hence 500",
            "answer.no-server-error": "float() of 400 digits overflows, a null beside a good value is None, deep nesting",
            "answer.no-leak": "abort and exceptions are answered with HTML pages",
            "bad-request.media-type": "abort answers text/html",
            "rate-limit.grammar": "the developer wrote '1 seconds'; no framework checks Retry-After",
            "server-error.media-type": _UNCAUGHT + "an HTML page",
            "unavailable.media-type": "abort answers text/html",
        },
    ),
    "django": Hurried(
        "django_hurried.py",
        {
            "value.type": _LAX,
            "value.not-finite": "json.loads takes NaN and Infinity, and NaN <= 0 is false",
            "body.lenient": _LENIENT,
            "answer.status-set": _MODEL_422,
            "answer.no-server-error": "Ninja makes no 400 of Django's RequestDataTooBig, for bodies over 2.5 MB",
            "answer.no-leak": "with DEBUG on, an exception is answered with its trace",
            "success.empty-body": _NULL,
            "bad-request.error-msg": _DETAIL,
            "rate-limit.error-msg": _DETAIL,
            "rate-limit.retry-after": "HttpError has no way to add a header field",
            "server-error.media-type": _UNCAUGHT + "plain text",
            "unavailable.error-msg": _DETAIL,
            "unavailable.retry-after": "HttpError has one text, so there is no retryAfter",
        },
    ),
    "aiohttp": Hurried(
        "aiohttp_hurried.py",
        {
            "value.type": "isinstance(True, int) holds",
            "value.not-finite": "request.json takes NaN and Infinity, and NaN <= 0 is false",
            "body.empty": "request.json of nothing gives None, which has no get, hence 500",
            "body.not-json": "request.json raises, and the framework makes no 400 of it, hence 500",
            "body.not-object": "a list has no get, hence 500",
            "body.invalid-utf-8": "request.json raises UnicodeDecodeError, hence 500",
            "body.lenient": "request.json takes NaN in attributes that are not read",
            "body.several-faults": "request.json raises on comments, whatever else is wrong",
            "store-id.type": "request.json raises RecursionError on deep nesting, hence 500",
            "answer.no-server-error": "all that request.json cannot read is 500: comments, UTF-16, charset=none, depth",
            "rate-limit.media-type": "the HTTP exceptions are answered in plain text",
            "server-error.media-type": _UNCAUGHT + "plain text",
            "unavailable.media-type": "the HTTP exceptions are answered in plain text",
        },
    ),
    "express": Hurried(
        "express_hurried.cjs",
        {
            "method.not-allowed": "a path without a route for the method is 404",
            "value.type": "ajv with coerceTypes, as many set it for query strings, makes numbers of '10' and true",
            "body.lenient": "body-parser decodes bytes that are no UTF-8 to replacement characters",
            "answer.status-set": "REST habit: 404 for a trip that does not exist",
            "answer.no-leak": "body-parser's errors and exceptions are answered with HTML pages and stack traces",
            "success.empty-body": "sendStatus(200) sends the text OK",
            "bad-request.media-type": "body-parser's errors are HTML pages",
            "bad-request.error-msg": "ajv's list of errors, sent as it is, has no errorMsg",
            "rate-limit.error-msg": "the developer wrote error in place of errorMsg",
            "server-error.media-type": _UNCAUGHT + "an HTML page",
            "unavailable.retry-after": "retryAfter as a number, where the page has a string",
        },
    ),
}

RIGHT = [
    ("fastapi_right", "uvicorn"),
    ("fastapi_right", "httptools"),
    ("fastapi_right", "hypercorn"),
    ("flask_right", "waitress"),
    ("flask_right", "werkzeug"),
    ("flask_right", "gunicorn"),
    ("django_right", "waitress"),
    ("django_right", "wsgiref"),
    ("django_right", "gunicorn"),
    ("django_right", "gunicorn-sync"),
    ("aiohttp_right", "aiohttp"),
]


@pytest.mark.parametrize("name", HURRIED)
def test_a_hurried_service_violates_exactly_the_listed_requirements(name, needs, judge_service):
    script, breaks = HURRIED[name]
    needs(name)
    findings = judge_service(script)
    assert findings.errors == []
    assert (findings.status, findings.verdict) == (1, "non-conformant")
    assert sorted(findings.broken) == sorted(breaks), findings.evidence


@pytest.mark.parametrize(("module", "server"), RIGHT)
def test_a_service_done_right_violates_nothing(module, server, needs, judge_service):
    needs(module.removesuffix("_right"), server)
    findings = judge_service("host.py", server, module)
    assert findings.errors == []
    assert findings.broken == {}, findings.evidence
    assert (findings.status, findings.verdict, findings.complete) == (0, "conformant", True)


def test_express_done_right_violates_nothing(judge_service):
    findings = judge_service("express_right.cjs")
    assert findings.errors == []
    assert findings.broken == {}, findings.evidence
    assert (findings.status, findings.verdict, findings.complete) == (0, "conformant", True)
