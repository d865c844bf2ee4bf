"""Invented faults in answering: rate limits, error bodies, framing, and state between requests."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta

from conformance.mock.exchange import PATH, Crash, Inquiry, Reply, error
from conformance.mock.faults.amount_hooks import amount_of
from conformance.mock.faults.model import Fault
from conformance.mock.faults.request import IDS, members, well_formed
from conformance.mock.reading import BAD_REQUEST, ID_LIMIT, STORES, UNKNOWN_TRIP, Number, Refused

_DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
_MONTHS = ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
_INDEPENDENT = frozenset({"answer.independent"})


def _is(inquiry: Inquiry, status: int) -> Reply | None:
    """The reply, if it has that status."""
    return inquiry.reply if inquiry.reply and inquiry.reply.status == status else None


def _client(inquiry: Inquiry) -> str:
    return inquiry.get("x-client") or ""


def _kind(inquiry: Inquiry) -> str:
    """The content of a request without its trip: requests with the same content count as equal."""
    fields = [inquiry.get(name) or "" for name in ("content-type", "accept", "transfer-encoding", "expect")]
    return repr((fields, re.sub(rb'"shoppingTripId"\s*:\s*"[^"]*"', b"", inquiry.body)))


# --- 429, 500 and 503 --------------------------------------------------------------------------------------------


def _german_date(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 429)
    if reply:
        end = inquiry.moment + timedelta(seconds=int(reply.get("retry-after") or 0), microseconds=999_999)
        date = f"{end.day:02} {_MONTHS[end.month - 1]} {end.year}"
        reply.put("retry-after", f"{_DAYS[end.weekday()]}, {date} {end:%H:%M:%S} GMT")


def _first_only(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 429)
    if reply and inquiry.count(f"429 {_client(inquiry)}") > 1:
        reply.drop("retry-after")


def _remember_window(inquiry: Inquiry) -> None:
    if _is(inquiry, 429):
        inquiry.memory[f"limited {_client(inquiry)}"] = 1


def _crash_after_window(inquiry: Inquiry) -> None:
    if inquiry.memory.pop(f"limited {_client(inquiry)}", 0):
        raise Crash


def _false_coding(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 429)
    if reply:
        reply.put("content-encoding", "gzip")


def _arabic_digits(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 503)
    if reply:
        reply.body = json.dumps({**json.loads(reply.body), "retryAfter": "٣٠"}).encode()


# --- 400 and 200 -------------------------------------------------------------------------------------------------


def _echo(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    for key in IDS:
        value = members(inquiry).get(key)
        if reply and isinstance(value, str) and value and not well_formed(value):
            reply.body = f'{{"errorMsg": "BadRequestException: {key} {value} is malformed"}}'.encode("utf-8", "replace")
            return


def _mistyped(inquiry: Inquiry) -> bool:
    amount = members(inquiry).get("amount")
    value, code = amount_of(inquiry).get("amount"), amount_of(inquiry).get("code")
    texts = (*(members(inquiry).get(key) for key in IDS), code)
    return (
        any(text is not None and not isinstance(text, str) for text in texts)
        or (amount is not None and not isinstance(amount, dict))
        or (value is not None and not isinstance(value, Number))
    )


def _default_body(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    if reply and _mistyped(inquiry):
        moment = inquiry.moment.isoformat()
        reply.body = json.dumps({"timestamp": moment, "status": 400, "error": "Bad Request", "path": PATH}).encode()


def _parser_named(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    if reply and inquiry.refusal == BAD_REQUEST and inquiry.document is None:
        problem = "com.fasterxml.jackson.core.JsonParseException: Unexpected character at [line: 1, column: 1]"
        reply.body = json.dumps({"errorMsg": f"BadRequestException: {problem}"}).encode()


def _gzip_of_nothing(inquiry: Inquiry) -> None:
    inquiry.reply = Reply(200, [("content-encoding", "gzip")], gzip.compress(b"", mtime=0))


# --- framing, connection, time -----------------------------------------------------------------------------------


def _length_and_chunked(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    if reply:
        reply.wire = "length-and-chunked"


def _drip(inquiry: Inquiry) -> None:
    reply, document = _is(inquiry, 400), members(inquiry)
    if reply and "storeId" in document and "shoppingTripId" not in document:
        reply.chunks, reply.pause = 16, inquiry.hang_s / 10


def _reset_if_big(inquiry: Inquiry) -> None:
    if inquiry.reply and len(inquiry.body) > 100_000:
        inquiry.reply.wire = "reset"


# --- state between requests --------------------------------------------------------------------------------------


def _one_at_a_time(inquiry: Inquiry) -> None:
    key, now = f"until {_kind(inquiry)}", int(inquiry.now * 1000)
    if now < inquiry.memory.get(key, 0):
        raise Refused
    inquiry.memory[key] = now + 80
    if inquiry.reply:
        inquiry.reply.delay = 0.1


def _double_click(inquiry: Inquiry) -> None:
    key, now = f"served {_kind(inquiry)}", int(inquiry.now * 1000)
    if now < inquiry.memory.get(key, 0):
        raise Refused
    inquiry.memory[key] = now + 300


def _remember_no_trip(inquiry: Inquiry) -> None:
    if inquiry.refusal == UNKNOWN_TRIP:
        inquiry.memory[f"no trip at {members(inquiry).get('storeId')}"] = int(inquiry.now * 1000) + 500
    elif _is(inquiry, 200):
        inquiry.count(f"seen {_kind(inquiry)}")


def _answer_from_cache(inquiry: Inquiry) -> None:
    until = inquiry.memory.get(f"no trip at {members(inquiry).get('storeId')}", 0)
    if inquiry.memory.get(f"seen {_kind(inquiry)}") and int(inquiry.now * 1000) < until:
        raise Refused(UNKNOWN_TRIP)


def _fill_in_store(inquiry: Inquiry) -> None:
    document, key = members(inquiry), f"store of {inquiry.connection}"
    if document and "storeId" not in document and key in inquiry.memory:
        document["storeId"] = STORES[inquiry.memory[key]]


def _remember_store(inquiry: Inquiry) -> None:
    if inquiry.capture:
        inquiry.memory[f"store of {inquiry.connection}"] = STORES.index(inquiry.capture.store)


def _again(inquiry: Inquiry) -> bool:
    """Whether the same capture was accepted before; false for the one trip of the maximum length."""
    capture = inquiry.capture
    return capture is not None and len(capture.trip) < ID_LIMIT and inquiry.count(f"capture {capture}") > 1


def _conflict(inquiry: Inquiry) -> None:
    if _again(inquiry):
        inquiry.reply = error(409, "Conflict")


def _unique_key(inquiry: Inquiry) -> None:
    if _again(inquiry):
        raise Crash


FAULTS: list[Fault] = [
    Fault(
        "retry-after-date-localised",
        "Retry-After is a date with German names of day and month.",
        frozenset({"rate-limit.grammar"}),
        answer=_german_date,
    ),
    Fault(
        "retry-after-first-only",
        "Only the first 429 of a window has Retry-After.",
        frozenset({"rate-limit.retry-after"}),
        one_exchange=False,
        answer=_first_only,
    ),
    Fault(
        "window-end-crashes",
        "The first request after a window causes a server error, the next one is served.",
        frozenset({"server-error.stable"}),
        one_exchange=False,
        receive=_crash_after_window,
        answer=_remember_window,
    ),
    Fault(
        "rate-limit-false-coding",
        "A proxy unpacks the body of a 429 and leaves Content-Encoding: gzip on it.",
        frozenset({"rate-limit.json"}),
        answer=_false_coding,
    ),
    Fault(
        "unavailable-arabic-digits",
        "The retryAfter of a 503 is written in Arabic-Indic digits.",
        frozenset({"unavailable.seconds"}),
        answer=_arabic_digits,
    ),
    Fault(
        "bad-request-echo-unescaped",
        "A 400 repeats a malformed id without escaping it: quotes and line ends break the JSON.",
        frozenset({"bad-request.json"}),
        answer=_echo,
    ),
    Fault(
        "bad-request-mistyped-default",
        "Where a member has a wrong type, the 400 has the body of a framework, without errorMsg.",
        frozenset({"bad-request.error-msg"}),
        answer=_default_body,
    ),
    Fault(
        "malformed-names-parser",
        "The 400 to a body that is not JSON names the parser's exception class.",
        frozenset({"answer.no-leak"}),
        answer=_parser_named,
    ),
    Fault(
        "success-gzip-of-nothing",
        "The empty 200 is compressed to twenty bytes of gzip.",
        frozenset({"success.not-coded"}),
        accept=_gzip_of_nothing,
    ),
    Fault(
        "wire-length-and-chunked",
        "A 400 comes in chunks and has a Content-Length as well.",
        frozenset({"answer.framing"}),
        answer=_length_and_chunked,
    ),
    Fault(
        "answer-drips",
        "The 400 to a body without shoppingTripId is sent in small pieces over a long time.",
        frozenset({"answer.in-time"}),
        answer=_drip,
    ),
    Fault(
        "big-body-reset",
        "The connection is reset in place of an answer to a body over 100,000 bytes.",
        frozenset({"answer.connection"}),
        answer=_reset_if_big,
    ),
    Fault(
        "equal-at-once-refused",
        "Of equal captures for different trips that arrive at the same time, only the first is served.",
        _INDEPENDENT,
        one_exchange=False,
        accept=_one_at_a_time,
    ),
    Fault(
        "double-click-window",
        "An equal capture for another trip within 0.3 s is taken for a double click and refused.",
        _INDEPENDENT,
        one_exchange=False,
        accept=_double_click,
    ),
    Fault(
        "lookup-cached-by-store",
        "An unknown trip is cached by store: for 0.5 s, good trips at that store are unknown too.",
        _INDEPENDENT,
        one_exchange=False,
        accept=_answer_from_cache,
        answer=_remember_no_trip,
    ),
    Fault(
        "store-remembered",
        "A body without storeId gets the store of the capture before it on the same connection.",
        frozenset({"store-id.required", "answer.independent"}),
        one_exchange=False,
        repair=_fill_in_store,
        accept=_remember_store,
    ),
    Fault(
        "repeat-conflict",
        "The same capture sent again is answered 409.",
        frozenset({"answer.status-set"}),
        one_exchange=False,
        accept=_conflict,
    ),
    Fault(
        "repeat-crashes",
        "The same capture sent again violates a unique key and causes a server error.",
        frozenset({"answer.no-server-error"}),
        one_exchange=False,
        accept=_unique_key,
    ),
]
