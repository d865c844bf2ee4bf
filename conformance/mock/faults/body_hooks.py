"""How the faults of `body` change an exchange."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from conformance.mock.exchange import PATH, Inquiry, Reply, error
from conformance.mock.faults.model import Hook, violates
from conformance.mock.faults.request import STORE, TRIP, members
from conformance.mock.reading import Number, Refused, parse

KNOWN = ("storeId", "shoppingTripId", "amount")
GOOD_BODY = json.dumps({"storeId": STORE, "shoppingTripId": TRIP, "amount": {"amount": 10, "code": "USD"}}).encode()
BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def is_json(body: bytes) -> bool:
    """Whether the bytes are JSON by a strict parser."""
    try:
        parse(body)
    except Refused:
        return False
    return True


def lenient(change: Callable[[bytes], bytes | None]) -> Hook:
    """Make a lenient parser: bytes that are not JSON are changed by `change`, where the result is JSON."""

    def receive(inquiry: Inquiry) -> None:
        if inquiry.body and not is_json(inquiry.body):
            changed = change(inquiry.body)
            if changed is not None and is_json(changed):
                inquiry.body = changed

    return receive


def first_value(body: bytes) -> bytes | None:
    try:
        text = body.decode()
        _, end = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    rest = text.lstrip()[end:].strip()
    return text.lstrip()[:end].encode() if rest and not rest.startswith(("/", "#")) else None


def closed(body: bytes) -> bytes | None:
    return next((body + more for more in (b"}", b"}}", b'"}}', b'"}') if is_json(body + more)), None)


def without_commas(body: bytes) -> bytes:
    return re.sub(rb",(\s*[}\]])", rb"\1", body)


def without_comments(body: bytes) -> bytes:
    return re.sub(rb"/\*.*?\*/|//[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)", b"", body, flags=re.DOTALL)


def double_quotes(body: bytes) -> bytes:
    return body.replace(b"'", b'"')


def other_blanks(body: bytes) -> bytes:
    """Replace blanks that JSON does not have after a comma."""
    return re.sub(rb"(?<=,)(?:[\x0b\x0c]|\xc2[\x85\xa0]|\xe2\x80\xa8|\xe3\x80\x80|\xef\xbb\xbf)", b" ", body)


def constants_elsewhere(body: bytes) -> bytes:
    return re.sub(rb'("(?!amount")[^"]*"\s*:\s*)-?(?:NaN|Infinity)\b', rb"\1null", body)


def wide(body: bytes) -> bytes | None:
    if b"\x00" not in body and not body.startswith(BOMS):
        return None
    try:
        text = body.decode(json.detect_encoding(body))
    except ValueError:
        return None
    return text.removeprefix("\ufeff").encode() if not body.startswith(b"\xef\xbb\xbf") else None


def invalid_in_known(body: bytes) -> bool:
    """Whether a known attribute contains bytes that are not UTF-8."""
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


def ignoring_known(body: bytes) -> bytes | None:
    return body.decode("utf-8", "ignore").encode() if invalid_in_known(body) else None


def ignoring_elsewhere(body: bytes) -> bytes | None:
    return None if invalid_in_known(body) else body.decode("utf-8", "replace").encode()


def ignoring(body: bytes) -> bytes | None:
    return body.decode("utf-8", "ignore").encode()


def empty_served(inquiry: Inquiry) -> None:
    if not inquiry.body:
        inquiry.reply = Reply(200)


def served(test: Callable[[object], bool]) -> Hook:
    """Accept the bodies for which `test` holds."""

    def repair(inquiry: Inquiry) -> None:
        if test(inquiry.document):
            inquiry.document = parse(GOOD_BODY)

    return repair


def all_null(document: object) -> bool:
    return document == dict.fromkeys(KNOWN)


def empty_amount(inquiry: Inquiry) -> bool:
    return members(inquiry).get("amount") == {}


def two_wrong_types(inquiry: Inquiry) -> bool:
    ids = [members(inquiry).get(name, "") for name in KNOWN[:2]]
    return not any(isinstance(each, str | None) for each in ids)


def given_twice(inquiry: Inquiry) -> None:
    """Replace the values of strings that occur twice by good ones; other faults remain."""

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in items]
        return {name: good[name] if names.count(name) > 1 and name in good else value for name, value in items}

    good = {"storeId": STORE, "shoppingTripId": TRIP, "code": "USD"}
    if duplicates(inquiry):
        inquiry.body = json.dumps(json.loads(inquiry.body, object_pairs_hook=pairs)).encode()


def merged(inquiry: Inquiry) -> None:
    """Read objects that occur twice under one name as one."""

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in items:
            both = isinstance(value, dict) and isinstance(found.get(name), dict)
            found[name] = {**found[name], **value} if both else value  # type: ignore[dict-item]
        return found

    if duplicates(inquiry):
        inquiry.document = json.loads(inquiry.body, object_pairs_hook=pairs, parse_float=Number, parse_int=Number)


def unwrapped(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, list) and len(inquiry.document) == 1:
        inquiry.document = inquiry.document[0]
    elif isinstance(inquiry.document, list) and not inquiry.document:
        inquiry.document = parse(GOOD_BODY)


def not_object_served(inquiry: Inquiry) -> None:
    if not isinstance(inquiry.document, dict):
        inquiry.document = parse(GOOD_BODY)


def deep(inquiry: Inquiry) -> bool:
    opened, closed = (sum(inquiry.body.count(mark) for mark in marks) for marks in ((b"[", b"{"), (b"]", b"}")))
    return opened == closed > 500


def nested(place: bytes, least: int, most: int = 10**9) -> Callable[[Inquiry], bool]:
    """Make a test: whether so many brackets open one after another at a place, and as many are closed."""
    opening = re.compile(place + rb'((?:\[|\{"a":)+)')

    def test(inquiry: Inquiry) -> bool:
        found = opening.search(inquiry.body)
        if found is None:
            return False
        levels = found[1].count(b"[") + found[1].count(b"{")
        return least <= levels <= most and not unclosed(inquiry)

    return test


def unclosed(inquiry: Inquiry) -> bool:
    return sum(map(inquiry.body.count, (b"[", b"{"))) > 1_000 + sum(map(inquiry.body.count, (b"]", b"}")))


def very_deep(inquiry: Inquiry) -> bool:
    return sum(map(inquiry.body.count, (b"[", b"{"))) > 100


def big(inquiry: Inquiry) -> bool:
    return len(inquiry.body) > 900_000


def duplicates(inquiry: Inquiry) -> bool:
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


def bom(inquiry: Inquiry) -> bool:
    return inquiry.body.startswith(b"\xef\xbb\xbf")


def unknown(inquiry: Inquiry) -> dict[str, object]:
    return {key: value for key, value in members(inquiry).items() if key not in KNOWN}


def has_unknown(inquiry: Inquiry) -> bool:
    amount = members(inquiry).get("amount")
    inner = set(amount) - {"amount", "code"} if isinstance(amount, dict) else set()
    return bool(unknown(inquiry)) or bool(inner)


def unknown_with(character: str) -> Callable[[Inquiry], bool]:
    def test(inquiry: Inquiry) -> bool:
        try:
            return re.search(character, json.dumps(unknown(inquiry), default=str)) is not None
        except RecursionError:
            return False

    return test


def order(inquiry: Inquiry) -> bool:
    return [key for key in members(inquiry) if key in KNOWN] != list(KNOWN)


def escapes(inquiry: Inquiry) -> bool:
    return b"\\u" in inquiry.body and not unknown(inquiry)


def order_and_escapes(inquiry: Inquiry) -> bool:
    return order(inquiry) and escapes(inquiry)


def blanks(inquiry: Inquiry) -> bool:
    return re.search(rb"[\t\n\r]", inquiry.body) is not None and not unknown(inquiry)


def content_type(inquiry: Inquiry) -> str:
    return inquiry.get("content-type") or ""


def charset(inquiry: Inquiry) -> str:
    found = re.search(r";\s*charset\s*=\s*(.*)$", content_type(inquiry), re.IGNORECASE)
    return found[1].strip() if found else ""


def unsupported(test: Callable[[Inquiry], bool]) -> Hook:
    def receive(inquiry: Inquiry) -> None:
        if test(inquiry):
            inquiry.reply = error(415, "UnsupportedMediaType")

    return receive


def refuse_early(test: Callable[[Inquiry], bool], status: int = 400, name: str = "BadRequestException") -> Hook:
    def receive(inquiry: Inquiry) -> None:
        if test(inquiry):
            inquiry.reply = error(status, name)

    return receive


def blank_before_semicolon(inquiry: Inquiry) -> bool:
    return re.search(r"[ \t];", inquiry.get("content-type") or "") is not None


def is_utf8(inquiry: Inquiry) -> bool:
    return charset(inquiry).strip('"').lower() == "utf-8"


def chunked(inquiry: Inquiry) -> bool:
    return "chunked" in (inquiry.get("transfer-encoding") or "").lower()


def other_media_type(inquiry: Inquiry) -> bool:
    return content_type(inquiry).split(";")[0].strip().lower() != "application/json"


def take_any_type(inquiry: Inquiry) -> None:
    inquiry.headers = [(name, value) for name, value in inquiry.headers if name.lower() != "content-type"]
    inquiry.headers = [*inquiry.headers, ("content-type", "application/json")]


def method(methods: str, make: Callable[[], Reply]) -> Hook:
    def other(inquiry: Inquiry) -> None:
        if inquiry.path == PATH and inquiry.method in methods.split():
            inquiry.reply = make()

    return other


def no_allow(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply.drop("allow")


def allow_get(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 405:
        inquiry.reply.put("allow", "GET, OPTIONS")


def variant(inquiry: Inquiry) -> bool:
    return inquiry.path.rstrip("/").lower() == PATH


def elsewhere(make: Callable[[], Reply]) -> Hook:
    def other(inquiry: Inquiry) -> None:
        if not variant(inquiry):
            inquiry.reply = make()

    return other


def slash_served(inquiry: Inquiry) -> None:
    if inquiry.path == PATH + "/" and inquiry.method == "POST":
        inquiry.refusal = "serve"


def case_served(inquiry: Inquiry) -> None:
    if inquiry.path != PATH and inquiry.path.lower() == PATH and inquiry.method == "POST":
        inquiry.refusal = "serve"


def bom_dropped(inquiry: Inquiry) -> None:
    inquiry.body = inquiry.body.removeprefix(b"\xef\xbb\xbf")


NO_5XX = violates("answer.no-server-error")
