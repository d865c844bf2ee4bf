"""Forty lawful differences that a fourth reader of the contract expects from real servers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime

import benchmarks.reader.rewrites  # noqa: F401 - the changes of bytes that are named here
from benchmarks.reader.fourth import MINOR_UNITS, amount_fields, fields, scale, whole_digits
from conformance.mock.exchange import JSON_TYPE, Inquiry, Reply, error, raw_error
from conformance.mock.faults.model import Fault, on, on_errors
from conformance.mock.limiter import WindowRules
from conformance.mock.reading import (
    BAD_REQUEST,
    CODE_PATTERN,
    CURRENCIES,
    ID_LIMIT,
    NO_TRIP,
    STORES,
    TRIP_PATTERN,
    UNKNOWN_TRIP,
    UUID_PATTERN,
    Number,
    Refused,
    is_trip,
)
from conformance.mock.wire import REWRITES, Ending

_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)", re.IGNORECASE)
_REASONS = {
    b"200": "Erledigt \xfc\xdf".encode("latin-1"),
    b"400": BAD_REQUEST.encode(),
    b"429": b"Slow Down",
    b"500": b"ServiceException",
    b"503": b"ServiceUnavailableException",
}


def _named_reason(head: bytes, body: bytes) -> tuple[bytes, Ending]:
    reason = UNKNOWN_TRIP.encode() if UNKNOWN_TRIP.encode() in body else _REASONS.get(head[9:12], b"")
    return head[:13] + reason + head[head.index(b"\r\n") :] + body, "keep"


def _until_close(head: bytes, body: bytes) -> tuple[bytes, Ending]:
    return b"HTTP/1.0" + _LENGTH.sub(b"", head)[8:] + body, "close"


REWRITES.update({"reason-is-the-name": _named_reason, "http-1-0-until-close": _until_close})


# --- bodies of errors ----------------------------------------------------------------------------------------------


def _message(reply: Reply) -> str:
    return str(json.loads(reply.body)["errorMsg"])


def _with_members(reply: Reply, **more: object) -> None:
    reply.body = json.dumps(json.loads(reply.body) | more, ensure_ascii=False).encode()


def _problem(reply: Reply) -> None:
    _with_members(reply, type="https://pay.example.com/problems/1", title="Refused", status=reply.status, detail=None)
    reply.put("content-type", "application/problem+json")


def _latin_1_label(reply: Reply) -> None:
    _with_members(reply, conseil="V\xe9rifiez la requ\xeate, puis r\xe9essayez")
    reply.put("content-type", "Application/JSON;Charset=ISO-8859-1")


def _huge_numbers(reply: Reply) -> None:
    more = b',"requestNumber":' + b"9" * 5000 + b',"took":1e999,"load":-0.0E-999,"ratio":0.' + b"3" * 400 + b"}"
    reply.body = reply.body[:-1] + more


def _odd_members(reply: Reply) -> None:
    original = json.loads(reply.body)
    odd: dict[str, object] = {"": 0, "\0": [], "__proto__": {}, "ErrorMsg": None, "errormsg": 5, "error\x7fMsg": True}
    details = {"details": [{"errorMsg": None}, {"errorMsg": 1}, [[[[{}]]]]], "retry after": -1, "NaN": "Infinity"}
    reply.body = json.dumps(odd | original | details).encode()


def _escaped(text: str) -> str:
    return '"' + "".join(f"\\u{ord(letter):04X}" for letter in text) + '"'


def _escape_everything(reply: Reply) -> None:
    members = json.loads(reply.body).items()
    pairs = ",\r\n\t".join(f"{_escaped(name)} :\t{_escaped(value)}" for name, value in members)
    reply.body = f"\r\n {{\r\n\t{pairs}\r\n}}\r\n\r\n".encode()


def _long_text(reply: Reply) -> None:
    name = _message(reply)
    line = 'Die Anfrage "wurde" nicht bearbeitet.\t\u304a\u652f\u6255\u3044 \U0001f6d2\n'
    _with_members(reply, errorMsg=line * 200 + f"({name})\r\n" + line * 200)


def _pointers(reply: Reply) -> None:
    text = (
        "/amount/code and $.amount.amount: <number> > 0 && < 1000000000000000 expected, see https://pay.example.com/e/7"
    )
    _with_members(reply, errorMsg=f"{_message(reply)}: {text}")


def _trip_first(inquiry: Inquiry) -> None:
    trip = fields(inquiry).get("shoppingTripId")
    if inquiry.reply and inquiry.reply.status == 400 and isinstance(trip, str) and not is_trip(trip):
        inquiry.reply = error(400, UNKNOWN_TRIP)


def _compress(inquiry: Inquiry) -> None:
    if (
        inquiry.reply
        and inquiry.reply.status >= 400
        and re.search(r"\bgzip\b(?!\s*;)", inquiry.get("accept-encoding") or "")
    ):
        inquiry.reply.body = gzip.compress(inquiry.reply.body)
        inquiry.reply.put("content-encoding", "gzip")
        inquiry.reply.put("vary", "Accept-Encoding")


# --- which requests are served -------------------------------------------------------------------------------------


def _random_uuids_only(inquiry: Inquiry) -> None:
    trip = fields(inquiry).get("shoppingTripId")
    if isinstance(trip, str) and UUID_PATTERN.fullmatch(trip) and (trip[14] != "4" or trip[19] not in "89abAB"):
        fields(inquiry)["shoppingTripId"] = NO_TRIP


def _fold_store(inquiry: Inquiry) -> None:
    store = fields(inquiry).get("storeId")
    known = {name.lower(): name for name in STORES}
    if isinstance(store, str) and store.isascii() and store.lower() in known:
        fields(inquiry)["storeId"] = known[store.lower()]


def _well_formed_trip(inquiry: Inquiry) -> str | None:
    trip = fields(inquiry).get("shoppingTripId")
    return trip if isinstance(trip, str) and len(trip) <= ID_LIMIT and TRIP_PATTERN.fullmatch(trip) else None


def _first_36(inquiry: Inquiry) -> None:
    trip = _well_formed_trip(inquiry)
    if trip and UUID_PATTERN.fullmatch(trip[:36]):
        fields(inquiry)["shoppingTripId"] = trip[:36]


def _every_trip(inquiry: Inquiry) -> None:
    trip = _well_formed_trip(inquiry)
    if trip and trip != NO_TRIP and not is_trip(trip):
        fields(inquiry)["shoppingTripId"] = "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11"


def _head_office(inquiry: Inquiry) -> None:
    if fields(inquiry).get("storeId") == "":
        fields(inquiry)["storeId"] = STORES[0]
    code = amount_fields(inquiry).get("code")
    if isinstance(code, str) and CODE_PATTERN.fullmatch(code) and code not in CURRENCIES:
        amount_fields(inquiry)["code"] = CURRENCIES[0]


def _refuse_unknown_attributes(inquiry: Inquiry) -> None:
    if set(fields(inquiry)) - {"storeId", "shoppingTripId", "amount"} or set(amount_fields(inquiry)) - {
        "amount",
        "code",
    }:
        raise Refused("BadRequestException: unrecognized attribute")


def _first(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        members.setdefault(name, value)
    return members


def _first_wins(inquiry: Inquiry) -> None:
    with suppress(RecursionError):
        text = inquiry.body.decode()
        inquiry.document = json.loads(text, parse_float=Number, parse_int=Number, object_pairs_hook=_first)


def _is_json(inquiry: Inquiry) -> bool:
    return (inquiry.get("content-type") or "").split(";")[0].strip(" \t").lower() == JSON_TYPE


def _any_type(inquiry: Inquiry) -> None:
    inquiry.headers = [("content-type", JSON_TYPE)]


_TRACE = "Traceback (most recent call last):\n  File &quot;/srv/app/django/core/handlers/base.py&quot;, line 197"


def _html(status: int, title: str) -> Reply:
    page = f"<!DOCTYPE html>\n<html><body><h1>{status} {title}</h1><pre>{_TRACE}</pre><hr>nginx/1.25.3</body></html>\n"
    return raw_error(status, page.encode(), "text/html")


def _type_page(inquiry: Inquiry) -> None:
    if not _is_json(inquiry):
        inquiry.reply = _html(415, "Unsupported Media Type")


def _length_page(inquiry: Inquiry) -> None:
    if inquiry.get("transfer-encoding"):
        inquiry.reply = _html(411, "Length Required")
        inquiry.reply.put("connection", "close")


def _size_page(inquiry: Inquiry) -> None:
    if len(inquiry.body) > 1024 * 1024:
        inquiry.reply = _html(413, "Request Entity Too Large")
        inquiry.reply.put("connection", "close")


def _fifteen_digits(inquiry: Inquiry) -> None:
    if not inquiry.capture:
        return
    text = inquiry.capture.value.text
    digits = text.lower().partition("e")[0].replace(".", "")
    decimals = scale(text) - (len(digits) - len(digits.rstrip("0")))
    if len(digits.strip("0")) > 15 or whole_digits(text) > 15 or decimals > MINOR_UNITS[inquiry.capture.code]:
        raise Refused


_LEAST = {"USD": 0.5, "EUR": 0.5, "JPY": 50.0, "KWD": 0.1}


def _minimum(inquiry: Inquiry) -> None:
    if inquiry.capture and float(inquiry.capture.value.text) < _LEAST[inquiry.capture.code]:
        raise Refused


def _depth(document: object) -> int:
    level, deepest = [document], 0
    while level:
        inner: list[object] = []
        for item in level:
            inner.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        deepest += any(isinstance(item, dict | list) for item in level)
        level = inner
    return deepest


def _refuse_depth(inquiry: Inquiry) -> None:
    if _depth(inquiry.document) > 32:
        raise Refused


def _refuse_repeat(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.count(f"captured {inquiry.capture.trip}") > 1:
        raise Refused("This trip was paid already.")


def _bind_trip(inquiry: Inquiry) -> None:
    if inquiry.capture:
        capture = inquiry.capture
        first = inquiry.count(f"bound {capture.trip}") == 1
        if (
            inquiry.count(f"bound {capture.trip} {capture.store} {capture.value.text} {capture.code}") == 1
            and not first
        ):
            raise Refused


# --- waiting -------------------------------------------------------------------------------------------------------


def _date_ahead(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 429:
        end = inquiry.moment + timedelta(hours=1, seconds=int(inquiry.reply.get("retry-after") or "0") + 1)
        inquiry.reply.put("retry-after", format_datetime(end, usegmt=True))
    if inquiry.reply:
        inquiry.reply.wire = "clock-ahead"


def _leading_zeros(reply: Reply) -> None:
    reply.put("retry-after", "0" * 30 + (reply.get("retry-after") or ""))


def _limited(seconds: int) -> Reply:
    reply = error(429, "Too Many Requests")
    reply.put("retry-after", str(seconds))
    return reply


def _restart_window(inquiry: Inquiry) -> None:
    client = inquiry.get("x-client")
    if client and int(inquiry.now * 1000) < inquiry.memory.get(f"until {client}", 0):
        inquiry.reply = _limited(1)


def _note_window(inquiry: Inquiry) -> None:
    client = inquiry.get("x-client")
    if client and inquiry.reply and inquiry.reply.status == 429:
        inquiry.memory[f"until {client}"] = int(inquiry.now * 1000) + 1000


def _hundred_a_second(inquiry: Inquiry) -> None:
    if inquiry.count(f"second {int(inquiry.now)}") > 100:
        inquiry.reply = _limited(1)


def _quarter_second(reply: Reply) -> None:
    _with_members(reply, retryAfter="0.250000000000000000001")
    reply.put("retry-after", "1")


def _unavailable_until(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 503:
        _with_members(inquiry.reply, retryAfter="0002.000")
        inquiry.reply.put("retry-after", format_datetime(inquiry.moment + timedelta(seconds=2), usegmt=True))


# --- header fields, framing and connections ------------------------------------------------------------------------


def _close_in_a_list(reply: Reply) -> None:
    reply.put("connection", "x-hop, Close")
    reply.put("x-hop", "1")
    reply.wire = "closed-unannounced"


def _wired(wire: str) -> Callable[[Inquiry], None]:
    """Change the bytes of every answer."""

    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply:
            inquiry.reply.wire = wire

    return answer


def _dribble(reply: Reply) -> None:
    reply.chunks = 7
    reply.pause = 0.02


def _empty_chunks(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 200:
        inquiry.reply.chunks = 1
        inquiry.reply.put("location", f"/v1/captures/{inquiry.count('captures')}")
        inquiry.reply.put("content-type", "application/json; charset=utf-8")
        inquiry.reply.put("etag", 'W/"0"')


def _dress_up(inquiry: Inquiry) -> None:
    if inquiry.reply:
        number = inquiry.count("answers")
        inquiry.reply.put("set-cookie", f"AWSALB={number:040x}; Path=/", f"AWSALBCORS={number:040x}; Path=/; Secure")
        inquiry.reply.put("content-security-policy", "default-src 'none'; " + "report-uri /r; " * 400)
        inquiry.reply.put("server", "Apache-Coyote/1.1")
        inquiry.reply.put("x-powered-by", "Express, PHP/5.4.0")
        inquiry.reply.put("x-note", "gepr\xfcft")
        inquiry.reply.put("x-empty", "")


def _pages_elsewhere(inquiry: Inquiry) -> None:
    if inquiry.path == "/v1/capture/charge/":
        inquiry.reply = Reply(308, [("location", "/v1/capture/charge")])
    elif inquiry.reply and inquiry.reply.status == 404:
        inquiry.reply = _html(404, "Not Found")
    elif inquiry.method == "OPTIONS":
        inquiry.reply = Reply(204, [("allow", "POST"), ("access-control-allow-origin", "*")])
    elif inquiry.reply:
        inquiry.reply = _html(405, "Method Not Allowed")
        inquiry.reply.put("allow", "OPTIONS", "POST,TRACE")


LAWFUL: list[Fault] = [
    # bodies of errors
    Fault(
        "problem-json-with-error-msg",
        "Errors are RFC 9457 problem details in their own +json type, with errorMsg as one more member.",
        benign=True,
        answer=on_errors(_problem),
    ),
    Fault(
        "latin-1-label-on-utf-8",
        "The label of errors has capitals and claims ISO-8859-1, whereas the bytes are UTF-8 beyond ASCII.",
        benign=True,
        answer=on_errors(_latin_1_label),
    ),
    Fault(
        "huge-numbers-in-errors",
        "Errors have more members: an integer of 5,000 digits, 1e999 and a long fraction, all of them JSON numbers.",
        benign=True,
        answer=on_errors(_huge_numbers),
    ),
    Fault(
        "odd-members-in-errors",
        "Errors have members with empty and strange names, and an errorMsg of other types in nested objects.",
        benign=True,
        answer=on_errors(_odd_members),
    ),
    Fault(
        "errors-in-escapes",
        "A careful serializer escapes every letter of names and texts in errors, and puts blanks around all tokens.",
        benign=True,
        answer=on_errors(_escape_everything),
    ),
    Fault(
        "name-inside-a-long-text",
        "The errorMsg is some 24 kB of several lines, languages and symbols, with the name in their midst.",
        benign=True,
        answer=on_errors(_long_text),
    ),
    Fault(
        "pointers-in-error-texts",
        "The errorMsg goes on after the name with JSON pointers, comparison signs, angle brackets and a link.",
        benign=True,
        answer=on_errors(_pointers),
    ),
    Fault(
        "trip-looked-up-first",
        "The trip is looked up before anything else is validated, so its name wins over other defects.",
        benign=True,
        answer=_trip_first,
    ),
    Fault(
        "errors-in-gzip",
        "Errors are coded with gzip, and say so, for callers that accept it.",
        benign=True,
        answer=_compress,
    ),
    # which requests are served
    Fault(
        "only-random-uuids-known",
        "All trips have UUIDs of version 4, so a UUID of another version or variant is an unknown trip.",
        benign=True,
        repair=_random_uuids_only,
    ),
    Fault(
        "stores-in-any-letter-case",
        "The database compares store ids without regard to letter case, so STORE-001 is on file as well.",
        benign=True,
        repair=_fold_store,
    ),
    Fault(
        "trip-known-by-36-characters",
        "Only the first 36 characters of a well-formed trip id are looked up.",
        benign=True,
        repair=_first_36,
    ),
    Fault(
        "every-well-formed-trip-known",
        "Every well-formed trip id but the nil UUID is served, UUID or not.",
        benign=True,
        repair=_every_trip,
    ),
    Fault(
        "head-office-and-any-currency",
        "An empty storeId stands for the head office, and any three capitals pass as a currency.",
        benign=True,
        repair=_head_office,
    ),
    Fault(
        "schema-is-closed",
        "The schema admits no more members: a body with an attribute that it does not define is refused, in the amount too.",
        benign=True,
        repair=_refuse_unknown_attributes,
    ),
    Fault(
        "first-duplicate-wins",
        "Of a member that is given twice, the first is used.",
        benign=True,
        repair=_first_wins,
    ),
    Fault(
        "any-media-type-served",
        "Content-Type is not looked at: JSON under any type, or under none, is served.",
        benign=True,
        receive=_any_type,
    ),
    Fault(
        "media-type-page-with-trace",
        "A request that is not labelled JSON gets the framework's HTML page with a stack trace as 415.",
        benign=True,
        receive=_type_page,
    ),
    Fault(
        "length-required-page",
        "A body in chunks gets the proxy's HTML page as 411, and the connection is closed with announcement.",
        benign=True,
        receive=_length_page,
    ),
    Fault(
        "over-a-mebibyte-page",
        "A body above 1 MiB gets the proxy's HTML page as 413, and the connection is closed with announcement.",
        benign=True,
        receive=_size_page,
    ),
    Fault(
        "fifteen-digits-in-minor-units",
        "Amounts are a column of 15 digits: more digits, a larger value or more decimals by value are refused.",
        benign=True,
        accept=_fifteen_digits,
    ),
    Fault(
        "minimum-charge",
        "Amounts below the card network's minimum, such as 50 cents or 50 yen, are refused.",
        benign=True,
        accept=_minimum,
    ),
    Fault(
        "nested-beyond-32-refused",
        "The parser refuses what is nested more than 32 deep.",
        benign=True,
        repair=_refuse_depth,
    ),
    Fault(
        "repeat-refused-in-own-words",
        "Any second capture of a trip is refused with 400 and a text that names no exception.",
        benign=True,
        accept=_refuse_repeat,
    ),
    Fault(
        "trip-bound-to-its-first-capture",
        "A repetition with equal members is served again, one with another store, amount or code is refused.",
        benign=True,
        accept=_bind_trip,
    ),
    # waiting
    Fault(
        "limit-by-a-clock-ahead",
        "The server's clock is an hour ahead, in Date and in the date of Retry-After alike.",
        benign=True,
        answer=_date_ahead,
    ),
    Fault(
        "delay-with-thirty-zeros",
        "The delay of a 429 begins with thirty zeros.",
        benign=True,
        answer=on(429, _leading_zeros),
    ),
    Fault(
        "refused-request-restarts-window",
        "A request inside of a caller's window starts it anew, and each 429 says so truly.",
        benign=True,
        receive=_restart_window,
        answer=_note_window,
    ),
    Fault(
        "delay-of-zero-is-true",
        "A 429 says 0 seconds, and the next request is served at once.",
        benign=True,
        windows=WindowRules(length=0.0),
    ),
    Fault(
        "ten-minutes-told-always",
        "Each 429 says 600, although the window is over after a second.",
        benign=True,
        windows=WindowRules(announced=600),
    ),
    Fault(
        "hundred-requests-a-second",
        "A gateway lets a hundred requests through in each second, and answers the rest with a true 429.",
        benign=True,
        one_exchange=False,
        receive=_hundred_a_second,
    ),
    Fault(
        "fraction-beside-a-whole-second",
        "A 503 says a quarter of a second with many digits in its body, and 1 in its Retry-After field.",
        benign=True,
        answer=on(503, _quarter_second),
    ),
    Fault(
        "unavailable-until-a-date",
        "A 503 has 0002.000 in its body, and a date two seconds ahead in its Retry-After field.",
        benign=True,
        answer=_unavailable_until,
    ),
    # header fields, framing and connections
    Fault(
        "close-in-a-list",
        "The connection is closed after every error, announced by a list of two options, one of them Close.",
        benign=True,
        answer=on_errors(_close_in_a_list),
    ),
    Fault(
        "http-1-0-until-close",
        "Every answer is HTTP/1.0 without Content-Length, and its content ends with the connection.",
        benign=True,
        answer=_wired("http-1-0-until-close"),
    ),
    Fault(
        "errors-dribble",
        "The content of errors comes in seven chunks with pauses in between.",
        benign=True,
        answer=on_errors(_dribble),
    ),
    Fault(
        "empty-200-in-chunks",
        "The empty 200 is chunked without a chunk in place of a length, and has a JSON type, an ETag and a Location.",
        benign=True,
        answer=_empty_chunks,
    ),
    Fault(
        "reason-is-the-error-name",
        "The reason phrase of errors is the error's name, and that of a 200 has letters beyond ASCII.",
        benign=True,
        answer=_wired("reason-is-the-name"),
    ),
    Fault(
        "cookies-and-long-fields",
        "Every answer has two new cookies, a field of 6 kB, an empty one, one in Latin-1, and names its software.",
        benign=True,
        answer=_dress_up,
    ),
    Fault(
        "pages-for-other-requests",
        "Other paths and methods get HTML pages with a trace, Allow in two fields, and a slash too many a redirect.",
        benign=True,
        other=_pages_elsewhere,
    ),
]
