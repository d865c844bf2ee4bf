"""What the contract asks of the answer to a body, decided on its exact bytes. Must not know how a body came about.

A body speaks for a requirement where it has one fault, or one trait, of which the contract speaks. Where it has none or
several, nothing is asked but that the answer is no server error.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from email.message import Message

from conformance.cases.body import plain
from conformance.cases.build import (
    BAD_REQUEST,
    EITHER_NAME,
    TOO_LARGE,
    UNKNOWN_TRIP,
    UNSUPPORTED,
    accept,
    either,
    reject,
    should_reject,
)
from conformance.cases.json_text import (
    Array,
    BrokenText,
    NotFinite,
    NotJson,
    Number,
    Object,
    Text,
    Value,
    read_json,
)
from conformance.cases.model import TRIP, Expectation, escaped
from conformance.cases.number import Magnitude, magnitude
from conformance.cases.subject import Subject
from conformance.cases.value import unfit
from conformance.contract.load import Contract, StringRule

# From here on a body counts as extreme: parsers in wide use stop at 64 levels, proxies at 1 MB.
DEEP, LARGE = 64, 1_000_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_KNOWN = ("storeId", "shoppingTripId", "amount")
_INNER = ("amount", "code")
_UNKNOWN_ATTRIBUTE = "body.unknown-attribute"
# Faults that need an attribute nobody knows to stand in, which is then no second fault.
_CARRIED = frozenset({"body.lenient", "body.extreme"})


def classify(
    contract: Contract, subject: Subject, body: bytes, *, content_type: str = "application/json"
) -> Expectation:
    """Say what must become of `body`, sent as `content_type`, by this subject; `TRIP` in it stands for a good trip.

    A body that must be accepted or refused, but speaks for several requirements at once, is classed as either.
    """
    found = _classify(contract, subject, body)
    message = Message()
    message["Content-Type"] = content_type
    charset = message.get_param("charset")
    if message.get_content_type() != "application/json":
        return _under(found, either("media-type.other", UNSUPPORTED))
    if charset is not None and str(charset).lower() != "utf-8":
        return _under(found, either("media-type.charset-other", UNSUPPORTED))
    if charset is not None:
        return _under(found, accept("media-type.charset"))
    if content_type.partition(";")[0].strip() != "application/json":
        return _under(found, accept("media-type.case"))
    return found


def _under(found: Expectation, media: Expectation) -> Expectation:
    """Join what the body says with what its label says."""
    if found == accept("capture.accepted"):
        return media
    if media.nature == "accept" and found.nature != "accept":
        return found
    return either(None, found.admits | media.admits)


def _classify(contract: Contract, subject: Subject, body: bytes) -> Expectation:
    if not body:
        return reject("body.empty", ())
    if body.startswith(BYTE_ORDER_MARK):
        return _instead(_classify(contract, subject, body[3:]), either("body.byte-order-mark"))
    coding = json.detect_encoding(body)
    if coding != "utf-8":
        try:
            wide = body.decode(coding)
            read_json(wide)
        except (NotJson, UnicodeDecodeError):
            return reject("body.not-json", (), _admits(body))
        return _instead(
            _classify(contract, subject, wide.encode(errors="surrogatepass")), should_reject("body.lenient", ())
        )
    try:
        text = read_json(body.decode("utf-8", "surrogateescape"))
    except NotJson:
        return reject("body.not-json", (), _admits(body))
    return _Body(contract, subject, body).expectation(text)


def _instead(inner: Expectation, outer: Expectation) -> Expectation:
    """Give `outer` where nothing but it is to be said about the body."""
    return outer if inner.nature == "accept" else either(None, inner.admits | outer.admits)


def _admits(body: bytes) -> frozenset[int]:
    extreme = len(body) >= LARGE or body.count(b"[") + body.count(b"{") > DEEP
    return TOO_LARGE if extreme else frozenset()


class _Body:
    """One body while it is classified: its faults, and traits that make it another good body than the plain one."""

    def __init__(self, contract: Contract, subject: Subject, body: bytes) -> None:
        self.contract = contract
        self.subject = subject
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
            self.traits.append("body.equivalent")
        if isinstance(text.value, Object):
            self._capture(text.value)
        elif isinstance(text.value, NotFinite):
            self.faults.append(reject("body.not-json", ()))
        else:
            self.faults.append(reject("body.not-object", ()))
            if isinstance(text.value, BrokenText):
                self.faults.append(reject("body.invalid-utf-8", ()))
        return self._summary()

    def _summary(self) -> Expectation:
        spoken = {fault.requirement for fault in self.faults}
        faults = self.faults
        if spoken & _CARRIED:
            faults = [fault for fault in faults if fault.requirement != _UNKNOWN_ATTRIBUTE]
        if len(faults) > 1 and len(set(faults)) > 1:
            return either(None, frozenset().union(*(fault.admits for fault in faults)))
        if faults:
            return faults[0]
        traits = list(dict.fromkeys(self.traits))
        if len(traits) > 1:
            return either(None)
        return accept(traits[0] if traits else "capture.accepted")

    def _members(self, value: Object, known: tuple[str, ...]) -> dict[str, Value]:
        """Members that occur once, by name; repeated names and unknown attributes are faults of their own."""
        counts = Counter(name for name, _ in value.members if isinstance(name, str))
        if any(count > 1 for count in counts.values()):
            self.faults.append(either("body.duplicate-keys"))
        found: dict[str, Value] = {}
        for name, member in value.members:
            if isinstance(name, BrokenText) or name not in known:
                self.faults.append(either(_UNKNOWN_ATTRIBUTE))
                if isinstance(name, BrokenText) or _lenient(member):
                    self.faults.append(should_reject("body.lenient", ()))
            elif counts[name] == 1:
                found[name] = member
        names = [name for name, _ in value.members if name in known]
        if names != sorted(names, key=lambda name: known.index(str(name))):
            self.traits.append("body.equivalent")
        self.repeated = {name for name, count in counts.items() if count > 1}
        return found

    def _capture(self, value: Object) -> None:
        found = self._members(value, _KNOWN)
        repeated = self.repeated
        if "storeId" not in repeated:
            self._string(found, "storeId", "store-id", self.contract.store_id, BAD_REQUEST)
        if "shoppingTripId" not in repeated:
            self._string(found, "shoppingTripId", "trip-id", self.contract.trip_id, EITHER_NAME)
        if "amount" in repeated:
            return
        if self._present(found, "amount", "amount", BAD_REQUEST):
            amount = found["amount"]
            if isinstance(amount, Object):
                self._amount(amount)
            else:
                self._wrong_type(amount, "amount", BAD_REQUEST)

    def _amount(self, value: Object) -> None:
        found = self._members(value, _INNER)
        repeated = self.repeated
        if "code" not in repeated:
            self._string(found, "code", "code", self.contract.code, BAD_REQUEST)
        if "amount" not in repeated and self._present(found, "amount", "value", BAD_REQUEST):
            number = found["amount"]
            if isinstance(number, Number):
                self._number(number.text, found.get("code"))
            elif isinstance(number, NotFinite):
                self.faults.append(reject("value.not-finite"))
            else:
                self._wrong_type(number, "value", BAD_REQUEST)

    def _present(self, found: dict[str, Value], member: str, theme: str, names: tuple[str, ...]) -> bool:
        if member not in found:
            self.faults.append(reject(f"{theme}.required", names))
        elif found[member] is None:
            self.faults.append(reject(f"{theme}.not-null", names))
        else:
            return True
        return False

    def _wrong_type(self, value: Value, theme: str, names: tuple[str, ...]) -> None:
        self.faults.append(reject(f"{theme}.type", names))
        if isinstance(value, BrokenText):
            self.faults.append(reject("body.invalid-utf-8", ()))
        elif _lenient(value):
            self.faults.append(reject("body.not-json", ()))

    def _string(
        self, found: dict[str, Value], member: str, theme: str, rule: StringRule, names: tuple[str, ...]
    ) -> None:
        if not self._present(found, member, theme, names):
            return
        value = found[member]
        if isinstance(value, BrokenText):
            self.faults.append(reject("body.invalid-utf-8", ()))
        elif not isinstance(value, str):
            self._wrong_type(value, theme, names)
        elif rule.admits(value):
            {"store-id": self._store, "trip-id": self._trip, "code": self._code}[theme](value)
        elif theme == "trip-id" and not value:
            self.faults.append(reject("trip-id.empty", names))
        else:
            self.faults += [reject(f"{theme}.{word}", names) for word in _malformed(rule, value)]

    def _store(self, value: str) -> None:
        subject = self.subject
        if value in subject.stores:
            return
        if value and value in {subject.long_store, subject.short_store}:
            self.traits.append("store-id.limits-included")
        elif not value:
            self.faults.append(either("store-id.empty"))
        elif value == subject.unknown_store:
            self.faults.append(reject("store-id.unknown"))
        else:
            self.faults.append(either(None, label="a store that may be on file or not"))

    def _trip(self, value: str) -> None:
        subject = self.subject
        plainly = TRIP.encode() in self.body or escaped(TRIP).encode() in self.body
        if value == TRIP and plainly:
            return
        if value == subject.unknown_trip:
            self.faults.append(reject("trip-id.unknown", UNKNOWN_TRIP))
        elif value == TRIP.upper() and value.encode() in self.body:
            if subject.any_uuid:
                self.traits.append("trip-id.upper-case")
            else:
                self.faults.append(either("trip-id.upper-case-seen"))
        elif value == subject.long_trip and subject.reusable_trips:
            self.traits.append("trip-id.limits-included")
        elif value != subject.long_trip and _UUID.fullmatch(value) is None:
            self.faults.append(
                either("trip-id.not-uuid", label=value if len(value) < 40 else f"{len(value)} characters")
            )
        else:
            self.faults.append(either(None, label="a trip that may be known or not"))

    def _code(self, value: str) -> None:
        if value not in self.subject.currencies:
            self.faults.append(either("code.other", label=value))
        elif value != self.subject.currency:
            self.traits.append("code.declared")

    def _number(self, text: str, code: Value) -> None:
        size = magnitude(text)
        if size.zero:
            # Minus zero is compared with zero, on a case of its own.
            self.faults.append(either(None, label="minus zero") if size.negative else should_reject("value.zero"))
            return
        if size.negative:
            self.faults.append(should_reject("value.negative"))
        if size.value is None:
            self.faults.append(either("value.beyond", label=_short(text)))
        elif not size.negative and isinstance(code, str) and code in self.subject.currencies:
            self._fit(text, size, code)

    def _fit(self, text: str, size: Magnitude, code: str) -> None:
        value = size.value
        assert value is not None
        amount = self.subject.amounts[code]
        if unfit(self.subject, code, value):
            finer = -size.exponent > self.subject.minor_units[code]
            word = "value.beyond" if finer or value > amount else "value.small"
            self.faults.append(either(word, label=_short(text)))
        elif value != amount:
            self.traits.append("value.accepted")
        if text not in {plain(value), plain(amount)}:
            self.traits.append("value.spellings")


def _malformed(rule: StringRule, value: str) -> list[str]:
    """Which limits `value` breaks. A pattern that fixes the length is not broken by length alone."""
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
    """Whether something stands in `value` that is no JSON: NaN, an infinity, bytes that are no UTF-8."""
    waiting: list[Value] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, NotFinite | BrokenText):
            return True
        if isinstance(each, Array):
            waiting += each.items
        elif isinstance(each, Object):
            for name, member in each.members:
                waiting += (name, member)
    return False


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{len(text)} characters"


def without_label(expectation: Expectation) -> Expectation:
    """The expectation alone, to be compared."""
    return replace(expectation, label="")
