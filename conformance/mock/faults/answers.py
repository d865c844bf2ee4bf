"""Faults in the answers: the empty 200, error bodies of each status, the status itself, time and independence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from conformance.mock.exchange import Crash, Inquiry, Reply, error, raw_error
from conformance.mock.faults.model import Change, Fault, Hook, on, on_errors, violates
from conformance.mock.faults.request import members
from conformance.mock.reading import STORES, Refused


def _content(reply: Reply) -> dict[str, object]:
    return dict(json.loads(reply.body))


def _body(make: Callable[[dict[str, object]], bytes]) -> Change:
    def change(reply: Reply) -> None:
        reply.body = make(_content(reply))

    return change


def _with(**more: object) -> Change:
    return _body(lambda content: json.dumps({**content, **more}).encode())


def _without(name: str) -> Change:
    return _body(lambda content: json.dumps({key: content[key] for key in content if key != name}).encode())


def _type(media_type: str) -> Change:
    def change(reply: Reply) -> None:
        reply.put("content-type", media_type)

    return change


def _no_type(reply: Reply) -> None:
    reply.drop("content-type")


def _twice(content: dict[str, object]) -> bytes:
    text = json.dumps(content)
    return f'{{"errorMsg": {json.dumps(content["errorMsg"])}, {text[1:]}'.encode()


STATUSES = (
    (400, "bad-request", "bad-request"),
    (429, "rate-limit", "rate-limit"),
    (500, "server-error", "server-error"),
    (503, "unavailable", "unavailable"),
)
VARIANTS: tuple[tuple[str, str, str, Change], ...] = (
    ("text-plain", "is labelled text/plain", "media-type", _type("text/plain")),
    ("no-media-type", "has no Content-Type", "media-type", _no_type),
    ("not-json", "has a body of plain text", "json", _body(lambda _content: b"Something went wrong")),
    ("no-body", "has an empty body", "json", _body(lambda _content: b"")),
    ("byte-order-mark", "has a byte order mark", "json", _body(lambda c: b"\xef\xbb\xbf" + json.dumps(c).encode())),
    ("nan", "contains NaN", "json", _with(code=float("nan"))),
    (
        "invalid-utf-8",
        "contains a byte that is not UTF-8",
        "json",
        _body(lambda c: json.dumps({**c, "note": "@"}).encode().replace(b"@", b"\xff")),
    ),
    ("array", "is an array", "object", _body(lambda c: json.dumps([c]).encode())),
    ("string", "is a string", "object", _body(lambda c: json.dumps(c["errorMsg"]).encode())),
    ("no-error-msg", "has no errorMsg", "error-msg", _without("errorMsg")),
    ("error-msg-null", "has an errorMsg of null", "error-msg", _with(errorMsg=None)),
    ("error-msg-number", "has a number for errorMsg", "error-msg", _with(errorMsg=7)),
    (
        "error-msg-list",
        "has a list for errorMsg",
        "error-msg",
        _body(lambda c: json.dumps({**c, "errorMsg": [c["errorMsg"]]}).encode()),
    ),
    ("error-msg-empty", "has an empty errorMsg", "text", _with(errorMsg="")),
    ("name-twice", "contains errorMsg twice", "unique-names", _body(_twice)),
)


BODIES = [
    Fault(
        f"{short}-{suffix}", f"Every {status} {defect}.", violates(f"{prefix}.{requirement}"), answer=on(status, change)
    )
    for status, short, prefix in STATUSES
    for suffix, defect, requirement, change in VARIANTS
]


def _success(make: Callable[[], Reply]) -> Hook:
    def accept(inquiry: Inquiry) -> None:
        inquiry.reply = make()

    return accept


def _unnamed(reply: Reply) -> None:
    if b"BadRequestException" in reply.body:
        reply.body = b'{"errorMsg": "The request is not right"}'


def _status(status: int) -> Change:
    def change(reply: Reply) -> None:
        reply.status = status

    return change


def _detail(reply: Reply) -> None:
    reply.status = 422
    reply.body = b'{"detail": [{"loc": ["body", "storeId"], "msg": "Field required"}]}'


def _not_found(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.refusal == "UnknownShoppingTrip":
        inquiry.reply.status = 404


def _page(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400 and inquiry.document is None:
        page = b"<!DOCTYPE html><html><body><h1>400 Bad Request</h1></body></html>"
        inquiry.reply = raw_error(400, page, "text/html; charset=utf-8")


TRACE = "Traceback (most recent call last):\n  File \"/srv/app/views.py\", line 12, in charge\nKeyError: 'storeId'"


def _store_missing(inquiry: Inquiry) -> bool:
    document = members(inquiry)
    return bool(document) and "storeId" not in document and "shoppingTripId" in document


def _hang(inquiry: Inquiry) -> None:
    if inquiry.reply and _store_missing(inquiry):
        inquiry.reply.delay = inquiry.hang_s


def _kind(inquiry: Inquiry) -> str:
    fields = [inquiry.get(name) or "" for name in ("content-type", "accept", "transfer-encoding", "expect")]
    body = re.sub(rb'"shoppingTripId"\s*:\s*"[^"]*"', b"", inquiry.body)
    return repr((fields, body))


def _letters(inquiry: Inquiry) -> str:
    """The exact text of a request, without its trip."""
    trip = inquiry.capture.trip.encode() if inquiry.capture else b""
    fields = [inquiry.get(name) for name in ("accept", "content-type", "transfer-encoding", "expect")]
    return f"{fields} {inquiry.body.replace(trip, b'').decode('latin-1')}"


def _every_third(inquiry: Inquiry) -> None:
    """Refuse every third of the good requests in a row on one connection that differ only in their trips."""
    if inquiry.reply is None:
        return
    letters, last, row = hash(_letters(inquiry)), f"letters {inquiry.connection}", f"row {inquiry.connection}"
    if inquiry.memory.get(last) != letters:
        inquiry.memory |= {last: letters, row: 0}
    if inquiry.reply.status == 200 and inquiry.count(row) % 3 == 0:
        inquiry.reply = error(400, "BadRequestException")


def _after_bad(inquiry: Inquiry) -> None:
    """Refuse a good request like the first that was accepted, if the last one on its connection was refused."""
    reply = inquiry.reply
    connection, kind = f"bad {inquiry.connection}", hash(_letters(inquiry))
    if reply is None:
        return
    was_bad = inquiry.memory.get(connection, 0)
    inquiry.memory[connection] = int(reply.status == 400)
    ordinary = inquiry.capture is not None and re.fullmatch(r"[0-9a-f-]{36}", inquiry.capture.trip) is not None
    if reply.status == 200 and was_bad and ordinary and inquiry.memory.get("first good") == kind:
        inquiry.reply = error(400, "BadRequestException")
    if reply.status == 200:
        inquiry.memory.setdefault("first good", kind)


def _first_crashes(inquiry: Inquiry) -> None:
    if _store_missing(inquiry) and inquiry.count("first without store") == 1:
        raise Crash


_ANY_TRIP = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _corrected_refused(inquiry: Inquiry) -> None:
    """Refuse a capture whose trip occurred in a request that was refused."""
    found, reply = _ANY_TRIP.search(inquiry.body), inquiry.reply
    if found is None or reply is None:
        return
    key = f"refused {found[0].decode()}"
    if reply.status == 400:
        inquiry.memory[key] = 1
    elif reply.status == 200 and inquiry.memory.get(key):
        inquiry.reply = error(400, "BadRequestException")


def _seen(inquiry: Inquiry, name: str, value: int) -> int | None:
    """What was kept under this name for the trip of a capture; None for the first. Keeps `value`."""
    assert inquiry.capture is not None
    key = f"{name} {inquiry.capture.trip}"
    before = inquiry.memory.get(key)
    inquiry.memory[key] = value
    return before if len(inquiry.capture.trip) < 255 else None


def _at_once_crashes(inquiry: Inquiry) -> None:
    """Fail where another connection captured the same trip less than half a second ago."""
    now, connection = int(inquiry.now * 1000), hash(inquiry.connection)
    before, other = _seen(inquiry, "at", now), _seen(inquiry, "from", connection)
    if before is not None and now - before < 500 and other != connection:
        raise Crash


def _other_amount_crashes(inquiry: Inquiry) -> None:
    assert inquiry.capture is not None
    amount = hash(inquiry.capture.value.text)
    if _seen(inquiry, "amount", amount) not in (None, amount):
        raise Crash


def _other_currency_crashes(inquiry: Inquiry) -> None:
    assert inquiry.capture is not None
    code = hash(inquiry.capture.code)
    if _seen(inquiry, "code", code) not in (None, code):
        raise Crash


def _other_store_crashes(inquiry: Inquiry) -> None:
    assert inquiry.capture is not None
    store = hash(inquiry.capture.store)
    if _seen(inquiry, "store", store) not in (None, store):
        raise Crash


def _captured(inquiry: Inquiry) -> None:
    _seen(inquiry, "captured", 1)


def _store_of_captured(inquiry: Inquiry) -> None:
    """Take the first store in place of an unknown one where the trip was captured before."""
    document = members(inquiry)
    if document.get("storeId") not in STORES and f"captured {document.get('shoppingTripId')}" in inquiry.memory:
        document["storeId"] = STORES[0]


def _third_locks(inquiry: Inquiry) -> None:
    """Refuse a capture of a trip after three refusals of it."""
    key, reply = f"refusals {members(inquiry).get('shoppingTripId')}", inquiry.reply
    if reply and reply.status == 400:
        inquiry.count(key)
    elif reply and reply.status == 200 and inquiry.memory.get(key, 0) >= 3:
        inquiry.reply = error(400, "BadRequestException")


def _stale(inquiry: Inquiry) -> None:
    """Fail where the last capture on the connection was a second ago or more."""
    key, now = f"last {inquiry.connection}", int(inquiry.now * 1000)
    before = inquiry.memory.get(key, now)
    inquiry.memory[key] = now
    if now - before >= 1000:
        raise Crash


def _cut_header(reply: Reply) -> None:
    reply.put("retry-after", "90")


def _retry_after(value: object) -> Change:
    return _with(retryAfter=value)


FAULTS: list[Fault] = [
    *BODIES,
    *[
        Fault(
            f"success-{status}",
            f"Success is answered with {status}.",
            violates("success.exactly-200"),
            accept=_success(lambda status=status: Reply(status)),  # type: ignore[misc]
        )
        for status in (201, 202, 204)
    ],
    *[
        Fault(
            f"success-{name}",
            f"The body of the 200 is {content}.",
            violates("success.empty-body"),
            accept=_success(lambda body=body: raw_error(200, body)),  # type: ignore[misc]
        )
        for name, content, body in (
            ("null", "null", b"null"),
            ("object", "an empty object", b"{}"),
            ("line-feed", "a single line feed", b"\n"),
            ("empty-string", "an empty JSON string", b'""'),
            ("status-object", "a status object", b'{"status": "ok"}'),
        )
    ],
    Fault("success-coded", "The empty 200 is labelled as gzip.", violates("success.not-coded"),
          accept=_success(lambda: Reply(200, [("content-encoding", "gzip")]))),
    Fault("bad-request-unnamed", "A 400 does not name BadRequestException.", violates("bad-request.name"),
          answer=on(400, _unnamed)),
    Fault("validation-422", "Bad requests are answered with 422 and details.", violates("answer.status-set"),
          answer=on(400, _detail)),
    Fault("bad-request-409", "Bad requests are answered with 409.", violates("answer.status-set"),
          answer=on(400, _status(409))),
    Fault("unknown-trip-404", "An unknown trip is answered with 404.", violates("answer.status-set"),
          answer=_not_found),
    Fault("malformed-html", "JSON that cannot be parsed is answered with an HTML page.",
          violates("bad-request.media-type", "answer.no-leak"), answer=_page),
    Fault("stack-trace", "A 400 contains a stack trace in an extra attribute.", violates("answer.no-leak"),
          answer=on(400, _with(trace=TRACE))),
    Fault("hang", "A body without storeId is answered only after a long time.", violates("answer.in-time"),
          answer=_hang),
    Fault("every-third-refused", "Every third of equal good requests in a row is refused.",
          violates("answer.independent"), one_exchange=False, answer=_every_third),
    Fault("refused-after-bad", "A good request like the first one is refused after a bad one on the same connection.",
          violates("answer.independent"), one_exchange=False, answer=_after_bad),
    Fault("corrected-refused", "A request is refused if an earlier one for the same trip was.",
          violates("answer.independent"), one_exchange=False, answer=_corrected_refused),
    Fault("same-moment-crashes", "Two captures of one trip at the same moment cause a server error.",
          violates("answer.no-server-error"), one_exchange=False, accept=_at_once_crashes),
    Fault("other-amount-crashes", "A second capture of a trip with another amount causes a server error.",
          violates("answer.no-server-error"), one_exchange=False, accept=_other_amount_crashes),
    Fault("other-currency-crashes", "A second capture of a trip in another currency causes a server error.",
          violates("answer.no-server-error"), one_exchange=False, accept=_other_currency_crashes),
    Fault("other-store-crashes", "A second capture of a trip at another store causes a server error.",
          violates("answer.no-server-error"), one_exchange=False, accept=_other_store_crashes),
    Fault("store-of-captured-unchecked", "An unknown store is accepted for a trip that was captured before.",
          violates("store-id.unknown"), one_exchange=False, repair=_store_of_captured, accept=_captured),
    Fault("third-refusal-locks", "After three refusals of a trip its capture is refused.",
          violates("answer.independent"), one_exchange=False, answer=_third_locks),
    Fault("stale-after-a-pause", "A capture on a connection that was idle for a second causes a server error once.",
          violates("answer.independent"), one_exchange=False, accept=_stale),
    Fault("first-time-500", "The first body without storeId is answered with 500, later ones with 400.",
          violates("server-error.stable"), one_exchange=False, repair=_first_crashes),
    Fault("unavailable-no-retry-after", "A 503 has no retryAfter.", violates("unavailable.retry-after"),
          answer=on(503, _without("retryAfter"))),
    Fault("unavailable-retry-after-null", "A 503 has a retryAfter of null.", violates("unavailable.retry-after"),
          answer=on(503, _retry_after(None))),
    Fault("unavailable-retry-after-number", "A 503 has a JSON number for retryAfter.",
          violates("unavailable.retry-after"), answer=on(503, _retry_after(30))),
    *[
        Fault(
            f"unavailable-retry-after-{name}",
            f"A 503 has a retryAfter of {value!r}.",
            violates("unavailable.seconds"),
            answer=on(503, _retry_after(value)),
        )
        for name, value in (("negative", "-1"), ("unit", "30s"), ("empty", ""), ("blank", " 30"), ("exponent", "3e1"))
    ],
    Fault("unavailable-header-differs", "The Retry-After header of a 503 says 90 where the body says 1.",
          violates("unavailable.header-agrees"), answer=on(503, _cut_header)),
]  # fmt: skip


def _even_delay(inquiry: Inquiry) -> None:
    if inquiry.reply:
        inquiry.reply.delay = 0.15


def _delay(inquiry: Inquiry) -> None:
    if inquiry.reply:
        inquiry.reply.delay = 0.03 + 0.02 * (inquiry.count("slow") % 3)


def _close(inquiry: Inquiry) -> None:
    if inquiry.reply:
        inquiry.reply.put("connection", "close")


def _chunks(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.body:
        inquiry.reply.chunks = 3


def _request_id(inquiry: Inquiry) -> None:
    if inquiry.reply:
        number = inquiry.count("request id")
        inquiry.reply.put("x-request-id", f"r-{number}")
        if inquiry.reply.status >= 400:
            _with(requestId=f"r-{number}")(inquiry.reply)


def _repeat(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.count(f"trip {inquiry.capture.trip}") > 1 and len(inquiry.capture.trip) < 255:
        raise Refused


def _longer_text(content: dict[str, object]) -> bytes:
    return json.dumps({**content, "errorMsg": f"{content['errorMsg']}: see the manual"}, indent=2).encode()


BENIGN: list[Fault] = [
    Fault("extra-attributes", "Error bodies have more attributes.", benign=True,
          answer=on_errors(_with(code=7, nested={"a": [1]}))),
    Fault("request-ids", "Every answer has its own request id.", benign=True, answer=_request_id),
    Fault("chunked-answers", "Error bodies come in chunks.", benign=True, answer=_chunks),
    Fault("connection-close", "Every answer announces that the connection closes.", benign=True, answer=_close),
    Fault("slow-150ms", "Every answer takes 150 ms.", benign=True, answer=_even_delay),
    Fault("slow", "Answers take 30 to 70 ms.", benign=True, answer=_delay),
    Fault("error-charset", "Error bodies are labelled with a charset.", benign=True,
          answer=on_errors(_type("application/json; charset=utf-8"))),
    Fault("problem-json", "Error bodies are labelled application/problem+json.", benign=True,
          answer=on_errors(_type("application/problem+json"))),
    Fault("media-type-upper-case", "Error bodies are labelled Application/JSON.", benign=True,
          answer=on_errors(_type("Application/JSON"))),
    Fault("longer-texts", "errorMsg contains the name and a sentence; the body has several lines.", benign=True,
          answer=on_errors(_body(_longer_text))),
    Fault("success-content-type", "The empty 200 has a Content-Type.", benign=True,
          accept=_success(lambda: Reply(200, [("content-type", "application/json")]))),
    Fault("repeat-refused", "A trip that has been captured is refused afterwards.", benign=True, accept=_repeat),
    Fault("unavailable-header", "A 503 has a Retry-After header that agrees with its body.", benign=True,
          answer=on(503, lambda reply: reply.put("retry-after", "1"))),
    Fault("unavailable-decimal", "A 503 has a decimal retryAfter.", benign=True, answer=on(503, _retry_after("0.5"))),
]  # fmt: skip
