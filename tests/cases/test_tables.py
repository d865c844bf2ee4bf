"""The tables say what the contract says: complete, deterministic, by its limits, one thing wrong at a time."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.cases.model import TRIP, Case
from conformance.cases.tables import SMOKE_REQUESTS, all_cases
from conformance.cases.value import spellings, why_not_accepted
from conformance.contract.load import Contract, default_spec, load_contract
from tests.support.testdata import BARE, CODES, FORCED, MOCK, SHARED

# Judged over a whole run, with cases made elsewhere.
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
def test_ids_are_unique_slugs_and_cases_are_whole(contract, name, depth):
    cases = all_cases(contract, TARGETS[name], depth)
    assert max(Counter(case.id for case in cases).values()) == 1
    for case in cases:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.id)
        assert bool(case.probes) != bool(case.not_exercised), case.id
        assert set(case.requirements) <= set(contract.requirements), case.id
        assert len(set(case.requirements)) == len(case.requirements), case.id
        spoken = {probe.expectation.requirement for probe in case.probes} - {None}
        assert spoken <= set(case.requirements), case.id


def test_the_same_arguments_give_the_same_cases(contract):
    assert all_cases(contract, MOCK, "deep") == all_cases(contract, MOCK, "deep")


@pytest.mark.parametrize("name", TARGETS)
def test_every_requirement_has_a_case(contract, name):
    made_for = {word for case in all_cases(contract, TARGETS[name], "standard") for word in case.requirements}
    assert set(contract.requirements) - made_for <= WHOLE_RUN


@pytest.mark.parametrize("depth", ["smoke", "standard"])
def test_every_case_of_the_test_plan_is_covered(contract, depth):
    words = {word for case in all_cases(contract, MOCK, depth) for word in case.requirements if case.probes}
    assert {number for word in words for number in contract.requirements[word].test_plan} == set(contract.test_plan)


def test_sizes_stay_within_their_bounds(contract):
    smoke, standard = (all_cases(contract, MOCK, depth) for depth in ("smoke", "standard"))
    assert sum(len(case.probes) for case in smoke) <= SMOKE_REQUESTS
    assert sum(len(case.probes) for case in standard) <= 640
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
    levels = [contract.level(case.requirements[0]) for case in cases[5:-1] if case.requirements]
    assert levels == sorted(levels, key=("MUST", "SHOULD", "MAY").index)


@pytest.mark.parametrize("limit", [255, 64])
def test_boundaries_follow_the_spec(tmp_path, limit):
    folder = Path(shutil.copytree(default_spec(), tmp_path / "spec"))
    file = folder / "openapi.yaml"
    file.write_text(file.read_text("utf-8").replace("maxLength: 255", f"maxLength: {limit}"), "utf-8")
    cases = by_id(all_cases(load_contract(folder), MOCK, "deep"))
    for theme, member in (("store-id", "storeId"), ("trip-id", "shoppingTripId")):
        lengths = {
            word: [len(json.loads(probe.body)[member]) for probe in cases[f"{theme}-{word}"].probes]
            for word in ("at-limit", "over-limit", "far-over-limit")
        }
        assert lengths == {"at-limit": [limit - 1, limit], "over-limit": [limit + 1], "far-over-limit": [1000, 10_000]}


def test_over_length_trips_have_their_length_whatever_a_trip_looks_like(contract):
    cases = by_id(all_cases(contract, BARE, "standard"))
    (probe,) = cases["trip-id-over-limit"].probes
    assert probe.trip == "none"
    assert len(json.loads(probe.body)["shoppingTripId"]) == contract.trip_id.max_length + 1


def _differences(good: dict, other: dict) -> set[str]:
    found = {name for name in good.keys() | other.keys() if name != "amount" and good.get(name) != other.get(name)}
    if isinstance(other.get("amount"), dict):
        inner, bad = good["amount"], other["amount"]
        return found | {f"amount.{name}" for name in inner.keys() | bad.keys() if inner.get(name) != bad.get(name)}
    return found | {"amount"}


FIELDS = {"store-id": "storeId", "trip-id": "shoppingTripId", "value": "amount.amount", "code": "amount.code"}


@pytest.mark.parametrize("theme", FIELDS)
def test_a_bad_body_differs_from_the_good_one_in_its_field_only(contract, theme):
    good = json.loads(by_id(all_cases(contract, MOCK, "deep"))["accept-store-1"].probes[0].body)
    seen = 0
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            if case.theme != theme or probe.expectation.nature not in {"reject", "should-reject"}:
                continue
            try:
                other = json.loads(probe.body)
            except ValueError:
                continue
            assert _differences(good, other) == {FIELDS[theme]}, (case.id, probe.body)
            seen += 1
    assert seen > 10


@pytest.mark.parametrize("theme", ["store-id", "trip-id"])
@pytest.mark.parametrize("depth", ["standard", "deep"])
def test_every_ascii_character_outside_the_pattern_occurs_alone(contract, theme, depth):
    rule = contract.store_id if theme == "store-id" else contract.trip_id
    member, known = (FIELDS[theme], "store-001" if theme == "store-id" else TRIP)
    probes = by_id(all_cases(contract, MOCK, depth))[f"{theme}-every-ascii"].probes
    added = set()
    for probe in probes:
        text = json.loads(probe.body)[member]
        half = len(known) // 2
        assert text[:half] + text[half + 1 :] == known
        added.add(text[half])
    assert added == {chr(code) for code in range(128) if not rule.matches(chr(code))}


def test_what_a_pattern_case_sends_is_kept_out_by_the_pattern(contract):
    seen = Counter()
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            word = probe.expectation.requirement
            if word == "store-id.pattern":
                assert not contract.store_id.matches(json.loads(probe.body)["storeId"])
            elif word == "trip-id.pattern":
                assert not contract.trip_id.matches(json.loads(probe.body)["shoppingTripId"])
            elif word == "code.pattern":
                assert not contract.code.matches(json.loads(probe.body)["amount"]["code"])
            seen[word] += 1
    assert min(seen[word] for word in ("store-id.pattern", "trip-id.pattern", "code.pattern")) > 50


def test_what_must_be_accepted_is_the_good_body_by_value(contract):
    seen = set()
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            if probe.expectation.nature != "accept" or case.theme in {"store-id", "trip-id"}:
                continue
            body = json.loads(probe.body, parse_float=Decimal, parse_int=Decimal)
            assert body["shoppingTripId"] in {TRIP, TRIP.upper()}, case.id
            assert body["storeId"] in {"store-001", "store-002"}, case.id
            value, code = body["amount"]["amount"], body["amount"]["code"]
            assert not why_not_accepted(MOCK, code, value), case.id
            seen.add(case.id)
    assert len(seen) > 20


def test_a_body_that_is_called_no_json_is_none(contract):
    seen = 0
    for case in all_cases(contract, MOCK, "deep"):
        for probe in case.probes:
            if probe.expectation.requirement in {"body.not-json", "body.empty"}:
                with pytest.raises((ValueError, RecursionError)):
                    json.loads(probe.body.decode())
                seen += 1
    assert seen > 50


def test_placeholders_are_where_a_trip_is_taken(contract):
    probes = [probe for case in all_cases(contract, MOCK, "deep") for probe in case.probes]
    assert {probe.trip for probe in probes if TRIP.encode() in probe.body} == {"fresh", "same"}
    assert sum(probe.trip == "none" for probe in probes) > 20


def test_only_plain_good_requests_are_compared(contract):
    equals = {
        (probe.body, probe.headers, probe.framing, probe.accept)
        for case in all_cases(contract, MOCK, "deep")
        for probe in case.probes
        if probe.equal
    }
    assert len(equals) == 1


@pytest.mark.parametrize("text", ["10", "0.5", "19.99", "1200", "0.001"])
def test_spellings_all_mean_the_number(text):
    found = spellings(Decimal(text))
    assert {Decimal(each) for each in found} == {Decimal(text)}
    assert {json.loads(each, parse_float=Decimal, parse_int=Decimal) for each in found} == {Decimal(text)}
    assert len(set(found)) == len(found) >= 7


def test_nothing_costs_more_than_the_profile_allows(contract):
    low = replace(MOCK, max_amounts=dict.fromkeys(CODES, Decimal(500)))
    cases = by_id(all_cases(contract, low, "deep"))
    assert "max_amount" in cases["value-over-int32"].not_exercised
    assert cases["value-19-99"].probes
    assert cases["value-0-29"].not_exercised


def test_what_a_profile_does_not_say_is_named(contract):
    cases = by_id(all_cases(contract, BARE, "standard"))
    reasons = {word: case.not_exercised for word, case in cases.items() if case.not_exercised}
    assert "unknown_store" in reasons["store-id-unknown"]
    assert "unknown_trip" in reasons["trip-id-unknown"]
    assert "long_trip" in reasons["trip-id-long-on-file"]
    for status in (429, 500, 503):
        assert f"how to provoke a {status}" in reasons[f"provoked-{status}"]


def test_a_window_is_provoked_repeated_and_waited_for(contract):
    case = by_id(all_cases(contract, MOCK, "standard"))["provoked-429-window"]
    assert (case.rule, case.scheduling) == ("window", "chain")
    assert [probe.provoke for probe in case.probes] == [429] * 4
    assert [probe.wait for probe in case.probes] == [False, False, False, True]
    assert case.probes[-1].expectation.requirement == "rate-limit.window-end"


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
def test_a_number_beyond_every_float_stands_where_no_number_belongs(name: str, text: bytes, contract: Contract) -> None:
    """Servers that repeat a wrong value in their refusal cannot write this one."""
    probes = by_id(all_cases(contract, MOCK, "standard"))[name].probes
    assert [probe.expectation.nature for probe in probes if text in probe.body] == ["reject"]
