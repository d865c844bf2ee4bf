"""Generated cases: the same bytes for the same seed, within their numbers, drawn beforehand for an ordinary run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis.internal import charmap

from conformance.cases.generate import file_text, versions
from conformance.cases.generated import DATA_FILE, STANDARD, generated_cases, shares, standard_templates, stored
from conformance.cases.generated_draw import UTF_8, coverage_templates, draw_templates
from conformance.cases.generated_template import Template, token
from conformance.cases.model import TRIP, fill_trip
from conformance.cases.oracle import classify
from conformance.cases.subject import Subject
from conformance.contract.load import Contract, default_spec, load_contract
from conformance.profile import load_profile
from conformance.run.plan import planned_cases, subject_of

SUBJECT = Subject(
    stores=("store-001",),
    currencies=("USD", "JPY"),
    amounts={"USD": Decimal("10.00"), "JPY": Decimal(500)},
    max_amounts={"USD": Decimal("99.00"), "JPY": Decimal(900)},
    minor_units={"USD": 2, "JPY": 0},
    any_uuid=True,
)
OTHER = replace(SUBJECT, stores=("main", "b"), currencies=("KWD",), amounts={"KWD": Decimal("1.234")},
                max_amounts={"KWD": Decimal(5)}, minor_units={"KWD": 3}, any_uuid=False)  # fmt: skip
FEW = {"schemathesis-random": 10, **dict.fromkeys((name for name in STANDARD if "schemathesis" not in name), 60)}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def bytes_of(cases) -> list[tuple[str, bytes]]:
    return [(case.id, probe.body) for case in cases for probe in case.probes]


def test_one_case_for_each_strategy_and_at_most_150_requests(contract):
    cases = generated_cases(contract, SUBJECT, "standard", 0)
    assert [case.strategy for case in cases] == list(STANDARD)
    assert [case.id for case in cases] == [f"generated-{name}" for name in STANDARD]
    assert 100 <= sum(len(case.probes) for case in cases) <= 150
    assert min(len(case.probes) for case in cases) >= 10
    assert {(case.theme, case.scheduling) for case in cases} == {("generated", "one-shot")}


def test_a_smoke_run_has_none(contract):
    assert generated_cases(contract, SUBJECT, "smoke", 0) == []


def test_no_body_comes_twice_and_none_that_was_sent(contract):
    bodies = [body for _, body in bytes_of(generated_cases(contract, SUBJECT, "standard", 0))]
    assert len(bodies) == len(set(bodies))
    again = [body for _, body in bytes_of(generated_cases(contract, SUBJECT, "standard", 0, sent=bodies[:10]))]
    assert again == bodies[10:]


@pytest.mark.parametrize("subject", [SUBJECT, OTHER])
def test_every_probe_is_expected_what_its_bytes_say(contract, subject):
    for case in generated_cases(contract, subject, "standard", 0):
        for probe in case.probes:
            assert probe.expectation == classify(contract, subject, probe.body)
            takes = fill_trip(probe.body, "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11") != probe.body
            assert probe.trip == ("fresh" if takes else "none")


def test_what_is_said_of_the_case_is_what_its_probes_say(contract):
    for case in generated_cases(contract, SUBJECT, "standard", 0):
        spoken = {probe.expectation.requirement for probe in case.probes} - {None}
        assert spoken <= set(case.requirements) <= spoken | {"answer.no-server-error"}


# --- the same bytes ----------------------------------------------------------------------------------------------


def test_drawing_again_gives_the_file_that_travels_with_the_package(contract):
    header, _ = stored()
    if {name: header[name] for name in versions()} != versions():
        pytest.skip(f"drawn with {header}, not with {versions()}")
    file = Path(__file__).parents[2] / "conformance" / "cases" / "data" / DATA_FILE
    assert file_text(contract) == file.read_text(encoding="utf-8"), "run: python -m conformance.cases.generate"


@pytest.mark.parametrize("seed", [0, 7])
def test_one_seed_gives_the_same_templates_whatever_was_drawn_before(contract, seed):
    first = draw_templates(contract, FEW, seed)
    draw_templates(contract, FEW, seed + 1)
    assert draw_templates(contract, FEW, seed) == first


def test_another_seed_gives_others(contract):
    first, second = draw_templates(contract, FEW, 1), draw_templates(contract, FEW, 2)
    assert all(first[name] != second[name] for name in FEW)


def test_what_is_said_of_utf_8_is_what_hypothesis_would_find():
    found = charmap.intervals_from_codec("utf-8")
    assert [known.intervals for known in UTF_8] == [known.intervals for known in found]


SCRIPT = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
{imports}
from conformance.cases.generated_draw import draw_templates
from conformance.contract.load import load_contract
drawn = draw_templates(load_contract(), json.loads(sys.argv[2]), 3)
print(hashlib.sha256(repr(drawn).encode("utf-8", "backslashreplace")).hexdigest())
"""


def test_another_process_with_other_modules_draws_the_same(contract, tmp_path):
    """Hypothesis looks for constants in all loaded modules that are no library: they must not count.

    Nor does it make its table of UTF-8 in a new folder, which would take seconds and 200 MB of every first run.
    """
    (tmp_path / "full_of_constants.py").write_text(
        "\n".join(f"A{n} = {n * 7919}\nB{n} = 'text {n}'" for n in range(400))
    )
    digests = set()
    for imports in ("", "import full_of_constants, conformance.mock.server"):
        command = [sys.executable, "-c", SCRIPT.format(imports=imports), str(tmp_path), json.dumps(FEW)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True, timeout=120)
        digests.add(done.stdout)
    assert len(digests) == 1
    assert not list(tmp_path.rglob("codec*")), "conformance.cases.generated_draw.UTF_8 is not asked any more"


def test_an_ordinary_run_loads_neither_hypothesis_nor_schemathesis():
    script = (
        "import sys; from conformance.options import Options; from conformance.session import Run; run = Run(Options());"
        "assert any(case.strategy for case in run.cases);"
        "print([name for name in ('hypothesis', 'schemathesis') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


# --- what they are made from -------------------------------------------------------------------------------------


def test_schemathesis_cases_hold_what_is_good_to_known_values(contract):
    texts = [template.text for template in coverage_templates(contract)]
    assert len(texts) >= 45
    held = [text for text in texts if text.startswith('{"storeId":"⟦store⟧"') and TRIP in text]
    assert len(held) >= 20
    assert not any("store-001" in text or "5f0c0c9e" in text for text in texts)


def test_another_document_moves_the_bodies(tmp_path, contract):
    folder = tmp_path / "spec"
    shutil.copytree(default_spec(), folder)
    api = yaml.safe_load((folder / "openapi.yaml").read_text(encoding="utf-8"))
    api["components"]["schemas"]["CaptureRequest"]["properties"]["storeId"]["maxLength"] = 64
    (folder / "openapi.yaml").write_text(yaml.safe_dump(api), encoding="utf-8")
    shorter = load_contract(folder)
    assert standard_templates(shorter, 0) != standard_templates(contract, 0)
    lengths = generated_cases(shorter, SUBJECT, "standard", 0)
    stores = [json.loads(body)["storeId"] for case, body in bytes_of(lengths) if case.endswith("lengths")]
    assert {len(store) for store in stores} & {63, 64, 65, 66, 128, 129}


def test_the_data_of_the_profile_stand_in_the_bodies(contract):
    bodies = [body for _, body in bytes_of(generated_cases(contract, OTHER, "standard", 0))]
    assert sum(b'"main"' in body for body in bodies) > 60
    assert sum(b"store-001" in body for body in bodies) == 0
    assert sum(b'"KWD"' in body for body in bodies) > 60


def test_a_template_is_filled_and_refuses_unknown_tokens():
    text = token("store-to", 14, "x") + token("times", 3, "ab") + token("code-cased", "lul") + token("amount", 0, 5)
    assert Template(text).fill(SUBJECT) == b"store-001xxxxxabababuSd10.05"
    assert Template("a\udcff", "utf-8").fill(SUBJECT) == b"a\xff"
    assert Template("é", "utf-16-le").fill(SUBJECT) == b"\xe9\x00"
    with pytest.raises(KeyError):
        Template(token("stoer")).fill(SUBJECT)


# --- their place in a run ----------------------------------------------------------------------------------------


def test_a_deep_run_has_the_requests_that_it_may_have(contract):
    cases = generated_cases(contract, SUBJECT, "deep", 0, 600)
    assert sum(len(case.probes) for case in cases) == 600
    assert {case.strategy for case in cases} == {*STANDARD, "schemathesis-random"}
    assert sum(shares(10_000).values()) <= 10_000
    assert shares(10_000)["schemathesis-random"] <= 1000


def test_they_take_what_the_budget_leaves(contract, tmp_path):
    profile = load_profile(None, target="http://127.0.0.1:9", environ={})
    subject = subject_of(profile, any_uuid=True, reusable=False)
    every = [case for case in planned_cases(contract, profile, subject, "standard", 0) if not case.strategy]
    tables = sum(len(case.probes) for case in every if not case.not_exercised)
    limits = profile.limits.model_copy(update={"max_requests": tables + 30})
    planned = planned_cases(contract, profile.model_copy(update={"limits": limits}), subject, "standard", 0)
    sent = [case for case in planned if not case.not_exercised]
    assert sum(len(case.probes) for case in sent) == tables + 30
    assert [case.id for case in sent if not case.strategy] == [case.id for case in every if not case.not_exercised]
