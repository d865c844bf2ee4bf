"""`results.json` of every kind of run fits its schema, is small, and has no control characters."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import conformance

SCHEMA = json.loads((Path(conformance.__file__).parent / "report" / "results.schema.json").read_text("utf-8"))
KINDS = {
    "clean": ("conformant", 0),
    "faulty": ("non-conformant", 1),
    "hostile": ("non-conformant", 1),
    "interrupted": ("inconclusive", 130),
    "refused": ("inconclusive", 3),
    "elsewhere": ("inconclusive", 3),
}


def results(done) -> dict:
    return json.loads((done.out / "results.json").read_text("ascii"))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param, request.getfixturevalue(request.param)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


def test_results_fit_the_schema(kind):
    name, done = kind
    value = results(done)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(value)] == []
    verdict, status = KINDS[name]
    assert (value["exit_status"], done.status) == (status, status), done.stderr
    if name != "interrupted":
        assert value["verdict"] == verdict
    assert value["interrupted"] == (name == "interrupted")
    assert value["errors"] == []


def test_the_schema_refuses_other_values(clean):
    value = results(clean)
    for wrong in ({**value, "more": 1}, {**value, "verdict": "fine"}, {k: v for k, v in value.items() if k != "run"}):
        assert not Draft202012Validator(SCHEMA).is_valid(wrong)


def test_results_are_small_with_one_case_per_line(clean):
    text = (clean.out / "results.json").read_text("ascii")
    value = json.loads(text)
    rows, charges = len(value["requirements"]) + len(value["cases"]), len(value["money"]["captures"])
    judgements = sum(len(some) for case in value["cases"] for some in case["judgements"].values())
    assert len(text) < 425 * rows + 29 * judgements + 163 * charges
    assert sum(1 for line in text.splitlines() if line.startswith(' {"id": "')) == rows


def test_a_wrong_target_has_no_findings(refused, elsewhere):
    for done in (refused, elsewhere):
        value = results(done)
        assert value["counts"]["requirements"]["failed"] == 0
        assert value["scope"]["stop"]
        assert all(not case["judgements"]["breaks"] for case in value["cases"])


def test_violations_name_lines_of_the_record(faulty):
    lines = [json.loads(line) for line in (faulty.out / "record.jsonl").read_text("utf-8").splitlines()]
    value = results(faulty)
    violations = [(case, judgement) for case in value["cases"] for judgement in case["judgements"]["breaks"]]
    assert violations
    for case, judgement in violations:
        number = judgement["exchange"]
        if number is not None:
            assert lines[number]["kind"] == "exchange"
            assert case["id"].startswith("run-") or number in case["exchanges"]


def test_text_of_the_target_is_made_visible(hostile):
    value = results(hostile)
    everything = json.dumps(value, ensure_ascii=False)
    assert "document.title" in everything
    judgements = [judgement for case in value["cases"] for judgement in case["judgements"]["breaks"]]
    texts = [text for judgement in judgements for text in judgement.values()]
    assert not [text for text in texts if isinstance(text, str) and re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)]
