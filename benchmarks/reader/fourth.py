"""Forty faults that a fourth reader of the contract expects from real servers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from urllib.parse import unquote

from conformance.mock.exchange import Crash, Inquiry, Reply, error, raw_error
from conformance.mock.faults.model import Fault, on, violates
from conformance.mock.limiter import WindowRules
from conformance.mock.reading import CODE_PATTERN, CURRENCIES, STORE_PATTERN, STORES, TRIP_PATTERN, Number, Refused

MINOR_UNITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


# --- helpers -------------------------------------------------------------------------------------------------------


def fields(inquiry: Inquiry) -> dict[str, object]:
    """The members of the document; none where it is not an object."""
    return inquiry.document if isinstance(inquiry.document, dict) else {}


def amount_fields(inquiry: Inquiry) -> dict[str, object]:
    """The members of the amount; none where it is not an object."""
    amount = fields(inquiry).get("amount")
    return amount if isinstance(amount, dict) else {}


def exponent(text: str) -> int:
    """The exponent of a JSON number, where it has one; a huge one is cut to a thousand million."""
    power = text.lower().partition("e")[2]
    digits = power.lstrip("+-").lstrip("0")[:10] or "0"
    return min(int(digits), 10**9) * (-1 if power.startswith("-") else 1)


def scale(text: str) -> int:
    """How many decimals a JSON number has as it is written, trailing zeros among them."""
    return len(text.lower().partition("e")[0].partition(".")[2]) - exponent(text)


def whole_digits(text: str) -> int:
    """How many digits a positive number has before its point; zero or less for one below 1."""
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.replace(".", "").lstrip("0")
    return len(digits) - len(mantissa.partition(".")[2]) + exponent(text)


def texts(document: object) -> Iterator[str]:
    """Every name and every string in a parsed document, whatever its depth."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            yield item


def seen_before(inquiry: Inquiry, what: str) -> bool:
    """Whether the accepted trip was seen before; remembers it."""
    return inquiry.capture is not None and inquiry.count(f"{what} {inquiry.capture.trip}") > 1


def _offender(inquiry: Inquiry) -> str | None:
    """The first text among the known members that has a wrong form."""
    known = fields(inquiry)
    for value, pattern in (
        (known.get("storeId"), STORE_PATTERN),
        (known.get("shoppingTripId"), TRIP_PATTERN),
        (amount_fields(inquiry).get("code"), CODE_PATTERN),
    ):
        if isinstance(value, str) and not pattern.fullmatch(value):
            return value
    return None


# --- ids and other members -----------------------------------------------------------------------------------------


def _parse_guid(inquiry: Inquiry) -> None:
    trip = fields(inquiry).get("shoppingTripId")
    found = re.fullmatch(rf"(?:urn:uuid:|[{{(])?({_UUID})[)}}]?", trip) if isinstance(trip, str) else None
    if found:
        fields(inquiry)["shoppingTripId"] = found[1]


def _trim(inquiry: Inquiry) -> None:
    for members in (fields(inquiry), amount_fields(inquiry)):
        for name, value in members.items():
            if isinstance(value, str):
                members[name] = re.sub(r"^[\s\0\u200b\ufeff]+|[\s\0\u200b\ufeff]+\Z", "", value)


def _fetch_store(inquiry: Inquiry) -> None:
    store = fields(inquiry).get("storeId")
    if isinstance(store, str) and not STORE_PATTERN.fullmatch(store):
        fields(inquiry)["storeId"] = unquote(re.split("[?#]", store)[0]).rstrip("/")


def _ask_cache(inquiry: Inquiry) -> None:
    if inquiry.capture and len(f"capture:{inquiry.capture.store}:{inquiry.capture.trip}") > 250:
        raise Crash


def _fold_names(inquiry: Inquiry) -> None:
    for members, names in (
        (fields(inquiry), ("storeId", "shoppingTripId", "amount")),
        (amount_fields(inquiry), ("amount", "code")),
    ):
        folded = {name.lower(): value for name, value in members.items()}
        members.update({name: folded[name.lower()] for name in names if name not in members and name.lower() in folded})


def _fold_all_names(inquiry: Inquiry) -> None:
    _fold_names(inquiry)
    _fold_names(inquiry)  # the amount may have been found only now


def _default_store(inquiry: Inquiry) -> None:
    if fields(inquiry) and fields(inquiry).get("storeId") is None:
        fields(inquiry)["storeId"] = STORES[0]


def _unwrapped(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _unwrap(inquiry: Inquiry) -> None:
    inquiry.document = _unwrapped(inquiry.document)
    for name in ("storeId", "shoppingTripId", "amount"):
        if name in fields(inquiry):
            fields(inquiry)[name] = _unwrapped(fields(inquiry)[name])
    for name in ("amount", "code"):
        if name in amount_fields(inquiry):
            amount_fields(inquiry)[name] = _unwrapped(amount_fields(inquiry)[name])


# --- the text of the body ------------------------------------------------------------------------------------------


def _find_raw_names(inquiry: Inquiry) -> None:
    amounts = len(re.findall(rb'"amount"\s*:', inquiry.body))
    if amounts < 2 or not all(name in inquiry.body for name in (b'"storeId"', b'"shoppingTripId"', b'"code"')):
        raise Refused


def _scan_number(found: re.Match[bytes]) -> bytes:
    token = found[2].decode()
    try:
        value = float(token)
    except ValueError:
        return found[0]
    if _NUMBER.fullmatch(token) or not math.isfinite(value):
        return found[0]
    return found[1] + repr(value).encode()


def _scan_numbers(inquiry: Inquiry) -> None:
    inquiry.body = re.sub(rb'("amount"\s*:\s*)([-+.0-9eE]+)(?=\s*[,}])', _scan_number, inquiry.body)


def _escaped_controls(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"[\x00-\x1f]", lambda control: b"\\u%04x" % control[0][0], found[0])


def _escape_controls(inquiry: Inquiry) -> None:
    inquiry.body = re.sub(rb'"(?:[^"\\]|\\.)*"', _escaped_controls, inquiry.body, flags=re.DOTALL)


def _merged(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        earlier = members.get(name)
        members[name] = earlier | value if isinstance(earlier, dict) and isinstance(value, dict) else value
    return members


def _merge_duplicates(inquiry: Inquiry) -> None:
    with suppress(RecursionError):
        text = inquiry.body.decode()
        inquiry.document = json.loads(text, parse_float=Number, parse_int=Number, object_pairs_hook=_merged)


def _store_request(inquiry: Inquiry) -> None:
    for text in texts(inquiry.document):
        found = re.search("[\U00010000-\U0010ffff]", text)
        if found:
            shown = "".join(f"\\x{byte:02X}" for byte in found[0].encode())
            inquiry.reply = error(500, f"Incorrect string value: '{shown}' for column 'raw_request' at row 1")


# --- numbers and currencies ----------------------------------------------------------------------------------------


def _equals_zero(inquiry: Inquiry) -> None:
    value = amount_fields(inquiry).get("amount")
    if isinstance(value, Number) and value.is_zero and scale(value.text) != 0:
        amount_fields(inquiry)["amount"] = Number("1")


def _check_scale(inquiry: Inquiry) -> None:
    if inquiry.capture and scale(inquiry.capture.value.text) > MINOR_UNITS[inquiry.capture.code]:
        raise Refused


def _write_out(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.reply and abs(exponent(inquiry.capture.value.text)) >= 100_000:
        inquiry.reply.delay = inquiry.hang_s


def _multiple_of_a_cent(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.capture.code in ("USD", "EUR"):
        cents = float(inquiry.capture.value.text) / 0.01
        if not cents.is_integer():
            raise Refused


def _third_decimal(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.capture.code == "KWD":
        text = inquiry.capture.value.text
        mantissa = text.lower().partition("e")[0].replace(".", "")
        if scale(text) - (len(mantissa) - len(mantissa.rstrip("0"))) > 2:
            raise Refused


def _refuse_yen_at_second_store(inquiry: Inquiry) -> None:
    if inquiry.capture and (inquiry.capture.store, inquiry.capture.code) == (STORES[1], "JPY"):
        raise Refused


# --- header fields, framing and connections ------------------------------------------------------------------------

_LISTED_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    "application/json;charset=UTF-8",
)


def _look_up_type(inquiry: Inquiry) -> None:
    if inquiry.get("content-type") not in _LISTED_TYPES:
        inquiry.reply = error(415, "UnsupportedMediaType")


def _page(status: int, title: str, text: str = "") -> Reply:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{text}</body></html>"
    return raw_error(status, page.encode(), "text/html; charset=utf-8")


def _negotiate(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400 and "json" not in (inquiry.get("accept") or "").lower():
        inquiry.reply = _page(400, "The change you wanted was rejected")


def _chunked_without_handler(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400 and "chunked" in (inquiry.get("transfer-encoding") or "").lower():
        inquiry.reply = error(500, "ServiceException")


def _buffer_to_disk(inquiry: Inquiry) -> None:
    if len(inquiry.body) > 16 * 1024:
        inquiry.reply = _page(500, "500 Internal Server Error", "<hr><center>nginx</center>")


def _leave_body_unread(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 415 and inquiry.body:
        inquiry.memory[f"unread {inquiry.connection}"] = 1


def _read_left_over(inquiry: Inquiry) -> None:
    if inquiry.memory.pop(f"unread {inquiry.connection}", 0):
        inquiry.reply = raw_error(400, b"malformed HTTP request", "text/plain")
        inquiry.reply.put("connection", "close")


# --- other methods and paths ---------------------------------------------------------------------------------------


def _route_put(inquiry: Inquiry) -> None:
    if inquiry.method in ("PUT", "PATCH") and inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply = Reply(200)


def _send_index(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 404:
        inquiry.reply = _page(200, "Payments console", '<div id="root"></div>')


# --- statuses and bodies of answers --------------------------------------------------------------------------------


def _queue_for_review(inquiry: Inquiry) -> None:
    if inquiry.capture and whole_digits(inquiry.capture.value.text) > 4:
        inquiry.reply = Reply(202)


def _replay_receipt(inquiry: Inquiry) -> None:
    if inquiry.capture and seen_before(inquiry, "receipt"):
        receipt = {"shoppingTripId": inquiry.capture.trip, "status": "ALREADY_CAPTURED"}
        inquiry.reply = Reply(200, [("content-type", "application/json")], json.dumps(receipt).encode())


def _conflict(inquiry: Inquiry) -> None:
    if seen_before(inquiry, "captured"):
        inquiry.reply = error(409, "ConflictException")


def _echo_mark(inquiry: Inquiry) -> None:
    if inquiry.reply:
        inquiry.reply.body = b"\xef\xbb\xbf" + inquiry.reply.body


def _echo_in_latin_1(inquiry: Inquiry) -> None:
    offender = _offender(inquiry)
    if inquiry.reply and inquiry.reply.status == 400 and offender is not None:
        text = json.dumps({"errorMsg": f"{inquiry.refusal}: {offender}"}, ensure_ascii=False)
        inquiry.reply = raw_error(400, text.encode("latin-1", "replace"), "application/json;charset=ISO-8859-1")


def _concatenate(inquiry: Inquiry) -> None:
    offender = _offender(inquiry)
    if inquiry.reply and inquiry.reply.status == 400 and offender is not None:
        text = f'{{"errorMsg":"{inquiry.refusal}: invalid value {offender}"}}'
        inquiry.reply = raw_error(400, text.encode("utf-8", "replace"))


def _problem_details(reply: Reply) -> None:
    problem = {"type": "about:blank", "title": "An error occurred", "status": 500, "traceId": "00-5f0c0c9e7b1e4a53-00"}
    reply.body = json.dumps(problem).encode()
    reply.put("content-type", "application/problem+json; charset=utf-8")


def _quote_parser(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400 and inquiry.document is None and inquiry.body.strip() != b"null":
        inquiry.reply = error(
            400,
            "BadRequestException: JSON parse error: Unexpected character; nested exception is "
            "com.fasterxml.jackson.core.JsonParseException: at [Source: (org.springframework.util.StreamUtils"
            "$NonClosingInputStream); line: 1, column: 2]",
        )


# --- waiting -------------------------------------------------------------------------------------------------------


def _round_down(reply: Reply) -> None:
    reply.put("retry-after", str(max(0, int(reply.get("retry-after") or "0") - 1)))


_DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
_MONTHS = ("Jan", "Feb", "M\xe4r", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")


def _date_in_german(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 429:
        end = inquiry.moment + timedelta(seconds=int(inquiry.reply.get("retry-after") or "0") + 1)
        day, month = _DAYS[end.weekday()], _MONTHS[end.month - 1]
        inquiry.reply.put("retry-after", f"{day}, {end:%d} {month} {end:%Y %H:%M:%S} GMT")


def _milliseconds(reply: Reply) -> None:
    seconds = float(json.loads(reply.body).get("retryAfter", "0"))
    reply.put("retry-after", str(int(seconds * 1000)))


# --- state and concurrency -----------------------------------------------------------------------------------------


def _keep(inquiry: Inquiry, what: str, value: str) -> None:
    for key in [key for key in inquiry.memory if key.startswith(f"pooled {what} ")]:
        del inquiry.memory[key]
    inquiry.memory[f"pooled {what} {value}"] = 1


def _kept(inquiry: Inquiry, what: str) -> str | None:
    prefix = f"pooled {what} "
    return next((key[len(prefix) :] for key in inquiry.memory if key.startswith(prefix)), None)


def _put_in_pool(inquiry: Inquiry) -> None:
    if inquiry.capture:
        _keep(inquiry, "store", inquiry.capture.store)
        _keep(inquiry, "code", inquiry.capture.code)


def _take_from_pool(inquiry: Inquiry) -> None:
    store, code = _kept(inquiry, "store"), _kept(inquiry, "code")
    if store and fields(inquiry) and fields(inquiry).get("storeId") is None:
        fields(inquiry)["storeId"] = store
    if code and amount_fields(inquiry) and amount_fields(inquiry).get("code") is None:
        amount_fields(inquiry)["code"] = code


def _find_or_create_store(inquiry: Inquiry) -> None:
    store = fields(inquiry).get("storeId")
    if not isinstance(store, str) or store in STORES or not re.fullmatch("[0-9a-zA-Z_-]{1,255}", store):
        return
    if inquiry.count(f"created {store}") > 1:
        fields(inquiry)["storeId"] = STORES[0]


def _ask_third_replica(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.count("captures at replicas") % 3 == 0 and inquiry.capture.code in CURRENCIES[1:]:
        raise Refused


def _deadlock(inquiry: Inquiry) -> None:
    if not inquiry.capture:
        return
    prefix, now = f"locked {inquiry.capture.store} ", int(inquiry.now * 1000)
    own = prefix + inquiry.connection
    others = [at for key, at in inquiry.memory.items() if key.startswith(prefix) and key != own]
    inquiry.memory[own] = now
    if others and max(others) >= now - 4:
        raise Crash


FAULTS: list[Fault] = [
    # ids and other members
    Fault(
        "guid-parser-takes-braces",
        "The trip id goes to a GUID parser in place of the pattern, so braces, parentheses or urn:uuid: around it pass.",
        violates("trip-id.pattern"),
        repair=_parse_guid,
    ),
    Fault(
        "strings-trimmed-by-middleware",
        "A middleware trims blanks, line ends, NUL and invisible characters off every string before it is validated.",
        violates("store-id.pattern", "trip-id.pattern", "code.pattern"),
        repair=_trim,
    ),
    Fault(
        "store-pasted-into-a-url",
        "The storeId is pasted into the URL of a store service: what follows ? or # is lost, and %2D is a hyphen.",
        violates("store-id.pattern"),
        repair=_fetch_store,
    ),
    Fault(
        "cache-key-too-long",
        "Store and trip form a memcached key, and the client library raises for keys above 250 bytes: a 500.",
        violates("store-id.limits-included", "trip-id.limits-included", "answer.no-server-error"),
        accept=_ask_cache,
    ),
    Fault(
        "member-names-in-any-case",
        "Go's decoder matches member names in any letter case, so storeid or CODE stand in for the required names.",
        violates("store-id.required", "trip-id.required", "amount.required", "value.required", "code.required"),
        repair=_fold_all_names,
    ),
    Fault(
        "absent-store-is-the-default",
        "Behind a protobuf gateway an absent or null storeId is an empty string, which stands for the default store.",
        violates("store-id.required", "store-id.not-null"),
        repair=_default_store,
    ),
    # the text of the body
    Fault(
        "member-names-not-unescaped",
        "A fast tokenizer compares member names as raw bytes, so a name with an escape in it counts as missing.",
        violates("body.equivalent"),
        accept=_find_raw_names,
    ),
    Fault(
        "numbers-read-by-strtod",
        "A hand-written tokenizer collects digits, signs and points and calls strtod: 010.00, +10.00 and 10. pass.",
        violates("body.not-json"),
        receive=_scan_numbers,
    ),
    Fault(
        "raw-controls-in-strings",
        "The parser runs in its non-strict mode and lets raw tabs and line feeds stand inside strings.",
        violates("body.not-json"),
        receive=_escape_controls,
    ),
    Fault(
        "repeated-objects-merged",
        "An amount given twice is merged by the data binder, so two incomplete ones make one complete amount.",
        violates("body.several-faults"),
        repair=_merge_duplicates,
    ),
    Fault(
        "astral-text-in-utf8mb3",
        "The request is kept in a MySQL column of three-byte UTF-8, so an emoji in any attribute fails its insert.",
        violates("answer.no-server-error", "answer.no-leak"),
        accept=_store_request,
    ),
    Fault(
        "single-arrays-unwrapped",
        "Jackson's UNWRAP_SINGLE_VALUE_ARRAYS is on, so an array of one element counts as the element.",
        violates("body.not-object", "store-id.type", "trip-id.type", "amount.type", "value.type", "code.type"),
        repair=_unwrap,
    ),
    # numbers and currencies
    Fault(
        "zero-compared-with-its-scale",
        "BigDecimal.equals compares the scale too: 0 is refused, whereas 0.00 and 0e10 are captured.",
        violates("value.zero-spellings", "value.zero"),
        repair=_equals_zero,
    ),
    Fault(
        "trailing-zeros-are-decimals",
        "The decimals are BigDecimal.scale without stripTrailingZeros, so 10.000 dollars and 500.0 yen are too fine.",
        violates("value.spellings"),
        accept=_check_scale,
    ),
    Fault(
        "exponent-written-out",
        "Rounding writes a number out in full, so one with an exponent of six digits or more takes ages.",
        violates("answer.in-time"),
        accept=_write_out,
    ),
    Fault(
        "multiple-of-a-cent-in-binary",
        "The schema says multipleOf 0.01 and the validator divides in binary: 19.99 dollars are no multiple.",
        violates("value.accepted"),
        accept=_multiple_of_a_cent,
    ),
    Fault(
        "third-decimal-must-be-zero",
        "The card processor wants the third decimal of dinars to be 0, and the service hands that rule on to callers.",
        violates("value.accepted"),
        accept=_third_decimal,
    ),
    Fault(
        "no-yen-at-the-second-store",
        "The second store was onboarded without a merchant account for yen.",
        violates("capture.accepted", "code.declared"),
        accept=_refuse_yen_at_second_store,
    ),
    # header fields, framing and connections
    Fault(
        "content-types-listed-literally",
        "Content-Type is looked up in a list of five texts: other capitals, quotes or blanks get a 415.",
        violates("media-type.charset", "media-type.case", "media-type.blank"),
        receive=_look_up_type,
    ),
    Fault(
        "html-errors-unless-json-is-asked",
        "The error handler negotiates: a 400 is an HTML page for callers whose Accept does not name JSON.",
        violates("accept.neutral", "bad-request.media-type", "bad-request.json", "answer.no-leak"),
        answer=_negotiate,
    ),
    Fault(
        "chunked-defects-unhandled",
        "A chunked body is parsed lazily outside of the error handler, so a defect in it ends as a 500.",
        violates("answer.no-server-error", "request.chunked"),
        answer=_chunked_without_handler,
    ),
    Fault(
        "body-buffer-not-writable",
        "The proxy buffers bodies above 16 KiB in a folder that it may not write to, and answers with its 500 page.",
        violates("answer.no-server-error", "server-error.media-type", "server-error.json", "answer.no-leak"),
        receive=_buffer_to_disk,
    ),
    Fault(
        "refused-media-type-left-unread",
        "A 415 is sent before the content is read, so the content is taken for the next request of the connection.",
        violates("answer.independent", "bad-request.media-type", "bad-request.json", "bad-request.error-msg"),
        one_exchange=False,
        receive=_read_left_over,
        answer=_leave_body_unread,
    ),
    # other methods and paths
    Fault(
        "put-routed-like-post",
        "The route is registered for any method that has a body, so PUT and PATCH capture as well.",
        violates("method.not-allowed"),
        other=_route_put,
    ),
    Fault(
        "single-page-fallback",
        "The web server sends the console's index page with 200 for every path that it does not know.",
        violates("path.unknown"),
        other=_send_index,
    ),
    # statuses and bodies of answers
    Fault(
        "large-capture-queued",
        "A capture of 10,000 or more goes to a review queue and is answered 202.",
        violates("success.exactly-200"),
        accept=_queue_for_review,
    ),
    Fault(
        "replay-returns-a-receipt",
        "A repeated capture is answered 200 with a JSON receipt of the first one.",
        violates("success.empty-body"),
        one_exchange=False,
        accept=_replay_receipt,
    ),
    Fault(
        "repeat-is-a-conflict",
        "A second capture of a trip is answered 409.",
        violates("answer.status-set"),
        one_exchange=False,
        accept=_conflict,
    ),
    Fault(
        "script-begins-with-a-mark",
        "A PHP file was saved with a byte order mark, which precedes the content of every answer.",
        violates("success.empty-body", "bad-request.json"),
        answer=_echo_mark,
    ),
    Fault(
        "refused-text-echoed-in-latin-1",
        "A 400 quotes the refused text, and the servlet writes it in its default encoding, ISO-8859-1.",
        violates("bad-request.json"),
        answer=_echo_in_latin_1,
    ),
    Fault(
        "error-glued-together",
        "The body of a 400 is glued together with the refused text unescaped, so a quote or line feed breaks it.",
        violates("bad-request.json"),
        answer=_concatenate,
    ),
    Fault(
        "problem-details-for-500",
        "The framework's last handler answers 500 with RFC 9457 problem details, which have no errorMsg.",
        violates("server-error.error-msg"),
        answer=on(500, _problem_details),
    ),
    Fault(
        "parser-quoted-in-400",
        "The 400 about malformed JSON hands on the parser's message with its class names.",
        violates("answer.no-leak"),
        answer=_quote_parser,
    ),
    # waiting
    Fault(
        "delay-rounded-down",
        "The seconds that are left of a window are cut off to an integer, so the announced end comes too early.",
        violates("rate-limit.window-end", "rate-limit.shared-window-end"),
        one_exchange=False,
        windows=WindowRules(length=2.5),
        answer=on(429, _round_down),
    ),
    Fault(
        "date-in-german",
        "Retry-After is a date by strftime under the server's German locale.",
        violates("rate-limit.grammar"),
        answer=_date_in_german,
    ),
    Fault(
        "header-in-milliseconds",
        "The Retry-After field of a 503 is in milliseconds, whereas its body is in seconds.",
        violates("unavailable.header-agrees"),
        answer=on(503, _milliseconds),
    ),
    # state and concurrency
    Fault(
        "pooled-struct-not-reset",
        "The struct that a body is decoded into comes from a pool: an absent store or code keeps the value before.",
        violates("store-id.required", "store-id.not-null", "code.required", "code.not-null", "answer.independent"),
        one_exchange=False,
        repair=_take_from_pool,
        accept=_put_in_pool,
    ),
    Fault(
        "store-found-or-created",
        "The look-up of a store creates the row that it does not find, so a refused unknown store works next time.",
        violates("store-id.unknown", "answer.independent"),
        one_exchange=False,
        repair=_find_or_create_store,
    ),
    Fault(
        "third-replica-without-currencies",
        "One of three replicas runs on an old table of currencies that holds only dollars.",
        violates("answer.independent", "code.declared", "capture.accepted"),
        one_exchange=False,
        accept=_ask_third_replica,
    ),
    Fault(
        "deadlock-between-captures",
        "Two captures at one store in the same moment lock each other, and the database's victim ends as a 500.",
        violates("server-error.stable", "answer.independent", "answer.no-server-error"),
        one_exchange=False,
        accept=_deadlock,
    ),
]
