"""Smaller bodies for findings: no body is sent twice, the budget is kept, and the smallest body still fails."""

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
    probes = tuple(probe(expectation(content), content) for content in bodies)
    return Case("generated-x", "generated", "X", (), probes, strategy="x")


class Target:
    """A target that accepts the stores for which `lax` is true, and keeps the bodies that it was sent."""

    def __init__(self, lax) -> None:
        self.lax = lax
        self.sent: list[bytes] = []

    def __call__(self, sent: Probe) -> frozenset[str]:
        self.sent.append(sent.body)
        requirement_id = sent.expectation.requirement
        return frozenset({requirement_id} if requirement_id and self.lax(json.loads(sent.body)["storeId"]) else ())


def search(case: Case, target: Target, requirement_id: str, budget: Budget, indices=(0,)):
    """The smallest body found; None if it is one of the case's own."""
    sent_before = dict(enumerate(case.probes))
    smallest = search_smaller(
        sent_before, dict.fromkeys(indices, frozenset({requirement_id})), expectation, target, budget
    )[requirement_id]
    return None if smallest in case.probes else smallest


def test_a_long_id_is_shortened_to_the_first_length_that_fails() -> None:
    target = Target(lambda store: len(store) > 255)
    found = search(case_of(body("a" * 4000)), target, "store-id.max-length", Budget())
    assert len(json.loads(found.body)["storeId"]) == 256
    assert found.expectation.requirement == "store-id.max-length"
    assert found.trip == "fresh"
    assert len(target.sent) <= PER_SEARCH


def test_a_malformed_id_is_reduced_to_the_bad_character() -> None:
    target = Target(lambda store: "!" in store)
    smallest = search(case_of(body("store!-!001")), target, "store-id.pattern", Budget())
    assert json.loads(smallest.body)["storeId"] == "!"


def test_the_search_starts_from_the_smallest_and_sends_no_known_body() -> None:
    case = case_of(body("store-001!!!!"), body("!"), body("ab!"))
    target = Target(lambda store: "!" in store)
    assert search(case, target, "store-id.pattern", Budget(), indices=(0, 1, 2)) is None
    assert not {probe.body for probe in case.probes} & set(target.sent)
    assert len(set(target.sent)) == len(target.sent)


def test_the_search_never_sends_more_than_its_budget() -> None:
    target = Target(lambda store: len(store) > 255)
    assert search(case_of(body("a" * 4000)), target, "store-id.max-length", Budget(0)) is None
    assert target.sent == []
    budget = Budget(3)
    search(case_of(body("a" * 4000)), target, "store-id.max-length", budget)
    assert (len(target.sent), budget.left) == (3, 0)
    assert BUDGET >= PER_SEARCH


def test_a_request_that_cannot_be_sent_ends_the_search() -> None:
    budget, attempts = Budget(), []

    def spent(probe: Probe) -> frozenset[str]:
        attempts.append(probe)
        raise Unsent("the money budget is spent")

    with pytest.raises(Unsent):
        search(case_of(body("store!")), spent, "store-id.pattern", budget)
    assert len(attempts) == 1


@pytest.mark.parametrize(
    ("fault", "requirement_id", "most"),
    [("store-any-character", "store-id.pattern", 130), ("trip-256", "trip-id.max-length", 380)],
)
def test_the_finding_of_a_run_shows_the_smallest_body(tmp_path, fault, requirement_id, most) -> None:
    ran = run_directly(tmp_path / "run", fault)
    rows = [row for row in ran.result.cases if row.case.strategy]
    exchanges = [
        sent.exchange
        for row in rows
        for judgement in row.judgements
        for sent in row.evidence
        if judgement.kind == "breaks" and judgement.requirement == requirement_id and sent.number == judgement.exchange
    ]
    assert ran.broken == {requirement_id}
    assert min(len(exchange.request.body or b"") for exchange in exchanges) <= most
