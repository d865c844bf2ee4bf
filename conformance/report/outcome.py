"""Decides outcomes, the verdict and the exit status. Pure: must not read a clock, a file or a socket."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Literal

from conformance.cases.tables import TEST_PLAN
from conformance.contract.load import Contract, Level, Requirement
from conformance.judge.model import Judgement
from conformance.report.waivers import WaiverRow, Waivers
from conformance.run.model import CaseResult, Outcome, RunResult

Verdict = Literal["conformant", "non-conformant", "inconclusive", "partial"]
Colour = Literal["green", "amber", "red"]
Elicited = Literal["provoked", "in-passing", "none"]
Reasons = tuple[tuple[str, int], ...]
"""Reasons, each with the number of cases it applies to, the most frequent first."""

# From worst to best.
ORDER: tuple[Outcome, ...] = ("error", "failed", "warned", "passed", "observed", "not-judged", "not-exercised")
# For a row of the test plan, a case without a result counts as worse than a warning, so that it is seen.
PLAN_ORDER: tuple[Outcome, ...] = ("failed", "error", "not-judged", "not-exercised", "warned", "passed", "observed")
UNJUDGED: tuple[Outcome, ...] = ("not-judged", "not-exercised")
VIOLATED: tuple[Outcome, ...] = ("failed", "warned")
DELIVERY = frozenset({"answer.in-time", "answer.connection", "answer.framing", "answer.status-set", "answer.no-leak"})
"""Requirements on any answer. That they are met shows that an answer came, not that a case was tested."""
REASONS = 3
"""How many different reasons of one requirement are listed; of the others only the number is."""
NOT_SELECTED = "Not selected"
OWN_FAILURE = "The suite itself failed"
UNDECIDED = "No response allowed a decision on this"
Kind = Literal["worse", "better", "new", "gone", "changed"]
KINDS: tuple[Kind, ...] = ("worse", "better", "new", "gone", "changed")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The cases made for one requirement: all of them, those sent, and those that gave a result for it.

    `left_out`: why the others were not sent. `undecided`: why the others that were sent gave no result. `blocked`: how
    many of their requests were answered 401, 403 or 407.
    """

    cases: int
    sent: int
    judged: int
    left_out: Reasons = ()
    undecided: Reasons = ()
    blocked: int = 0

    @property
    def partly(self) -> bool:
        """Whether some of the cases gave a result and some were not sent."""
        return bool(self.judged and self.left_out)

    def __str__(self) -> str:
        """For example "4 of 12 cases tested; 8 left out: max_amount is too small"."""
        if not self.cases:
            return "no case of its own"
        parts = [f"{self.judged} of {self.cases} case{'' if self.cases == 1 else 's'} tested"]
        parts += [f"{count} left out: {reason}" for reason, count in self.left_out[:REASONS]]
        parts += [f"{count} not judged here: {reason}" for reason, count in self.undecided[:REASONS]]
        parts += [f"{self.blocked} requests blocked with 401, 403 or 407"] if self.blocked else []
        more = len(self.left_out[REASONS:]) + len(self.undecided[REASONS:])
        return "; ".join([*parts, *([f"and {more} more reasons"] if more else [])])


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement in the report.

    `cases`: the cases made for it, and other cases that showed a violation of it. `judged`: how many cases gave a result
    for it. `unjudged`: how many cases were sent for it without giving one. `coverage`: the cases made for it, also those
    that were not sent or not selected. `waived`: waivers cover all its violations.
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
    coverage: Coverage
    waived: bool = False

    @property
    def tested(self) -> str:
        """How many of its cases were tested, and how many others gave a result for it."""
        others = self.judged - self.coverage.judged
        seen = f"; seen in {others} other case{'' if others == 1 else 's'}" if others else ""
        return f"{self.coverage}{seen}"

    @property
    def stability(self) -> str:
        """In words, whether a violation was seen again when its request was repeated; empty if it was."""
        if not self.unstable:
            return ""
        once = "seen once, not repeated"
        pairs = [once if pair == "1 of 1" else f"seen in {pair} requests" for pair in self.unstable.split(", ")]
        return ", ".join(pairs)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in the report. `waived`: waivers cover all its violations."""

    result: CaseResult
    outcome: Outcome
    reason: str
    waived: bool = False


@dataclass(frozen=True, slots=True)
class TestPlanRow:
    """One case of the provider's published test plan, and the requirements and cases that cover it.

    `cases` are those that stand for it, sent or not, and no others. `reason`: why some of them gave no result.
    `waived`: a waiver covers each case with the violation.
    """

    __test__ = False

    number: int
    title: str
    outcome: Outcome
    requirements: tuple[str, ...]
    cases: tuple[str, ...]
    reason: str = ""
    waived: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `before` or `now` is empty where that run does not have the row. `of`: requirement or case."""

    kind: Kind
    of: str
    id: str
    before: str
    now: str

    def line(self) -> str:
        """The change for people."""
        match self.kind:
            case "new":
                return f"new: {self.of} {self.id}: {self.now}"
            case "gone" if not self.now:
                return f"gone: {self.of} {self.id}: {self.before} before"
            case _:
                return f"{self.kind}: {self.of} {self.id}: {self.before} before, {self.now} now"


@dataclass(frozen=True, slots=True)
class Summary:
    """All decisions about a run. `counts` counts requirements by outcome, `case_counts` counts cases.

    `why`: for an inconclusive run that was completed, what prevented a decision; otherwise empty. `worse`: what became
    worse since the baseline of the run; None without a baseline.
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
    waivers: tuple[WaiverRow, ...] = ()
    worse: tuple[Change, ...] | None = None

    @property
    def colour(self) -> Colour:
        """Green only for a conformant and complete run."""
        if self.verdict == "non-conformant":
            return "red"
        return "green" if self.verdict == "conformant" and self.complete else "amber"

    def partly_tested(self) -> list[RequirementRow]:
        """The mandatory requirements that have a result although some of their cases were left out."""
        return [
            row
            for row in self.requirements
            if row.requirement.level == "MUST" and row.outcome not in UNJUDGED and row.coverage.partly
        ]

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
    """The worst outcome among the case's judgements; `error` if the suite itself failed.

    It is passed only if something that it was made for was judged.
    """
    if result.error:
        return "error"
    outcomes = [
        requirement_outcome(contract.level(judgement.requirement), [judgement], 1) for judgement in result.judgements
    ]
    if not outcomes:
        return "not-judged" if result.sent else "not-exercised"
    worst = min(outcomes, key=ORDER.index)
    made_for = set(result.case.requirements) - DELIVERY
    tested = any(judgement.requirement in made_for for judgement in result.judgements)
    return worst if tested or worst in ("failed", "warned") else "not-judged"


def _why_undecided(result: CaseResult, requirement_id: str) -> str:
    """Why a case that was sent gave no result for a requirement that it was made for."""
    if result.error:
        return OWN_FAILURE
    probes = {sent.number: sent for sent in result.evidence}
    violations = [judgement for judgement in result.judgements if judgement.kind == "breaks"]

    def of_another_probe(judgement: Judgement) -> bool:
        sent = probes.get(judgement.exchange)
        return sent is None or sent.probe.expectation.requirement != requirement_id

    for judgement in sorted(violations, key=of_another_probe):
        sent = probes.get(judgement.exchange)
        answered = f"answered {sent.status}" if sent is not None and sent.status else "no proper answer"
        return f"{answered}, which is counted under {judgement.requirement}"
    return result.reason or UNDECIDED


def _unstable(judgements: list[Judgement]) -> str:
    """How often violations were seen that were not confirmed, as "1 of 2".

    A violation whose request was sent only once ("1 of 1") counts only if no other violation is confirmed.
    """
    counts = [judgement.unstable for judgement in judgements if judgement.kind == "breaks"]
    confirmed = None in counts
    pairs = [pair for pair in counts if pair is not None and not (confirmed and pair == (1, 1))]
    return ", ".join(dict.fromkeys(f"{seen} of {tried}" for seen, tried in pairs))


def _reason(outcome: Outcome, coverage: Coverage) -> str:
    """Why a requirement has no result."""
    if outcome not in UNJUDGED:
        return ""
    reasons = [reason for reason, _ in (*coverage.left_out, *coverage.undecided)]
    distinct = list(dict.fromkeys(reasons))
    if NOT_SELECTED in distinct and len(distinct) > 1:
        distinct.remove(NOT_SELECTED)
    if not distinct:
        return UNDECIDED if outcome == "not-judged" else "No case of this depth tests it"
    more = f"; and {len(distinct) - REASONS} more" if len(distinct) > REASONS else ""
    return "; ".join(distinct[:REASONS]) + more


def _coverage(requirement_id: str, made_for: list[CaseResult], judged: set[str], deselected: int) -> Coverage:
    left_out: list[str] = []
    undecided: list[str] = []
    for result in made_for:
        if result.case.id in judged:
            continue
        if result.sent or result.error:
            undecided.append(_why_undecided(result, requirement_id))
        else:
            left_out.append(result.reason or result.case.not_exercised or UNDECIDED)
    left_out += [NOT_SELECTED] * deselected
    return Coverage(
        len(made_for) + deselected,
        sum(1 for result in made_for if result.sent),
        sum(1 for result in made_for if result.case.id in judged),
        tuple(Counter(left_out).most_common()),
        tuple(Counter(undecided).most_common()),
        sum(len(result.blocked) for result in made_for),
    )


def _requirement_row(
    requirement: Requirement,
    by_case: list[tuple[CaseResult, list[Judgement]]],
    deselected: int,
    waivers: Waivers,
) -> RequirementRow:
    requirement_id = requirement.id
    made_for = [result for result, _ in by_case if requirement_id in result.case.requirements]
    judgements = [judgement for _, of_case in by_case for judgement in of_case]
    cases_sent = sum(1 for result in made_for if result.sent or result.error)
    outcome = requirement_outcome(requirement.level, judgements, cases_sent)
    judged = {result.case.id for result, of_case in by_case if of_case}
    coverage = _coverage(requirement_id, made_for, judged, deselected)
    elicited: Elicited = "provoked" if coverage.judged else "in-passing"
    behaviours = Counter(judgement.behaviour for judgement in judgements if judgement.kind == "observed")
    return RequirementRow(
        requirement,
        outcome,
        _reason(outcome, coverage),
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
        coverage,
        outcome in VIOLATED
        and all(
            waivers.cover(requirement_id, result.case.id)
            for result, of_case in by_case
            if any(judgement.kind == "breaks" for judgement in of_case)
        ),
    )


def _rows(contract: Contract, result: RunResult, waivers: Waivers) -> tuple[RequirementRow, ...]:
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
    deselected = Counter(requirement_id for case in result.deselected for requirement_id in case.requirements)
    return tuple(
        _requirement_row(requirement, by_requirement[requirement.id], deselected[requirement.id], waivers)
        for requirement in requirements
    )


def _prevented_by_run(result: CaseResult) -> set[str]:
    """The requirements that the case was made for and gave no result for, for a reason that came up during the run."""
    if result.beforehand or result.case.not_exercised:
        return set()
    return set(result.case.requirements) - {judgement.requirement for judgement in result.judgements}


def _verdict(rows: tuple[RequirementRow, ...], result: RunResult) -> tuple[Verdict, str]:
    """The verdict, and the reason if it is inconclusive although the run was completed."""
    if any(row.outcome == "failed" and not row.waived for row in rows):
        return "non-conformant", ""
    if result.stop:
        return "inconclusive", ""
    unjudged = [row for row in rows if row.requirement.level == "MUST" and row.outcome in UNJUDGED]
    prevented = {requirement_id for case_result in result.cases for requirement_id in _prevented_by_run(case_result)}
    for row in unjudged:
        if row.requirement.id in prevented:
            return "inconclusive", f"{row.requirement.id}: {row.reason}"
    deselected = {requirement_id for case in result.deselected for requirement_id in case.requirements}
    by_depth = result.depth == "smoke"
    if any(row.requirement.id in deselected or (by_depth and not row.coverage.cases) for row in unjudged):
        return "partial", ""
    return "conformant", ""


def _headline(verdict: Verdict, judged: int, mandatory: int, waived: int, result: RunResult) -> str:
    chosen = f"{result.depth}, selected cases only" if result.selection else result.depth
    tested = f"{verdict}, {judged} of {mandatory} mandatory requirements tested ({chosen})"
    tested += f", {waived} violation{'' if waived == 1 else 's'} waived" if waived else ""
    return f"{tested}: no violation in what was selected" if verdict == "partial" else tested


def _test_plan(contract: Contract, cases: dict[str, CaseRow], result: RunResult) -> tuple[TestPlanRow, ...]:
    """One row for each case of the test plan, decided by the cases that stand for it."""
    made_for: dict[str, tuple[str, ...]] = {name: row.result.case.requirements for name, row in cases.items()}
    made_for |= {case.case: case.requirements for case in result.deselected}
    plan = []
    for number, title in contract.test_plan.items():
        covering = [requirement.id for requirement in contract.requirements.values() if number in requirement.test_plan]
        covered = set(covering)
        own = [name for name, ids in made_for.items() if name.startswith(TEST_PLAN[number]) and covered & set(ids)]
        outcomes: dict[str, Outcome] = {name: cases[name].outcome if name in cases else "not-exercised" for name in own}
        reasons = Counter(
            (cases[name].reason or UNDECIDED) if name in cases else NOT_SELECTED
            for name in own
            if outcomes[name] in (*UNJUDGED, "error")
        )
        worst: Outcome = min(outcomes.values(), key=PLAN_ORDER.index, default="not-exercised")
        reason = "; ".join(f"{count} of {len(own)}: {why}" for why, count in reasons.most_common(REASONS))
        waived = worst in VIOLATED and all(cases[name].waived for name in own if outcomes[name] == worst)
        plan.append(TestPlanRow(number, title, worst, tuple(covering), tuple(own), reason, waived))
    return tuple(plan)


def _case_row(contract: Contract, result: CaseResult, waivers: Waivers) -> CaseRow:
    outcome = case_outcome(contract, result)
    reason = result.error or result.reason or result.case.not_exercised
    if outcome == "not-judged" and not reason:
        reason = UNDECIDED
    return CaseRow(result, outcome, reason, outcome in VIOLATED and waivers.cover_case(result))


def summarise(contract: Contract, result: RunResult) -> Summary:
    """Decide everything about a run: each requirement, each case, the verdict and whether it is complete."""
    whole = not (result.selection or result.deselected or result.stop or result.interrupted or result.depth == "smoke")
    waivers = Waivers(result.waivers, date.fromisoformat(result.started[:10]), whole=whole)
    rows = _rows(contract, result, waivers)
    cases = [_case_row(contract, case_result, waivers) for case_result in result.cases]
    musts = [row for row in rows if row.requirement.level == "MUST"]
    judged = sum(1 for row in musts if row.outcome not in UNJUDGED)
    verdict, why = _verdict(rows, result)
    return Summary(
        verdict,
        judged == len(musts),
        _headline(verdict, judged, len(musts), sum(1 for row in musts if row.waived), result),
        rows,
        tuple(cases),
        {name: sum(1 for row in rows if row.outcome == name) for name in ORDER if name != "error"},
        {name: sum(1 for case in cases if case.outcome == name) for name in ORDER},
        _test_plan(contract, {row.result.case.id: row for row in cases}, result),
        why,
        waivers.rows(
            {row.requirement.id: row.outcome for row in rows}, {row.result.case.id: row.outcome for row in cases}
        ),
    )


def exit_status(summary: Summary, result: RunResult, *, require_complete: bool, fail_on_warning: bool) -> int:
    """The exit status of a run with a result. Most cases of 2 are decided elsewhere, before anything is sent."""
    if result.interrupted:
        return 130
    if result.errors or any(row.outcome == "error" for row in summary.cases):
        return 4
    if result.usage or any(row.out_of_date for row in summary.waivers):
        return 2
    warned = fail_on_warning and any(row.outcome == "warned" and not row.waived for row in summary.requirements)
    violated = summary.verdict == "non-conformant" or warned
    if violated if summary.worse is None else summary.worse:
        return 1
    if summary.verdict == "inconclusive" or (require_complete and not summary.complete):
        return 3
    return 0
