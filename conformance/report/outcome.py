"""Decides outcomes, the verdict and the exit status. Pure: must not read a clock, a file or a socket."""

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
"""How many different reasons of one requirement are listed; of the others only the number is."""


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement in the report.

    `cases`: the cases made for it, and other cases that showed a violation of it. `judged`: how many cases gave a result
    for it. `unjudged`: how many cases were sent for it without giving one.
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
    """All decisions about a run. `counts` counts requirements by outcome, `case_counts` counts cases.

    `why`: for an inconclusive run that was completed, what prevented a decision; otherwise empty.
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
        """The requirements without a result, by outcome and reason, mandatory requirements first."""
        grouped: dict[tuple[Outcome, str], list[RequirementRow]] = {}
        for row in sorted(self.requirements, key=lambda row: row.requirement.level != "MUST"):
            if row.outcome in UNJUDGED:
                grouped.setdefault((row.outcome, row.reason), []).append(row)
        return grouped


def requirement_outcome(level: Level, judgements: list[Judgement], cases_sent: int) -> Outcome:
    """The outcome of one requirement, from its judgements and the number of cases sent for it."""
    kinds = {judgement.kind for judgement in judgements}
    if "breaks" in kinds and level != "MAY":
        return "failed" if level == "MUST" else "warned"
    if "holds" in kinds:
        return "passed"
    if kinds:
        return "observed"
    return "not-judged" if cases_sent else "not-exercised"


def case_outcome(contract: Contract, result: CaseResult) -> Outcome:
    """The worst outcome among the case's judgements; `error` if the suite itself failed."""
    if result.error:
        return "error"
    outcomes = [
        requirement_outcome(contract.level(judgement.requirement), [judgement], 1) for judgement in result.judgements
    ]
    if not outcomes:
        return "not-judged" if result.sent else "not-exercised"
    return min(outcomes, key=ORDER.index)


def _prevented_by_run(result: CaseResult) -> bool:
    """Whether the case gave no result for a reason that came up during the run."""
    if result.beforehand or result.case.not_exercised:
        return False
    return bool(result.error or result.reason or not result.judgements)


def _unstable(judgements: list[Judgement]) -> str:
    """How often violations were seen that were not confirmed, as "1 of 2".

    A violation whose request was sent only once ("1 of 1") counts only if no other violation is confirmed.
    """
    counts = [judgement.unstable for judgement in judgements if judgement.kind == "breaks"]
    confirmed = None in counts
    pairs = [pair for pair in counts if pair is not None and not (confirmed and pair == (1, 1))]
    return ", ".join(dict.fromkeys(f"{seen} of {tried}" for seen, tried in pairs))


def _reason(outcome: Outcome, made_for: list[CaseResult], *, deselected: bool) -> str:
    """Why a requirement has no result. `deselected`: the selection left out a case made for it."""
    if outcome not in UNJUDGED:
        return ""
    reasons = [
        "The suite itself failed" if result.error else result.reason or result.case.not_exercised for result in made_for
    ]
    distinct = list(dict.fromkeys(reason for reason in reasons if reason))
    if distinct:
        more = f"; and {len(distinct) - REASONS} more" if len(distinct) > REASONS else ""
        return "; ".join(distinct[:REASONS]) + more
    if outcome == "not-judged":
        return "No response allowed a decision on this"
    return "Not selected" if deselected else "No case of this depth tests it"


def _requirement_row(
    requirement: Requirement, by_case: list[tuple[CaseResult, list[Judgement]]], deselected: set[str]
) -> RequirementRow:
    requirement_id = requirement.id
    made_for = [result for result, _ in by_case if requirement_id in result.case.requirements]
    judgements = [judgement for _, of_case in by_case for judgement in of_case]
    cases_sent = sum(1 for result in made_for if result.sent or result.error)
    outcome = requirement_outcome(requirement.level, judgements, cases_sent)
    judged = {result.case.id for result, of_case in by_case if of_case}
    elicited: Elicited = "provoked" if any(result.case.id in judged for result in made_for) else "in-passing"
    behaviours = Counter(judgement.behaviour for judgement in judgements if judgement.kind == "observed")
    return RequirementRow(
        requirement,
        outcome,
        _reason(outcome, made_for, deselected=requirement_id in deselected),
        elicited if judged else "none",
        tuple(
            f"{behaviour} ({count})"
            for behaviour, count in sorted(behaviours.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        _unstable(judgements),
        tuple(
            result.case.id
            for result, of_case in by_case
            if requirement_id in result.case.requirements or any(judgement.kind == "breaks" for judgement in of_case)
        ),
        len(judged),
        sum(1 for result in made_for if result.sent and result.case.id not in judged),
    )


def _rows(contract: Contract, result: RunResult) -> tuple[RequirementRow, ...]:
    """One row for each requirement. Judgements of a case count even if the suite itself failed later in that case."""
    requirements = contract.requirements.values()
    by_requirement: dict[str, list[tuple[CaseResult, list[Judgement]]]] = {
        requirement.id: [] for requirement in requirements
    }
    for case_result in result.cases:
        of_case: dict[str, list[Judgement]] = {requirement_id: [] for requirement_id in case_result.case.requirements}
        for judgement in case_result.judgements:
            of_case.setdefault(judgement.requirement, []).append(judgement)
        for requirement_id, judgements in of_case.items():
            by_requirement[requirement_id].append((case_result, judgements))
    deselected = {requirement_id for case in result.deselected for requirement_id in case.requirements}
    return tuple(
        _requirement_row(requirement, by_requirement[requirement.id], deselected) for requirement in requirements
    )


def _verdict(rows: tuple[RequirementRow, ...], result: RunResult) -> tuple[Verdict, str]:
    """The verdict, and the reason if it is inconclusive although the run was completed."""
    if any(row.outcome == "failed" for row in rows):
        return "non-conformant", ""
    if result.stop:
        return "inconclusive", ""
    prevented = {
        requirement_id
        for case_result in result.cases
        if _prevented_by_run(case_result)
        for requirement_id in case_result.case.requirements
    }
    for row in rows:
        unjudged = row.outcome in UNJUDGED
        if row.requirement.level == "MUST" and unjudged and row.requirement.id in prevented:
            return "inconclusive", f"{row.requirement.id}: {row.reason}"
    return "conformant", ""


def _test_plan(contract: Contract, rows: tuple[RequirementRow, ...]) -> tuple[TestPlanRow, ...]:
    plan = []
    for number, title in contract.test_plan.items():
        covering = [row for row in rows if number in row.requirement.test_plan]
        worst: Outcome = min((row.outcome for row in covering), key=ORDER.index, default="not-exercised")
        cases = tuple(dict.fromkeys(case for row in covering for case in row.cases))
        plan.append(TestPlanRow(number, title, worst, tuple(row.requirement.id for row in covering), cases))
    return tuple(plan)


def summarise(contract: Contract, result: RunResult) -> Summary:
    """Decide everything about a run: each requirement, each case, the verdict and whether it is complete."""
    rows = _rows(contract, result)
    cases = []
    for case_result in result.cases:
        reason = case_result.error or case_result.reason or case_result.case.not_exercised
        cases.append(CaseRow(case_result, case_outcome(contract, case_result), reason))
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
    """The exit status of a run with a result. Most cases of 2 are decided elsewhere, before anything is sent."""
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
