"""The decision tables: outcome, verdict, exit status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.cases.model import Case
from conformance.contract.load import load_contract
from conformance.judge.model import breaks, holds, observed
from conformance.report.outcome import case_outcome, exit_status, requirement_outcome, summarise
from conformance.run.model import CaseResult, Deselected, RunResult

CONTRACT = load_contract()
REQUIREMENTS = CONTRACT.requirements.values()
MUSTS = [requirement.id for requirement in REQUIREMENTS if requirement.level == "MUST"]
SHOULD = next(requirement.id for requirement in REQUIREMENTS if requirement.level == "SHOULD")
VIOLATION = breaks("x", at="body", expected="a", received="b")


def run(*cases: CaseResult, **more) -> RunResult:
    return RunResult(cases, "r", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", 0, "standard", "http://h", 1, **more)


def violated(requirement_id: str):
    return breaks(requirement_id, at="body", expected="a", received="b")


def result(*judgements, requirements=None, **more) -> CaseResult:
    requirement_ids = tuple(requirements or [judgement.requirement for judgement in judgements])
    return CaseResult(Case("c", "t", "title", requirement_ids, ()), judgements, sent=more.pop("sent", 1), **more)


@pytest.mark.parametrize(
    ("level", "judgements", "sent", "expected"),
    [
        ("MUST", [holds("x"), VIOLATION], 2, "failed"),
        ("SHOULD", [holds("x"), VIOLATION], 2, "warned"),
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
        (result(violated(MUSTS[0]), error="crash"), "error"),
        (result(violated(MUSTS[0]), violated(SHOULD)), "failed"),
        (result(violated(SHOULD), holds(MUSTS[0])), "warned"),
        (result(observed(SHOULD, "b"), holds(MUSTS[0])), "passed"),
        (result(requirements=MUSTS[:1]), "not-judged"),
        (result(requirements=MUSTS[:1], sent=0), "not-exercised"),
    ],
)
def test_outcome_of_a_case_is_the_worst(case, expected):
    assert case_outcome(CONTRACT, case) == expected


ALL = result(*[holds(requirement_id) for requirement_id in MUSTS])
ONLY = result(requirements=MUSTS[:1])
NOT_CHOSEN = (Deselected("d", tuple(MUSTS[:1])),)
ALL_BUT_ONE = result(*[holds(requirement_id) for requirement_id in MUSTS[1:]])


@pytest.mark.parametrize(
    ("value", "verdict", "complete", "plain", "strict"),
    [
        (run(ALL), "conformant", True, 0, 0),
        (run(ALL_BUT_ONE), "conformant", False, 0, 3),
        (
            run(ALL_BUT_ONE, result(requirements=MUSTS[:1], sent=0, reason="no", beforehand=True)),
            "conformant",
            False,
            0,
            3,
        ),
        (run(ALL_BUT_ONE, result(requirements=MUSTS[:1], sent=0, reason="budget")), "inconclusive", False, 3, 3),
        (run(ALL, result(requirements=MUSTS[:1], sent=0, reason="budget")), "conformant", True, 0, 0),
        (run(ALL, stop="wrong URL?"), "inconclusive", True, 3, 3),
        (run(ALL, result(violated(SHOULD))), "conformant", True, 0, 1),
        (run(ALL, result(violated(MUSTS[0])), stop="network"), "non-conformant", True, 1, 1),
        (run(ALL, result(requirements=MUSTS[:1], error="crash")), "conformant", True, 4, 4),
        (run(ALL_BUT_ONE, result(requirements=MUSTS[:1], error="crash")), "inconclusive", False, 4, 4),
        (run(ALL_BUT_ONE, result(violated(MUSTS[0]), error="crash")), "non-conformant", True, 4, 4),
        (run(ALL_BUT_ONE, deselected=NOT_CHOSEN), "partial", False, 0, 3),
        (run(ALL, deselected=NOT_CHOSEN), "conformant", True, 0, 0),
        (run(ALL, result(violated(MUSTS[0])), interrupted=True), "non-conformant", True, 130, 130),
        (run(ALL, errors=("crash",), stop="network"), "inconclusive", True, 4, 4),
        (run(ALL_BUT_ONE, result(violated(SHOULD)), stop="network"), "inconclusive", False, 3, 1),
        (run(ALL, result(violated(MUSTS[0])), errors=("disk full",)), "non-conformant", True, 4, 4),
        (run(ALL, errors=("disk full",), interrupted=True), "conformant", True, 130, 130),
    ],
)
def test_verdict_and_exit_status(value, verdict, complete, plain, strict):
    summary = summarise(CONTRACT, value)
    assert (summary.verdict, summary.complete) == (verdict, complete)
    assert exit_status(summary, value, require_complete=False, fail_on_warning=False) == plain
    assert exit_status(summary, value, require_complete=True, fail_on_warning=True) == strict
    assert len(summary.test_plan) == 19


def row_of(value: RunResult, requirement_id: str):
    return next(row for row in summarise(CONTRACT, value).requirements if row.requirement.id == requirement_id)


NOT_SENT = {"sent": 0, "requirements": MUSTS[:1]}


@pytest.mark.parametrize(
    ("value", "outcome", "reason"),
    [
        (run(ALL_BUT_ONE), "not-exercised", "No case of this depth tests it"),
        (run(ALL_BUT_ONE, deselected=NOT_CHOSEN), "not-exercised", "Not selected"),
        (run(ALL_BUT_ONE, result(**NOT_SENT, reason="budget"), deselected=NOT_CHOSEN), "not-exercised", "budget"),
        (run(result(**NOT_SENT, reason="a"), result(**NOT_SENT, reason="a")), "not-exercised", "a"),
        (run(*(result(**NOT_SENT, reason=letter) for letter in "abcde")), "not-exercised", "a; b; c; and 2 more"),
        (run(ONLY), "not-judged", "No response allowed a decision on this"),
        (run(result(requirements=MUSTS[:1], sent=0, error="crash")), "not-judged", "The suite itself failed"),
        (run(result(holds(MUSTS[0])), result(**NOT_SENT, reason="budget")), "passed", ""),
    ],
)
def test_a_requirement_that_was_not_judged_has_a_reason(value, outcome, reason):
    row = row_of(value, MUSTS[0])
    assert (row.outcome, row.reason) == (outcome, reason)


def test_a_requirement_names_the_cases_made_for_it_and_those_that_violated_it():
    made_for = result(holds(MUSTS[0]))
    passing = result(holds(MUSTS[0]), requirements=MUSTS[1:2])
    violating = result(violated(MUSTS[0]), requirements=MUSTS[1:2])
    named = [
        replace(case_result, case=replace(case_result.case, id=name))
        for case_result, name in ((made_for, "m"), (passing, "p"), (violating, "v"))
    ]
    row = row_of(run(*named), MUSTS[0])
    assert (row.cases, row.judged, row.unjudged, row.elicited) == (("m", "v"), 3, 0, "provoked")
    assert row_of(run(named[1]), MUSTS[0]).elicited == "in-passing"
    assert row_of(run(), MUSTS[0]).elicited == "none"


def test_the_headline_counts_the_tested_requirements():
    assert (
        summarise(CONTRACT, run(ALL_BUT_ONE)).headline
        == f"conformant, {len(MUSTS) - 1} of {len(MUSTS)} mandatory requirements tested (standard)"
    )
