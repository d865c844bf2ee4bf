"""Faults in reading the body as JSON and the headers around it, and in the methods and paths that are served."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from conformance.mock.exchange import PATH, Crash, Inquiry, Reply, error
from conformance.mock.faults.amount import refuse
from conformance.mock.faults.model import Fault, Hook
from conformance.mock.faults.request import STORE, TRIP, members
from conformance.mock.reading import Refused, parse

KNOWN = ("storeId", "shoppingTripId", "amount")
GOOD_BODY = json.dumps({"storeId": STORE, "shoppingTripId": TRIP, "amount": {"amount": 10, "code": "USD"}}).encode()
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def is_json(body: bytes) -> bool:
    """Whether the bytes are strict JSON."""
    try:
        parse(body)
    except Refused:
        return False
    return True


def _mend(change: Callable[[bytes], bytes | None]) -> Hook:
    """Make a lenient parser: bytes that are no JSON are read as what `change` makes of them, if that is JSON."""

    def receive(inquiry: Inquiry) -> None:
        if inquiry.body and not is_json(inquiry.body):
            changed = change(inquiry.body)
            if changed is not None and is_json(changed):
                inquiry.body = changed

    return receive


def _first_value(body: bytes) -> bytes | None:
    try:
        text = body.decode()
        _, end = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    rest = text.lstrip()[end:].strip()
    return text.lstrip()[:end].encode() if rest and not rest.startswith(("/", "#")) else None


def _closed(body: bytes) -> bytes | None:
    return next((body + more for more in (b"}", b"}}", b'"}}', b'"}') if is_json(body + more)), None)


def _without_commas(body: bytes) -> bytes:
    return re.sub(rb",(\s*[}\]])", rb"\1", body)


def _without_comments(body: bytes) -> bytes:
    return re.sub(rb"/\*.*?\*/|//[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)", b"", body, flags=re.DOTALL)


def _double_quotes(body: bytes) -> bytes:
    return body.replace(b"'", b'"')


def _constants_elsewhere(body: bytes) -> bytes:
    return re.sub(rb'("(?!amount")[^"]*"\s*:\s*)-?(?:NaN|Infinity)\b', rb"\1null", body)


def _wide(body: bytes) -> bytes | None:
    if b"\x00" not in body and not body.startswith(_BOMS):
        return None
    try:
        text = body.decode(json.detect_encoding(body))
    except ValueError:
        return None
    return text.removeprefix("\ufeff").encode() if not body.startswith(b"\xef\xbb\xbf") else None


def _invalid_in_known(body: bytes) -> bool:
    """Whether bytes that are no UTF-8 stand within a known attribute or the code."""
    try:
        body.decode()
    except UnicodeDecodeError:
        pass
    else:
        return False
    try:
        document = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    known = json.dumps({key: document[key] for key in KNOWN if key in document})
    return re.search(r"\\udc[89a-f][0-9a-f]", known) is not None


def _ignoring_known(body: bytes) -> bytes | None:
    return body.decode("utf-8", "ignore").encode() if _invalid_in_known(body) else None


def _ignoring_elsewhere(body: bytes) -> bytes | None:
    return None if _invalid_in_known(body) else body.decode("utf-8", "replace").encode()


def _ignoring(body: bytes) -> bytes | None:
    return body.decode("utf-8", "ignore").encode()


def _crash_on(test: Callable[[Inquiry], bool]) -> Hook:
    def receive(inquiry: Inquiry) -> None:
        if test(inquiry):
            raise Crash

    return receive


def _empty_served(inquiry: Inquiry) -> None:
    if not inquiry.body:
        inquiry.reply = Reply(200)


def _unwrapped(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, list) and len(inquiry.document) == 1:
        inquiry.document = inquiry.document[0]
    elif isinstance(inquiry.document, list) and not inquiry.document:
        inquiry.document = parse(GOOD_BODY)


def _not_object_served(inquiry: Inquiry) -> None:
    if not isinstance(inquiry.document, dict):
        inquiry.document = parse(GOOD_BODY)


def _deep(inquiry: Inquiry) -> bool:
    opened, closed = (sum(inquiry.body.count(mark) for mark in marks) for marks in ((b"[", b"{"), (b"]", b"}")))
    return opened == closed > 500


def _big(inquiry: Inquiry) -> bool:
    return len(inquiry.body) > 900_000


def _duplicates(inquiry: Inquiry) -> bool:
    seen = False

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal seen
        seen = seen or len({key for key, _ in items}) < len(items)
        return dict(items)

    try:
        json.loads(inquiry.body, object_pairs_hook=pairs, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return seen


def _bom(inquiry: Inquiry) -> bool:
    return inquiry.body.startswith(b"\xef\xbb\xbf")


def _unknown(inquiry: Inquiry) -> dict[str, object]:
    return {key: value for key, value in members(inquiry).items() if key not in KNOWN}


def _has_unknown(inquiry: Inquiry) -> bool:
    amount = members(inquiry).get("amount")
    inner = set(amount) - {"amount", "code"} if isinstance(amount, dict) else set()
    return bool(_unknown(inquiry)) or bool(inner)


def _unknown_with(character: str) -> Callable[[Inquiry], bool]:
    def test(inquiry: Inquiry) -> bool:
        try:
            return re.search(character, json.dumps(_unknown(inquiry), default=str)) is not None
        except RecursionError:
            return False

    return test


def _order(inquiry: Inquiry) -> bool:
    return [key for key in members(inquiry) if key in KNOWN] != list(KNOWN)


def _escapes(inquiry: Inquiry) -> bool:
    return b"\\u" in inquiry.body and not _unknown(inquiry)


def _blanks(inquiry: Inquiry) -> bool:
    return re.search(rb"[\t\n\r]", inquiry.body) is not None and not _unknown(inquiry)


def _content_type(inquiry: Inquiry) -> str:
    return inquiry.get("content-type") or ""


def _charset(inquiry: Inquiry) -> str:
    found = re.search(r";\s*charset\s*=\s*(.*)$", _content_type(inquiry), re.IGNORECASE)
    return found[1].strip() if found else ""


def _unsupported(test: Callable[[Inquiry], bool]) -> Hook:
    def receive(inquiry: Inquiry) -> None:
        if test(inquiry):
            inquiry.reply = error(415, "UnsupportedMediaType")

    return receive


def _refuse_early(test: Callable[[Inquiry], bool], status: int = 400, name: str = "BadRequestException") -> Hook:
    def receive(inquiry: Inquiry) -> None:
        if test(inquiry):
            inquiry.reply = error(status, name)

    return receive


def _is_utf8(inquiry: Inquiry) -> bool:
    return _charset(inquiry).strip('"').lower() == "utf-8"


def _chunked(inquiry: Inquiry) -> bool:
    return "chunked" in (inquiry.get("transfer-encoding") or "").lower()


def _other_media_type(inquiry: Inquiry) -> bool:
    return _content_type(inquiry).split(";")[0].strip().lower() != "application/json"


def _take_any_type(inquiry: Inquiry) -> None:
    inquiry.headers = [(name, value) for name, value in inquiry.headers if name.lower() != "content-type"]
    inquiry.headers = [*inquiry.headers, ("content-type", "application/json")]


def _method(methods: str, make: Callable[[], Reply]) -> Hook:
    def other(inquiry: Inquiry) -> None:
        if inquiry.path == PATH and inquiry.method in methods.split():
            inquiry.reply = make()

    return other


def _no_allow(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply.drop("allow")


def _allow_get(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply.put("allow", "GET, OPTIONS")


def _variant(inquiry: Inquiry) -> bool:
    return inquiry.path.rstrip("/").lower() == PATH


def _elsewhere(make: Callable[[], Reply]) -> Hook:
    def other(inquiry: Inquiry) -> None:
        if not _variant(inquiry):
            inquiry.reply = make()

    return other


def _slash_served(inquiry: Inquiry) -> None:
    if inquiry.path == PATH + "/" and inquiry.method == "POST":
        inquiry.refusal = "serve"


def _case_served(inquiry: Inquiry) -> None:
    if inquiry.path != PATH and inquiry.path.lower() == PATH and inquiry.method == "POST":
        inquiry.refusal = "serve"


def _bom_dropped(inquiry: Inquiry) -> None:
    inquiry.body = inquiry.body.removeprefix(b"\xef\xbb\xbf")


def _one(*names: str) -> frozenset[str]:
    return frozenset(names)


_NO_5XX = _one("answer.no-server-error")

FAULTS: list[Fault] = [
    Fault("empty-body-served", "A request without content is answered 200.", _one("body.empty"), receive=_empty_served),
    Fault(
        "empty-body-crashes",
        "A request without content causes a server error.",
        _one("body.empty"),
        receive=_crash_on(lambda inquiry: not inquiry.body),
    ),
    Fault(
        "trailing-data-taken",
        "Whatever follows the first JSON value is ignored.",
        _one("body.not-json"),
        receive=_mend(_first_value),
    ),
    Fault("truncated-taken", "Missing closing brackets are added.", _one("body.not-json"), receive=_mend(_closed)),
    Fault("list-unwrapped", "An array around the body is served.", _one("body.not-object"), repair=_unwrapped),
    Fault("not-object-served", "JSON that is no object is served.", _one("body.not-object"), repair=_not_object_served),
    Fault(
        "not-object-crashes",
        "JSON that is no object causes a server error.",
        _one("body.not-object"),
        repair=_crash_on(lambda inquiry: not isinstance(inquiry.document, dict)),
    ),
    Fault(
        "invalid-utf-8-dropped",
        "Bytes that are no UTF-8 are dropped wherever they stand.",
        _one("body.invalid-utf-8", "body.lenient"),
        receive=_mend(_ignoring),
    ),
    Fault(
        "invalid-utf-8-in-known-dropped",
        "Bytes that are no UTF-8 are dropped within known attributes.",
        _one("body.invalid-utf-8"),
        receive=_mend(_ignoring_known),
    ),
    Fault(
        "invalid-utf-8-in-known-crashes",
        "Bytes that are no UTF-8 within known attributes cause a server error.",
        _one("body.invalid-utf-8"),
        receive=_crash_on(lambda inquiry: _invalid_in_known(inquiry.body)),
    ),
    Fault(
        "invalid-utf-8-elsewhere-taken",
        "Bytes that are no UTF-8 are taken within unknown attributes.",
        _one("body.lenient"),
        receive=_mend(_ignoring_elsewhere),
    ),
    Fault("trailing-commas-taken", "Trailing commas are taken.", _one("body.lenient"), receive=_mend(_without_commas)),
    Fault("comments-taken", "Comments are taken.", _one("body.lenient"), receive=_mend(_without_comments)),
    Fault(
        "single-quotes-taken",
        "Single quotes are taken for double ones.",
        _one("body.lenient"),
        receive=_mend(_double_quotes),
    ),
    Fault(
        "nan-elsewhere-taken",
        "NaN in an unknown attribute is taken.",
        _one("body.lenient"),
        receive=_mend(_constants_elsewhere),
    ),
    Fault("utf-16-taken", "UTF-16 and UTF-32 are taken for UTF-8.", _one("body.lenient"), receive=_mend(_wide)),
    Fault(
        "member-order-matters",
        "Members in another order than the page's are refused.",
        _one("body.equivalent"),
        accept=refuse(_order),
    ),
    Fault("escapes-refused", "Escapes in strings are refused.", _one("body.equivalent"), accept=refuse(_escapes)),
    Fault(
        "blanks-refused",
        "Line ends and tabs between tokens are refused.",
        _one("body.equivalent"),
        accept=refuse(_blanks),
    ),
    Fault(
        "nul-crashes",
        "U+0000 in an unknown attribute causes a server error.",
        _NO_5XX,
        repair=_crash_on(_unknown_with(r"\\u0000")),
    ),
    Fault(
        "surrogate-crashes",
        "A lone surrogate in an unknown attribute causes a server error.",
        _NO_5XX,
        repair=_crash_on(_unknown_with(r"\\ud[89a-f]")),
    ),
    Fault(
        "unknown-attribute-crashes",
        "An unknown attribute beside a good capture causes a server error.",
        _NO_5XX,
        accept=_crash_on(_has_unknown),
    ),
    Fault(
        "deep-nesting-crashes",
        "Deep nesting, once it is closed, causes a server error.",
        _NO_5XX,
        receive=_crash_on(_deep),
    ),
    Fault("big-body-crashes", "A body of about 1 MB causes a server error.", _NO_5XX, receive=_crash_on(_big)),
    Fault(
        "duplicate-keys-crash", "A member named twice causes a server error.", _NO_5XX, receive=_crash_on(_duplicates)
    ),
    Fault("byte-order-mark-crashes", "A byte order mark causes a server error.", _NO_5XX, receive=_crash_on(_bom)),
    Fault(
        "other-media-type-crashes",
        "Another media type causes a server error.",
        _NO_5XX,
        receive=_crash_on(_other_media_type),
    ),
    Fault(
        "charset-refused",
        "A charset parameter is refused with 400.",
        _one("media-type.charset"),
        receive=_refuse_early(lambda inquiry: bool(_charset(inquiry))),
    ),
    Fault(
        "charset-quoted-refused",
        "A quoted charset is refused with 400.",
        _one("media-type.charset"),
        receive=_refuse_early(lambda inquiry: _is_utf8(inquiry) and '"' in _charset(inquiry)),
    ),
    Fault(
        "charset-upper-case-refused",
        "A charset in capitals is refused with 400.",
        _one("media-type.charset"),
        receive=_refuse_early(lambda inquiry: _is_utf8(inquiry) and _charset(inquiry) != _charset(inquiry).lower()),
    ),
    Fault(
        "media-type-case-refused",
        "A media type with capitals is refused with 400.",
        _one("media-type.case"),
        receive=_refuse_early(lambda inquiry: re.search("[A-Z]", _content_type(inquiry).split(";")[0]) is not None),
    ),
    Fault(
        "accept-needed",
        "A request without Accept is refused.",
        _one("accept.neutral"),
        receive=_refuse_early(lambda inquiry: inquiry.get("accept") is None),
    ),
    Fault(
        "accept-any-refused",
        "A request that accepts anything (`*/*`) is refused.",
        _one("accept.neutral"),
        receive=_refuse_early(lambda inquiry: (inquiry.get("accept") or "").strip() == "*/*"),
    ),
    Fault(
        "chunked-refused",
        "A body sent in chunks is refused with 400.",
        _one("request.chunked"),
        receive=_refuse_early(_chunked),
    ),
    Fault(
        "chunked-crashes",
        "A body sent in chunks causes a server error.",
        _one("request.chunked"),
        receive=_crash_on(_chunked),
    ),
    Fault(
        "expect-refused",
        "A request that expects 100-continue is refused with 400.",
        _one("request.expect-continue"),
        receive=_refuse_early(lambda inquiry: inquiry.get("expect") is not None),
    ),
    Fault(
        "get-not-found",
        "GET on the path is answered 404, as is HEAD.",
        _one("method.not-allowed"),
        other=_method("GET HEAD", lambda: error(404, "NotFound")),
    ),
    Fault(
        "delete-served",
        "DELETE on the path is answered 200.",
        _one("method.not-allowed"),
        other=_method("DELETE", lambda: Reply(200)),
    ),
    Fault(
        "put-crashes",
        "PUT on the path is answered 500.",
        _one("method.not-allowed"),
        other=_method("PUT", lambda: error(500, "ServiceException")),
    ),
    Fault(
        "patch-bad-request",
        "PATCH on the path is answered 400.",
        _one("method.not-allowed"),
        other=_method("PATCH", lambda: error(400, "BadRequestException")),
    ),
    Fault("allow-missing", "A 405 has no Allow field.", _one("method.allow"), other=_no_allow),
    Fault("allow-without-post", "The Allow field of a 405 does not list POST.", _one("method.allow"), other=_allow_get),
    Fault(
        "head-differs",
        "HEAD is answered 404 where GET is answered 405.",
        _one("method.head"),
        other=_method("HEAD", lambda: error(404, "NotFound")),
    ),
    Fault(
        "unknown-path-served", "Every path is answered 200.", _one("path.unknown"), other=_elsewhere(lambda: Reply(200))
    ),
    Fault(
        "unknown-path-bad-request",
        "An unknown path is answered 400.",
        _one("path.unknown"),
        other=_elsewhere(lambda: error(400, "BadRequestException")),
    ),
]

BENIGN: list[Fault] = [
    Fault(
        "unknown-attributes-refused",
        "Attributes that the page does not name are refused.",
        benign=True,
        accept=refuse(_has_unknown),
    ),
    Fault(
        "duplicate-keys-refused", "A member named twice is refused.", benign=True, receive=_refuse_early(_duplicates)
    ),
    Fault("byte-order-mark-accepted", "A byte order mark is dropped.", benign=True, receive=_bom_dropped),
    Fault(
        "big-body-413",
        "A body of about 1 MB is answered 413.",
        benign=True,
        receive=_refuse_early(_big, 413, "PayloadTooLarge"),
    ),
    Fault(
        "chunked-411",
        "A body sent in chunks is answered 411.",
        benign=True,
        receive=_refuse_early(_chunked, 411, "LengthRequired"),
    ),
    Fault("other-media-type-served", "The media type is not looked at.", benign=True, receive=_take_any_type),
    Fault(
        "other-media-type-400",
        "Another media type is answered 400.",
        benign=True,
        receive=_refuse_early(_other_media_type),
    ),
    Fault(
        "other-charset-415",
        "A charset other than utf-8 is answered 415.",
        benign=True,
        receive=_unsupported(lambda inquiry: bool(_charset(inquiry)) and not _is_utf8(inquiry)),
    ),
    Fault("trailing-slash-served", "The path with a trailing slash is served.", benign=True, other=_slash_served),
    Fault("path-in-any-case", "The path is served in any letter case.", benign=True, other=_case_served),
    Fault(
        "allow-more",
        "The Allow field lists OPTIONS too.",
        benign=True,
        other=lambda inquiry: (
            inquiry.reply.put("allow", "OPTIONS, POST") if inquiry.reply and inquiry.reply.status == 405 else None
        ),
    ),
]
