"""Smaller bodies for findings: what was known is not sent again, requests are counted, the smallest still breaks."""

from __future__ import annotations

import json

import pytest

from conformance.cases.build import probe
from conformance.cases.model import TRIP, Case, Probe
from conformance.cases.oracle import classify
from conformance.contract.load import load_contract
from conformance.run.shrink import BUDGET, PER_SEARCH, Budget, search_smaller
from conformance.send import Unsent
from tests.support.runs import run_directly
from tests.support.testdata import TWO_CURRENCIES

CONTRACT = load_contract()


def expectation(body: bytes):
    return classify(CONTRACT, TWO_CURRENCIES, body)


def body(store: str, more: str = "") -> bytes:
    amount = '{"amount":10.00,"code":"USD"}'
    return f'{{"storeId":{json.dumps(store)},"shoppingTripId":"{TRIP}","amount":{amount}{more}}}'.encode()


def case_of(*bodies: bytes) -> Case:
    probes = tuple(probe(expectation(each), each) for each in bodies)
    return Case("generated-x", "generated", "X", (), probes, strategy="x")


class Target:
    """A target that lets stores through where `lax` says so; it remembers what it was sent."""

    def __init__(self, lax) -> None:
        self.lax = lax
        self.sent: list[bytes] = []

    def __call__(self, sent: Probe) -> frozenset[str]:
        self.sent.append(sent.body)
        word = sent.expectation.requirement
        return frozenset({word} if word and self.lax(json.loads(sent.body)["storeId"]) else ())


def search(case: Case, target: Target, word: str, budget: Budget, indices=(0,)):
    """The smallest body found; None where it is one of the case's own."""
    known = dict(enumerate(case.probes))
    smallest = search_smaller(known, dict.fromkeys(indices, frozenset({word})), expectation, target, budget)[word]
    return None if smallest in case.probes else smallest


def test_a_long_id_is_cut_to_the_first_length_that_breaks() -> None:
    target = Target(lambda store: len(store) > 255)
    found = search(case_of(body("a" * 4000)), target, "store-id.max-length", Budget())
    assert len(json.loads(found.body)["storeId"]) == 256
    assert found.expectation.requirement == "store-id.max-length"
    assert found.trip == "fresh"
    assert len(target.sent) <= PER_SEARCH


def test_only_what_matters_is_left_of_a_malformed_id() -> None:
    target = Target(lambda store: "!" in store)
    found = search(case_of(body("store!-!001")), target, "store-id.pattern", Budget())
    assert json.loads(found.body)["storeId"] == "!"


def test_the_search_starts_from_the_smallest_and_sends_no_known_body() -> None:
    case = case_of(body("store-001!!!!"), body("!"), body("ab!"))
    target = Target(lambda store: "!" in store)
    assert search(case, target, "store-id.pattern", Budget(), indices=(0, 1, 2)) is None
    assert not {probe.body for probe in case.probes} & set(target.sent)
    assert len(set(target.sent)) == len(target.sent)


def test_nothing_is_sent_without_budget_and_never_more_than_there_is() -> None:
    target = Target(lambda store: len(store) > 255)
    assert search(case_of(body("a" * 4000)), target, "store-id.max-length", Budget(0)) is None
    assert target.sent == []
    budget = Budget(3)
    search(case_of(body("a" * 4000)), target, "store-id.max-length", budget)
    assert (len(target.sent), budget.left) == (3, 0)
    assert BUDGET >= PER_SEARCH


def test_a_target_that_cannot_be_asked_any_more_ends_the_search() -> None:
    budget, asked = Budget(), []

    def spent(probe: Probe) -> frozenset[str]:
        asked.append(probe)
        raise Unsent("the money budget is spent")

    with pytest.raises(Unsent):
        search(case_of(body("store!")), spent, "store-id.pattern", budget)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("fault", "word", "most"),
    [("store-any-character", "store-id.pattern", 130), ("trip-256", "trip-id.max-length", 380)],
)
def test_the_finding_of_a_run_shows_the_smallest_body(tmp_path, fault, word, most) -> None:
    ran = run_directly(tmp_path / "run", fault)
    rows = [row for row in ran.result.cases if row.case.strategy]
    shown = [
        sent.exchange
        for row in rows
        for one in row.judgements
        for sent in row.evidence
        if one.kind == "breaks" and one.requirement == word and sent.number == one.exchange
    ]
    assert ran.broken == {word}
    assert min(len(exchange.request.body or b"") for exchange in shown) <= most
