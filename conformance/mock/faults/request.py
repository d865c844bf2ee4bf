"""Faults in reading the two ids: accepting what must be refused, and refusing what must be accepted.

A fault that accepts a malformed id looks it up in a cleaned form, as a lenient service would, so that it is known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from conformance.mock.exchange import Crash, Inquiry
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.reading import (
    BAD_REQUEST,
    ID_LIMIT,
    LONG_STORE,
    LONG_TRIP,
    NO_TRIP,
    SHORT_STORE,
    UNKNOWN_TRIP,
    Refused,
    is_trip,
)

STORE = "store-001"
TRIP = "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11"
_KNOWN_STORES = (STORE, "store-002", LONG_STORE)
_OUTSIDE = re.compile(r"[^0-9a-zA-Z_-]", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
Clean = Callable[[str], str]


def members(inquiry: Inquiry) -> dict[str, object]:
    """Give the members of the body; empty where it is not an object."""
    return inquiry.document if isinstance(inquiry.document, dict) else {}


def found_store(text: str) -> str:
    """Look up a store leniently: the known id that the text contains."""
    return next((store for store in _KNOWN_STORES if store in text), STORE if "tore" in text.lower() else text)


def found_trip(text: str) -> str:
    """Look up a trip leniently: the UUID that the text contains, or any trip."""
    if LONG_TRIP in text:
        return LONG_TRIP
    found = _UUID.search(text)
    return found[0] if found else TRIP


def lookup(key: str, text: str) -> str:
    """Look up an id of either kind leniently."""
    return found_store(text) if key == "storeId" else found_trip(text)


def well_formed(text: str) -> bool:
    """Whether a text is not empty and has only characters that ids may have."""
    return bool(text) and not _OUTSIDE.search(text)


def accept_malformed(keys: Iterable[str], accepts: Callable[[str], bool], clean: Clean | None = None) -> Hook:
    """Make a repair: a malformed id within the length limit for which `accepts` is true is cleaned and looked up."""

    def repair(inquiry: Inquiry) -> None:
        document = members(inquiry)
        for key in keys:
            value = document.get(key)
            if isinstance(value, str) and value and not well_formed(value) and accepts(value):
                cleaned = clean(value) if clean else value
                if len(cleaned) <= ID_LIMIT:
                    document[key] = lookup(key, _OUTSIDE.sub("", cleaned))

    return repair


def _missing(key: str, default: object) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        if isinstance(inquiry.document, dict):
            inquiry.document.setdefault(key, default)

    return repair


def _null(key: str, default: object) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        document = members(inquiry)
        if key in document and document[key] is None:
            document[key] = default

    return repair


def _typed(key: str, default: object) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        document = members(inquiry)
        if key in document and document[key] is not None and not isinstance(document[key], str):
            document[key] = default

    return repair


def _long(key: str, limit: int) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        document = members(inquiry)
        value = document.get(key)
        if isinstance(value, str) and ID_LIMIT < len(value) <= limit and well_formed(value):
            document[key] = lookup(key, value)

    return repair


def _refuse(test: Callable[[Inquiry], bool], name: str = BAD_REQUEST) -> Hook:
    def accept(inquiry: Inquiry) -> None:
        if test(inquiry):
            raise Refused(name)

    return accept


def _empty_trip(inquiry: Inquiry) -> None:
    if members(inquiry).get("shoppingTripId") == "":
        members(inquiry)["shoppingTripId"] = TRIP


def _unknown_store(inquiry: Inquiry) -> None:
    document = members(inquiry)
    store = document.get("storeId")
    if isinstance(store, str) and well_formed(store) and len(store) <= ID_LIMIT:
        document["storeId"] = store if store in (*_KNOWN_STORES, SHORT_STORE) else STORE


def _unknown_trip(inquiry: Inquiry) -> None:
    if members(inquiry).get("shoppingTripId") == NO_TRIP:
        members(inquiry)["shoppingTripId"] = TRIP


def _unknown_trip_crashes(inquiry: Inquiry) -> None:
    if members(inquiry).get("shoppingTripId") == NO_TRIP:
        raise Crash


def _unknown_trip_misnamed(inquiry: Inquiry) -> None:
    if inquiry.refusal == UNKNOWN_TRIP and inquiry.reply:
        inquiry.reply.body = b'{"errorMsg": "BadRequestException"}'


def _trip(inquiry: Inquiry) -> str:
    return inquiry.capture.trip if inquiry.capture else ""


def _store(inquiry: Inquiry) -> str:
    return inquiry.capture.store if inquiry.capture else ""


def _trailing_newline(text: str) -> bool:
    return text.endswith("\n") and well_formed(text[:-1])


def _kind(text: str, pattern: str) -> bool:
    """Whether all characters that ids may not have match `pattern`."""
    return re.fullmatch(rf"(?:[0-9a-zA-Z_-]|{pattern})+", text) is not None


IDS = ("storeId", "shoppingTripId")
PATTERNS = {"storeId": "store-id.pattern", "shoppingTripId": "trip-id.pattern"}
SHORT = {"storeId": "store", "shoppingTripId": "trip"}
LAX: tuple[tuple[str, str, Callable[[str], bool], Clean | None], ...] = (
    ("trailing-newline", "a line feed at the end, since `$` matches before it,", _trailing_newline, None),
    ("trimmed", "blanks around it, which are trimmed,", lambda text: well_formed(text.strip()), str.strip),
    (
        "unicode-letters",
        "letters and digits of every script (`\\w`)",
        lambda text: re.fullmatch(r"[\w-]+", text) is not None,
        None,
    ),
    ("range-to-small-z", "the characters between Z and a (`A-z`)", lambda text: _kind(text, r"[\[\]\\^`]"), None),
    (
        "compatibility-forms",
        "full-width letters, which are normalised,",
        lambda text: well_formed(unicodedata.normalize("NFKC", text)),
        lambda text: unicodedata.normalize("NFKC", text),
    ),
    ("unanchored-end", "anything after a good beginning", lambda text: well_formed(text[0]), None),
    ("unanchored-start", "anything before a good end", lambda text: well_formed(text[-1]), None),
    ("dots", "dots", lambda text: _kind(text, r"\."), None),
    ("punctuation", "ASCII punctuation", lambda text: _kind(text, r"[!-/:-@\[-`{-~]"), None),
    ("any-character", "any character", lambda _text: True, None),
)


def _lax_faults() -> list[Fault]:
    faults = []
    for suffix, what, accepts, clean in LAX:
        for key in IDS:
            name = f"{SHORT[key]}-{suffix}"
            sentence = f"A {key} with {what} is accepted."
            faults.append(
                Fault(name, sentence, violates(PATTERNS[key]), repair=accept_malformed((key,), accepts, clean))
            )
    return faults


PRESENCE = [
    Fault(
        f"{short}-{what}",
        f"A {key} that is {defect} is replaced by a known one.",
        violates(f"{short}-id.{requirement}"),
        repair=make(key, default),
    )
    for key, short, default in (("storeId", "store", STORE), ("shoppingTripId", "trip", TRIP))
    for what, defect, requirement, make in (
        ("missing", "missing", "required", _missing),
        ("null", "null", "not-null", _null),
        ("any-type", "not a string", "type", _typed),
    )
]

FAULTS: list[Fault] = [
    *PRESENCE,
    *_lax_faults(),
    Fault("ids-trailing-newline",
          "Both ids are accepted with a line feed at the end, since `$` matches before it.",
          violates(*PATTERNS.values()), repair=accept_malformed(IDS, _trailing_newline)),
    Fault("store-256", "A storeId of 256 characters or more is accepted.", violates("store-id.max-length"),
          repair=_long("storeId", 10**9)),
    Fault("trip-256", "A shoppingTripId of 256 characters or more is accepted.", violates("trip-id.max-length"),
          repair=_long("shoppingTripId", 10**9)),
    Fault("store-limit-256", "The length limit of storeId is 256.", violates("store-id.max-length"),
          repair=_long("storeId", 256)),
    Fault("trip-limit-256", "The length limit of shoppingTripId is 256.", violates("trip-id.max-length"),
          repair=_long("shoppingTripId", 256)),
    Fault("store-limit-254", "A storeId of 255 characters is refused.", violates("store-id.limits-included"),
          accept=_refuse(lambda inquiry: len(_store(inquiry)) > 254)),
    Fault("store-too-short", "A storeId of one character is refused.", violates("store-id.limits-included"),
          accept=_refuse(lambda inquiry: len(_store(inquiry)) < 2)),
    Fault("trip-limit-254", "A shoppingTripId of 255 characters is refused.", violates("trip-id.limits-included"),
          accept=_refuse(lambda inquiry: len(_trip(inquiry)) > 254, UNKNOWN_TRIP)),
    Fault("store-unknown-accepted", "An unknown store is accepted.", violates("store-id.unknown"),
          repair=_unknown_store),
    Fault("trip-empty", "An empty shoppingTripId is accepted.", violates("trip-id.empty"), repair=_empty_trip),
    Fault("trip-unknown-accepted", "An unknown trip is accepted.", violates("trip-id.unknown"),
          repair=_unknown_trip),
    Fault("trip-unknown-crashes", "An unknown trip causes a server error.", violates("trip-id.unknown"),
          repair=_unknown_trip_crashes),
    Fault("trip-unknown-misnamed", "The 400 for an unknown trip names BadRequestException.",
          violates("trip-id.unknown-name"), answer=_unknown_trip_misnamed),
    Fault("trip-upper-case-refused", "An upper-case UUID is refused as an unknown trip.",
          violates("trip-id.upper-case"),
          accept=_refuse(lambda inquiry: _trip(inquiry) != LONG_TRIP and bool(re.search("[A-F]", _trip(inquiry))),
                         UNKNOWN_TRIP)),
    Fault("second-store-refused", "One of the declared stores is refused.", violates("capture.accepted"),
          accept=_refuse(lambda inquiry: _store(inquiry) == "store-002")),
    Fault("second-store-crashes", "One of the declared stores causes a server error.", violates("capture.accepted"),
          accept=lambda inquiry: _crash_if(_store(inquiry) == "store-002")),
]  # fmt: skip


def _crash_if(condition: bool) -> None:
    if condition:
        raise Crash


def _unlisted(inquiry: Inquiry) -> None:
    trip = members(inquiry).get("shoppingTripId")
    if isinstance(trip, str) and trip != NO_TRIP and well_formed(trip) and len(trip) <= ID_LIMIT and not is_trip(trip):
        members(inquiry)["shoppingTripId"] = TRIP


def _empty_store(inquiry: Inquiry) -> None:
    if members(inquiry).get("storeId") == "":
        members(inquiry)["storeId"] = STORE


BENIGN: list[Fault] = [
    Fault("store-empty-accepted", "An empty storeId is accepted as the caller's only store.", benign=True,
          repair=_empty_store),
    Fault("trip-any-text", "Every well-formed trip id except the unknown one is accepted, UUID or not.", benign=True,
          repair=_unlisted),
]  # fmt: skip
