"""Two conditions at once: a fault may show with one store, one currency, one framing or one size only.

covertable draws the combinations: over all of them, every two values occur together. Contents are spread over the bodies
to be refused so that each occurs with each kind of defect. What a wrong answer violates is decided by the defect or, where
the body is good, by its least usual condition; where a condition alone is violated in a like way, by that one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import combinations, product, zip_longest
from typing import Any

from conformance.cases.body import TRIP_TEXT, members, parts_of, quoted
from conformance.cases.build import BAD_REQUEST, LENGTH_REQUIRED, UNKNOWN_TRIP, accept, either, probe
from conformance.cases.model import JSON, TRIP, Case, Expectation, Headers, Probe
from conformance.cases.oracle import classify
from conformance.cases.testdata import TestData
from conformance.contract.load import Contract

THEME = "pairs"
MOST = 150
"""The most requests of all these cases together."""
_MOST_VALUES = (4, 3, 2)
"""How many stores and currencies are combined: the first number with which `MOST` suffices."""
_MOST_COMBINATIONS = 60
_FRAMINGS = {"length": "", "chunked": "request.chunked", "expect": "request.expect-continue"}
_CONTENTS = {
    "plain": "",
    "spaced": "body.equivalent",
    "turned": "body.equivalent",
    "escaped": "body.equivalent",
    "2 KB": "answer.no-server-error",
    "64 KB": "answer.no-server-error",
}
_FILLERS = {"2 KB": "a" * 2_100, "64 KB": "é" * 33_000}
_LABELS = {"json": "", "charset": "media-type.charset", "capitals": "media-type.case"}
_TYPES = {"charset": "application/json; charset=utf-8", "capitals": "APPLICATION/JSON"}
_ACCEPTS = ("application/json", "*/*", None)
_CONNECTIONS = ("fresh", "kept")
_STRING = re.compile('"([a-zA-Z])')


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with a body: a kind with a case of its own, how it is made, and in which member."""

    kind: str = ""
    how: str = ""
    member: str = ""


_ALL = ("storeId", "shoppingTripId", "amount", "value", "code")
_TEXTS = ("storeId", "shoppingTripId", "code")
_DEFECTS = (
    ("missing", "missing", _ALL),
    ("null", "null", _ALL),
    ("type", "type", _ALL),
    ("type", "zero", ("value",)),
    ("pattern", "sign", _TEXTS),
    ("pattern", "lower", ("code",)),
    ("long", "long", _TEXTS),
    ("unknown", "unknown", ("storeId", "shoppingTripId")),
    ("not-json", "cut", ("body",)),
)
_FURTHER_NOT_JSON = (
    ("trailing", "chunked", "plain"),
    ("trailing", "length", "2 KB"),
    ("bytes", "chunked", "plain"),
    ("bytes", "length", "2 KB"),
    ("empty", "chunked", "plain"),
)
"""Further content that is not JSON, where it is read in another way: in chunks, and where it is large."""
_TITLES = {
    "missing": "a missing member",
    "null": "a member that is null",
    "type": "a member of a wrong type, or zero",
    "pattern": "a member outside its pattern",
    "long": "a member that is too long",
    "unknown": "an unknown store or trip",
    "not-json": "content that is not JSON",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One combination. `connection`: "kept" means that the request before on the same connection is refused."""

    store: str
    currency: str
    framing: str = "length"
    label: str = "json"
    accept: str | None = "application/json"
    content: str = "plain"
    connection: str = "fresh"
    defect: Defect = field(default_factory=Defect)


def pair_cases(contract: Contract, data: TestData) -> list[Case]:
    """All of them, at most `MOST` requests."""
    plain = _stores_and_currencies(data)
    room = MOST - sum(len(case.probes) for case in plain)
    for most in _MOST_VALUES:
        good, bad = _good_rows(data, most), _bad_rows(contract, data, most)
        if len(good) + len(bad) <= room:
            break
    bad = bad[: max(0, room - len(good))]
    return [*plain, *_accepted(contract, data, good), *_after_refusal(contract, data, good, bad)]


def _stores_and_currencies(data: TestData) -> list[Case]:
    """Every further store with every further currency; the opening step has the others."""
    stores, currencies = data.stores[1:], data.currencies[1:]
    if len(data.stores) * len(data.currencies) <= _MOST_COMBINATIONS:
        pairs = [(store, currency) for currency in currencies for store in stores]
    else:
        pairs = (
            [
                (store or stores[number % len(stores)], currency or currencies[number % len(currencies)])
                for number, (store, currency) in enumerate(zip_longest(stores, currencies))
            ]
            if stores and currencies
            else []
        )
    found = []
    for currency in currencies:
        bodies = [parts_of(data, store, currency).good for store, each in pairs if each == currency]
        probes = tuple(probe(accept("code.declared"), body) for body in bodies)
        title = f"A plain capture in {currency} at further stores"
        if probes:
            found.append(Case(f"pairs-stores-{currency.lower()}", THEME, title, ("code.declared",), probes))
    return found


# --- combinations ------------------------------------------------------------------------------------------------


@cache
def _drawn(*sizes: int) -> list[list[int]]:
    """Rows of value numbers: of every two columns, each pair of values occurs. The same for the same sizes."""
    from covertable import make  # type: ignore[import-untyped]

    rows: list[list[int]] = make([list(range(size)) for size in sizes])
    return rows


_STORE, _CURRENCY = 0, 1


@cache
def _simplest(*sizes: int) -> list[list[int]]:
    """Those rows with the first value of a column, the usual one, wherever another row has the same pairs."""
    rows = [list(row) for row in _drawn(*sizes)]
    counts = Counter(pair for row in rows for pair in combinations(enumerate(row), 2))
    columns = sorted(
        range(len(sizes)), key=(_STORE, _CURRENCY).__contains__
    )  # those with a requirement of their own first
    for column, row in product(columns, rows):
        pairs = [pair for pair in combinations(enumerate(row), 2) if (column, row[column]) in pair]
        if row[column] and all(counts[pair] > 1 for pair in pairs):
            counts.subtract(pairs)
            row[column] = 0
            counts.update(pair for pair in combinations(enumerate(row), 2) if (column, 0) in pair)
    return rows


def _rows(rows: list[list[int]], factors: tuple[tuple[Any, ...], ...]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(factor[number] for factor, number in zip(factors, row, strict=True))


def _good_rows(data: TestData, most: int) -> list[Row]:
    """Good bodies with every two conditions of their text, label, store, currency and connection.

    Then chunks, and what only should change nothing, and each large body, which may be refused, with every other condition.
    """
    stores, currencies, labels = data.stores[:most], data.currencies[:most], tuple(_LABELS)
    contents = tuple(each for each in _CONTENTS if each not in _FILLERS)
    usual = _ACCEPTS[:1]
    factors = (stores, currencies, ("length",), labels, usual, contents, _CONNECTIONS)
    rows = [Row(*row) for row in _rows(_simplest(*map(len, factors)), factors)]
    several = max(len(stores), len(currencies), len(contents))
    chunked: tuple[Any, ...] = (stores, currencies, ("chunked",), labels, usual, contents, _CONNECTIONS)
    expected: tuple[Any, ...] = (stores, currencies, ("expect",), labels, _ACCEPTS[1:], contents, _CONNECTIONS)
    others: tuple[Any, ...] = (stores, currencies, ("length",), labels, _ACCEPTS[:0:-1], contents, _CONNECTIONS)
    fillers = [(stores, currencies, tuple(_FRAMINGS), labels, _ACCEPTS, (each,), _CONNECTIONS) for each in _FILLERS]
    for factors in (chunked, expected, others, *fillers):
        numbers = [[number % len(factor) for factor in factors] for number in range(several)]
        rows += [Row(*row) for row in _rows(numbers, factors)]
    return [
        row for row in rows if row.content in _FILLERS or len(_unusual(data, row)) > 1
    ]  # other cases have one alone


def _unusual(data: TestData, row: Row) -> list[str]:
    """The columns of a row that are not as usual."""
    usual = Row(data.store, data.currency)
    return [each.name for each in fields(Row) if getattr(row, each.name) != getattr(usual, each.name)]


def _bad_rows(contract: Contract, data: TestData, most: int) -> list[Row]:
    """Every defect with every store, currency, framing and connection; each kind of defect with each content."""
    defects = tuple(_defects(contract, data))
    rows: list[Row] = []
    seen: set[tuple[str | None, str]] = set()
    factors = (data.stores[:most], data.currencies[:most], tuple(_FRAMINGS), tuple(_LABELS), _ACCEPTS, _CONNECTIONS)
    for row in _rows(_drawn(*map(len, factors), len(defects)), (*factors, defects)):
        store, currency, framing, label, accepts, connection, defect = row
        named = (defect.how, defect.member, framing) == ("unknown", "shoppingTripId", "length")
        if named:  # the name of the error is judged
            accepts = _ACCEPTS[0]
        values = (defect.kind, defect.member, store, currency, framing, label, accepts, connection)
        contents = ["plain"] if named else _contents(defect)
        content = max(contents, key=lambda each: sum((value, each) not in seen for value in values))
        seen |= {(value, content) for value in values}
        rows.append(Row(store, currency, framing, label, accepts, content, connection, defect))
    for kind, defect in {defect.kind: defect for defect in reversed(defects)}.items():
        missed = [content for content in _contents(defect) if (kind, content) not in seen]
        rows += [Row(data.store, data.currency, content=content, defect=defect) for content in missed]
    unknown = [defect for defect in defects if (defect.how, defect.member) == ("unknown", "shoppingTripId")]
    rows += [Row(store, data.currency, defect=defect) for store in data.stores[1:most] for defect in unknown]
    for how, framing, content in _FURTHER_NOT_JSON:
        defect = Defect("not-json", how, "body")
        rows.append(Row(data.store, data.currency, framing, content=content, defect=defect))
    return rows


def _contents(defect: Defect) -> list[str]:
    """The contents that make sense with a defect: the spelling of content that is not JSON does not matter."""
    cut = defect.how == "cut"
    return [content for content, requirement in _CONTENTS.items() if not (cut and requirement == "body.equivalent")]


def _defects(contract: Contract, data: TestData) -> list[Defect]:
    """The defects that the data allow and the contract calls so."""
    found = []
    for kind, how, names in _DEFECTS:
        for member in names:
            row = Row(data.store, data.currency, defect=Defect(kind, how, member))
            if classify(contract, data, _body(contract, data, row)).nature in {"reject", "should-reject"}:
                found.append(row.defect)
    return found


def _changes(contract: Contract, data: TestData, row: Row) -> dict[str, str | None]:
    """The raw text of the member with the defect; None leaves it out."""
    how, member, known = row.defect.how, row.defect.member, {"storeId": row.store, "code": row.currency}
    text, unknown = known.get(member, TRIP), {"storeId": data.unknown_store, "shoppingTripId": data.unknown_trip}
    rule = {"storeId": contract.store_id, "code": contract.code}.get(member, contract.trip_id)
    base = text if member != "shoppingTripId" or data.any_uuid else "a"
    made = {
        "missing": None,
        "null": "null",
        "type": quoted("10") if member == "value" else "10",
        "zero": "0",
        "sign": quoted((text[:-1] if member == "code" else text) + "!"),
        "lower": quoted(text.lower()),
        "long": quoted(base.ljust(rule.max_length + 1, "A" if member == "code" else "a")),
    }
    if (other := unknown.get(member)) is not None:
        made["unknown"] = quoted(other)
    return {member: made[how]} if how in made else {}


# --- from a combination to a request -----------------------------------------------------------------------------


def _body(contract: Contract, data: TestData, row: Row) -> bytes:
    """The exact body, but for the trip."""
    parts, changes = parts_of(data, row.store, row.currency), _changes(contract, data, row)
    turn = -1 if row.content == "turned" else 1
    inner = (("amount", changes.get("value", parts.value)), ("code", changes.get("code", parts.code)))
    outer = (
        ("storeId", changes.get("storeId", parts.store)),
        ("shoppingTripId", changes.get("shoppingTripId", TRIP_TEXT)),
        ("amount", changes.get("amount", members(*inner[::turn]))),
        ("note", quoted(_FILLERS[row.content]) if row.content in _FILLERS else None),
    )
    text = members(*outer[::turn])
    if row.content == "spaced":
        text = " \r\n" + text.replace(",", " ,\n  ").replace(":", " : ") + "\n\t"
    if row.content == "escaped":
        text = _STRING.sub(lambda match: f'"\\u{ord(match[1]):04x}', text)
    raw = text.encode()
    spoilt = {"cut": raw[:-1], "trailing": raw + b"}", "bytes": raw.replace(b'":"', b'":"\xff', 1), "empty": b""}
    return spoilt.get(row.defect.how, raw)


def _headers(row: Row) -> Headers:
    return (("Content-Type", _TYPES[row.label]),) if row.label in _TYPES else JSON


def _conditions(data: TestData, row: Row) -> list[str]:
    """The requirements about each condition that is not the usual one, the least usual first."""
    conditions = [_FRAMINGS[row.framing], "accept.neutral" if row.accept != _ACCEPTS[0] else ""]
    conditions += [_LABELS[row.label], _CONTENTS[row.content]]
    conditions.append("code.declared" if row.currency != data.currency else "")
    conditions.append("capture.accepted" if row.store != data.store else "")
    conditions.append("answer.independent" if row.connection == "kept" else "")
    return [each for each in conditions if each]


def _expectation(contract: Contract, data: TestData, row: Row) -> Expectation:
    """What the oracle says of the exact bytes, with the requirement of the defect or the least usual condition."""
    conditions = _conditions(data, row)
    exact = classify(contract, data, _body(contract, data, row))
    if row.defect.kind:
        usual_row = Row(data.store, data.currency, defect=row.defect)
        alone = classify(contract, data, _body(contract, data, usual_row))
        decided = exact.nature == "reject" or (alone.nature == "should-reject" and row.content not in _FILLERS)
        wanted = replace(alone, admits=alone.admits | exact.admits) if decided else either(None, exact.admits)
    elif exact.nature == "accept":
        usual = [each for each in conditions if each != "answer.independent"]
        wanted = accept(usual[0] if usual else "capture.accepted", exact.admits)
    else:
        wanted = either(None, exact.admits)
    admits = wanted.admits | (LENGTH_REQUIRED if row.framing == "chunked" else frozenset())
    shared = tuple(each for each in dict.fromkeys(conditions) if each != wanted.requirement)
    plain = (row.framing, row.label, row.accept, row.content) == ("length", "json", _ACCEPTS[0], "plain")
    named = plain or (
        exact.names == BAD_REQUEST and row.content not in _FILLERS
    )  # else it may be that of another refusal
    return replace(wanted, names=exact.names if named else (), admits=admits, shared=shared)


def _probe(contract: Contract, data: TestData, row: Row, connection: int = 0) -> Probe:
    expectation = _expectation(contract, data, row)
    framing: Any = row.framing
    more = {"headers": _headers(row), "framing": framing, "accept": row.accept, "connection": connection}
    return probe(expectation, _body(contract, data, row), **more)


def _case(contract: Contract, slug: str, title: str, probes: list[Probe], **more: Any) -> Case:
    """A case made for what its probes decide, with what must hold first."""
    expected = [each.expectation for each in probes]
    requirements = dict.fromkeys(each.requirement for each in expected if each.requirement)
    texts = {each.names for each in expected if each.names}
    requirements |= dict.fromkeys(
        "trip-id.unknown-name" if each == UNKNOWN_TRIP else "bad-request.name" for each in texts
    )
    named = sorted(requirements, key=lambda name: contract.level(name) != "MUST")
    return Case(f"pairs-{slug}", THEME, title, tuple(named), tuple(probes), **more)


def _accepted(contract: Contract, data: TestData, rows: list[Row]) -> list[Case]:
    """Good bodies, one case for each framing."""
    found = []
    for framing in _FRAMINGS:
        probes = [_probe(contract, data, row) for row in rows if (row.framing, row.connection) == (framing, "fresh")]
        found.append(
            _case(
                contract, f"accepted-{framing}", f"Good bodies with two conditions at once, framed by {framing}", probes
            )
        )
    return found


def _hosts(rows: list[Row], number: int) -> list[Row]:
    """So many bodies that must be refused, of every kind of defect first."""
    rows = [row for row in rows if row.defect.how != "zero"]
    first = list({row.defect.kind: row for row in reversed(rows)}.values())
    return [*first, *(row for row in rows if row not in first)][:number]


def _after_refusal(contract: Contract, data: TestData, good: list[Row], bad: list[Row]) -> list[Case]:
    """Bodies to be refused, one case for each kind of defect; and good bodies, each after one of the first of these."""
    kept = [row for row in good if row.connection == "kept"]
    fresh = [row for row in bad if row.connection == "fresh"]
    hosts, found, probes = _hosts(fresh, len(kept)), [], []
    for number, (host, row) in enumerate(zip(hosts, kept, strict=False)):
        corrected = replace(_probe(contract, data, row, number), trip="same")  # a fresh one where the refused had none
        probes += [_probe(contract, data, host, number), corrected]
    found.append(_case(contract, "good-after-refusal", "Good bodies, each after a refusal", probes, scheduling="chain"))
    # The report shows the first body of a case.
    rest = sorted((row for row in bad if row not in hosts), key=lambda row: row.content in _FILLERS)
    for kind in dict.fromkeys(row.defect.kind for row in rest):
        of_kind = [row for row in rest if row.defect.kind == kind]
        first, later = ([row for row in of_kind if row.connection == each] for each in _CONNECTIONS)
        numbers = max(len(first), 1)
        probes = [_probe(contract, data, row, number) for number, row in enumerate(first)]
        probes += [_probe(contract, data, row, number % numbers) for number, row in enumerate(later)]
        title = f"Two conditions at once: {_TITLES[kind]}"
        found.append(_case(contract, kind, title, probes, scheduling="chain"))
    return found
