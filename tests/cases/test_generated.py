"""Generated cases: their numbers, the classification of their bodies, and that document and profile determine them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
import yaml

from conformance.cases.generated import STRATEGIES, Share, generated_cases, openapi, shares
from conformance.cases.generated.cache import templates
from conformance.cases.generated.draw import draw_templates
from conformance.cases.generated.template import Template, token
from conformance.cases.model import TRIP, fill_trip
from conformance.cases.oracle import classify
from conformance.contract.load import Contract, default_spec, load_contract
from conformance.profile import load_profile
from conformance.run.plan import data_of, planned_cases
from tests.support.testdata import TWO_CURRENCIES

OTHER_PROFILE = replace(TWO_CURRENCIES, stores=("main", "b"), currencies=("KWD",), amounts={"KWD": Decimal("1.234")},
                max_amounts={"KWD": Decimal(5)}, minor_units={"KWD": 3}, any_uuid=False)  # fmt: skip
COVERAGE = "schemathesis-coverage"
RANDOM = ("schemathesis-positive", "schemathesis-negative")
OURS = [name for name, strategy in STRATEGIES.items() if strategy.drawn_by == "Hypothesis"]
FEW = {**dict.fromkeys(RANDOM, 6), **dict.fromkeys(OURS, 30)}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def by_schemathesis(contract) -> dict[str, list[Template]]:
    return draw_templates(contract, {COVERAGE: None, **dict.fromkeys(RANDOM, 40)}, 0)


def bytes_of(cases) -> list[tuple[str, bytes]]:
    return [(case.id, probe.body) for case in cases for probe in case.probes]


def test_one_case_for_each_strategy(contract):
    cases = generated_cases(contract, TWO_CURRENCIES, "standard", 0)
    assert [case.strategy for case in cases] == list(STRATEGIES)
    assert [case.id for case in cases] == [f"generated-{name}" for name in STRATEGIES]
    assert {(case.theme, case.scheduling) for case in cases} == {("generated", "one-shot")}


def test_a_standard_run_is_generated_by_a_sixth_to_a_third(contract):
    profile = load_profile(None, environ={})
    test_data = data_of(profile, any_uuid=True, reusable=False)
    cases = planned_cases(contract, profile, test_data, "standard", 0)
    generated = {case.strategy: len(case.probes) for case in cases if case.strategy}
    assert 1 / 6 <= sum(generated.values()) / sum(case.requests for case in cases) <= 1 / 3
    assert all(generated[name] == 25 for name in RANDOM)
    assert all(abs(generated[name] - STRATEGIES[name].standard) <= 4 for name in OURS)


def test_the_shares_of_a_plan(contract):
    cases = generated_cases(contract, TWO_CURRENCIES, "standard", 0)
    shared = shares([replace(cases[0], strategy=""), *cases])
    assert [share.strategy for share in shared] == list(STRATEGIES)
    assert sum(share.bodies for share in shared) == len(bytes_of(cases))
    assert shared[1] == Share("schemathesis-positive", 25, "Schemathesis")
    assert {share.drawn_by for share in shared} == {"Hypothesis", "Schemathesis"}


def test_a_smoke_run_has_no_generated_cases(contract):
    assert generated_cases(contract, TWO_CURRENCIES, "smoke", 0) == []


def test_no_body_is_sent_twice(contract):
    bodies = [body for _, body in bytes_of(generated_cases(contract, TWO_CURRENCIES, "standard", 0))]
    assert len(bodies) == len(set(bodies))
    sent = set(bodies[:10])
    second = [body for _, body in bytes_of(generated_cases(contract, TWO_CURRENCIES, "standard", 0, sent=sent))]
    assert not sent & set(second)
    assert len(second) == len(set(second))


@pytest.mark.parametrize("test_data", [TWO_CURRENCIES, OTHER_PROFILE])
def test_the_oracle_decides_the_expectation_of_every_probe(contract, test_data):
    for case in generated_cases(contract, test_data, "standard", 0):
        for probe in case.probes:
            assert probe.expectation == classify(contract, test_data, probe.body)
            has_trip = fill_trip(probe.body, "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11") != probe.body
            assert probe.trip == ("fresh" if has_trip else "none")


def test_the_requirements_of_a_case_are_those_of_its_probes(contract):
    for case in generated_cases(contract, TWO_CURRENCIES, "standard", 0):
        decided = {probe.expectation.requirement for probe in case.probes} - {None}
        assert decided <= set(case.requirements) <= decided | {"answer.no-server-error"}


# --- the same bytes ----------------------------------------------------------------------------------------------


def test_one_seed_gives_the_same_templates_whatever_is_drawn_before_and_beside(contract):
    first, other = draw_templates(contract, FEW, 7), draw_templates(contract, FEW, 8)
    alone = {name: draw_templates(contract, {name: FEW[name]}, 7)[name] for name in reversed(FEW)}
    assert alone == first
    assert {name: len(each) for name, each in first.items()} == FEW
    assert all(first[name] != other[name] for name in FEW)


# --- what they are made from -------------------------------------------------------------------------------------


def test_schemathesis_cases_keep_good_members_known(by_schemathesis):
    texts = [template.text for template in by_schemathesis[COVERAGE]]
    assert len(texts) >= 45
    assert {"null", "false", "0", "[null,null]"} <= set(texts)
    with_good_ids = [text for text in texts if text.startswith('{"storeId":"⟦store⟧"') and TRIP in text]
    assert len(with_good_ids) >= 20
    assert not any("store-001" in text or "5f0c0c9e" in text for text in texts)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"storeId": "a⟦b", "more": [1.5, None, True]}, b'{"storeId":"a[b","more":[1.5,null,true]}'),
        (None, b"null"),
        (b"\xff\xe2\x9f\xa6", b"\xff["),
        (object(), b""),
    ],
)
def test_a_body_of_schemathesis_becomes_the_bytes_that_it_would_send(body, sent):
    assert openapi._template(body, lambda _member, _value: None).fill(TWO_CURRENCIES) == sent


def test_random_bodies_of_schemathesis_are_valid_or_invalid_as_named(contract, by_schemathesis):
    drawn = {name: by_schemathesis[name] for name in RANDOM}
    natures = {
        name: Counter(
            classify(contract, TWO_CURRENCIES, template.fill(TWO_CURRENCIES)).nature for template in templates_of
        )
        for name, templates_of in drawn.items()
    }
    assert natures["schemathesis-positive"]["reject"] == 0
    assert natures["schemathesis-negative"]["accept"] == 0
    assert natures["schemathesis-negative"]["reject"] > 30
    texts = [template.text for templates_of in drawn.values() for template in templates_of]
    for placeholder in ("⟦store⟧", TRIP, "⟦code⟧", "⟦amount⟧"):
        assert sum(placeholder in text for text in texts) > 12


def test_another_document_changes_the_bodies(tmp_path, contract):
    folder = tmp_path / "spec"
    shutil.copytree(default_spec(), folder)
    api = yaml.safe_load((folder / "openapi.yaml").read_text(encoding="utf-8"))
    api["components"]["schemas"]["CaptureRequest"]["properties"]["storeId"]["maxLength"] = 64
    (folder / "openapi.yaml").write_text(yaml.safe_dump(api), encoding="utf-8")

    def lengths(bodies: Iterable[bytes]) -> set[int]:
        return {len(json.loads(body)["storeId"]) for body in bodies if b'"storeId":"' in body}

    counts = {COVERAGE: None, "boundary-lengths": 22}
    cases = {case.strategy: case for case in generated_cases(contract, TWO_CURRENCIES, "standard", 0)}
    usual = {name: lengths(probe.body for probe in cases[name].probes) for name in counts}
    drawn = templates(load_contract(folder), tuple(counts.items()), 0)
    shorter = {name: lengths(template.fill(TWO_CURRENCIES) for template in each) for name, each in drawn.items()}
    assert {254, 255, 256} & usual["boundary-lengths"]
    assert {63, 64, 65, 66, 128, 129} & shorter["boundary-lengths"]
    assert not {254, 255, 256, 257, 510, 511} & shorter["boundary-lengths"]
    assert {254, 255, 256} <= usual[COVERAGE]
    assert {63, 64, 65} <= shorter[COVERAGE]


def test_the_bodies_contain_the_data_of_the_profile(contract):
    cases = generated_cases(contract, OTHER_PROFILE, "standard", 0)
    bodies = [body for _, body in bytes_of(cases)]
    assert sum(b'"main"' in body for body in bodies) > 60
    assert not any(b"store-001" in body for case, body in bytes_of(cases) if not case.endswith(RANDOM))
    assert sum(b'"KWD"' in body for body in bodies) > 60


def test_a_template_is_filled_and_refuses_unknown_tokens():
    text = token("store-to", 14, "x") + token("times", 3, "ab") + token("code-cased", "lul") + token("amount", 0, 5)
    assert Template(text).fill(TWO_CURRENCIES) == b"store-001xxxxxabababuSd10.05"
    assert Template("a\udcff", "utf-8").fill(TWO_CURRENCIES) == b"a\xff"
    assert Template("é", "utf-16-le").fill(TWO_CURRENCIES) == b"\xe9\x00"
    with pytest.raises(KeyError):
        Template(token("stoer")).fill(TWO_CURRENCIES)


# --- their place in a run ----------------------------------------------------------------------------------------


def test_a_deep_run_has_the_requests_that_it_may_have_a_fifth_of_them_by_schemathesis(contract):
    cases = generated_cases(contract, TWO_CURRENCIES, "deep", 0, 500)
    assert sum(len(case.probes) for case in cases) == 500
    assert {case.strategy for case in cases} == set(STRATEGIES)
    numbers = {share.strategy: share.bodies for share in shares(cases)}
    assert abs(sum(numbers[name] for name in (COVERAGE, *RANDOM)) - 100) <= 2
    assert sum(each.deep for each in STRATEGIES.values()) == 100


def test_generated_cases_use_the_rest_of_the_budget(contract, tmp_path):
    profile = load_profile(None, environ={})
    test_data = data_of(profile, any_uuid=True, reusable=False)
    every = [case for case in planned_cases(contract, profile, test_data, "standard", 0) if not case.strategy]
    tables = sum(len(case.probes) for case in every if not case.not_exercised)
    limits = profile.limits.model_copy(update={"max_requests": tables + 30})
    planned = planned_cases(contract, profile.model_copy(update={"limits": limits}), test_data, "standard", 0)
    sent = [case for case in planned if not case.not_exercised]
    assert sum(len(case.probes) for case in sent) == tables + 30
    assert [case.id for case in sent if not case.strategy] == [case.id for case in every if not case.not_exercised]
    assert len([case for case in sent if case.strategy]) >= 6
