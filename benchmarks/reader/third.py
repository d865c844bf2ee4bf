"""Forty faults that a third reader invented from the contract, before any run against them."""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from email.utils import format_datetime

from conformance.mock.exchange import PATH, Crash, Inquiry, Reply, error, raw_error
from conformance.mock.faults.model import Fault, violates
from conformance.mock.reading import (
    BAD_REQUEST,
    CODE_PATTERN,
    ID_LIMIT,
    STORE_PATTERN,
    STORES,
    TRIP_PATTERN,
    UNKNOWN_TRIP,
    Number,
    Refused,
    is_trip,
    parse,
)

KNOWN = ("storeId", "shoppingTripId", "amount")
SOME_TRIP = "6f1c5f0e-9a3b-4d58-8f2e-3b7c1d2e4f60"
HALF_UNIT = {"JPY": Decimal("0.5"), "KWD": Decimal("0.0005")}
NAME = re.compile(r'[ \t\r\n]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^"\[\]{},]+', re.DOTALL)
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
AFTER_NAME = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*([^ \t\r\n])")


# --- what a hook sees ---------------------------------------------------------------------------------------------
def chunked(inquiry: Inquiry) -> bool:
    """Whether the body came in chunks."""
    return "chunked" in (inquiry.get("transfer-encoding") or "").lower()


def member(inquiry: Inquiry, name: str) -> object:
    """The value of a member of the body, or None."""
    return inquiry.document.get(name) if isinstance(inquiry.document, dict) else None


def amount_of(inquiry: Inquiry) -> dict[str, object]:
    """The amount object of the body; empty where there is none."""
    amount = member(inquiry, "amount")
    return amount if isinstance(amount, dict) else {}


def milliseconds(inquiry: Inquiry) -> int:
    """When the request is answered."""
    return int(inquiry.now * 1000)


def is_status(inquiry: Inquiry, status: int) -> bool:
    """Whether the answer has that status."""
    return inquiry.reply is not None and inquiry.reply.status == status


def is_well_formed(value: object, pattern: re.Pattern[str]) -> bool:
    """Whether an identifier is a string that its schema admits."""
    return isinstance(value, str) and len(value) <= ID_LIMIT and pattern.fullmatch(value) is not None


def decimal(value: object) -> Decimal | None:
    """The value of a number of the body, where it is one that can be held."""
    if isinstance(value, Number):
        with suppress(InvalidOperation):
            return Decimal(value.text)
    return None


def is_json_text(body: bytes) -> bool:
    """Whether a body is one JSON text."""
    try:
        parse(body)
    except Refused:
        return False
    return True


# --- fields -------------------------------------------------------------------------------------------------------
def _trip_cut(inquiry: Inquiry) -> None:
    trip = member(inquiry, "shoppingTripId")
    if isinstance(inquiry.document, dict) and isinstance(trip, str):
        inquiry.document["shoppingTripId"] = trip[:36] if is_trip(trip[:36]) else trip


def _invisible_stripped(inquiry: Inquiry) -> None:
    store = member(inquiry, "storeId")
    if isinstance(inquiry.document, dict) and isinstance(store, str):
        inquiry.document["storeId"] = "".join(one for one in store if unicodedata.category(one) != "Cf")


def _unknown_trip_misnamed(inquiry: Inquiry) -> None:
    if inquiry.refusal == UNKNOWN_TRIP and member(inquiry, "storeId") == STORES[1]:
        inquiry.reply = error(400, BAD_REQUEST)


def _unknown_trip_in_chunks(inquiry: Inquiry) -> None:
    if inquiry.refusal == UNKNOWN_TRIP and chunked(inquiry):
        inquiry.reply = error(404, UNKNOWN_TRIP)


def _missing_value_in_yen(inquiry: Inquiry) -> None:
    amount = amount_of(inquiry)
    if amount.get("code") == "JPY" and "amount" not in amount:
        amount["amount"] = Number("1")


def _null_code_of_whole_number(inquiry: Inquiry) -> None:
    amount = amount_of(inquiry)
    value = amount.get("amount")
    if "code" in amount and amount["code"] is None and isinstance(value, Number) and value.text.isdigit():
        amount["code"] = "USD"


def _code_twice(inquiry: Inquiry) -> None:
    twice: list[bool] = []

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        twice.append([name for name, _ in members].count("code") > 1)
        return dict(members)

    if "code" in amount_of(inquiry):
        json.loads(inquiry.body, object_pairs_hook=pairs, parse_int=Number)
        if any(twice):
            amount_of(inquiry)["code"] = "USD"


# --- amounts ------------------------------------------------------------------------------------------------------
def _small_negative(inquiry: Inquiry) -> None:
    amount = amount_of(inquiry)
    value, code = decimal(amount.get("amount")), amount.get("code")
    half = HALF_UNIT.get(code, Decimal("0.005")) if isinstance(code, str) else Decimal(0)
    if value is not None and -half < value < 0:
        amount["amount"] = Number("1")


def _dinars_in_binary(inquiry: Inquiry) -> None:
    capture = inquiry.capture
    if capture and capture.code == "KWD" and not (float(capture.value.text) * 1000).is_integer():
        raise Refused


def _thousands_with_cents(inquiry: Inquiry) -> None:
    value = decimal(inquiry.capture.value) if inquiry.capture else None
    if value is not None and 1000 <= value < 10**15 and value != value.to_integral_value():
        raise Refused


# --- the body as JSON ---------------------------------------------------------------------------------------------
def _trailing_data_when_large(inquiry: Inquiry) -> None:
    if len(inquiry.body) > 2048:
        with suppress(ValueError, RecursionError):
            text = inquiry.body.decode()
            begin = len(text) - len(text.lstrip(" \t\r\n"))
            inquiry.body = text[: json.JSONDecoder().raw_decode(text, begin)[1]].encode()


def _invalid_bytes_dropped(inquiry: Inquiry) -> None:
    if chunked(inquiry):
        inquiry.body = inquiry.body.decode(errors="ignore").encode()


def _after_skipped(text: str, begin: int) -> int:
    depth = 0
    for piece in PIECE.finditer(text, begin):
        if depth == 0 and piece[0] in ("}", ","):
            return piece.start()
        depth += (piece[0] in ("[", "{")) - (piece[0] in ("]", "}"))
    raise ValueError


def _known_members(text: str) -> str:
    begin, kept, decoder = text.index("{") + 1, [], json.JSONDecoder()
    while found := NAME.match(text, begin):
        if found[1] in KNOWN:
            end = decoder.raw_decode(text, found.end())[1]
            kept.append(text[found.start() : end])
        else:
            end = _after_skipped(text, found.end())
        rest = text[end:].lstrip(" \t\r\n")
        if rest.startswith("}"):
            return "{" + ",".join(kept) + rest
        if not rest.startswith(","):
            break
        begin = len(text) - len(rest) + 1
    raise ValueError


def _unknown_unread(inquiry: Inquiry) -> None:
    if not is_json_text(inquiry.body) and inquiry.body.lstrip(b" \t\r\n").startswith(b"{"):
        with suppress(ValueError, RecursionError):
            inquiry.body = _known_members(inquiry.body.decode()).encode()


def _raw_control_characters(inquiry: Inquiry) -> None:
    inquiry.body = STRING.sub(lambda found: re.sub(rb"[\x00-\x1f]", b" ", found[0]), inquiry.body)


def _large_beyond_ascii(inquiry: Inquiry) -> None:
    if len(inquiry.body) > 16_384 and not inquiry.body.isascii():
        raise Crash


def _zero_character(inquiry: Inquiry) -> None:
    if ZERO.search(json.dumps(inquiry.document, default=str)):
        raise Crash


def _empty_chunks(inquiry: Inquiry) -> None:
    if chunked(inquiry) and not inquiry.body:
        raise Crash


def _trailing_blank_in_chunks(inquiry: Inquiry) -> None:
    if chunked(inquiry) and inquiry.body[-1:] in (b" ", b"\t", b"\r", b"\n"):
        raise Refused


def _escaped_inner_name(inquiry: Inquiry) -> None:
    for found in STRING.finditer(inquiry.body) if is_json_text(inquiry.body) else ():
        follows = AFTER_NAME.match(inquiry.body, found.end())
        if b"\\" in found[0] and follows:
            name = json.loads(found[0])
            if name == "code" or (name == "amount" and follows[1] != b"{"):
                raise Refused


# --- headers, paths, time -----------------------------------------------------------------------------------------
def _media_case_with_parameter(inquiry: Inquiry) -> None:
    kind, _, parameter = (inquiry.get("content-type") or "").partition(";")
    if parameter and kind != kind.lower():
        inquiry.reply = error(415, "UnsupportedMediaType")


def _plain_without_accept(inquiry: Inquiry) -> None:
    if inquiry.get("accept") is None and is_status(inquiry, 400):
        inquiry.reply = raw_error(400, BAD_REQUEST.encode(), "text/plain; charset=utf-8")


def _post_anywhere(inquiry: Inquiry) -> None:
    if inquiry.method == "POST" and inquiry.path != PATH:
        inquiry.refusal = "serve"


def _slow_large_chunks(inquiry: Inquiry) -> None:
    if inquiry.reply and chunked(inquiry) and len(inquiry.body) > 65_536:
        inquiry.reply.delay = inquiry.hang_s


# --- error bodies -------------------------------------------------------------------------------------------------
def _go_message(inquiry: Inquiry) -> None:
    amount = amount_of(inquiry)
    wanted = {"storeId": "string", "shoppingTripId": "string", "amount": "main.Amount"}
    values = [(name, member(inquiry, name), kind) for name, kind in wanted.items()]
    values += [("amount.amount", amount.get("amount"), "float64"), ("amount.code", amount.get("code"), "string")]
    held = {"string": str, "float64": Number, "main.Amount": dict}
    for name, value, kind in values:
        if is_status(inquiry, 400) and value is not None and not isinstance(value, held[kind]):
            given = {str: "string", bool: "bool", list: "array", dict: "object"}.get(type(value), "number")
            field = f"Go struct field ChargeRequest.{name} of type {kind}"
            inquiry.reply = error(400, f"{BAD_REQUEST}: json: cannot unmarshal {given} into {field}")
            return


def _problem_when_large(inquiry: Inquiry) -> None:
    if is_status(inquiry, 400) and len(inquiry.body) > 2048 and not is_json_text(inquiry.body):
        problem = b'{"type": "about:blank", "title": "Bad Request", "status": 400}'
        inquiry.reply = raw_error(400, problem, "application/problem+json")


def _store_unescaped(inquiry: Inquiry) -> None:
    store = member(inquiry, "storeId")
    if is_status(inquiry, 400) and isinstance(store, str) and not STORE_PATTERN.fullmatch(store):
        text = f'{{"errorMsg": "{BAD_REQUEST}: storeId {store[:255]}"}}'
        inquiry.reply = raw_error(400, text.encode(errors="replace"))


def _length_in_characters(inquiry: Inquiry) -> None:
    code = amount_of(inquiry).get("code")
    if is_status(inquiry, 400) and isinstance(code, str) and not CODE_PATTERN.fullmatch(code):
        text = json.dumps({"errorMsg": f"{BAD_REQUEST}: code {code[:20]}"}, ensure_ascii=False)
        inquiry.reply = raw_error(400, text.encode(errors="replace")[: len(text)])


def _message_for_each_fault(inquiry: Inquiry) -> None:
    if not is_status(inquiry, 400) or not isinstance(inquiry.document, dict):
        return
    store, trip = member(inquiry, "storeId"), member(inquiry, "shoppingTripId")
    if not is_well_formed(store, STORE_PATTERN) and not is_well_formed(trip, TRIP_PATTERN):
        line = f'"errorMsg": "{BAD_REQUEST}"'
        inquiry.reply = raw_error(400, f"{{{line}, {line}}}".encode())


def _unavailable_an_hour_late(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 503:
        inquiry.reply.put("retry-after", format_datetime(inquiry.moment + timedelta(seconds=3601), usegmt=True))


# --- other requests and time --------------------------------------------------------------------------------------
def _note_trip(inquiry: Inquiry) -> None:
    if inquiry.capture:
        inquiry.memory[f"served {inquiry.capture.trip}"] = 1


def _store_of_served_trip(inquiry: Inquiry) -> None:
    store, trip = member(inquiry, "storeId"), member(inquiry, "shoppingTripId")
    known = isinstance(trip, str) and f"served {trip}" in inquiry.memory
    if known and isinstance(inquiry.document, dict) and is_well_formed(store, STORE_PATTERN):
        inquiry.document["storeId"] = STORES[0]


def _note_length(inquiry: Inquiry) -> None:
    inquiry.memory[f"length {inquiry.connection}"] = len(inquiry.body) if is_status(inquiry, 400) else 0


def _stale_buffer(inquiry: Inquiry) -> None:
    if len(inquiry.body) < inquiry.memory.get(f"length {inquiry.connection}", 0):
        raise Refused


def _note_refusal(inquiry: Inquiry) -> None:
    trip = member(inquiry, "shoppingTripId")
    if is_status(inquiry, 400) and isinstance(trip, str):
        inquiry.count(f"refused {trip}")


def _locked_trip(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.memory.get(f"refused {inquiry.capture.trip}", 0) >= 3:
        raise Refused


def _other_currency(inquiry: Inquiry) -> None:
    if inquiry.capture:
        key = f"code of {inquiry.capture.trip}"
        code = int.from_bytes(inquiry.capture.code.encode())
        if inquiry.memory.setdefault(key, code) != code:
            raise Crash


def _note_time(inquiry: Inquiry) -> None:
    inquiry.memory[f"seen {inquiry.connection}"] = milliseconds(inquiry)


def _stale_connection(inquiry: Inquiry) -> None:
    seen = inquiry.memory.get(f"seen {inquiry.connection}")
    if seen is not None and milliseconds(inquiry) - seen >= 1000:
        raise Crash


def _limit_without_delay(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 429 and not is_json_text(inquiry.body):
        inquiry.reply.drop("retry-after")


def _iso_date_later(inquiry: Inquiry) -> None:
    again = is_status(inquiry, 429) and inquiry.count(f"limited {inquiry.get('x-client')}") > 1
    if again and inquiry.reply:
        later = inquiry.moment + timedelta(seconds=2)
        inquiry.reply.put("retry-after", later.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _note_knock(inquiry: Inquiry) -> None:
    client = inquiry.get("x-client") or ""
    if is_status(inquiry, 429) and inquiry.count(f"limited {client}") > 1:
        inquiry.memory[f"until {client}"] = milliseconds(inquiry) + 2000


def _knocked_too_early(inquiry: Inquiry) -> None:
    if milliseconds(inquiry) < inquiry.memory.get(f"until {inquiry.get('x-client') or ''}", 0):
        inquiry.reply = error(429, "Too Many Requests")
        inquiry.reply.put("retry-after", "1")


def _twin(inquiry: Inquiry) -> None:
    if not inquiry.capture:
        return
    trip, connection = inquiry.capture.trip, hash(inquiry.connection)
    other = inquiry.memory.get(f"from {trip}", connection) != connection
    last = inquiry.memory.get(f"at {trip}", -1000)
    inquiry.memory |= {f"from {trip}": connection, f"at {trip}": milliseconds(inquiry)}
    if other and milliseconds(inquiry) - last < 50:
        raise Crash


def _note_connection(inquiry: Inquiry) -> None:
    inquiry.memory[f"good {inquiry.connection}"] = 1


def _trip_of_connection(inquiry: Inquiry) -> None:
    trip = member(inquiry, "shoppingTripId")
    if f"good {inquiry.connection}" in inquiry.memory and is_well_formed(trip, TRIP_PATTERN) and not is_trip(str(trip)):
        assert isinstance(inquiry.document, dict)  # it has the member
        inquiry.document["shoppingTripId"] = SOME_TRIP


def _note_type(inquiry: Inquiry) -> None:
    key = f"type {inquiry.connection}"
    inquiry.memory[key] = int(is_status(inquiry, 415) and inquiry.memory.get(key) != 1)


def _type_of_the_last(inquiry: Inquiry) -> None:
    if inquiry.memory.get(f"type {inquiry.connection}") == 1:
        inquiry.reply = Reply(415, [("content-type", "application/json")], b'{"errorMsg": "UnsupportedMediaType"}')


FAULTS = [
    # fields
    Fault(
        "trip-cut-to-36",
        "A shoppingTripId is cut to 36 characters, the width of its column, before it is checked.",
        violates("trip-id.max-length", "trip-id.pattern", "trip-id.unknown"),
        repair=_trip_cut,
    ),
    Fault(
        "invisible-characters-stripped",
        "Invisible format characters are removed from storeId before it is checked.",
        violates("store-id.pattern"),
        repair=_invisible_stripped,
    ),
    Fault(
        "unknown-trip-misnamed-at-second-store",
        "At the second store an unknown trip is called BadRequestException.",
        violates("trip-id.unknown-name"),
        answer=_unknown_trip_misnamed,
    ),
    Fault(
        "unknown-trip-404-in-chunks",
        "An unknown trip in a chunked body is answered with 404.",
        violates("trip-id.unknown", "answer.status-set", "request.chunked"),
        answer=_unknown_trip_in_chunks,
    ),
    Fault(
        "missing-value-one-in-yen",
        "In a currency without minor units a missing number counts as one.",
        violates("value.required"),
        repair=_missing_value_in_yen,
    ),
    Fault(
        "null-code-of-whole-number",
        "A code of null means the store's own currency where the number is written as an integer.",
        violates("code.not-null"),
        repair=_null_code_of_whole_number,
    ),
    Fault(
        "code-twice-unchecked",
        "A code that is given twice is not checked at all.",
        violates("body.several-faults", "code.pattern"),
        repair=_code_twice,
    ),
    # amounts
    Fault(
        "negative-below-half-a-unit",
        "A negative number that rounds to zero minor units is accepted.",
        violates("value.negative"),
        repair=_small_negative,
    ),
    Fault(
        "dinars-in-binary",
        "Dinars are refused where the number times 1000, as a binary float, is no integer.",
        violates("value.accepted", "value.spellings"),
        accept=_dinars_in_binary,
    ),
    Fault(
        "thousands-with-cents-refused",
        "A number from 1,000 up that has minor units is refused: the server wrote 1,234.50 and read it back.",
        violates("value.accepted", "value.spellings"),
        accept=_thousands_with_cents,
    ),
    # the body as JSON
    Fault(
        "trailing-data-when-large",
        "Data after the JSON text of a body over 2 KB is not read.",
        violates("body.not-json"),
        receive=_trailing_data_when_large,
    ),
    Fault(
        "invalid-bytes-dropped-in-chunks",
        "Bytes that are not UTF-8 are dropped from a chunked body.",
        violates("body.invalid-utf-8"),
        receive=_invalid_bytes_dropped,
    ),
    Fault(
        "unknown-attribute-unread",
        "The value of an unknown attribute is skipped by counting brackets, whatever it is.",
        violates("body.not-json"),
        receive=_unknown_unread,
    ),
    Fault(
        "raw-control-characters-read",
        "Control characters without an escape are accepted in strings of unknown attributes.",
        violates("body.not-json"),
        receive=_raw_control_characters,
    ),
    Fault(
        "large-beyond-ascii-crash",
        "A body over 16 KB with characters beyond ASCII causes a 500.",
        violates("answer.no-server-error"),
        accept=_large_beyond_ascii,
    ),
    Fault(
        "zero-character-stored",
        "U+0000 in an unknown attribute causes a 500, since the database cannot store it.",
        violates("answer.no-server-error"),
        accept=_zero_character,
    ),
    Fault(
        "empty-chunks-crash",
        "A chunked body without any content causes a 500.",
        violates("body.empty", "answer.no-server-error", "request.chunked"),
        receive=_empty_chunks,
    ),
    Fault(
        "trailing-blank-refused-in-chunks",
        "White space after the JSON text is refused in a chunked body.",
        violates("body.equivalent", "request.chunked"),
        receive=_trailing_blank_in_chunks,
    ),
    Fault(
        "escaped-inner-name-refused",
        "The names inside amount are compared before their escapes are read.",
        violates("body.equivalent"),
        receive=_escaped_inner_name,
    ),
    # headers, paths, time
    Fault(
        "media-case-with-parameter-refused",
        "A media type in capitals is refused where a parameter follows.",
        violates("media-type.case", "media-type.charset"),
        receive=_media_case_with_parameter,
    ),
    Fault(
        "plain-refusal-without-accept",
        "A refusal is plain text where the request has no Accept.",
        violates("accept.neutral", "bad-request.media-type"),
        answer=_plain_without_accept,
    ),
    Fault(
        "capture-at-any-path",
        "A POST to any other path is served as a capture; other methods get 404 there.",
        violates("path.unknown"),
        other=_post_anywhere,
    ),
    Fault(
        "large-chunks-slow",
        "A chunked body over 64 KB is answered after the time limit.",
        violates("answer.in-time"),
        answer=_slow_large_chunks,
    ),
    # error bodies
    Fault(
        "go-unmarshal-message",
        "A refusal of a wrong type repeats the message of Go's JSON package.",
        violates("answer.no-leak"),
        answer=_go_message,
    ),
    Fault(
        "problem-when-large",
        "A body over 2 KB that is not JSON is refused by a gateway with a problem document without errorMsg.",
        violates("bad-request.error-msg"),
        answer=_problem_when_large,
    ),
    Fault(
        "store-repeated-unescaped",
        "A refusal repeats a malformed storeId without escapes.",
        violates("bad-request.json"),
        answer=_store_unescaped,
    ),
    Fault(
        "length-in-characters",
        "A refusal repeats a malformed code, and is cut because its length was counted in characters.",
        violates("bad-request.json"),
        answer=_length_in_characters,
    ),
    Fault(
        "message-for-each-fault",
        "Where both identifiers are wrong the body has two members errorMsg.",
        violates("bad-request.unique-names"),
        answer=_message_for_each_fault,
    ),
    Fault(
        "unavailable-an-hour-late",
        "A 503 has a Retry-After with a date one hour later than its retryAfter says.",
        violates("unavailable.header-agrees"),
        answer=_unavailable_an_hour_late,
    ),
    # other requests and time
    Fault(
        "store-checked-once-a-trip",
        "The store is not checked again for a trip that was captured before.",
        violates("store-id.unknown", "answer.independent"),
        one_exchange=False,
        repair=_store_of_served_trip,
        accept=_note_trip,
    ),
    Fault(
        "stale-buffer-after-longer-refusal",
        "After a refusal on the same connection a shorter body is read with the end of the refused one.",
        violates("answer.independent"),
        one_exchange=False,
        receive=_stale_buffer,
        answer=_note_length,
    ),
    Fault(
        "trip-locked-after-three-refusals",
        "After three refusals a trip is locked, and a correct capture of it is refused.",
        violates("answer.independent", "capture.accepted"),
        one_exchange=False,
        accept=_locked_trip,
        answer=_note_refusal,
    ),
    Fault(
        "other-currency-of-captured-trip-crash",
        "A second capture of a trip in another currency causes a 500.",
        violates("answer.no-server-error"),
        one_exchange=False,
        accept=_other_currency,
    ),
    Fault(
        "stale-after-a-second",
        "The first request on a connection that was idle for a second gets a 500.",
        violates("server-error.stable", "answer.independent"),
        one_exchange=False,
        receive=_stale_connection,
        answer=_note_time,
    ),
    Fault(
        "limit-without-delay-for-malformed",
        "A 429 to a body that is not JSON has no Retry-After.",
        violates("rate-limit.retry-after"),
        one_exchange=False,
        answer=_limit_without_delay,
    ),
    Fault(
        "iso-date-later",
        "From the second 429 of a window on Retry-After is an ISO 8601 date.",
        violates("rate-limit.grammar"),
        one_exchange=False,
        answer=_iso_date_later,
    ),
    Fault(
        "knocking-extends-silently",
        "Each further request in a window starts it anew with two seconds, but the answer says one.",
        violates("rate-limit.window-end"),
        one_exchange=False,
        receive=_knocked_too_early,
        answer=_note_knock,
    ),
    Fault(
        "twins-crash",
        "A capture whose trip is captured on another connection at the same moment causes a 500.",
        violates("answer.no-server-error"),
        one_exchange=False,
        accept=_twin,
    ),
    Fault(
        "trip-checked-once-a-connection",
        "After a capture on the same connection an unknown trip is accepted.",
        violates("trip-id.unknown", "answer.independent"),
        one_exchange=False,
        repair=_trip_of_connection,
        accept=_note_connection,
    ),
    Fault(
        "media-type-of-the-last",
        "After a 415 the next request on the same connection is refused with 415 too.",
        violates("answer.independent"),
        one_exchange=False,
        receive=_type_of_the_last,
        answer=_note_type,
    ),
]
