"""Decide outcomes, the verdict and the exit status. Pure: must not read a clock, a file or a socket."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from conformance.contract.load import Contract, Level, Requirement
from conformance.judge.model import Judgement
from conformance.run.model import CaseResult, Outcome, RunResult

Verdict = Literal["conformant", "non-conformant", "inconclusive"]
Elicited = Literal["provoked", "in-passing", "none"]

# From worst to best.
ORDER: tuple[Outcome, ...] = ("error", "failed", "warned", "passed", "observed", "not-judged", "not-exercised")
UNJUDGED: tuple[Outcome, ...] = ("not-judged", "not-exercised")
REASONS = 3
"""How many different reasons of one requirement are given in full."""


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement in the report.

    `cases` are those made for it and those that violated it in passing. `judged` counts the cases that gave a result
    for it, `unjudged` those sent for it that gave none.
    """

    requirement: Requirement
    outcome: Outcome
    reason: str
    elicited: Elicited
    observed: tuple[str, ...]
    unstable: str
    cases: tuple[str, ...]
    judged: int
    unjudged: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in the report."""

    result: CaseResult
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class TestPlanRow:
    """One case of the provider's published test plan, and the requirements and cases that cover it."""

    __test__ = False

    number: int
    title: str
    outcome: Outcome
    requirements: tuple[str, ...]
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is decided about a run. `counts` counts requirements by outcome, `case_counts` cases.

    `why`: of an inconclusive run that went to its end, what prevented a decision; else empty.
    """

    verdict: Verdict
    complete: bool
    headline: str
    requirements: tuple[RequirementRow, ...]
    cases: tuple[CaseRow, ...]
    counts: dict[str, int]
    case_counts: dict[str, int]
    test_plan: tuple[TestPlanRow, ...]
    why: str = ""

    def untested(self) -> dict[tuple[Outcome, str], list[RequirementRow]]:
        """The requirements without a result, by outcome and reason; mandatory ones first."""
        grouped: dict[tuple[Outcome, str], list[RequirementRow]] = {}
        for row in sorted(self.requirements, key=lambda row: row.requirement.level != "MUST"):
            if row.outcome in UNJUDGED:
                grouped.setdefault((row.outcome, row.reason), []).append(row)
        return grouped


def requirement_outcome(level: Level, judgements: list[Judgement], cases_sent: int) -> Outcome:
    """The outcome of one requirement from its own judgements and the number of cases sent for it."""
    kinds = {judgement.kind for judgement in judgements}
    if "breaks" in kinds and level != "MAY":
        return "failed" if level == "MUST" else "warned"
    if "holds" in kinds:
        return "passed"
    if kinds:
        return "observed"
    return "not-judged" if cases_sent else "not-exercised"


def case_outcome(contract: Contract, result: CaseResult) -> Outcome:
    """The worst of the case's judgements; `error` where the suite itself failed."""
    if result.error:
        return "error"
    outcomes = [requirement_outcome(contract.level(one.requirement), [one], 1) for one in result.judgements]
    if not outcomes:
        return "not-judged" if result.sent else "not-exercised"
    return min(outcomes, key=ORDER.index)


def _met_on_the_way(result: CaseResult) -> bool:
    """Whether the case gave no result for a reason that came up during the run."""
    if result.beforehand or result.case.not_exercised:
        return False
    return bool(result.error or result.reason or not result.judgements)


def _unstable(judgements: list[Judgement]) -> str:
    """How often violations were seen that did not show again, or were not sent again where no other was confirmed."""
    counts = [one.unstable for one in judgements if one.kind == "breaks"]
    confirmed = None in counts
    pairs = [pair for pair in counts if pair is not None and not (confirmed and pair == (1, 1))]
    return ", ".join(dict.fromkeys(f"{seen} of {tried}" for seen, tried in pairs))


def _reason(outcome: Outcome, made_for: list[CaseResult], *, deselected: bool) -> str:
    """Why a requirement has no result; `deselected`: a case made for it was left out by the selection."""
    if outcome not in UNJUDGED:
        return ""
    reasons = ["The suite itself failed" if one.error else one.reason or one.case.not_exercised for one in made_for]
    known = list(dict.fromkeys(reason for reason in reasons if reason))
    if known:
        return "; ".join(known[:REASONS]) + (f"; and {len(known) - REASONS} more" if len(known) > REASONS else "")
    if outcome == "not-judged":
        return "No response allowed a decision on this"
    return "Not selected" if deselected else "No case of this depth tests it"


def _requirement_row(
    requirement: Requirement, by_case: list[tuple[CaseResult, list[Judgement]]], deselected: set[str]
) -> RequirementRow:
    identity = requirement.id
    made_for = [result for result, _ in by_case if identity in result.case.requirements]
    judgements = [judgement for _, some in by_case for judgement in some]
    outcome = requirement_outcome(requirement.level, judgements, sum(1 for one in made_for if one.sent or one.error))
    judged = {result.case.id for result, some in by_case if some}
    elicited: Elicited = "provoked" if any(one.case.id in judged for one in made_for) else "in-passing"
    seen = Counter(one.behaviour for one in judgements if one.kind == "observed")
    return RequirementRow(
        requirement,
        outcome,
        _reason(outcome, made_for, deselected=identity in deselected),
        elicited if judged else "none",
        tuple(
            f"{behaviour} ({count})" for behaviour, count in sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        _unstable(judgements),
        tuple(
            result.case.id
            for result, some in by_case
            if identity in result.case.requirements or any(one.kind == "breaks" for one in some)
        ),
        len(judged),
        sum(1 for one in made_for if one.sent and one.case.id not in judged),
    )


def _rows(contract: Contract, result: RunResult) -> tuple[RequirementRow, ...]:
    """One row for each requirement. What a case judged before it failed for a fault of our own still counts."""
    by_requirement: dict[str, list[tuple[CaseResult, list[Judgement]]]] = {one: [] for one in contract.requirements}
    for one in result.cases:
        mine: dict[str, list[Judgement]] = {identity: [] for identity in one.case.requirements}
        for judgement in one.judgements:
            mine.setdefault(judgement.requirement, []).append(judgement)
        for identity, judgements in mine.items():
            by_requirement[identity].append((one, judgements))
    deselected = {identity for case in result.deselected for identity in case.requirements}
    return tuple(
        _requirement_row(one, by_requirement[identity], deselected) for identity, one in contract.requirements.items()
    )


def _verdict(rows: tuple[RequirementRow, ...], result: RunResult) -> tuple[Verdict, str]:
    """The verdict and, where it is inconclusive though the run went to its end, why."""
    if any(row.outcome == "failed" for row in rows):
        return "non-conformant", ""
    if result.stop:
        return "inconclusive", ""
    met = {identity for one in result.cases if _met_on_the_way(one) for identity in one.case.requirements}
    for row in rows:
        unjudged = row.outcome in UNJUDGED
        if row.requirement.level == "MUST" and unjudged and row.requirement.id in met:
            return "inconclusive", f"{row.requirement.id}: {row.reason}"
    return "conformant", ""


def _test_plan(contract: Contract, rows: tuple[RequirementRow, ...]) -> tuple[TestPlanRow, ...]:
    plan = []
    for number, title in contract.test_plan.items():
        mine = [row for row in rows if number in row.requirement.test_plan]
        worst: Outcome = min((row.outcome for row in mine), key=ORDER.index, default="not-exercised")
        cases = tuple(dict.fromkeys(case for row in mine for case in row.cases))
        plan.append(TestPlanRow(number, title, worst, tuple(row.requirement.id for row in mine), cases))
    return tuple(plan)


def summarise(contract: Contract, result: RunResult) -> Summary:
    """Decide everything about a run: each requirement, each case, the verdict and whether it is complete."""
    rows = _rows(contract, result)
    cases = []
    for one in result.cases:
        reason = one.error or one.reason or one.case.not_exercised
        cases.append(CaseRow(one, case_outcome(contract, one), reason))
    musts = [row for row in rows if row.requirement.level == "MUST"]
    judged = sum(1 for row in musts if row.outcome not in UNJUDGED)
    verdict, why = _verdict(rows, result)
    return Summary(
        verdict,
        judged == len(musts),
        f"{verdict}, {judged} of {len(musts)} mandatory requirements tested ({result.depth})",
        rows,
        tuple(cases),
        {name: sum(1 for row in rows if row.outcome == name) for name in ORDER if name != "error"},
        {name: sum(1 for case in cases if case.outcome == name) for name in ORDER},
        _test_plan(contract, rows),
        why,
    )


def exit_status(summary: Summary, result: RunResult, *, require_complete: bool, fail_on_warning: bool) -> int:
    """The exit status of a run that got as far as a result; most of 2 is given elsewhere, before anything is sent."""
    if result.interrupted:
        return 130
    if result.errors or any(row.outcome == "error" for row in summary.cases):
        return 4
    if result.usage:
        return 2
    warned = fail_on_warning and any(row.outcome == "warned" for row in summary.requirements)
    if summary.verdict == "non-conformant" or warned:
        return 1
    if summary.verdict == "inconclusive" or (require_complete and not summary.complete):
        return 3
    return 0
