"""Forty lawful differences that a third reader invented from the contract, before any run against them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime

from benchmarks.reader.third import (
    SOME_TRIP,
    amount_of,
    chunked,
    decimal,
    is_status,
    is_well_formed,
    member,
    milliseconds,
)
from conformance.mock.exchange import PATH, Inquiry, Reply, error, raw_error
from conformance.mock.faults.model import Fault, on, on_errors
from conformance.mock.limiter import WindowRules
from conformance.mock.reading import (
    BAD_REQUEST,
    CODE_PATTERN,
    LONG_TRIP,
    STORE_PATTERN,
    STORES,
    TRIP_PATTERN,
    UNKNOWN_TRIP,
    UUID_PATTERN,
    Refused,
    is_trip,
)

PAGE = b"<!DOCTYPE html><html><head><title>Error</title></head><body><hr>nginx/1.27.0</body></html>"
DECIMALS = {"JPY": 0, "KWD": 3}


# --- requests -----------------------------------------------------------------------------------------------------
def _empty_store(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, dict) and member(inquiry, "storeId") == "":
        inquiry.document["storeId"] = STORES[0]


def _store_without_case(inquiry: Inquiry) -> None:
    store = member(inquiry, "storeId")
    if isinstance(inquiry.document, dict) and is_well_formed(store, STORE_PATTERN) and str(store).lower() in STORES:
        inquiry.document["storeId"] = str(store).lower()


def _is_no_uuid(inquiry: Inquiry) -> bool:
    trip = member(inquiry, "shoppingTripId")
    return is_well_formed(trip, TRIP_PATTERN) and trip != LONG_TRIP and not UUID_PATTERN.fullmatch(str(trip))


def _no_uuid_taken(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, dict) and _is_no_uuid(inquiry):
        inquiry.document["shoppingTripId"] = SOME_TRIP


def _no_uuid_misnamed(inquiry: Inquiry) -> None:
    if inquiry.refusal == UNKNOWN_TRIP and _is_no_uuid(inquiry):
        inquiry.reply = error(400, BAD_REQUEST)


def _malformed_trip_unknown(inquiry: Inquiry) -> None:
    trip = member(inquiry, "shoppingTripId")
    if is_status(inquiry, 400) and isinstance(trip, str) and not is_well_formed(trip, TRIP_PATTERN):
        inquiry.reply = error(400, UNKNOWN_TRIP)


def _every_code(inquiry: Inquiry) -> None:
    amount = amount_of(inquiry)
    code = amount.get("code")
    if isinstance(code, str) and CODE_PATTERN.fullmatch(code):
        amount["code"] = "USD"


def _fractions_refused(inquiry: Inquiry) -> None:
    value = decimal(inquiry.capture.value) if inquiry.capture else None
    if value is None or not inquiry.capture:
        raise Refused
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > DECIMALS.get(inquiry.capture.code, 2):
        raise Refused


def _sixteen_digits_refused(inquiry: Inquiry) -> None:
    value = decimal(inquiry.capture.value) if inquiry.capture else None
    if value is None or len(value.normalize().as_tuple().digits) > 15:
        raise Refused


def _unknown_refused(inquiry: Inquiry) -> None:
    document = inquiry.document
    if isinstance(document, dict) and (document.keys() - {"storeId", "shoppingTripId", "amount"}):
        raise Refused
    if amount_of(inquiry).keys() - {"amount", "code"}:
        raise Refused


def _mark_dropped(inquiry: Inquiry) -> None:
    inquiry.body = inquiry.body.removeprefix(b"\xef\xbb\xbf")


def _surrogates_refused(inquiry: Inquiry) -> None:
    try:
        json.dumps(inquiry.document, default=str, ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        raise Refused from problem


def _deep_refused(inquiry: Inquiry) -> None:
    level: list[object] = [inquiry.document]
    for _ in range(100):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if level:
        raise Refused


def _huge_page(inquiry: Inquiry) -> None:
    if len(inquiry.body) >= 1_000_000:
        inquiry.reply = raw_error(413, PAGE, "text/html")


def _chunks_page(inquiry: Inquiry) -> None:
    if chunked(inquiry):
        inquiry.reply = raw_error(411, PAGE, "text/html")


def _type_page(inquiry: Inquiry) -> None:
    inquiry.reply = raw_error(415, PAGE, "text/html") if is_status(inquiry, 415) else inquiry.reply


def _other_types(inquiry: Inquiry) -> None:
    kind = (inquiry.get("content-type") or "").split(";")[0].strip().lower()
    if not kind or kind == "text/json" or kind.endswith("+json"):
        others = [(name, value) for name, value in inquiry.headers if name.lower() != "content-type"]
        inquiry.headers = [*others, ("content-type", "application/json")]


# --- answers ------------------------------------------------------------------------------------------------------
def _more_members(reply: Reply) -> None:
    more = {"requestId": "0d7b", "details": [{"field": None}], "timestamp": 1.5e9}
    reply.body = json.dumps(json.loads(reply.body) | more).encode()


def _vendor_type(reply: Reply) -> None:
    reply.put("content-type", "application/vnd.payments.error.v1+json")


def _padded(reply: Reply) -> None:
    reply.body = b"\r\n \t" + json.dumps(json.loads(reply.body), indent=4).encode() + b"\r\n\r\n"


def _escaped(reply: Reply) -> None:
    members = (
        (name, "".join(f"\\u{ord(one):04X}" for one in str(value))) for name, value in json.loads(reply.body).items()
    )
    reply.body = ("{" + ",".join(f'"{name}":"{value}"' for name, value in members) + "}").encode()


def _page_type(reply: Reply) -> None:
    reply.put("content-type", "text/html; charset=utf-8")


def _in_chunks(reply: Reply) -> None:
    reply.chunks, reply.pause = 3, 0.002


def _no_content_in_chunks(reply: Reply) -> None:
    reply.chunks = 1


def _closed(reply: Reply) -> None:
    reply.put("connection", "close")


def _frameworks(inquiry: Inquiry) -> None:
    if inquiry.reply:
        inquiry.reply.put("server", "Apache-Coyote/1.1")
        inquiry.reply.put("x-powered-by", "Express")
        inquiry.reply.put("set-cookie", "JSESSIONID=5; HttpOnly", "route=2; Path=/")


def _several_named(inquiry: Inquiry) -> None:
    if not is_status(inquiry, 400) or not isinstance(inquiry.document, dict):
        return
    trip = member(inquiry, "shoppingTripId")
    wrong = [
        not is_well_formed(member(inquiry, "storeId"), STORE_PATTERN),
        not (is_well_formed(trip, TRIP_PATTERN) and is_trip(str(trip))),
        not isinstance(member(inquiry, "amount"), dict),
    ]
    if sum(wrong) > 1:
        inquiry.reply = error(400, "SeveralFaults")


def _pages_elsewhere(inquiry: Inquiry) -> None:
    if inquiry.reply:
        inquiry.reply.put("content-type", "text/html")
        inquiry.reply.body = PAGE


def _options(inquiry: Inquiry) -> None:
    if inquiry.method == "OPTIONS" and inquiry.path == PATH:
        inquiry.reply = Reply(204, [("allow", "OPTIONS, POST")])
    elif is_status(inquiry, 405) and inquiry.reply:
        inquiry.reply.put("allow", "OPTIONS,POST")


def _slash_served(inquiry: Inquiry) -> None:
    if inquiry.method == "POST" and inquiry.path == PATH + "/":
        inquiry.refusal = "serve"


# --- 429 and 503 --------------------------------------------------------------------------------------------------
def _date_of_window(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 429:
        key = f"end {inquiry.get('x-client')}"
        end = inquiry.memory.setdefault(key, int(inquiry.moment.timestamp()) + 2)
        inquiry.reply.put("retry-after", format_datetime(datetime.fromtimestamp(end, UTC), usegmt=True))


def _leading_zeros(reply: Reply) -> None:
    reply.put("retry-after", f"000{reply.get('retry-after')}")


def _window_anew(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 429:
        inquiry.memory[f"until {inquiry.get('x-client') or ''}"] = milliseconds(inquiry) + 1000
        inquiry.reply.put("retry-after", "1")


def _inside_anew(inquiry: Inquiry) -> None:
    if milliseconds(inquiry) < inquiry.memory.get(f"until {inquiry.get('x-client') or ''}", 0):
        inquiry.reply = error(429, "Too Many Requests")


def _fraction_of_seconds(reply: Reply) -> None:
    reply.body = b'{"errorMsg": "ServiceUnavailableException", "retryAfter": "00.50"}'


def _date_agrees(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 503:
        end = datetime.fromtimestamp(int(inquiry.moment.timestamp()) + 1, UTC)
        inquiry.reply.put("retry-after", format_datetime(end, usegmt=True))


def _starting(inquiry: Inquiry) -> None:
    if inquiry.count("requests") == 1:
        inquiry.reply = error(503, "ServiceUnavailableException", retryAfter="1")


def _front_limit(inquiry: Inquiry) -> None:
    if inquiry.count("requests") == 200:
        inquiry.reply = error(429, "Too Many Requests")
        inquiry.reply.put("retry-after", "1")


# --- other requests and time --------------------------------------------------------------------------------------
def _cold_start(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.count("answers") == 1:
        inquiry.reply.delay = 2.0


def _twin_refused(inquiry: Inquiry) -> None:
    if not inquiry.capture:
        return
    trip, connection = inquiry.capture.trip, hash(inquiry.connection)
    other = inquiry.memory.get(f"from {trip}", connection) != connection
    last = inquiry.memory.get(f"at {trip}", -1000)
    inquiry.memory |= {f"from {trip}": connection, f"at {trip}": milliseconds(inquiry)}
    if other and milliseconds(inquiry) - last < 50:
        raise Refused


def _other_capture_refused(inquiry: Inquiry) -> None:
    if inquiry.capture:
        capture = inquiry.capture
        what = hash((capture.store, capture.value.text, capture.code))
        if inquiry.memory.setdefault(f"first {capture.trip}", what) != what:
            raise Refused


LAWFUL = [
    # requests
    Fault("store-empty-default", "An empty storeId means the only store.", benign=True, repair=_empty_store),
    Fault(
        "store-without-case",
        "Store ids are compared without their letter case.",
        benign=True,
        repair=_store_without_case,
    ),
    Fault("no-uuid-captured", "A well-formed id that is not a UUID is captured.", benign=True, repair=_no_uuid_taken),
    Fault(
        "no-uuid-bad-request",
        "An id that is not a UUID is refused as BadRequestException.",
        benign=True,
        answer=_no_uuid_misnamed,
    ),
    Fault(
        "malformed-trip-is-unknown",
        "A malformed shoppingTripId is refused as UnknownShoppingTrip.",
        benign=True,
        answer=_malformed_trip_unknown,
    ),
    Fault("every-code-captured", "Any three capitals are captured as code.", benign=True, repair=_every_code),
    Fault(
        "fractions-of-units-refused",
        "A number with more decimals than its currency has is refused, counted by value.",
        benign=True,
        accept=_fractions_refused,
    ),
    Fault(
        "sixteen-digits-refused",
        "A number of more than 15 significant digits is refused.",
        benign=True,
        accept=_sixteen_digits_refused,
    ),
    Fault("unknown-names-refused", "Unknown attributes are refused with 400.", benign=True, accept=_unknown_refused),
    Fault("mark-dropped", "A byte order mark is dropped.", benign=True, receive=_mark_dropped),
    Fault(
        "surrogates-refused", "A lone surrogate anywhere is refused with 400.", benign=True, accept=_surrogates_refused
    ),
    Fault(
        "hundred-levels",
        "More than a hundred levels of nesting are refused with 400.",
        benign=True,
        accept=_deep_refused,
    ),
    Fault("huge-page-413", "A body from 1,000,000 bytes up gets a 413 as HTML.", benign=True, receive=_huge_page),
    Fault("chunks-page-411", "Every chunked body gets a 411 as HTML.", benign=True, receive=_chunks_page),
    Fault("type-page-415", "A media type that is not JSON gets a 415 as HTML.", benign=True, answer=_type_page),
    Fault(
        "other-json-types",
        "text/json, anything with +json, and no media type are JSON.",
        benign=True,
        receive=_other_types,
    ),
    # answers
    Fault(
        "more-members-in-errors",
        "Errors have a list, a null and a number more.",
        benign=True,
        answer=on_errors(_more_members),
    ),
    Fault(
        "vendor-type-errors",
        "Errors have a vendor's media type with +json.",
        benign=True,
        answer=on_errors(_vendor_type),
    ),
    Fault("padded-errors", "Errors are indented, with blank lines around.", benign=True, answer=on_errors(_padded)),
    Fault("escaped-errors", "Errors escape every character.", benign=True, answer=on_errors(_escaped)),
    Fault("page-type-of-success", "The empty 200 is labelled as HTML.", benign=True, answer=on(200, _page_type)),
    Fault("errors-in-three-chunks", "Errors come in three chunks.", benign=True, answer=on_errors(_in_chunks)),
    Fault(
        "success-in-no-chunks",
        "The empty 200 is chunked, without content.",
        benign=True,
        answer=on(200, _no_content_in_chunks),
    ),
    Fault("errors-close", "Every error closes the connection and says so.", benign=True, answer=on_errors(_closed)),
    Fault(
        "framework-headers",
        "Headers name frameworks and set cookies.",
        benign=True,
        answer=_frameworks,
        other=_frameworks,
    ),
    Fault(
        "several-faults-named",
        "Several faults in one body have an error name of their own.",
        benign=True,
        answer=_several_named,
    ),
    Fault("pages-elsewhere", "Answers to other methods and paths are HTML.", benign=True, other=_pages_elsewhere),
    Fault("options-answered", "OPTIONS is answered with 204, and Allow lists it.", benign=True, other=_options),
    Fault("slash-served", "The path with a trailing slash is served.", benign=True, other=_slash_served),
    # 429 and 503
    Fault("window-as-date", "All 429 of a window announce the same HTTP-date.", benign=True, answer=_date_of_window),
    Fault("delay-with-zeros", "The delay of a 429 has leading zeros.", benign=True, answer=on(429, _leading_zeros)),
    Fault(
        "window-anew",
        "Each refused request starts the window anew, and the answer says so.",
        benign=True,
        one_exchange=False,
        receive=_inside_anew,
        answer=_window_anew,
    ),
    Fault(
        "no-wait",
        "A 429 announces 0 seconds, and its window is over at once.",
        benign=True,
        windows=WindowRules(length=0.0),
    ),
    Fault(
        "half-a-second",
        "retryAfter of a 503 is half a second, with a leading zero.",
        benign=True,
        answer=on(503, _fraction_of_seconds),
    ),
    Fault("unavailable-with-date", "A 503 also has an HTTP-date that agrees.", benign=True, answer=_date_agrees),
    Fault("starting", "The very first request gets a 503.", benign=True, one_exchange=False, receive=_starting),
    Fault(
        "front-limit-once",
        "Another limiter sends one 429 in the middle.",
        benign=True,
        one_exchange=False,
        receive=_front_limit,
    ),
    # other requests and time
    Fault("cold-start", "The first answer takes two seconds.", benign=True, one_exchange=False, answer=_cold_start),
    Fault(
        "twins-refused",
        "A capture of a trip that is captured on another connection at the same moment gets 400.",
        benign=True,
        one_exchange=False,
        accept=_twin_refused,
    ),
    Fault(
        "other-capture-refused",
        "A capture that comes again is accepted; another one of the same trip gets 400.",
        benign=True,
        one_exchange=False,
        accept=_other_capture_refused,
    ),
]
