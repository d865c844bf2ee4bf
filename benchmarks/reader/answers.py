"""Faults in answers, invented from the contract alone: error bodies, rate limits, 503, headers and framing."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime

import benchmarks.reader.rewrites  # noqa: F401 - the changes of bytes that are named here
from conformance.mock.exchange import Inquiry, Reply, raw_error
from conformance.mock.faults.amount_hooks import CODE, amount_of
from conformance.mock.faults.body_hooks import chunked
from conformance.mock.faults.model import Change, Fault, on, violates
from conformance.mock.faults.request import IDS, members, well_formed
from conformance.mock.reading import BAD_REQUEST, Number

_GO = "json: cannot unmarshal object into Go struct field ChargeRequest.storeId of type string"
_ORACLE = "ServiceException: ORA-00001: unique constraint (PAY.CAPTURE_PK) violated"


def _is(inquiry: Inquiry, status: int) -> Reply | None:
    return inquiry.reply if inquiry.reply and inquiry.reply.status == status else None


def _body(**members: str) -> Change:
    """Replace members of an error body."""

    def change(reply: Reply) -> None:
        reply.body = json.dumps({**json.loads(reply.body), **members}).encode()

    return change


# --- 429 and 503 -------------------------------------------------------------------------------------------------


def _end(inquiry: Inquiry, reply: Reply) -> str:
    """The end of a window as an IMF-fixdate, rounded up."""
    seconds = int(reply.get("retry-after") or 0)
    return format_datetime(inquiry.moment + timedelta(seconds=seconds, microseconds=999_999), usegmt=True)


def _cookie_date(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 429)
    if reply:
        day, date, month, year, *rest = _end(inquiry, reply).split()
        reply.put("retry-after", f"{day} {date}-{month}-{year} {' '.join(rest)}")


def _slow_clock(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 429)
    if reply:
        reply.put("retry-after", _end(inquiry, reply))
        reply.wire = "clock-ahead"


def _date_far_away(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 503)
    if reply:
        reply.put("retry-after", format_datetime(inquiry.moment + timedelta(hours=1), usegmt=True))


# --- 400 ---------------------------------------------------------------------------------------------------------


def _wrong_members(inquiry: Inquiry) -> list[str]:
    """The names of the members that are missing or of a wrong form."""
    document, amount = members(inquiry), amount_of(inquiry)
    ids = [key for key in IDS if not isinstance(value := document.get(key), str) or not well_formed(value)]
    value = [] if isinstance(amount.get("amount"), Number) else ["amount.amount"]
    code = amount.get("code")
    return [*ids, *value, *([] if isinstance(code, str) and CODE.fullmatch(code) else ["amount.code"])]


def _list_of_messages(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    wrong = _wrong_members(inquiry) if isinstance(inquiry.document, dict) else []
    if reply and len(wrong) > 1:
        reply.body = json.dumps({"errorMsg": [f"BadRequestException: {name}" for name in wrong]}).encode()


def _count_characters(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    for key in IDS:
        value = members(inquiry).get(key)
        if reply and isinstance(value, str) and not value.isascii():
            text = value.encode("utf-8", "replace").decode()
            message = {"errorMsg": f"BadRequestException: {key} {text}"}
            reply.body = json.dumps(message, ensure_ascii=False).encode()
            reply.wire = "length-in-characters"


def _go_message(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    texts = [*(members(inquiry).get(key, "") for key in IDS), amount_of(inquiry).get("code", "")]
    if reply and any(not isinstance(text, str | None) for text in texts):
        reply.body = json.dumps({"errorMsg": f"{BAD_REQUEST}: {_GO}"}).encode()


def _two_types(reply: Reply) -> None:
    reply.put("content-type", "text/html; charset=utf-8", "application/json")


def _text_json(reply: Reply) -> None:
    reply.put("content-type", "text/json")


def _xml_for_any(inquiry: Inquiry) -> None:
    reply = _is(inquiry, 400)
    if reply and (inquiry.get("accept") or "").strip() == "*/*":
        inquiry.reply = raw_error(400, b"<error><errorMsg>BadRequestException</errorMsg></error>", "application/xml")


# --- 200 and framing ---------------------------------------------------------------------------------------------


def _receipt_for_chunks(inquiry: Inquiry) -> None:
    if chunked(inquiry):
        inquiry.reply = Reply(200, [("content-type", "application/json")], b'{"status": "INITIATED"}')


def _length_omitted(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.capture and inquiry.capture.code == "EUR":
        inquiry.reply.wire = "length-omitted"


# --- other methods -----------------------------------------------------------------------------------------------


def _no_answer_to_head(inquiry: Inquiry) -> None:
    if inquiry.method == "HEAD" and inquiry.reply:
        inquiry.reply.body, inquiry.reply.wire = b"", "dropped"


def _patch_without_allow(inquiry: Inquiry) -> None:
    if inquiry.method == "PATCH" and inquiry.reply:
        inquiry.reply.drop("allow")


FAULTS: list[Fault] = [
    Fault(
        "retry-after-cookie-date",
        "Retry-After is a date with hyphens, as in a cookie: Fri, 27-Nov-2026 23:00:00 GMT.",
        violates("rate-limit.grammar"),
        answer=_cookie_date,
    ),
    Fault(
        "retry-after-two-clocks",
        "A gateway's clock runs an hour ahead: by the Date of the same answer, the date in Retry-After is past.",
        violates("rate-limit.future-date"),
        answer=_slow_clock,
    ),
    Fault(
        "unavailable-seconds-line-feed",
        "The retryAfter of a 503 ends with a line feed, since `$` matches before it.",
        violates("unavailable.seconds"),
        answer=on(503, _body(retryAfter="1\n")),
    ),
    Fault(
        "unavailable-header-date-differs",
        "The Retry-After header of a 503 is a date one hour ahead, where the body says 1 s.",
        violates("unavailable.header-agrees"),
        answer=_date_far_away,
    ),
    Fault(
        "bad-request-list-if-several",
        "Where two or more members are wrong, errorMsg is a list of texts.",
        violates("bad-request.error-msg"),
        answer=_list_of_messages,
    ),
    Fault(
        "bad-request-length-in-characters",
        "A 400 repeats an id, and Content-Length counts characters where the id is not ASCII.",
        violates("answer.framing"),
        answer=_count_characters,
    ),
    Fault(
        "bad-request-go-message",
        "The 400 about an id or a code of a wrong type contains the message of Go's JSON decoder.",
        violates("answer.no-leak"),
        answer=_go_message,
    ),
    Fault(
        "server-error-oracle-message",
        "A 500 contains the message of the database.",
        violates("answer.no-leak"),
        answer=on(500, _body(errorMsg=_ORACLE)),
    ),
    Fault(
        "bad-request-two-media-types",
        "A 400 has two Content-Type fields: text/html of the gateway and application/json of the service.",
        violates("bad-request.media-type"),
        answer=on(400, _two_types),
    ),
    Fault(
        "rate-limit-text-json",
        "A 429 is labelled text/json.",
        violates("rate-limit.media-type"),
        answer=on(429, _text_json),
    ),
    Fault(
        "accept-any-xml-error",
        "A bad request with Accept: */* gets its 400 in XML.",
        violates("accept.neutral", "bad-request.media-type"),
        answer=_xml_for_any,
    ),
    Fault(
        "chunked-gets-receipt",
        "A capture whose body is sent in chunks is answered 200 with a receipt in the body.",
        violates("success.empty-body", "request.chunked"),
        accept=_receipt_for_chunks,
    ),
    Fault(
        "success-length-omitted",
        "The 200 to a capture in euros has no Content-Length, and the connection stays open.",
        violates("answer.in-time", "answer.framing"),
        accept=_length_omitted,
    ),
    Fault(
        "head-dropped",
        "The connection is closed in place of an answer to HEAD.",
        violates("method.head", "method.framing"),
        other=_no_answer_to_head,
    ),
    Fault(
        "patch-without-allow",
        "The 405 to PATCH has no Allow field, those to other methods do.",
        violates("method.allow"),
        other=_patch_without_allow,
    ),
]
