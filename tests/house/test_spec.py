"""The files of `spec/` are well-formed and speak of each other."""

import re
from pathlib import Path

import yaml
from openapi_spec_validator import validate

SPEC = Path(__file__).resolve().parents[2] / "spec"
API = yaml.safe_load((SPEC / "openapi.yaml").read_text("utf-8"))
RULES = yaml.safe_load((SPEC / "requirements.yaml").read_text("utf-8"))
REQUIREMENTS = RULES["requirements"]


def test_the_openapi_document_is_valid():
    validate(API)


def test_ids_are_slugs():
    assert [
        word for word in REQUIREMENTS if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*", word)
    ] == []


def test_levels_are_of_three_words():
    assert {row["level"] for row in REQUIREMENTS.values()} == {"MUST", "SHOULD", "MAY"}


def test_every_place_is_used_and_every_used_place_exists():
    assert {row["place"] for row in REQUIREMENTS.values()} == set(RULES["places"])


def test_all_19_cases_of_the_test_plan_are_traced():
    assert set(RULES["test_plan"]) == set(range(1, 20))
    assert {n for row in REQUIREMENTS.values() for n in row.get("test_plan", ())} == set(range(1, 20))


def test_a_statement_says_its_level():
    """As a sentence that anyone understands: must, should or may."""
    verbs = {"MUST": "must", "SHOULD": "should", "MAY": "may"}
    wrong = [
        name
        for name, row in REQUIREMENTS.items()
        if re.findall(r"\b(?:must|should|may)\b", row["statement"])[:1] != [verbs[row["level"]]]
        or not row["statement"].endswith(".")
    ]
    assert wrong == []
