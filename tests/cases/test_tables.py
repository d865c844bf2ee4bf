"""The tables follow the contract: complete, deterministic, with its limits, and with one defect in each body."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.cases import tables
from conformance.cases.model import TRIP, Case
from conformance.cases.tables import SMOKE_REQUESTS
from conformance.cases.value import spellings, why_not_accepted
from conformance.contract.load import Contract, default_spec, load_contract
from tests.support.remembered import all_cases
from tests.support.testdata import BARE, CODES, FORCED, MOCK, SHARED

# Judged over a whole run, by cases that are made elsewhere.
WHOLE_RUN = {"answer.independent", "answer.close-announced", "server-error.stable"}
TARGETS = {
    "full": MOCK,
    "bare": BARE,
    "shared": replace(MOCK, provocations={429: SHARED}),
    "forced": replace(MOCK, provocations={429: FORCED}),
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def by_id(cases: list[Case]) -> dict[str, Case]:
    return {case.id: case for case in cases}


@pytest.mark.parametrize("depth", ["smoke", "standard", "deep"])
@pytest.mark.parametrize("name", TARGETS)
def test_ids_are_unique_slugs_and_cases_are_complete(contract, name, depth):
    cases = all_cases(contract, TARGETS[name], depth)
    assert max(Counter(case.id for case in cases).values()) == 1
    for case in cases:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.id)
        assert bool(case.probes) != bool(case.not_exercised), case.id
        assert set(case.requirements) <= set(contract.requirements), case.id
        assert len(set(case.requirements)) == len(case.requirements), case.id
        decided = {probe.expectation.requirement for probe in case.probes} - {None}
        assert decided <= set(case.requirements), case.id


def test_the_same_arguments_give_the_same_cases(contract):
    assert tables.all_cases(contract, MOCK, "deep") == tables.all_cases(contract, MOCK, "deep")


@pytest.mark.parametrize("name", TARGETS)
def test_every_requirement_has_a_case(contract, name):
    made_for = {
        requirement_id
        for case in all_cases(contract, TARGETS[name], "standard")
        for requirement_id in case.requirements
    }
    assert set(contract.requirements) - made_for <= WHOLE_RUN


@pytest.mark.parametrize("depth", ["smoke", "standard"])
def test_every_case_of_the_test_plan_is_covered(contract, depth):
    requirement_ids = {
        requirement_id
        for case in all_cases(contract, MOCK, depth)
        for requirement_id in case.requirements
        if case.probes
    }
    assert {
        number for requirement_id in requirement_ids for number in contract.requirements[requirement_id].test_plan
    } == set(contract.test_plan)


def test_sizes_stay_within_their_limits(contract):
    smoke, standard = (all_cases(contract, MOCK, depth) for depth in ("smoke", "standard"))
    assert sum(len(case.probes) for case in smoke) <= SMOKE_REQUESTS
    assert sum(len(case.probes) for case in standard) <= 1_250
    assert len(standard) <= 300


def test_a_profile_with_many_stores_keeps_smoke_small(contract):
    many = replace(MOCK, stores=tuple(f"store-{number}" for number in range(60)))
    cases = all_cases(contract, many, "smoke")
    assert cases[0].id == "accept-store-1"
    assert sum(len(case.probes) for case in cases) <= SMOKE_REQUESTS + 1


def test_acceptance_comes_first_and_a_shared_window_last(contract):
    cases = all_cases(contract, TARGETS["shared"], "standard")
    assert [case.id for case in cases[:3]] == ["accept-store-1", "accept-store-2", "accept-currency-eur"]
    assert cases[-1].id == "provoked-429-shared"
    assert cases[-1].scheduling == "exclusive"
    levels = [contract.level(case.requirements[0]) for case in cases[5:-2] if case.requirements]
    assert levels == sorted(levels, key=("MUST", "SHOULD", "MAY").index)


@pytest.mark.parametrize("limit", [255, 64])
def test_boundaries_follow_the_spec(tmp_path, limit):
    folder = Path(shutil.copytree(default_spec(), tmp_path / "spec"))
    file = folder / "openapi.yaml"
    file.write_text(file.read_text("utf-8").replace("maxLength: 255", f"maxLength: {limit}"), "utf-8")
    cases = by_id(all_cases(load_contract(folder), MOCK, "deep"))
    for theme, member in (("store-id", "storeId"), ("trip-id", "shoppingTripId")):
        lengths = {
            suffix: [len(json.loads(probe.body)[member]) for probe in cases[f"{theme}-{suffix}"].probes]
            for suffix in ("at-limit", "over-limit", "far-over-limit")
        }
        assert lengths == {"at-limit": [limit - 1, limit], "over-limit": [limit + 1], "far-over-limit": [1000, 10_000]}


def test_over_length_trips_have_their_length_without_trip_data(contract):
    cases = by_id(all_cases(contract, BARE, "standard"))
    (probe,) = cases["trip-id-over-limit"].probes
    assert probe.trip == "none"
    assert len(json.loads(probe.body)["shoppingTripId"]) == contract.trip_id.max_length + 1


def _differences(good: dict, changed: dict) -> set[str]:
    members = {
        name for name in good.keys() | changed.keys() if name != "amount" and good.get(name) != changed.get(name)
    }
    if isinstance(changed.get("amount"), dict):
        inner, changed_inner = good["amount"], changed["amount"]
        return members | {
            f"amount.{name}"
            for name in inner.keys() | changed_inner.keys()
            if inner.get(name) != changed_inner.get(name)
        }
    return members | {"amount"}


FIELDS = {"store-id": "storeId", "trip-id": "shoppingTripId", "value": "amount.amount", "code": "amount.code"}


@pytest.mark.parametrize("theme", FIELDS)
def test_a_bad_body_differs_from_the_good_body_only_in_its_field(contract, theme):
    good = json.loads(by_id(all_cases(contract, MOCK, "deep"))["accept-store-1"].probes[0].body)
    compared = 0
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            if case.theme != theme or probe.expectation.nature not in {"reject", "should-reject"}:
                continue
            if case.id.endswith("misspelt-name"):
                continue
            try:
                changed = json.loads(probe.body)
            except ValueError:
                continue
            of_another_currency = {"amount.code"} if case.id.endswith(("-eur", "-jpy", "-kwd")) else set()
            assert _differences(good, changed) == {FIELDS[theme], *of_another_currency}, (case.id, probe.body)
            compared += 1
    assert compared > 10


@pytest.mark.parametrize("theme", ["store-id", "trip-id"])
@pytest.mark.parametrize("depth", ["standard", "deep"])
def test_every_ascii_character_outside_the_pattern_is_sent(contract, theme, depth):
    rule = contract.store_id if theme == "store-id" else contract.trip_id
    member, good_id = (FIELDS[theme], "store-001" if theme == "store-id" else TRIP)
    probes = by_id(all_cases(contract, MOCK, depth))[f"{theme}-every-ascii"].probes
    added = set()
    for probe in probes:
        text = json.loads(probe.body)[member]
        half = len(good_id) // 2
        assert text[:half] + text[half + 1 :] == good_id
        added.add(text[half])
    assert added == {chr(code) for code in range(128) if not rule.matches(chr(code))}


def test_bodies_of_pattern_cases_do_not_match_the_pattern(contract):
    sent = Counter()
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            requirement_id = probe.expectation.requirement
            if requirement_id == "store-id.pattern":
                assert not contract.store_id.matches(json.loads(probe.body)["storeId"])
            elif requirement_id == "trip-id.pattern":
                assert not contract.trip_id.matches(json.loads(probe.body)["shoppingTripId"])
            elif requirement_id == "code.pattern":
                assert not contract.code.matches(json.loads(probe.body)["amount"]["code"])
            sent[requirement_id] += 1
    assert min(sent[requirement_id] for requirement_id in ("store-id.pattern", "trip-id.pattern", "code.pattern")) > 50


def test_bodies_that_must_be_accepted_have_good_values(contract):
    checked = set()
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            if probe.expectation.nature != "accept" or case.theme in {"store-id", "trip-id"}:
                continue
            body = json.loads(probe.body, parse_float=Decimal, parse_int=Decimal)
            assert body["shoppingTripId"] in {TRIP, TRIP.upper()}, case.id
            assert body["storeId"] in {"store-001", "store-002"}, case.id
            value, code = body["amount"]["amount"], body["amount"]["code"]
            assert not why_not_accepted(MOCK, code, value), case.id
            checked.add(case.id)
    assert len(checked) > 20


def test_bodies_of_not_json_cases_are_not_json(contract):
    checked = 0
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            if probe.expectation.requirement in {"body.not-json", "body.empty"}:
                with pytest.raises((ValueError, RecursionError)):
                    json.loads(probe.body.decode())
                checked += 1
    assert checked > 50


def test_bodies_with_a_placeholder_get_a_trip(contract):
    probes = [probe for case in all_cases(contract, MOCK, "deep") for probe in case.probes]
    assert {probe.trip for probe in probes if TRIP.encode() in probe.body} == {"fresh", "same", "case"}
    assert sum(probe.trip == "none" for probe in probes) > 20


def test_no_request_without_content_expects_to_continue(contract):
    """RFC 9110 section 10.1.1 forbids it, and servers wait for content that does not come."""
    for depth in ("standard", "deep"):
        for case in all_cases(contract, MOCK, depth):
            assert all(probe.body for probe in case.probes if probe.framing == "expect"), case.id


def test_only_plain_good_requests_are_compared(contract):
    equals = {
        (probe.body, probe.headers, probe.framing, probe.accept)
        for case in all_cases(contract, MOCK, "deep")
        for probe in case.probes
        if probe.equal
    }
    assert len(equals) == 1


@pytest.mark.parametrize("text", ["10", "0.5", "19.99", "1200", "0.001"])
def test_all_spellings_have_the_same_value(text):
    texts = spellings(Decimal(text))
    assert {Decimal(spelling) for spelling in texts} == {Decimal(text)}
    assert {json.loads(spelling, parse_float=Decimal, parse_int=Decimal) for spelling in texts} == {Decimal(text)}
    assert len(set(texts)) == len(texts) >= 7


def test_no_case_costs_more_than_the_profile_allows(contract):
    low = replace(MOCK, max_amounts=dict.fromkeys(CODES, Decimal(500)))
    cases = by_id(all_cases(contract, low, "deep"))
    assert "max_amount" in cases["value-over-int32"].not_exercised
    assert cases["value-19-99"].probes
    assert cases["value-0-29"].not_exercised


def test_reasons_name_the_missing_data_of_the_profile(contract):
    cases = by_id(all_cases(contract, BARE, "standard"))
    reasons = {case_id: case.not_exercised for case_id, case in cases.items() if case.not_exercised}
    assert "unknown_store" in reasons["store-id-unknown"]
    assert "unknown_trip" in reasons["trip-id-unknown"]
    assert "long_trip" in reasons["trip-id-long-on-file"]
    for status in (429, 500, 503):
        assert f"how to provoke a {status}" in reasons[f"provoked-{status}"]


def test_a_window_is_provoked_repeated_and_waited_out(contract):
    case = by_id(all_cases(contract, MOCK, "standard"))["provoked-429-window"]
    assert (case.rule, case.scheduling) == ("window", "chain")
    assert [probe.provoke for probe in case.probes] == [429] * 4
    assert [probe.wait for probe in case.probes] == [False, False, False, True]
    assert [probe.body for probe in case.probes].count(b"{") == 1
    assert case.probes[-1].expectation.requirement == "rate-limit.window-end"


def test_equal_captures_at_the_same_moment_are_sent_alone(contract: Contract) -> None:
    """Beside other requests the two would come too far apart."""
    case = by_id(all_cases(contract, MOCK, "standard"))["capture-repeated-at-once"]
    assert (case.scheduling, case.together) == ("exclusive", True)
    assert [probe.connection for probe in case.probes] == [0, 1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("store-id-wrong-type", b'"storeId":[1e400]'),
        ("trip-id-wrong-type", b'"shoppingTripId":[1e400]'),
        ("amount-array", b'"amount":[1e400]'),
        ("code-wrong-type", b'"code":[1e400]'),
        ("body-not-object", b"[1e400]"),
    ],
)
def test_a_number_beyond_every_float_is_sent_in_place_of_other_types(
    name: str, text: bytes, contract: Contract
) -> None:
    """Servers that repeat a wrong value in their refusal cannot serialise this value."""
    probes = by_id(all_cases(contract, MOCK, "standard"))[name].probes
    assert [probe.expectation.nature for probe in probes if text in probe.body] == ["reject"]
