"""The decision tables: outcome, verdict, exit status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.cases.model import Case
from conformance.contract.load import load_contract
from conformance.judge.model import breaks, holds, observed
from conformance.report.outcome import case_outcome, exit_status, requirement_outcome, summarise
from conformance.run.model import CaseResult, RunResult

CONTRACT = load_contract()
MUSTS = [word for word, one in CONTRACT.requirements.items() if one.level == "MUST"]
SHOULD = next(word for word, one in CONTRACT.requirements.items() if one.level == "SHOULD")
B = breaks("x", at="body", expected="a", received="b")


def run(*cases: CaseResult, **more) -> RunResult:
    return RunResult(cases, "r", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", 0, "standard", "http://h", 1, **more)


def bad(word: str):
    return breaks(word, at="body", expected="a", received="b")


def result(*judgements, requirements=None, **more) -> CaseResult:
    words = tuple(requirements or [one.requirement for one in judgements])
    return CaseResult(Case("c", "t", "title", words, ()), judgements, sent=more.pop("sent", 1), **more)


@pytest.mark.parametrize(
    ("level", "judgements", "sent", "expected"),
    [
        ("MUST", [holds("x"), B], 2, "failed"),
        ("SHOULD", [holds("x"), B], 2, "warned"),
        ("MUST", [observed("x", "b"), holds("x")], 2, "passed"),
        ("MAY", [observed("x", "b")], 1, "observed"),
        ("MUST", [], 1, "not-judged"),
        ("MUST", [], 0, "not-exercised"),
    ],
)
def test_outcome_of_a_requirement(level, judgements, sent, expected):
    assert requirement_outcome(level, judgements, sent) == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (result(bad(MUSTS[0]), error="crash"), "error"),
        (result(bad(MUSTS[0]), bad(SHOULD)), "failed"),
        (result(bad(SHOULD), holds(MUSTS[0])), "warned"),
        (result(observed(SHOULD, "b"), holds(MUSTS[0])), "passed"),
        (result(requirements=MUSTS[:1]), "not-judged"),
        (result(requirements=MUSTS[:1], sent=0), "not-exercised"),
    ],
)
def test_outcome_of_a_case_is_the_worst(case, expected):
    assert case_outcome(CONTRACT, case) == expected


ALL = result(*[holds(word) for word in MUSTS])
ONLY = result(requirements=MUSTS[:1])
LESS = result(*[holds(word) for word in MUSTS[1:]])


@pytest.mark.parametrize(
    ("value", "verdict", "complete", "plain", "strict"),
    [
        (run(ALL), "conformant", True, 0, 0),
        (run(LESS), "conformant", False, 0, 3),
        (run(LESS, result(requirements=MUSTS[:1], sent=0, reason="no", beforehand=True)), "conformant", False, 0, 3),
        (run(LESS, result(requirements=MUSTS[:1], sent=0, reason="budget")), "inconclusive", False, 3, 3),
        (run(ALL, result(requirements=MUSTS[:1], sent=0, reason="budget")), "conformant", True, 0, 0),
        (run(ALL, stop="wrong URL?"), "inconclusive", True, 3, 3),
        (run(ALL, result(bad(SHOULD))), "conformant", True, 0, 1),
        (run(ALL, result(bad(MUSTS[0])), stop="network"), "non-conformant", True, 1, 1),
        (run(ALL, result(requirements=MUSTS[:1], error="crash")), "conformant", True, 4, 4),
        (run(LESS, result(requirements=MUSTS[:1], error="crash")), "inconclusive", False, 4, 4),
        (run(LESS, result(bad(MUSTS[0]), error="crash")), "non-conformant", True, 4, 4),
        (run(LESS, deselected=(ONLY.case,)), "conformant", False, 0, 3),
        (run(ALL, result(bad(MUSTS[0])), interrupted=True), "non-conformant", True, 130, 130),
        (run(ALL, errors=("crash",), stop="network"), "inconclusive", True, 4, 4),
        (run(LESS, result(bad(SHOULD)), stop="network"), "inconclusive", False, 3, 1),
        (run(ALL, result(bad(MUSTS[0])), errors=("disk full",)), "non-conformant", True, 4, 4),
        (run(ALL, errors=("disk full",), interrupted=True), "conformant", True, 130, 130),
    ],
)
def test_verdict_and_exit_status(value, verdict, complete, plain, strict):
    summary = summarise(CONTRACT, value)
    assert (summary.verdict, summary.complete) == (verdict, complete)
    assert exit_status(summary, value, require_complete=False, fail_on_warning=False) == plain
    assert exit_status(summary, value, require_complete=True, fail_on_warning=True) == strict
    assert len(summary.test_plan) == 19


def row_of(value: RunResult, word: str):
    return next(row for row in summarise(CONTRACT, value).requirements if row.requirement.id == word)


NO = {"sent": 0, "requirements": MUSTS[:1]}


@pytest.mark.parametrize(
    ("value", "outcome", "reason"),
    [
        (run(LESS), "not-exercised", "No case of this depth tests it"),
        (run(LESS, deselected=(ONLY.case,)), "not-exercised", "Not selected"),
        (run(LESS, result(**NO, reason="budget"), deselected=(ONLY.case,)), "not-exercised", "budget"),
        (run(result(**NO, reason="a"), result(**NO, reason="a")), "not-exercised", "a"),
        (run(*(result(**NO, reason=letter) for letter in "abcde")), "not-exercised", "a; b; c; and 2 more"),
        (run(ONLY), "not-judged", "No response allowed a decision on this"),
        (run(result(requirements=MUSTS[:1], sent=0, error="crash")), "not-judged", "The suite itself failed"),
        (run(result(holds(MUSTS[0])), result(**NO, reason="budget")), "passed", ""),
    ],
)
def test_what_was_not_judged_says_why(value, outcome, reason):
    row = row_of(value, MUSTS[0])
    assert (row.outcome, row.reason) == (outcome, reason)


def test_a_requirement_names_the_cases_made_for_it_and_those_that_broke_it():
    made = result(holds(MUSTS[0]))
    passing = result(holds(MUSTS[0]), requirements=MUSTS[1:2])
    breaking = result(bad(MUSTS[0]), requirements=MUSTS[1:2])
    named = [
        replace(one, case=replace(one.case, id=name)) for one, name in ((made, "m"), (passing, "p"), (breaking, "b"))
    ]
    row = row_of(run(*named), MUSTS[0])
    assert (row.cases, row.judged, row.unjudged, row.elicited) == (("m", "b"), 3, 0, "provoked")
    assert row_of(run(named[1]), MUSTS[0]).elicited == "in-passing"
    assert row_of(run(), MUSTS[0]).elicited == "none"


def test_the_headline_counts_what_was_judged():
    assert (
        summarise(CONTRACT, run(LESS)).headline
        == f"conformant, {len(MUSTS) - 1} of {len(MUSTS)} mandatory requirements tested (standard)"
    )
