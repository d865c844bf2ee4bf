"""Faults in reading a request, invented from the contract alone: ids, amounts, codes, JSON, headers and framing."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from conformance.mock.exchange import Inquiry, error
from conformance.mock.faults.amount_hooks import (
    GOOD,
    amount_of,
    code,
    crash,
    decimal,
    negative,
    number,
    ordinary,
    refuse,
    zero,
)
from conformance.mock.faults.body_hooks import charset, chunked, escapes, has_unknown, lenient, order
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.faults.request import IDS, PATTERNS, accept_malformed, lookup, members, well_formed
from conformance.mock.reading import CURRENCIES, ID_LIMIT

_BOTH_PATTERNS = frozenset(PATTERNS.values())
_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NOTATIONS = re.compile(rf"\{{({_UUID})\}}|\(({_UUID})\)|urn:uuid:({_UUID})", re.ASCII)
_NUMERIC = {"840": "USD", "978": "EUR", "392": "JPY", "414": "KWD"}
_LOOKALIKES = {0x212A: "K", 0x17F: "S"}
_STRING = re.compile(rb'("(?:[^"\\]|\\.)*")', re.DOTALL)
_INT_32 = Decimal(2**31 - 1) / 1000


def _outside_strings(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change only the bytes between strings."""

    def changed(body: bytes) -> bytes:
        pieces = _STRING.split(body)
        return b"".join(piece if index % 2 else change(piece) for index, piece in enumerate(pieces))

    return changed


# --- amounts and codes -------------------------------------------------------------------------------------------


def _second_store_in_euro(inquiry: Inquiry) -> bool:
    return inquiry.capture is not None and inquiry.capture.store == "store-002" and inquiry.capture.code == "EUR"


def _yen_with(mark: str) -> Callable[[Inquiry], bool]:
    return lambda inquiry: code(inquiry) == "JPY" and mark in number(inquiry).text.lower() and ordinary(inquiry)


def _fils_beyond_int(inquiry: Inquiry) -> bool:
    value = decimal(inquiry)
    return code(inquiry) == "KWD" and value is not None and _INT_32 < value < Decimal("1e10")


def _take(test: Callable[[object], bool], currencies: frozenset[str]) -> Hook:
    """Accept the numbers for which `test` is true in some currencies."""

    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        if str(amount.get("code")) in currencies and test(amount.get("amount")):
            amount["amount"] = GOOD

    return repair


def _code_as(accepted: Callable[[str], str | None]) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        value = amount.get("code")
        if isinstance(value, str) and value not in CURRENCIES and accepted(value) in CURRENCIES:
            amount["code"] = accepted(value)

    return repair


# --- ids ---------------------------------------------------------------------------------------------------------


def _uuid_notations(inquiry: Inquiry) -> None:
    trip = members(inquiry).get("shoppingTripId")
    found = _NOTATIONS.fullmatch(trip) if isinstance(trip, str) else None
    if found:
        members(inquiry)["shoppingTripId"] = next(text for text in found.groups() if text)


def _cut_at_nul(inquiry: Inquiry) -> None:
    document = members(inquiry)
    for key in IDS:
        value = document.get(key)
        if isinstance(value, str) and "\0" in value and len(value) <= ID_LIMIT:
            beginning = value.split("\0")[0]
            if well_formed(beginning):
                document[key] = lookup(key, beginning)


def _unwrap(inquiry: Inquiry) -> None:
    for holder, keys in ((members(inquiry), IDS), (amount_of(inquiry), ("code",))):
        for key in keys:
            value = holder.get(key)
            if isinstance(value, list) and len(value) == 1:
                holder[key] = value[0]


# --- JSON --------------------------------------------------------------------------------------------------------


def _plain_numbers(text: bytes) -> bytes:
    text = re.sub(rb"\b0[xX]([0-9a-fA-F]+)", lambda found: b"%d" % int(found[1], 16), text)
    text = re.sub(rb"\+(?=[0-9.])(?<![eE]\+)", b"", text)
    text = re.sub(rb"(?<![0-9])\.(?=[0-9])", b"0.", text)
    return re.sub(rb"(?<=[0-9])\.(?![0-9])", b"", text)


def _usual_separators(text: bytes) -> bytes:
    return re.sub(rb"=>?", b":", text).replace(b";", b",")


def _usual_blanks(text: bytes) -> bytes:
    return re.sub(rb"\x0b|\x0c|\xc2\xa0|\xc2\x85|\xe2\x80[\x80-\x8a\xa8\xa9]|\xe3\x80\x80", b" ", text)


# --- headers and framing -----------------------------------------------------------------------------------------


def _reordered_and_escaped(inquiry: Inquiry) -> bool:
    return order(inquiry) and escapes(inquiry)


def _big_in_chunks(inquiry: Inquiry) -> bool:
    return chunked(inquiry) and len(inquiry.body) > 4096


def _expectation_failed(inquiry: Inquiry) -> None:
    if inquiry.get("expect") and inquiry.reply and inquiry.reply.status == 400:
        inquiry.reply = error(417, "ExpectationFailed")


def _any_id_if(test: Callable[[Inquiry], object]) -> Hook:
    taken = accept_malformed(IDS, lambda _text: True)

    def repair(inquiry: Inquiry) -> None:
        if test(inquiry):
            taken(inquiry)

    return repair


FAULTS: list[Fault] = [
    Fault(
        "store-002-no-euro",
        "Euros are not enabled at the second store, though both are declared.",
        violates("capture.accepted", "code.declared"),
        accept=refuse(_second_store_in_euro),
    ),
    Fault(
        "yen-fraction-refused",
        "A fraction of zeros in yen, such as 500.00, is refused as having too many decimals.",
        violates("value.spellings"),
        accept=refuse(_yen_with(".")),
    ),
    Fault(
        "yen-exponent-crashes",
        "An exponent in yen, such as 5e2, causes a server error; in other currencies it is served.",
        violates("value.spellings", "answer.no-server-error"),
        accept=crash(_yen_with("e")),
    ),
    Fault(
        "value-exponent-plus-refused",
        "An exponent with a plus sign, such as 1E+1, is refused.",
        violates("value.spellings"),
        accept=refuse(lambda inquiry: "+" in number(inquiry).text and ordinary(inquiry)),
    ),
    Fault(
        "dinar-int-overflow",
        "Minor units of dinars are stored in 32 bits: more than 2,147,483.647 KWD causes a server error.",
        violates("value.accepted", "answer.no-server-error"),
        accept=crash(_fils_beyond_int),
    ),
    Fault(
        "negative-yen-accepted",
        "A negative amount of yen is accepted, in other currencies it is refused.",
        violates("value.negative"),
        repair=_take(negative, frozenset({"JPY"})),
    ),
    Fault(
        "zero-only-dollars-refused",
        "Zero is refused in US dollars only.",
        violates("value.zero"),
        repair=_take(zero, frozenset({"EUR", "JPY", "KWD"})),
    ),
    Fault(
        "json5-numbers-taken",
        "Hexadecimal numbers, a plus sign, and a point without digits before or after it are accepted.",
        violates("body.not-json"),
        receive=lenient(_outside_strings(_plain_numbers)),
    ),
    Fault(
        "loose-separators-taken",
        "The parser takes = and => for a colon, and a semicolon for a comma.",
        violates("body.not-json"),
        receive=lenient(_outside_strings(_usual_separators)),
    ),
    Fault(
        "other-blanks-taken",
        "Form feeds, vertical tabs, no-break and other Unicode spaces between tokens are accepted.",
        violates("body.not-json"),
        receive=lenient(_outside_strings(_usual_blanks)),
    ),
    Fault(
        "trip-uuid-notations",
        "A UUID in braces, in parentheses or after urn:uuid: is accepted.",
        violates("trip-id.pattern"),
        repair=_uuid_notations,
    ),
    Fault(
        "ids-nul-terminated",
        "Ids end at the first U+0000, and what follows is not looked at.",
        _BOTH_PATTERNS,
        repair=_cut_at_nul,
    ),
    Fault(
        "code-case-folded-sign",
        "The pattern ignores case in Unicode: the Kelvin sign passes for K, and the long s for S.",
        violates("code.pattern"),
        repair=_code_as(lambda text: text.translate(_LOOKALIKES)),
    ),
    Fault(
        "code-numeric-iso",
        "The numeric codes of ISO 4217, such as 840, are accepted as text.",
        violates("code.pattern"),
        repair=_code_as(_NUMERIC.get),
    ),
    Fault(
        "single-value-lists-unwrapped",
        "A list of one string is accepted for an id or a code.",
        violates("store-id.type", "trip-id.type", "code.type"),
        repair=_unwrap,
    ),
    Fault(
        "reordered-and-escaped-refused",
        "A body is refused if its members are in another order and a string contains an escape.",
        violates("body.equivalent"),
        repair=refuse(_reordered_and_escaped),
    ),
    Fault(
        "chunked-over-4k-crashes",
        "A body of more than 4,096 bytes that is sent in chunks causes a server error.",
        violates("request.chunked", "answer.no-server-error"),
        receive=crash(_big_in_chunks),
    ),
    Fault(
        "expect-bad-request-417",
        "A bad request with Expect: 100-continue is answered 417 in place of 400.",
        violates("request.expect-continue", "answer.status-set"),
        answer=_expectation_failed,
    ),
    Fault(
        "charset-skips-patterns",
        "Where the media type has a charset, the characters of ids are not checked.",
        _BOTH_PATTERNS,
        repair=_any_id_if(charset),
    ),
    Fault(
        "unknown-attribute-skips-patterns",
        "Where the body has an attribute that is not defined, the characters of ids are not checked.",
        _BOTH_PATTERNS | {"body.several-faults"},
        repair=_any_id_if(has_unknown),
    ),
]
