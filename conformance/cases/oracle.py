"""What the contract asks of the answer to a body, decided on its exact bytes. Must not know how a body was made.

A body tests a requirement where it has exactly one fault, or one trait, that the contract covers. A body that must be
refused for several reasons tests `body.several-faults`. With other combinations, a wrong answer may be due to any of
them: one requirement is named, the others are `shared`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from conformance.cases.body import plain
from conformance.cases.build import (
    BAD_REQUEST,
    EITHER_NAME,
    TOO_LARGE,
    UNKNOWN_TRIP,
    accept,
    either,
    reject,
    should_reject,
)
from conformance.cases.model import TRIP, Expectation, escaped
from conformance.cases.number import Magnitude, magnitude
from conformance.cases.testdata import TestData
from conformance.cases.value import why_not_accepted
from conformance.contract.load import Contract, StringRule
from conformance.json_text import (
    Array,
    InvalidText,
    NotFinite,
    NotJson,
    Number,
    Object,
    Text,
    Value,
    read_json,
)

# From here on a body counts as extreme: common parsers stop at 64 levels, proxies at 1 MB.
DEEP, LARGE = 64, 1_000_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
# Powers of ten up to which a number with an exponent counts as another spelling of an ordinary number.
_ORDINARY = 100
_KNOWN = ("storeId", "shoppingTripId", "amount")
_INNER = ("amount", "code")
_EQUIVALENT, _UNKNOWN_ATTRIBUTE = "body.equivalent", "body.unknown-attribute"
_DUPLICATE_KEYS, _NO_SERVER_ERROR = "body.duplicate-keys", "answer.no-server-error"
_SEVERAL = reject("body.several-faults", ())
# Faults that occur within an unknown attribute, which then does not count as a second fault.
_CARRIED = frozenset({"body.lenient", "body.extreme"})


def classify(contract: Contract, data: TestData, body: bytes) -> Expectation:
    """Give the expected answer to `body`, sent as JSON to a target with this data; `TRIP` in it means a good trip.

    Where no requirement is named, "either" still asks that there is no server error.
    """
    if not body:
        return reject("body.empty", ())
    if body.startswith(BYTE_ORDER_MARK):
        return _outer(classify(contract, data, body[3:]), either("body.byte-order-mark"))
    coding = json.detect_encoding(body)
    if coding != "utf-8":
        try:
            wide = body.decode(coding)
            read_json(wide)
        except (NotJson, UnicodeDecodeError):
            return reject("body.not-json", (), _admits(body))
        return _outer(classify(contract, data, wide.encode(errors="surrogatepass")), should_reject("body.lenient", ()))
    try:
        text = read_json(body.decode("utf-8", "surrogateescape"))
    except NotJson:
        name = "body.invalid-utf-8" if _is_json_but_for_bytes(body) else "body.not-json"
        return reject(name, (), _admits(body))
    return _Body(contract, data, body).expectation(text)


def _several(faults: list[Expectation], traits: list[str]) -> Expectation:
    """The expected answer to a body with all these faults and traits."""
    admits = frozenset().union(*(fault.admits for fault in faults))
    rejects, shoulds = ([each for each in faults if each.nature == nature] for nature in ("reject", "should-reject"))
    if len(rejects) > 1 or (rejects and shoulds):
        causes = sorted({fault.requirement for fault in (*rejects, *shoulds) if fault.requirement})
        one_member = len({each.partition(".")[0] for each in causes}) == 1
        return replace(_SEVERAL, admits=admits, shared=tuple(causes) if one_member else ())
    if rejects and rejects[0].requirement == _SEVERAL.requirement:
        return replace(rejects[0], admits=admits)
    refusals = (*rejects, *shoulds)
    main = refusals[0] if refusals else None if faults else accept(traits[0])
    named = {fault.requirement for fault in faults if fault.requirement} | set(traits)
    open_ = [_NO_SERVER_ERROR] if any(fault.nature != "reject" for fault in faults) else []
    shared = tuple(each for each in (*open_, *sorted(named)) if main is None or each != main.requirement)
    if main is None:
        return replace(either(None, admits), shared=tuple(traits))
    names = main.names if len(faults) == 1 else ()
    return replace(main, names=names, admits=admits, shared=shared)


def _outer(inner: Expectation, outer: Expectation) -> Expectation:
    """Give `outer` where the body is plain and good apart from it."""
    if inner == accept("capture.accepted"):
        return outer
    if inner.nature != "accept":
        return _several([inner, outer], [])
    return _several([outer], [each for each in (inner.requirement, *inner.shared) if each])


def _admits(body: bytes) -> frozenset[int]:
    extreme = len(body) >= LARGE or body.count(b"[") + body.count(b"{") > DEEP
    return TOO_LARGE if extreme else frozenset()


def _is_json_but_for_bytes(body: bytes) -> bool:
    """Whether a body would be JSON without the bytes that are not UTF-8, which are outside of strings."""
    text = body.decode("utf-8", "ignore")
    try:
        read_json(text)
    except NotJson:
        return False
    return len(text.encode()) < len(body)


class _Body:
    """One body while it is classified: its faults, and the traits in which it differs from the plain good body."""

    def __init__(self, contract: Contract, data: TestData, body: bytes) -> None:
        self.contract = contract
        self.data = data
        self.body = body
        self.faults: list[Expectation] = []
        self.traits: list[str] = []

    def expectation(self, text: Text) -> Expectation:
        """Judge the whole text."""
        if text.lenient:
            self.faults.append(should_reject("body.lenient", ()))
        if text.depth > DEEP or len(self.body) >= LARGE:
            self.faults.append(either("body.extreme", TOO_LARGE))
        if text.escaped or text.spaced:
            self.traits.append(_EQUIVALENT)
        if isinstance(text.value, Object):
            self._capture(text.value)
        elif isinstance(text.value, NotFinite):
            self.faults.append(reject("body.not-json", ()))
        else:
            self.faults.append(reject("body.not-object", ()))
            if isinstance(text.value, InvalidText):
                self.faults.append(reject("body.invalid-utf-8", ()))
        return self._summary()

    def _summary(self) -> Expectation:
        requirements = {fault.requirement for fault in self.faults}
        faults = self.faults
        if requirements & _CARRIED:
            faults = [fault for fault in faults if fault.requirement != _UNKNOWN_ATTRIBUTE]
        faults, traits = list(dict.fromkeys(faults)), list(dict.fromkeys(self.traits))
        if faults and _EQUIVALENT in traits:
            traits.remove(_EQUIVALENT)  # every JSON parser reads whitespace and escapes
        if len(faults) + len(traits) > 1:
            return _several(faults, traits)
        return faults[0] if faults else accept(traits[0] if traits else "capture.accepted")

    def _members(self, value: Object, known: tuple[str, ...]) -> dict[str, list[Value]]:
        """The values of each known name; adds a fault for repeated names and for unknown attributes."""
        counts = Counter(name for name, _ in value.members if isinstance(name, str))
        if any(count > 1 for count in counts.values()):
            self.faults.append(either(_DUPLICATE_KEYS))
        found: dict[str, list[Value]] = {}
        for name, member in value.members:
            if isinstance(name, InvalidText) or name not in known:
                self.faults.append(either(_UNKNOWN_ATTRIBUTE))
                if isinstance(name, InvalidText) or _lenient(member):
                    self.faults.append(should_reject("body.lenient", ()))
            else:
                found.setdefault(name, []).append(member)
        if list(found) != [name for name in known if name in found]:
            self.traits.append(_EQUIVALENT)
        return found

    def _member(
        self, values: list[Value], theme: str, names: tuple[str, ...], examine: Callable[[Value], None]
    ) -> None:
        """Add the faults and traits of a member by its values, of which a server may use any."""
        if not values:
            self.faults.append(reject(f"{theme}.required", names))
            return

        def examined(value: Value) -> None:
            if value is None:
                self.faults.append(reject(f"{theme}.not-null", names))
            else:
                examine(value)

        if len(values) == 1:
            examined(values[0])
            return
        faults, traits, wrong = self.faults, self.traits, []
        for value in values:
            self.faults, self.traits = [], []
            examined(value)
            wrong.append([each for each in self.faults if each.nature == "reject"])
            traits += [each.requirement for each in self.faults if each.requirement]
        causes = sorted({each.requirement for found in wrong for each in found if each.requirement})
        several = replace(_SEVERAL, shared=(*causes, _NO_SERVER_ERROR))
        self.faults, self.traits = [*faults, *([several] if all(wrong) else [])], traits

    def _capture(self, value: Object) -> None:
        found = self._members(value, _KNOWN)

        def amount(value: Value) -> None:
            if isinstance(value, Object):
                self._amount(value)
            else:
                self._wrong_type(value, "amount", BAD_REQUEST)

        self._string(found, "storeId", "store-id", self.contract.store_id, BAD_REQUEST)
        self._string(found, "shoppingTripId", "trip-id", self.contract.trip_id, EITHER_NAME)
        self._member(found.get("amount", []), "amount", BAD_REQUEST, amount)

    def _amount(self, value: Object) -> None:
        found = self._members(value, _INNER)
        codes = found.get("code", [])

        def number(value: Value) -> None:
            if isinstance(value, Number):
                self._number(value.text, codes[0] if len(codes) == 1 else None)
            elif isinstance(value, NotFinite):
                self.faults.append(reject("value.not-finite"))
            else:
                self._wrong_type(value, "value", BAD_REQUEST)

        self._string(found, "code", "code", self.contract.code, BAD_REQUEST)
        self._member(found.get("amount", []), "value", BAD_REQUEST, number)

    def _wrong_type(self, value: Value, theme: str, names: tuple[str, ...]) -> None:
        self.faults.append(reject(f"{theme}.type", names))
        if isinstance(value, InvalidText):
            self.faults.append(reject("body.invalid-utf-8", ()))
        elif _lenient(value):
            self.faults.append(reject("body.not-json", ()))

    def _string(
        self, found: dict[str, list[Value]], member: str, theme: str, rule: StringRule, names: tuple[str, ...]
    ) -> None:
        def text(value: Value) -> None:
            if isinstance(value, InvalidText):
                self.faults.append(reject("body.invalid-utf-8", ()))
            elif not isinstance(value, str):
                self._wrong_type(value, theme, names)
            elif rule.admits(value):
                {"store-id": self._store, "trip-id": self._trip, "code": self._code}[theme](value)
            elif theme == "trip-id" and not value:
                self.faults.append(reject("trip-id.empty", names))
            else:
                self.faults += [reject(f"{theme}.{limit}", names) for limit in _malformed(rule, value)]

        self._member(found.get(member, []), theme, names, text)

    def _store(self, value: str) -> None:
        data = self.data
        if value in data.stores:
            return
        if value and value in {data.long_store, data.short_store}:
            self.traits.append("store-id.limits-included")
        elif not value:
            self.faults.append(either("store-id.empty"))
        elif value == data.unknown_store:
            self.faults.append(reject("store-id.unknown"))
        else:
            self.faults.append(either(None, label="a store that may be known or not"))

    def _trip(self, value: str) -> None:
        data = self.data
        plainly = TRIP.encode() in self.body or escaped(TRIP).encode() in self.body
        if value == TRIP and plainly:
            return
        if value == data.unknown_trip:
            self.faults.append(reject("trip-id.unknown", UNKNOWN_TRIP))
        elif value == TRIP.upper() and value.encode() in self.body:
            if data.any_uuid:
                self.traits.append("trip-id.upper-case")
            else:
                self.faults.append(either("trip-id.upper-case-seen"))
        elif value == data.long_trip and data.reusable_trips:
            self.traits.append("trip-id.limits-included")
        elif value != data.long_trip and _UUID.fullmatch(value) is None:
            self.faults.append(
                either("trip-id.not-uuid", label=value if len(value) < 40 else f"{len(value)} characters")
            )
        else:
            self.faults.append(either(None, label="a trip that may be known or not"))

    def _code(self, value: str) -> None:
        if value not in self.data.currencies:
            self.faults.append(either("code.other", label=value))
        elif value != self.data.currency:
            self.traits.append("code.declared")

    def _number(self, text: str, code: Value) -> None:
        size = magnitude(text)
        if size.zero:
            # A case of its own compares other spellings of zero, also with a minus sign, with this one.
            self.faults.append(should_reject("value.zero") if text == "0" else either(None, label="spelling of zero"))
            return
        if size.negative:
            self.faults.append(should_reject("value.negative"))
            self.traits += ["value.spellings"] if "e" in text.lower() else []
        if size.value is None:
            self.faults.append(either("value.beyond", label=_short(text)))
        elif not size.negative and isinstance(code, str) and code in self.data.currencies:
            self._fit(text, size, code)

    def _fit(self, text: str, size: Magnitude, code: str) -> None:
        value, amount, units = size.value, self.data.amounts[code], self.data.minor_units[code]
        assert value is not None
        plainly = "e" not in text.lower() or abs(value.adjusted()) > _ORDINARY
        if why_not_accepted(self.data, code, value):
            requirement = "value.beyond" if -size.exponent > units or value > amount else "value.small"
            self.faults.append(either(requirement, label=_short(text)))
            self.traits += [] if plainly else ["value.spellings"]
            return
        if value == amount:
            self.traits += [] if text == plain(amount) else ["value.spellings"]
        else:
            # The decimals of the profile's amount, or all decimals of the currency, count as the usual spelling.
            decimals = {units, max(0, -int(amount.as_tuple().exponent))}
            usual = {plain(value, each) for each in decimals if each >= -size.exponent}
            self.traits += ["value.accepted"] if text in usual else ["value.accepted", "value.spellings"]


def _malformed(rule: StringRule, value: str) -> list[str]:
    """Which limits `value` violates. A pattern that fixes the length is not violated by the length alone."""
    limit = rule.max_length
    if len(value) <= limit:
        return ["pattern"]
    if rule.matches(value):
        return ["max-length"]
    pieces = (value[at : at + limit] for at in range(len(value) - limit + 1))
    if not rule.matches("") and all(rule.matches(piece) for piece in pieces):
        return ["max-length"]
    fixed = not any(rule.matches(value[0] * length) for length in (1, limit + 1))
    return ["pattern"] if fixed else ["pattern", "max-length"]


def _lenient(value: Value) -> bool:
    """Whether `value` contains something that is not JSON: NaN, an infinity, bytes that are not UTF-8."""
    waiting: list[Value] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, NotFinite | InvalidText):
            return True
        if isinstance(each, Array):
            waiting += each.items
        elif isinstance(each, Object):
            for name, member in each.members:
                waiting += (name, member)
    return False


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{len(text)} characters"
