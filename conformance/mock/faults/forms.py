"""Faults of lenient readers: a good value in a list, object or text, a similar name, a number in another notation."""

from __future__ import annotations

import re
from collections.abc import Callable

from conformance.mock.exchange import Inquiry
from conformance.mock.faults.amount_hooks import GOOD, amount_of, code_from, crash, is_number_text, member
from conformance.mock.faults.body_hooks import KNOWN, lenient
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.faults.request import STORE, TRIP, accept_malformed, members
from conformance.mock.reading import CURRENCIES

Take = Callable[[object], object]
_INNER = ("amount", "code")
_REQUIRED = violates("store-id.required", "trip-id.required", "amount.required", "value.required", "code.required")


def _unwrapped(holder: Callable[[Inquiry], dict[str, object]], key: str, take: Take) -> Hook:
    """Make a repair: the member becomes what `take` finds in it, if anything."""

    def repair(inquiry: Inquiry) -> None:
        document = holder(inquiry)
        taken = take(document.get(key))
        if taken is not None:
            document[key] = taken

    return repair


def _first(length: int) -> Take:
    return lambda value: value[0] if isinstance(value, list) and len(value) == length else None


def _only_value(value: object) -> object:
    if not isinstance(value, dict) or len(value) != 1:
        return None
    (name, inside), = value.items()  # fmt: skip
    return None if name.startswith("$") else inside


def _operator(default: object) -> Take:
    return lambda value: default if isinstance(value, dict) and any(name[:1] == "$" for name in value) else None


_FIELDS: tuple[tuple[str, str, Callable[[Inquiry], dict[str, object]], str, object], ...] = (
    ("store", "store-id.type", members, "storeId", STORE),
    ("trip", "trip-id.type", members, "shoppingTripId", TRIP),
    ("value", "value.type", amount_of, "amount", GOOD),
    ("code", "code.type", amount_of, "code", "USD"),
)
_WRAPPED = [
    Fault(f"{short}-{what}", f"{sentence} in place of {key} counts as its value.", violates(requirement),
          repair=_unwrapped(holder, key, take))
    for short, requirement, holder, key, default in _FIELDS
    for what, sentence, take in (
        ("list-of-one", "The only item of an array", _first(1)),
        ("list-of-two", "The first of two items of an array", _first(2)),
        ("object-unwrapped", "The only member of an object", _only_value),
        ("operator", "An operator of a query language", _operator(default)),
    )
]  # fmt: skip


def _renamed(change: Callable[[str], str]) -> Hook:
    """Make a repair: a missing member is taken from one whose name `change` turns into the right one."""

    def repair(inquiry: Inquiry) -> None:
        for known, holder in ((KNOWN, members), (_INNER, amount_of)):
            document = holder(inquiry)
            for name in [each for each in document if each not in known]:
                if change(name) in known and change(name) not in document:
                    document[change(name)] = document.pop(name)

    return repair


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _number(pattern: bytes, replacement: bytes) -> Hook:
    """Make a lenient parser of numbers: where the body is not JSON, numbers that match become what they mean."""
    return lenient(lambda body: re.sub(rb'("amount":)' + pattern, rb"\g<1>" + replacement, body))


_NUMBERS = [
    Fault(f"number-{name}-taken", f"A number {what} is accepted.", violates("body.not-json"), receive=hook)
    for name, what, hook in (
        ("plus", "with a plus sign", _number(rb"\+", rb"")),
        ("hexadecimal", "in hexadecimal digits", _number(rb"0x10\b", rb"16")),
        ("underscores", "with underscores between its digits", _number(rb"1_000", rb"1000")),
        ("comma", "with a decimal comma", _number(rb"([0-9]+),([0-9])", rb"\g<2>.\g<3>")),
        ("trailing-point", "that ends in its point", _number(rb"([0-9]+)\.(?=[,}])", rb"\g<2>")),
        ("leading-point", "that begins with its point", _number(rb"\.", rb"0.")),
        ("suffix", "with the suffix of a programming language", _number(rb"([0-9]+)[fnL]\b", rb"\g<2>")),
    )
]


def _blank_behind(value: object) -> bool:
    return isinstance(value, str) and value[-1:] in (" ", "\0") and is_number_text(value.rstrip(" \0"))


def _huge_text(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, str) and re.fullmatch("-?1e400", value) is not None


def _surrogate_alone(inquiry: Inquiry) -> bool:
    return members(inquiry).get("storeId") == "\ud800"


def _json_inside(code: str) -> str | None:
    inside = code.strip('"[]')
    return inside if inside != code and inside in CURRENCIES else None


FAULTS: list[Fault] = [
    *_WRAPPED,
    Fault("amount-list-of-two", "The first of two items of an array in place of amount counts.", violates("amount.type"),
          repair=_unwrapped(members, "amount", _first(2))),
    Fault("names-in-snake-case", "store_id and shopping_trip_id are read.",
          violates("store-id.required", "trip-id.required"), repair=_renamed(_camel)),
    Fault("names-in-plural", "A name with an s at its end is read.", _REQUIRED,
          repair=_renamed(lambda name: name.removesuffix("s"))),
    Fault("names-trimmed", "A name with blanks around it is read.", _REQUIRED, repair=_renamed(str.strip)),
    Fault("names-in-lower-case", "AMOUNT, Amount, CODE and Code are read.",
          violates("amount.required", "value.required", "code.required"), repair=_renamed(str.lower)),
    *_NUMBERS,
    Fault("store-quoted-twice", "A storeId in quotes is accepted.", violates("store-id.pattern"),
          repair=accept_malformed(("storeId",), lambda text: text[0] == text[-1] == '"')),
    Fault("trip-list-in-text", "Trips separated by commas are accepted.", violates("trip-id.pattern"),
          repair=accept_malformed(("shoppingTripId",), lambda text: text.count(",") == 1 and len(text) > 40)),
    Fault("code-quoted-twice", "A code as JSON inside a string is accepted.", violates("code.pattern"),
          repair=code_from(_json_inside)),
    Fault("value-text-with-blank", "A number as a string with a blank or NUL behind it is accepted.",
          violates("value.type"), repair=member("amount", _blank_behind, GOOD)),
    Fault("value-huge-text-crashes", "The text of a huge number causes a server error.", violates("value.type"),
          repair=crash(_huge_text)),
    Fault("store-surrogate-crashes", "A storeId of one lone surrogate causes a server error.",
          violates("store-id.pattern"), repair=crash(_surrogate_alone)),
]  # fmt: skip

BENIGN: list[Fault] = []
