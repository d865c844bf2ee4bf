"""The decision tables: outcome, verdict, exit status."""

from __future__ import annotations

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
        (run(ALL, result(bad(MUSTS[0]), error="crash")), "conformant", True, 4, 4),
        (run(LESS, result(bad(MUSTS[0]), error="crash")), "inconclusive", False, 4, 4),
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
