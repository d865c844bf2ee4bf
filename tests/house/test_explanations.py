"""Explanations are in plain words, name who is concerned, and link to standards."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from conformance.contract import Explanation, load_contract, references
from conformance.contract.explanation import read_explanations
from conformance.report.explain import explained, markdown, reading

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = load_contract()
EXPLAINED = [requirement for requirement in CONTRACT.requirements.values() if requirement.explanation]
UNPLAIN = re.compile(
    r"\b(mend(s|ed|ing)?|amiss|whoever|aught|thereof|came of it|breaks?|broken|broke|spe(ak|aks|aking|oke) (for|about)|"
    r"(is|are|was|were) told|says nothing|either way fine|subject|ongoing|obstacle|means did not|that is no)\b"
)
LONGEST_SENTENCE = 40


def texts(requirement):
    """The statement and each part of the explanation, without code."""
    explanation = requirement.explanation
    parts = [requirement.statement, explanation.plain, explanation.why, explanation.cause, explanation.fix]
    return [re.sub(r"`[^`]*`", "CODE", text) for text in parts]


def test_every_requirement_is_explained():
    missing = [row.id for row in CONTRACT.requirements.values() if not row.explanation]
    assert missing == [], "add them to spec/explanations.yaml: plain, why, cause, fix"


def test_the_document_of_the_requirements_is_current():
    written = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    assert written == markdown(CONTRACT), "capture-conformance explain --markdown > docs/requirements.md"


def test_explanations_are_in_plain_words():
    for text in (text for requirement in EXPLAINED for text in texts(requirement)):
        assert not (found := UNPLAIN.search(text)), (found, text)
        assert text[-1] in ".?"
        assert text.count("CODE") or "`" not in text
        for sentence in re.split(r"(?<=[.?:]) ", text):
            assert len(sentence.split()) <= LONGEST_SENTENCE, sentence


def test_no_text_of_the_project_has_words_that_few_readers_know():
    rare = re.compile(
        r"\b(mend(s|ed|ing)?|amiss|whoever|aught|thereof|came of it|speaks? (for|about)|(is|are) told|sa(ys|id) nothing)\b"
    )
    suffixes = (".py", ".jinja2", ".md", ".yaml", ".toml", ".css")
    folders = ("conformance", "spec", "docs", "benchmarks")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in suffixes]
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in (*files, *ROOT.glob("*.md"))
        if (match := rare.search(file.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_a_reason_names_who_is_concerned():
    people = re.compile(r"shopper|retailer|finance|operations", re.IGNORECASE)
    assert [row.id for row in EXPLAINED if not people.search(row.explanation.why)] == []


def test_each_explanation_links_to_a_standard():
    assert [row.id for row in EXPLAINED if not reading(row)] == []


def test_references_name_each_section_once():
    found = references("RFC 9110 sections 5.3 and 5.5; ISO 4217 minor units, RFC 8259, RFC 9110 section 5.3")
    assert [reference.title for reference in found] == [
        "ISO 4217",
        "RFC 9110 section 5.3",
        "RFC 9110 section 5.5",
        "RFC 8259",
    ]
    assert found[1].url == "https://www.rfc-editor.org/rfc/rfc9110.html#section-5.3"
    assert references("decided by this suite") == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "must be a mapping"),
        ({"explanations": {"store-id.colour": {}}}, r"store-id.colour: requirements.yaml has no such requirement"),
        ({"explanations": {"store-id.type": {"plain": "x"}}}, "must have the parts plain, why, cause, fix, and may have see"),
        ({"explanations": {"store-id.type": {"plain": "", "why": "x", "cause": "x", "fix": "x"}}}, "plain must be a text"),
        ({"explanations": {"store-id.type": {"plain": "x", "why": "x", "cause": "x", "fix": 1}}}, "fix must be a text"),
        (
            {"explanations": {"store-id.type": {"plain": "x", "why": "x", "cause": "x", "fix": "x", "who": "x"}}},
            "must have the parts",
        ),
    ],
)  # fmt: skip
def test_a_wrong_explanation_is_refused_with_its_key(document, message):
    with pytest.raises(ValueError, match=message):
        read_explanations(document, {"store-id.type"})


def test_lines_are_wrapped_at_words_and_addresses_are_not():
    requirement = CONTRACT.requirements["method.not-allowed"]
    lines = explained(CONTRACT, requirement, 60)
    assert max(len(line) for line in lines if "https:" not in line) <= 60
    assert any(line.endswith("rfc9110.html#section-15.5.6") for line in lines)
    assert " ".join(" ".join(lines).split()).count(requirement.explanation.why) == 1


def test_a_requirement_without_explanation_is_still_shown():
    requirement = replace(CONTRACT.requirements["store-id.type"], explanation=None)
    lines = explained(CONTRACT, requirement, 80)
    assert requirement.statement in lines
    assert not any(line.startswith("In short") for line in lines)


def test_every_part_has_a_name_that_the_file_explains():
    head = (ROOT / "spec" / "explanations.yaml").read_text(encoding="utf-8").partition("\nexplanations:")[0]
    assert [field.name for field in fields(Explanation) if f"# {field.name} " not in head] == []
