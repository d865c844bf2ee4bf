"""Faults that few requests show: provoked answers to unusual requests, and what an unusual text or an earlier request does."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from conformance.mock.exchange import Crash, Inquiry, Reply, raw_error
from conformance.mock.faults.amount_hooks import GOOD, amount_of, code, crash, decimal, member, refuse
from conformance.mock.faults.body_hooks import KNOWN, NO_5XX, charset, chunked, is_json, lenient, order, unknown
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.faults.request import members
from conformance.mock.reading import BAD_REQUEST, LONG_STORE, UNKNOWN_TRIP, Number, Refused

Condition = Callable[[Inquiry], object]
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _on(status: int, condition: Condition, change: Callable[[Reply], None]) -> Hook:
    """Change the answers with this status to the requests for which the condition holds."""

    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.reply.status == status and condition(inquiry):
            change(inquiry.reply)

    return answer


def _page(reply: Reply) -> None:
    page = raw_error(reply.status, b"<html><body><h1>Server Error</h1></body></html>", "text/html")
    reply.headers, reply.body = page.headers, page.body


def _plain(reply: Reply) -> None:
    reply.put("content-type", "text/plain")


def _no_delay(reply: Reply) -> None:
    reply.body = b'{"errorMsg": "ServiceUnavailableException"}'


def _unnamed(reply: Reply) -> None:
    reply.body = reply.body.replace(BAD_REQUEST.encode(), b"not accepted")


def _trip(inquiry: Inquiry) -> str:
    found = _UUID.search(inquiry.body)
    return found[0].decode() if found else ""


def _second_for_trip(inquiry: Inquiry) -> bool:
    return inquiry.count(f"failed {_trip(inquiry)}") > 1


def _note_failed(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 500 and inquiry.capture is None and _trip(inquiry):
        inquiry.memory[f"failed {_trip(inquiry)}"] = 1
        inquiry.count(f"failed on {inquiry.connection}")


def _failed_trip(inquiry: Inquiry) -> None:
    if f"failed {_trip(inquiry)}" in inquiry.memory:
        raise Crash


def _failed_connection(inquiry: Inquiry) -> None:
    if inquiry.memory.pop(f"failed on {inquiry.connection}", 0) > 1:
        raise Crash


def _note_unknown(inquiry: Inquiry) -> None:
    inquiry.memory[f"unknown on {inquiry.connection}"] = int(inquiry.refusal == UNKNOWN_TRIP)


def _after_unknown(inquiry: Inquiry) -> None:
    if inquiry.memory.get(f"unknown on {inquiry.connection}"):
        raise Refused


def _note_capture(inquiry: Inquiry) -> None:
    inquiry.memory[f"captured {_trip(inquiry)}"] = 1


def _captured_unchecked(name: str, value: object) -> Hook:
    """Do not check a member of amount again for a trip that was captured before."""

    def repair(inquiry: Inquiry) -> None:
        if f"captured {_trip(inquiry)}" in inquiry.memory and name in amount_of(inquiry):
            amount_of(inquiry)[name] = value

    return repair


def _repeated_in_chunks(inquiry: Inquiry) -> None:
    if inquiry.count(f"captures of {_trip(inquiry)}") > 1 and chunked(inquiry):
        raise Crash


def _by_position(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, list) and len(inquiry.document) == len(KNOWN):
        inquiry.document = dict(zip(KNOWN, inquiry.document, strict=True))


def _other_name(missing: str, *names: str) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        for name in names:
            if missing not in amount and name in amount:
                amount[missing] = amount[name]

    return repair


def _beside(inquiry: Inquiry) -> None:
    amount = members(inquiry).get("amount")
    if isinstance(amount, dict) and "code" in members(inquiry):
        amount.setdefault("code", members(inquiry)["code"])


def _huge_store(inquiry: Inquiry) -> bool:
    store = members(inquiry).get("storeId")
    return isinstance(store, Number) and re.search("[eE][0-9]{3}", store.text) is not None


def _in_function(body: bytes) -> bytes | None:
    found = re.fullmatch(rb"\w+\((.*)\)", body, re.DOTALL)
    return found[1] if found else None


def _cut(inquiry: Inquiry) -> None:
    store = members(inquiry).get("storeId")
    if isinstance(store, str) and store[: len(LONG_STORE)] == LONG_STORE:
        members(inquiry)["storeId"] = LONG_STORE


def _polymorphic(inquiry: Inquiry) -> bool:
    return "@type" in unknown(inquiry)


def _euro_cents(inquiry: Inquiry) -> bool:
    value = decimal(inquiry)
    if value is None or code(inquiry) != "EUR" or value > Decimal("1e9"):
        return False
    return value * 100 == int(value * 100) != int(float(value) * 100)


def _long_exponent(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, Number) and re.search(r"[eE][+-]?[0-9]{10}", value.text) is not None


def _with_code(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9.]+ [A-Z]{3}", value) is not None


def _untyped_unchecked(inquiry: Inquiry) -> None:
    if inquiry.get("content-type") is None and is_json(inquiry.body):
        inquiry.reply = Reply(200)


FAULTS: list[Fault] = [
    Fault("server-error-page-in-chunks", "A 500 to a request in chunks is an HTML page.",
          violates("server-error.media-type", "answer.no-leak"), answer=_on(500, chunked, _page)),
    Fault("server-error-plain-again", "From the second 500 for a trip on, the 500 is labelled text/plain.",
          violates("server-error.media-type"), one_exchange=False, answer=_on(500, _second_for_trip, _plain)),
    Fault("unavailable-bare-for-malformed", "A 503 to content that is not JSON has no retryAfter.",
          violates("unavailable.retry-after"), answer=_on(503, lambda inquiry: not is_json(inquiry.body), _no_delay)),
    Fault("unavailable-plain-for-any", "A 503 to a request with Accept: */* is labelled text/plain.",
          violates("unavailable.media-type"),
          answer=_on(503, lambda inquiry: inquiry.get("accept") == "*/*", _plain)),
    Fault("rate-limit-plain-without-accept", "A 429 to a request without Accept is labelled text/plain.",
          violates("rate-limit.media-type"), answer=_on(429, lambda inquiry: inquiry.get("accept") is None, _plain)),
    Fault("rate-limit-no-delay-untyped", "A 429 to a request without Content-Type has no Retry-After.",
          violates("rate-limit.retry-after"),
          answer=_on(429, lambda inquiry: inquiry.get("content-type") is None, lambda reply: reply.drop("retry-after"))),
    Fault("bad-request-unnamed-for-any", "A 400 to a request with Accept: */* does not name BadRequestException.",
          violates("bad-request.name"), answer=_on(400, lambda inquiry: inquiry.get("accept") == "*/*", _unnamed)),
    Fault("failed-trip-crashes", "A capture of a trip whose request was answered 500 causes a server error.",
          NO_5XX, one_exchange=False, accept=_failed_trip, answer=_note_failed),
    Fault("failed-connection-crashes", "After two 500s, the next capture on the same connection causes a server error.",
          violates("answer.independent"), one_exchange=False, accept=_failed_connection, answer=_note_failed),
    Fault("refused-after-unknown-trip", "A good request is refused after an unknown trip on the same connection.",
          violates("answer.independent"), one_exchange=False, accept=_after_unknown, answer=_note_unknown),
    Fault("captured-value-unchecked", "The number is not checked again for a trip that was captured before.",
          violates("value.type"), one_exchange=False, repair=_captured_unchecked("amount", GOOD), accept=_note_capture),
    Fault("captured-code-unchecked", "The code is not checked again for a trip that was captured before.",
          violates("code.pattern"), one_exchange=False, repair=_captured_unchecked("code", "USD"),
          accept=_note_capture),
    Fault("repeated-in-chunks-crashes", "A second capture of a trip, in chunks, causes a server error.", NO_5XX,
          one_exchange=False, accept=_repeated_in_chunks),
    Fault("members-by-position", "An array of the three values is accepted as the body.", violates("body.not-object"),
          repair=_by_position),
    Fault("function-call-taken", "A function call around the JSON is accepted, as for a script.",
          violates("body.not-json"), receive=lenient(_in_function)),
    Fault("missing-colon-taken", "A blank is accepted in place of a colon.", violates("body.not-json"),
          receive=lenient(lambda body: re.sub(rb'("storeId") (?=")', rb"\1:", body))),
    Fault("value-under-other-name", "A number named value is taken for amount.", violates("value.required"),
          repair=_other_name("amount", "value")),
    Fault("code-under-other-name", "A code named currency is taken for code.", violates("code.required"),
          repair=_other_name("code", "currency")),
    Fault("code-beside-amount-taken", "A code beside amount is taken for one in it.", violates("code.required"),
          repair=_beside),
    Fault("store-huge-number-crashes", "A storeId that is a number with a large exponent causes a server error.",
          violates("store-id.type"), repair=crash(_huge_store)),
    Fault("unavailable-page-for-refused", "A 503 to an object that would be refused is an HTML page.",
          violates("unavailable.media-type", "answer.no-leak"),
          answer=_on(503, lambda inquiry: b"null" in inquiry.body, _page)),
    Fault("type-name-crashes", "An unknown attribute named @type causes a server error.", NO_5XX,
          repair=crash(_polymorphic)),
    Fault("many-attributes-crash", "More than 500 unknown attributes cause a server error.", NO_5XX,
          repair=crash(lambda inquiry: len(unknown(inquiry)) > 500)),
    Fault("store-cut", "A storeId is cut to 255 characters before it is looked up.", violates("store-id.max-length"),
          repair=_cut),
    Fault("euro-float-cents", "EUR are refused whose cents are lost in binary floating point.",
          violates("value.accepted"), accept=refuse(_euro_cents)),
    Fault("value-long-exponent-crashes", "An exponent of ten digits causes a server error.", NO_5XX,
          repair=crash(_long_exponent)),
    Fault("value-with-code-taken", "A number with its code, in a string, is accepted.", violates("value.type"),
          repair=member("amount", _with_code, GOOD)),
    Fault("untyped-unchecked", "JSON without Content-Type is answered 200, whatever it is.",
          violates("body.several-faults"), receive=_untyped_unchecked),
    Fault("turned-with-charset-refused", "A capture with amount before storeId and with a charset is refused.",
          violates("media-type.charset"), accept=refuse(lambda inquiry: order(inquiry) and bool(charset(inquiry)))),
]  # fmt: skip

BENIGN: list[Fault] = []
