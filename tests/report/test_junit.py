"""`junit.xml`: what each outcome becomes, and that it is XML whatever the target says."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from conformance.cases.model import Case
from conformance.judge.model import breaks
from conformance.report.clean import Cleaner
from conformance.report.junit import message, properties
from conformance.report.outcome import CaseRow
from conformance.run.model import CaseResult

BECOMES = {"failed": "failure", "error": "error", "not-judged": "skipped", "not-exercised": "skipped"}


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile", "refused", "interrupted"])
def test_each_outcome_becomes_what_ci_knows(kind, request):
    done = request.getfixturevalue(kind)
    cases = {case["id"]: case for case in json.loads((done.out / "results.json").read_text())["cases"]}
    items = {}
    for item in ET.parse(done.out / "junit.xml").getroot().iter("testcase"):
        items[item.get("name").removeprefix("test_case[").removesuffix("]")] = item
    assert set(items) == set(cases)
    for name, item in items.items():
        case, told = cases[name], {one.get("name"): one.get("value") for one in item.iter("property")}
        assert told["outcome"] == case["outcome"]
        assert [one.tag for one in item if one.tag != "properties"] == [
            BECOMES[case["outcome"]] for _ in range(case["outcome"] in BECOMES)
        ]
        if case["outcome"] in ("not-judged", "not-exercised"):
            assert item.find("skipped").get("message").split("\n")[0][:50] in case["reason"]
        if case["outcome"] == "failed":
            assert case["judgements"]["breaks"][0]["requirement"] in item.find("failure").get("message")


def test_a_secret_is_hidden_before_it_is_made_visible():
    """The other way round, what is made visible would no longer look like the secret."""
    clean = Cleaner(("pass\x1bword-1",))
    judged = breaks("answer.no-leak", at="body", expected="nothing", received="pass\x1bword-1 \x07")
    row = CaseRow(
        CaseResult(Case("c", "t", "title", (), ()), (judged,), reason="pass\x1bword-1"), "failed", "pass\x1bword-1"
    )
    for text in (message(row, clean), dict(properties(row, clean))["reason"]):
        assert "word" not in text
        assert "***" in text
    assert "\\x07" in message(row, clean)
