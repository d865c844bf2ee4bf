"""Differences that the contract allows, invented from it alone. None of them may be reported."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime

import benchmarks.reader.rewrites  # noqa: F401 - the changes of bytes that are named here
from conformance.mock.exchange import PATH, Inquiry, Reply, error, raw_error
from conformance.mock.faults.amount_hooks import amount_of, code, number, refuse
from conformance.mock.faults.body_hooks import charset, has_unknown, refuse_early
from conformance.mock.faults.model import Change, Fault, Hook, on, on_errors
from conformance.mock.faults.request import IDS, members, well_formed
from conformance.mock.limiter import WindowRules
from conformance.mock.reading import BAD_REQUEST, LONG_TRIP, STORES, UNKNOWN_TRIP, Refused

_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center><hr>nginx/1.25.3</body></html>\r\n"
_COMPACT_UUID = re.compile("[0-9a-fA-F]{32}", re.ASCII)
_MINIMUM = {"USD": "0.50", "EUR": "0.50", "JPY": "50", "KWD": "0.150"}
_REGION = frozenset({"GBP", "CHF", "SEK", "NOK", "DKK"})
_LONG_TEXT = "The request was refused because it does not satisfy the rules of the contract. " * 1200


def _page(status: int) -> Reply:
    return raw_error(status, _PAGE % (status, status), "text/html")


def _wire(name: str) -> Change:
    def change(reply: Reply) -> None:
        reply.wire = name

    return change


def _always(change: Change) -> Hook:
    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply:
            change(inquiry.reply)

    return answer


def _headers(*fields: tuple[str, str]) -> Hook:
    """Add header fields to every answer."""
    return _always(lambda reply: reply.headers.extend(fields))


def _labelled(media_type: str) -> Hook:
    return on_errors(lambda reply: reply.put("content-type", media_type))


def _document(change: Callable[[dict[str, object]], object], **style: object) -> Hook:
    """Write the body of every error answer anew."""

    def answer(reply: Reply) -> None:
        text = json.dumps(change(json.loads(reply.body)), **style)  # type: ignore[arg-type]
        reply.body = text.encode()

    return on_errors(answer)


# --- what a server may accept or refuse --------------------------------------------------------------------------


def _compact_uuid(inquiry: Inquiry) -> None:
    trip = members(inquiry).get("shoppingTripId")
    if isinstance(trip, str) and _COMPACT_UUID.fullmatch(trip):
        members(inquiry)["shoppingTripId"] = "-".join((trip[:8], trip[8:12], trip[12:16], trip[16:20], trip[20:]))


def _store_any_case(inquiry: Inquiry) -> None:
    store = members(inquiry).get("storeId")
    if isinstance(store, str) and store.lower() in STORES:
        members(inquiry)["storeId"] = store.lower()


def _not_uuid_named(inquiry: Inquiry) -> None:
    trip = members(inquiry).get("shoppingTripId")
    if inquiry.refusal == UNKNOWN_TRIP and isinstance(trip, str) and "-" not in trip:
        inquiry.reply = error(400, BAD_REQUEST)


def _malformed_trip_named(inquiry: Inquiry) -> None:
    trip, store = members(inquiry).get("shoppingTripId"), members(inquiry).get("storeId")
    others = isinstance(store, str) and well_formed(store) and set(amount_of(inquiry)) == {"amount", "code"}
    if others and inquiry.refusal == BAD_REQUEST and isinstance(trip, str) and not well_formed(trip):
        inquiry.reply = error(400, UNKNOWN_TRIP)


def _exact(inquiry: Inquiry) -> Decimal:
    """The value of an accepted number; 0 where its exponent is beyond all limits."""
    text = number(inquiry).text
    return Decimal(0) if re.search(r"[eE][+-]?[0-9]{4,}", text) else Decimal(text)


def _below_minimum(inquiry: Inquiry) -> bool:
    return _exact(inquiry) < Decimal(_MINIMUM.get(code(inquiry), "0"))


def _beyond_double(inquiry: Inquiry) -> bool:
    return len(_exact(inquiry).normalize().as_tuple().digits) > 15


def _region(inquiry: Inquiry) -> None:
    if str(amount_of(inquiry).get("code")) in _REGION:
        amount_of(inquiry)["code"] = "EUR"


def _unknown_in_amount(inquiry: Inquiry) -> bool:
    return bool(set(amount_of(inquiry)) - {"amount", "code"})


def _deeper_than_20(inquiry: Inquiry) -> bool:
    depth = deepest = 0
    for byte in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", inquiry.body, flags=re.DOTALL):
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    return deepest > 20


def _too_large(inquiry: Inquiry) -> None:
    if len(inquiry.body) > 512 * 1024:
        inquiry.reply = _page(413)
        inquiry.reply.put("connection", "close")


def _no_chunks(inquiry: Inquiry) -> None:
    if "chunked" in (inquiry.get("transfer-encoding") or "").lower():
        inquiry.reply = Reply(411, [("connection", "close")])


def _type(inquiry: Inquiry) -> str:
    return (inquiry.get("content-type") or "").split(";")[0].strip().lower()


def _as_json(inquiry: Inquiry) -> None:
    others = [(name, value) for name, value in inquiry.headers if name.lower() != "content-type"]
    inquiry.headers = [*others, ("content-type", "application/json")]


def _suffix_taken(inquiry: Inquiry) -> None:
    if _type(inquiry).endswith("+json") or not _type(inquiry):
        _as_json(inquiry)


def _type_page(inquiry: Inquiry) -> None:
    if _type(inquiry) != "application/json":
        inquiry.reply = _page(415)


def _other_charset(inquiry: Inquiry) -> bool:
    return charset(inquiry).strip('"').lower() not in ("", "utf-8")


def _same_trip_again(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.capture.trip != LONG_TRIP and inquiry.count(inquiry.capture.trip.lower()) > 1:
        raise Refused(UNKNOWN_TRIP)


def _bound_to_store(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.capture.trip != LONG_TRIP:
        store = STORES.index(inquiry.capture.store)
        if inquiry.memory.setdefault(f"store of {inquiry.capture.trip}", store) != store:
            raise Refused(UNKNOWN_TRIP)


# --- other methods and paths -------------------------------------------------------------------------------------


def _pages_elsewhere(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.path != PATH:
        inquiry.reply = _page(404)


def _empty_405(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply.body = b""
        inquiry.reply.drop("content-type")
        inquiry.reply.put("allow", "OPTIONS", "TRACE , POST,")


def _redirect_variants(inquiry: Inquiry) -> None:
    if inquiry.path != PATH and inquiry.path.rstrip("/").lower() == PATH:
        inquiry.reply = Reply(308, [("location", PATH)])


# --- answers -----------------------------------------------------------------------------------------------------


def _close_every_tenth(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.count("answers") % 10 == 0:
        inquiry.reply.put("connection", "x-hop, Close")


def _slow_errors(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400:
        inquiry.reply.delay = 0.25


def _cookie(inquiry: Inquiry) -> None:
    if inquiry.reply:
        visit = inquiry.count("visits")
        inquiry.reply.headers.append(("set-cookie", f"session={visit}; Path=/; Secure; HttpOnly"))
        inquiry.reply.headers.append(("set-cookie", f"lb=node-{visit % 3}"))


def _by_field(inquiry: Inquiry) -> None:
    document, reply = members(inquiry), inquiry.reply
    if reply and reply.status == 400 and inquiry.refusal == BAD_REQUEST:
        missing = [key for key in (*IDS, "amount") if document.get(key) is None]
        detail = f"{missing[0]} is required" if missing else "a member has a wrong form"
        reply.body = json.dumps({"errorMsg": f"BadRequestException: {detail}", "fields": missing}).encode()


def _escape_everything(reply: Reply) -> None:
    message = "".join(f"\\u{ord(character):04X}" for character in json.loads(reply.body)["errorMsg"])
    rest = {key: value for key, value in json.loads(reply.body).items() if key != "errorMsg"}
    more = "".join(f", {json.dumps(key)}: {json.dumps(value)}" for key, value in rest.items())
    reply.body = f'{{"error\\u004dsg": "{message}"{more}}}'.encode()


def _lines_and_tabs(reply: Reply) -> None:
    text = json.dumps(json.loads(reply.body), indent="\t").replace("\n", "\r\n")
    reply.body = f"\r\n\r\n{text}\r\n".encode()


def _gzipped(reply: Reply) -> None:
    reply.body = gzip.compress(reply.body, mtime=0)
    reply.put("content-encoding", "gzip")
    reply.put("vary", "Accept-Encoding")


def _gzip_errors(inquiry: Inquiry) -> None:
    asked = inquiry.get("accept-encoding")
    if inquiry.reply and inquiry.reply.body and (asked is None or "gzip" in asked or "*" in asked):
        _gzipped(inquiry.reply)


def _chunked_200(reply: Reply) -> None:
    reply.wire = "chunk-extensions"


# --- 429, 500 and 503 --------------------------------------------------------------------------------------------


def _window_end(inquiry: Inquiry, earlier: timedelta = timedelta(0)) -> str:
    seconds = int((inquiry.reply and inquiry.reply.get("retry-after")) or 0)
    return format_datetime(inquiry.moment - earlier + timedelta(seconds=seconds, microseconds=999_999), usegmt=True)


def _date_and_wire(wire: str, earlier: timedelta = timedelta(0)) -> Hook:
    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply:
            if inquiry.reply.status == 429:
                inquiry.reply.put("retry-after", _window_end(inquiry, earlier))
            inquiry.reply.wire = wire

    return answer


def _rate_headers(inquiry: Inquiry) -> None:
    if inquiry.reply:
        fields = [("RateLimit-Policy", '"default";q=100;w=600'), ("X-RateLimit-Reset", "1795820400")]
        inquiry.reply.headers.extend([*fields, ("X-RateLimit-Remaining", "0")])


def _unavailable(text: str, header: str | None = None) -> Hook:
    def change(reply: Reply) -> None:
        reply.body = json.dumps({"retryAfter": text, "errorMsg": "ServiceUnavailableException"}).encode()
        if header is not None:
            reply.put("retry-after", header)

    return on(503, change)


def _unavailable_date(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 503:
        end = inquiry.moment + timedelta(seconds=30)
        inquiry.reply.body = b'{"errorMsg": "ServiceUnavailableException", "retryAfter": "30.000000000000000000000001"}'
        inquiry.reply.put("retry-after", format_datetime(end, usegmt=True))


def _other_names(reply: Reply) -> None:
    if reply.status >= 500:
        reply.body = json.dumps({**json.loads(reply.body), "errorMsg": "Please try again later."}).encode()


def _other_limiter(inquiry: Inquiry) -> None:
    if inquiry.count("requests") % 50 == 0:
        inquiry.reply = error(429, "Slow down")
        inquiry.reply.put("retry-after", "1")


def _overload(inquiry: Inquiry) -> None:
    if inquiry.count("requests") % 50 == 0:
        inquiry.reply = error(503, "ServiceUnavailableException", retryAfter="0.2")


def _differs(name: str, says: str, **hooks: object) -> Fault:
    return Fault(name, says, benign=True, **hooks)  # type: ignore[arg-type]


LAWFUL: list[Fault] = [
    _differs("trip-compact-uuid", "A UUID without hyphens is the same trip.", repair=_compact_uuid),
    _differs("store-any-case", "Store ids are matched in any letter case.", repair=_store_any_case),
    _differs(
        "trip-not-uuid-unnamed", "An id that is not a UUID is called BadRequestException.", answer=_not_uuid_named
    ),
    _differs(
        "trip-malformed-unknown", "A malformed trip id is called UnknownShoppingTrip.", answer=_malformed_trip_named
    ),
    _differs("value-minimum", "Each currency has a minimum charge.", accept=refuse(_below_minimum)),
    _differs(
        "value-15-digits", "Values of more than 15 significant digits are refused.", accept=refuse(_beyond_double)
    ),
    _differs("code-region", "A few more currencies of Europe are accepted.", repair=_region),
    _differs(
        "unknown-in-amount-refused",
        "Attributes that are not defined are refused inside of amount only.",
        repair=refuse(_unknown_in_amount),
    ),
    _differs(
        "unknown-in-long-body-refused",
        "A body of over 2,000 bytes with an attribute that is not defined is refused.",
        repair=refuse(lambda inquiry: len(inquiry.body) > 2000 and has_unknown(inquiry)),
    ),
    _differs("depth-20", "Nesting of more than 20 levels is refused.", receive=refuse_early(_deeper_than_20)),
    _differs("big-body-413-page", "A body over 512 KiB gets a 413 page and a closed connection.", receive=_too_large),
    _differs("chunked-411-empty", "Chunks are refused with an empty 411 that closes.", receive=_no_chunks),
    _differs("suffix-or-no-type-served", "+json and a missing media type are served.", receive=_suffix_taken),
    _differs("other-type-415-page", "Another media type gets an HTML page with 415.", receive=_type_page),
    _differs("other-charset-400", "Another charset is refused with 400.", receive=refuse_early(_other_charset)),
    _differs(
        "trip-once-in-any-case",
        "A trip is captured once, in whatever letter case its id comes.",
        accept=_same_trip_again,
    ),
    _differs("trip-bound-to-store", "A trip belongs to the store of its first capture.", accept=_bound_to_store),
    _differs("unknown-path-page", "Unknown paths get an HTML page with 404.", other=_pages_elsewhere),
    _differs("empty-405-two-allow", "The 405 is empty and has two Allow fields, one with a list.", other=_empty_405),
    _differs("variants-308", "The path with a slash or in another case is redirected.", other=_redirect_variants),
    _differs(
        "security-headers",
        "Every answer has the usual fields of a gateway.",
        answer=_headers(
            ("Server", "envoy"),
            ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Cache-Control", "no-store, private"),
            ("Via", "1.1 a, 1.1 b"),
            ("ETag", 'W/"0"'),
            ("Access-Control-Allow-Origin", "*"),
            ("X-Empty", ""),
            ("Warning", '299 - "deprecated"'),
        ),
    ),
    _differs("long-header", "Every answer has a header of 7,000 bytes.", answer=_headers(("X-Trace", "a1" * 3500))),
    _differs("latin-1-header", "A header value has bytes beyond ASCII.", answer=_headers(("X-Region", "Zürich"))),
    _differs("cookies", "Every answer sets two cookies, which differ each time.", answer=_cookie),
    _differs(
        "two-interim-answers", "Two interim answers come before each answer.", answer=_always(_wire("two-interim"))
    ),
    _differs(
        "chunk-extensions-and-trailers",
        "Error bodies come in chunks with extensions and a trailer section.",
        answer=on_errors(_wire("chunk-extensions")),
    ),
    _differs("success-chunked-empty", "The empty 200 comes as a last chunk.", answer=on(200, _chunked_200)),
    _differs("closes-every-tenth", "Every tenth answer announces a close.", answer=_close_every_tenth),
    _differs("http-1-0-closing", "Answers have version 1.0 and close.", answer=_always(_wire("http-1-0-closing"))),
    _differs("refusals-slow", "Every 400 takes a quarter of a second.", answer=_slow_errors),
    _differs(
        "texts-beyond-ascii",
        "errorMsg has the name and a sentence in other scripts, unescaped.",
        answer=_document(
            lambda body: {**body, "errorMsg": f"{body['errorMsg']} – ungültig, 不正, 🛒 \x7f"}, ensure_ascii=False
        ),
    ),
    _differs("texts-escaped", "errorMsg and its name are written in escapes.", answer=on_errors(_escape_everything)),
    _differs(
        "lines-and-tabs", "Error bodies have lines, tabs and blank lines around.", answer=on_errors(_lines_and_tabs)
    ),
    _differs(
        "texts-very-long",
        "errorMsg has 90,000 characters.",
        answer=_document(lambda body: {**body, "errorMsg": f"{body['errorMsg']}: {_LONG_TEXT}"}),
    ),
    _differs("texts-by-field", "errorMsg and an extra member say which field is wrong.", answer=_by_field),
    _differs(
        "extra-of-every-type",
        "Error bodies have nested members, big numbers, null, an empty name and a look-alike of errorMsg.",
        answer=_document(
            lambda body: {
                "": None,
                "errormsg": 0,
                "details": [[[{"errorMsg": 7}]]],
                "big": 10**40,
                "tiny": 1e-300,
                "retry": False,
                **body,
            }
        ),
    ),
    _differs(
        "hal-json-profile",
        "Error bodies are application/hal+json with a quoted parameter that contains a semicolon and a comma.",
        answer=_labelled('application/hal+json;profile="https://a.example/x;y,z" ; charset=UTF-8'),
    ),
    _differs("charset-latin-1", "The label says ISO-8859-1.", answer=_labelled("application/json;charset=ISO-8859-1")),
    _differs(
        "success-octet-stream",
        "The empty 200 is labelled application/octet-stream.",
        answer=on(200, lambda reply: reply.put("content-type", "application/octet-stream")),
    ),
    _differs("errors-gzip", "Error bodies are coded with gzip unless the request rules it out.", answer=_gzip_errors),
    _differs("length-with-zeros", "Content-Length has leading zeros.", answer=_always(_wire("length-with-zeros"))),
    _differs("tight-fields", "No blank follows the colons of fields.", answer=_always(_wire("tight-fields"))),
    _differs("padded-fields", "Blanks and tabs are around field values.", answer=_always(_wire("padded-fields"))),
    _differs(
        "retry-after-20-digits",
        "Retry-After has 20 digits.",
        windows=WindowRules(announced=10**20 - 1),
    ),
    _differs(
        "retry-after-end-of-time",
        "Retry-After is the last date that can be written.",
        answer=on(429, lambda reply: reply.put("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")),
    ),
    _differs(
        "clock-behind",
        "The server's clock is an hour behind, in Date and in Retry-After.",
        answer=_date_and_wire("clock-behind", timedelta(hours=1)),
    ),
    _differs("no-date", "Answers have no Date, and Retry-After is a date.", answer=_date_and_wire("no-date")),
    _differs("rate-headers", "Every answer has other fields about rates.", answer=_rate_headers),
    _differs("unavailable-zeros", "retryAfter is 007.50, and comes first.", answer=_unavailable("007.50")),
    _differs("unavailable-zero", "retryAfter is 0, and so is the header.", answer=_unavailable("0", "0")),
    _differs("unavailable-day", "retryAfter is a day, and so is the header.", answer=_unavailable("86400", "86400")),
    _differs(
        "unavailable-date", "A long decimal retryAfter agrees with a date in the header.", answer=_unavailable_date
    ),
    _differs("failures-unnamed", "A 500 or 503 names no exception.", answer=_always(_other_names)),
    _differs(
        "other-limiter", "Every fiftieth request meets another limiter.", one_exchange=False, receive=_other_limiter
    ),
    _differs("rare-overload", "Every fiftieth request is answered with a 503.", one_exchange=False, receive=_overload),
]
