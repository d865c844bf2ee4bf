"""The files of `spec/` are well-formed and consistent."""

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
        requirement_id
        for requirement_id in REQUIREMENTS
        if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*", requirement_id)
    ] == []


def test_there_are_three_levels():
    assert {row["level"] for row in REQUIREMENTS.values()} == {"MUST", "SHOULD", "MAY"}


def test_the_listed_places_are_exactly_the_used_ones():
    assert {row["place"] for row in REQUIREMENTS.values()} == set(RULES["places"])


def test_all_19_cases_of_the_test_plan_are_traced():
    assert set(RULES["test_plan"]) == set(range(1, 20))
    assert {n for row in REQUIREMENTS.values() for n in row.get("test_plan", ())} == set(range(1, 20))


def test_a_statement_contains_the_word_of_its_level():
    """As a plain sentence with must, should or may."""
    verbs = {"MUST": "must", "SHOULD": "should", "MAY": "may"}
    wrong = [
        name
        for name, row in REQUIREMENTS.items()
        if re.findall(r"\b(?:must|should|may)\b", row["statement"])[:1] != [verbs[row["level"]]]
        or not row["statement"].endswith(".")
    ]
    assert wrong == []
