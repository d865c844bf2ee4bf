"""`junit.xml`: the result for each outcome, and well-formed XML for any text of the target."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from conformance.cases.model import Case
from conformance.judge.model import breaks
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.junit import message, properties
from conformance.report.outcome import CaseRow
from conformance.run.model import CaseResult

JUNIT_RESULT = {"failed": "failure", "error": "error", "not-judged": "skipped", "not-exercised": "skipped"}


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile", "refused", "interrupted"])
def test_each_outcome_has_its_result_in_junit(kind, request):
    done = request.getfixturevalue(kind)
    cases = {case["id"]: case for case in json.loads((done.out / "results.json").read_text())["cases"]}
    items = {}
    for item in ET.parse(done.out / "junit.xml").getroot().iter("testcase"):
        items[item.get("name").removeprefix("test_case[").removesuffix("]")] = item
    assert set(items) == set(cases)
    for name, item in items.items():
        case = cases[name]
        values = {entry.get("name"): entry.get("value") for entry in item.iter("property")}
        assert values["outcome"] == case["outcome"]
        assert [child.tag for child in item if child.tag != "properties"] == [
            JUNIT_RESULT[case["outcome"]] for _ in range(case["outcome"] in JUNIT_RESULT)
        ]
        if case["outcome"] in ("not-judged", "not-exercised"):
            assert item.find("skipped").get("message").split("\n")[0][:50] in case["reason"]
        if case["outcome"] == "failed":
            assert case["judgements"]["breaks"][0]["requirement"] in item.find("failure").get("message")


def test_a_secret_is_hidden_before_it_is_made_visible():
    """In the other order, the escaped text would no longer match the secret."""
    clean = Cleaner(Redactor(("pass\x1bword-1",)))
    judged = breaks("answer.no-leak", at="body", expected="nothing", received="pass\x1bword-1 \x07")
    row = CaseRow(
        CaseResult(Case("c", "t", "title", (), ()), (judged,), reason="pass\x1bword-1"), "failed", "pass\x1bword-1"
    )
    for text in (message(row, clean), dict(properties(row, clean))["reason"]):
        assert "word" not in text
        assert "***" in text
    assert "\\x07" in message(row, clean)
