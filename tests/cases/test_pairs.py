"""Two conditions at once: every two values occur together, in few requests, and each expectation is the oracle's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, replace
from decimal import Decimal
from itertools import combinations, product

import pytest

from conformance.cases.oracle import classify
from conformance.cases.pairs import (
    _ACCEPTS,
    _CONNECTIONS,
    _CONTENTS,
    _FILLERS,
    _FRAMINGS,
    _LABELS,
    MOST,
    Row,
    _bad_rows,
    _contents,
    _defects,
    _good_rows,
    pair_cases,
)
from conformance.cases.testdata import TestData
from conformance.contract.load import load_contract
from tests.support.testdata import BARE, MOCK, TWO_CURRENCIES

CONTRACT = load_contract()
TARGETS = {"mock": MOCK, "bare": BARE, "two currencies": TWO_CURRENCIES}


def sized(stores: int, currencies: int) -> TestData:
    codes = tuple("A" + chr(65 + number // 26) + chr(65 + number % 26) for number in range(currencies))
    names = tuple(f"store-{number}" for number in range(stores))
    ten, hundred = (dict.fromkeys(codes, Decimal(value)) for value in (10, 100))
    return replace(
        MOCK, stores=names, currencies=codes, amounts=ten, max_amounts=hundred, minor_units=dict.fromkeys(codes, 2)
    )


def missing_pairs(
    rows: Iterable[Row], factors: dict[int, Iterable[object]], *, usual: bool = False
) -> set[tuple[object, ...]]:
    """The pairs of values of two of these columns that no row has.

    `usual`: those too with the first value of a column, which is the usual one. Good bodies have cases of their own for
    one unusual value.
    """
    seen = {(a, row[a], b, row[b]) for row in map(list, map(columns, rows)) for a, b in combinations(factors, 2)}
    chosen = {column: list(values)[0 if usual else 1 :] for column, values in factors.items()}
    wanted = {(a, x, b, y) for a, b in combinations(factors, 2) for x, y in product(chosen[a], chosen[b])}
    return wanted - seen


def columns(row: Row) -> tuple[object, ...]:
    return (*astuple(row)[:7], row.defect)


@pytest.mark.parametrize("name", TARGETS)
def test_every_two_values_occur_together(name: str) -> None:
    data = TARGETS[name]
    good, bad = _good_rows(data, 4), _bad_rows(CONTRACT, data, 4)
    given = dict(enumerate((data.stores, data.currencies)))
    free = {5: tuple(_CONTENTS), 6: _CONNECTIONS}
    musts = given | {3: tuple(_LABELS)}
    assert not missing_pairs(good, musts | {5: [each for each in _CONTENTS if each not in _FILLERS], 6: _CONNECTIONS})
    for column, values in (given | {3: tuple(_LABELS)} | free).items():
        assert not missing_pairs(good, {2: tuple(_FRAMINGS), column: values})
        assert not missing_pairs(good, {4: _ACCEPTS, column: values})
    every = given | {2: tuple(_FRAMINGS), 3: tuple(_LABELS), 6: _CONNECTIONS, 7: _defects(CONTRACT, data)}
    assert not missing_pairs(bad, every, usual=True)
    assert {(row.defect.kind, row.content) for row in bad} == {
        (defect.kind, content) for defect in _defects(CONTRACT, data) for content in _contents(defect)
    }


@pytest.mark.parametrize(("stores", "currencies"), [(1, 1), (1, 30), (2, 4), (6, 10), (10, 6), (4, 30), (60, 1)])
def test_few_requests_for_any_profile(stores: int, currencies: int) -> None:
    data = sized(stores, currencies)
    cases = pair_cases(CONTRACT, data)
    assert sum(len(case.probes) for case in cases) <= MOST
    plain = {probe.body for case in cases if case.id.startswith("pairs-stores") for probe in case.probes}
    further = (stores - 1) * (currencies - 1)
    beyond = max(stores, currencies) - 1 if further else 0
    assert len(plain) == (further if stores * currencies <= 60 else beyond)


@pytest.mark.parametrize("name", TARGETS)
def test_expectations_are_those_of_the_exact_bytes(name: str) -> None:
    data = TARGETS[name]
    decided = set()
    for case in pair_cases(CONTRACT, data):
        for probe in case.probes:
            exact = classify(CONTRACT, data, probe.body)
            if probe.expectation.requirement != "value.zero" and b'"amount":0' not in probe.body:
                assert (probe.expectation.nature, probe.expectation.admits - {411}) == (exact.nature, exact.admits)
            decided.add(probe.expectation.requirement)
    texts = {f"{name}.{rule}" for name in ("store-id", "trip-id", "code") for rule in ("pattern", "max-length", "type")}
    assert decided >= texts | {"body.not-json", "request.chunked", "media-type.charset", "body.equivalent"}


def test_what_comes_after_a_refusal_is_sent_on_its_connection() -> None:
    for case in pair_cases(CONTRACT, MOCK):
        opened = set()
        for probe in case.probes:
            if "answer.independent" in probe.expectation.shared:
                assert probe.connection in opened
            elif case.scheduling == "chain":
                assert probe.expectation.nature in {"reject", "should-reject", "either"}
                opened.add(probe.connection)
