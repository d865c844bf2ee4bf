"""Invented faults in reading a request: ids, amounts, codes, JSON, headers, methods and paths."""

from __future__ import annotations

import json
import re
import struct
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from conformance.mock.exchange import PATH, Inquiry, error
from conformance.mock.faults.amount_hooks import GOOD, amount_of, crash, refuse
from conformance.mock.faults.body_hooks import KNOWN, is_json
from conformance.mock.faults.model import Fault, Hook
from conformance.mock.faults.request import IDS, PATTERNS, accept_malformed, lookup, members, well_formed
from conformance.mock.reading import ID_LIMIT, UNKNOWN_TRIP, Number, parse

_PLACES = {"JPY": 0, "KWD": 3}
_SYMBOLS = {"$": "USD", "US$": "USD", "€": "EUR", "¥": "JPY"}
_NO_MINOR_UNIT = frozenset({"XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XBA", "XBB", "XBC", "XBD", "XSU", "XUA"})
_NO_5XX = frozenset({"answer.no-server-error"})
_PATTERNS = frozenset(PATTERNS.values())


def _read_as(change: Callable[[bytes], bytes]) -> Hook:
    """A lenient parser: a body that is not JSON is changed by `change` and read if it is JSON then."""

    def receive(inquiry: Inquiry) -> None:
        if not is_json(inquiry.body) and is_json(changed := change(inquiry.body)):
            inquiry.body = changed

    return receive


# --- ids and names -----------------------------------------------------------------------------------------------


def _restore(document: dict[str, object], names: tuple[str, ...]) -> None:
    for name in names:
        other = next((key for key in document if key.lower() == name.lower()), name)
        if name not in document and other != name:
            document[name] = document.pop(other)


def _any_case(inquiry: Inquiry) -> None:
    _restore(members(inquiry), KNOWN)
    _restore(amount_of(inquiry), ("amount", "code"))


def _line_anchors(inquiry: Inquiry) -> None:
    document = members(inquiry)
    for key in IDS:
        value = document.get(key)
        if isinstance(value, str) and "\n" in value and len(value) <= ID_LIMIT:
            line = next((line for line in value.split("\n") if well_formed(line)), None)
            if line is not None:
                document[key] = lookup(key, line)


def _visible(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def _very_long_id(inquiry: Inquiry) -> bool:
    return any(isinstance(value := members(inquiry).get(key), str) and len(value) > 1000 for key in IDS)


def _backtrack(inquiry: Inquiry) -> None:
    trip = members(inquiry).get("shoppingTripId")
    if inquiry.reply and isinstance(trip, str) and re.match(r"[0-9a-zA-Z_-]{24,}[^0-9a-zA-Z_-]", trip):
        inquiry.reply.delay = inquiry.hang_s


def _refused_in_200(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.refusal == UNKNOWN_TRIP:
        inquiry.reply.status = 200


# --- amounts and codes -------------------------------------------------------------------------------------------


def _fraction_digits(text: str) -> int:
    """The number of decimals, without trailing zeros."""
    try:
        parts = Decimal(text).as_tuple()
    except InvalidOperation:
        return 0
    if not isinstance(parts.exponent, int):
        return 0
    significant = "".join(map(str, parts.digits)).rstrip("0")
    return max(0, -parts.exponent - (len(parts.digits) - len(significant)))


def _more_than_two_decimals(inquiry: Inquiry) -> bool:
    return inquiry.capture is not None and _fraction_digits(inquiry.capture.value.text) > 2


def _changed_by_single_precision(inquiry: Inquiry) -> bool:
    if inquiry.capture is None:
        return False
    try:
        value = Decimal(inquiry.capture.value.text)
    except InvalidOperation:
        return False
    if value >= Decimal(10) ** 15:
        return False
    stored: float = struct.unpack("<f", struct.pack("<f", float(value)))[0]
    return Decimal(f"{stored:.{_PLACES.get(inquiry.capture.code, 2)}f}") != value


def _beyond_column(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, Number) and value.is_positive and _fraction_digits(value.text) > 4


def _zero_with_scale(inquiry: Inquiry) -> None:
    value = amount_of(inquiry).get("amount")
    if isinstance(value, Number) and value.is_zero and re.fullmatch(r"0\.0+", value.text):
        amount_of(inquiry)["amount"] = GOOD


def _symbol(inquiry: Inquiry) -> None:
    code = amount_of(inquiry).get("code")
    if isinstance(code, str) and code in _SYMBOLS:
        amount_of(inquiry)["code"] = _SYMBOLS[code]


# --- JSON --------------------------------------------------------------------------------------------------------


def _without_leading_zeros(body: bytes) -> bytes:
    return re.sub(rb"(:\s*-?)0+(?=[0-9])", rb"\1", body)


def _with_escaped_controls(body: bytes) -> bytes:
    def escape(string: re.Match[bytes]) -> bytes:
        return re.sub(rb"[\x00-\x1f]", lambda found: b"\\u%04x" % found[0][0], string[0])

    return re.sub(rb'"(?:[^"\\]|\\.)*"', escape, body, flags=re.DOTALL)


def _with_overlong_decoded(body: bytes) -> bytes:
    return re.sub(
        rb"[\xc0\xc1][\x80-\xbf]", lambda found: bytes([(found[0][0] & 0x1F) << 6 | found[0][1] & 0x3F]), body
    )


def _decode_twice(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, str):
        inquiry.document = parse(inquiry.document.encode("utf-8", "replace"))


def _unknown(inquiry: Inquiry) -> dict[str, object]:
    """The attributes that the contract does not name, including those of the amount."""
    outer = {key: value for key, value in members(inquiry).items() if key not in KNOWN}
    inner = {key: value for key, value in amount_of(inquiry).items() if key not in {"amount", "code"}}
    return {**outer, **inner}


def _four_bytes(inquiry: Inquiry) -> bool:
    try:
        text = json.dumps(_unknown(inquiry), default=str, ensure_ascii=False)
    except RecursionError:
        return False
    return any(ord(character) > 0xFFFF for character in text)


def _null_unknown(inquiry: Inquiry) -> bool:
    return any(value is None for value in _unknown(inquiry).values())


# --- headers, methods, paths -------------------------------------------------------------------------------------


def _charset_without_blank(inquiry: Inquiry) -> None:
    if re.search(r";charset=", inquiry.get("content-type") or "", re.IGNORECASE):
        inquiry.reply = error(415, "UnsupportedMediaType")


def _plain_without_accept(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400 and inquiry.get("accept") is None:
        inquiry.reply.put("content-type", "text/plain; charset=utf-8")


def _allow_lower(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply.put("allow", "post")


def _prefix(inquiry: Inquiry) -> None:
    if not inquiry.path.startswith(PATH + "/") or inquiry.path == PATH + "/":
        return
    if inquiry.method == "POST":
        inquiry.refusal = "serve"
    else:
        inquiry.reply = error(405, "MethodNotAllowed")
        inquiry.reply.put("allow", "POST")


FAULTS: list[Fault] = [
    Fault(
        "keys-any-case",
        "Member names are matched in any letter case: StoreID is read as storeId.",
        frozenset({"store-id.required", "trip-id.required", "amount.required", "value.required", "code.required"}),
        repair=_any_case,
    ),
    Fault(
        "ids-line-anchors",
        "`^` and `$` match at every line, so one good line in an id of several is enough.",
        _PATTERNS,
        repair=_line_anchors,
    ),
    Fault(
        "ids-invisible-dropped",
        "A sanitiser removes zero-width spaces, soft hyphens and similar characters from ids before they are checked.",
        _PATTERNS,
        repair=accept_malformed(IDS, lambda text: well_formed(_visible(text)), _visible),
    ),
    Fault(
        "ids-long-crash",
        "Ids of 256 characters are refused, those of more than 1,000 cause a server error.",
        frozenset({"store-id.max-length", "trip-id.max-length"}),
        repair=crash(_very_long_id),
    ),
    Fault(
        "trip-pattern-backtracks",
        "The pattern backtracks endlessly on a trip id of 24 good characters and then a bad one.",
        frozenset({"answer.in-time"}),
        answer=_backtrack,
    ),
    Fault(
        "unknown-trip-in-200",
        "The error body about an unknown trip comes with status 200.",
        frozenset({"trip-id.unknown", "success.empty-body"}),
        answer=_refused_in_200,
    ),
    Fault(
        "value-third-decimal-refused",
        "Two decimals are assumed for every currency, so 1.234 KWD is refused.",
        frozenset({"value.accepted"}),
        accept=refuse(_more_than_two_decimals),
    ),
    Fault(
        "value-single-precision",
        "Amounts pass through a 32-bit float and are refused where that changes them, as with 999999.99.",
        frozenset({"value.accepted"}),
        accept=refuse(_changed_by_single_precision),
    ),
    Fault(
        "value-scale-crashes",
        "More than four decimals do not fit the database column and cause a server error.",
        _NO_5XX,
        repair=crash(_beyond_column),
    ),
    Fault(
        "value-zero-scale",
        "Zero is compared with its scale: 0 is refused, 0.00 is served.",
        frozenset({"value.zero-spellings"}),
        repair=_zero_with_scale,
    ),
    Fault(
        "code-symbol-taken",
        "A currency sign ($, US$, €, ¥) is taken for its code.",
        frozenset({"code.pattern"}),
        repair=_symbol,
    ),
    Fault(
        "code-without-minor-unit-crashes",
        "Codes without minor units (XXX, XTS, XAU) cause a server error, other foreign codes are refused.",
        _NO_5XX,
        repair=crash(lambda inquiry: str(amount_of(inquiry).get("code")) in _NO_MINOR_UNIT),
    ),
    Fault(
        "leading-zeros-taken",
        "A number with leading zeros, such as 010.00, is accepted.",
        frozenset({"body.not-json"}),
        receive=_read_as(_without_leading_zeros),
    ),
    Fault(
        "control-characters-taken",
        "Unescaped tabs and line breaks in strings are accepted.",
        frozenset({"body.not-json"}),
        receive=_read_as(_with_escaped_controls),
    ),
    Fault(
        "body-double-encoded",
        "A JSON string that holds the body as JSON text is decoded a second time and served.",
        frozenset({"body.not-object"}),
        repair=_decode_twice,
    ),
    Fault(
        "overlong-utf-8-decoded",
        "Overlong two-byte forms of ASCII characters are decoded, in known and in unknown attributes.",
        frozenset({"body.invalid-utf-8", "body.lenient"}),
        receive=_read_as(_with_overlong_decoded),
    ),
    Fault(
        "emoji-crashes",
        "A character beyond U+FFFF in an unknown attribute of a good body causes a server error.",
        _NO_5XX,
        accept=crash(_four_bytes),
    ),
    Fault(
        "unknown-null-crashes",
        "An unknown attribute of null causes a server error, other unknown ones do not.",
        _NO_5XX,
        accept=crash(_null_unknown),
    ),
    Fault(
        "charset-without-blank-refused",
        "`application/json;charset=utf-8` is refused with 415, with a blank it is taken.",
        frozenset({"media-type.charset"}),
        receive=_charset_without_blank,
    ),
    Fault(
        "accept-missing-plain-error",
        "If the request has no Accept field, a 400 is labelled text/plain.",
        frozenset({"accept.neutral", "bad-request.media-type"}),
        answer=_plain_without_accept,
    ),
    Fault(
        "allow-lower-case",
        "The Allow field of a 405 lists post in lower case, which is another method.",
        frozenset({"method.allow"}),
        other=_allow_lower,
    ),
    Fault(
        "path-prefix-routed",
        "Every path below that of the operation leads to the operation.",
        frozenset({"path.unknown"}),
        other=_prefix,
    ),
]
