"""The violated requirements, worst first, with shell lines to reproduce them. Decides no outcome, writes no report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from conformance.judge.model import Judgement
from conformance.report.curl import Replay, ReplayWriter
from conformance.report.outcome import CaseRow, RequirementRow, Summary
from conformance.report.repro import needs_script, script

MAY_CHARGE = "# may charge\n"
SHOWN = 5
"""How many cases of one requirement are shown with a shell line; of the others only the number is shown."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One case that violates a requirement.

    `replay_line`: what to paste to reproduce it. `sent`: the request, as text. Both are empty if there is none.
    """

    row: CaseRow
    judgement: Judgement
    replay_line: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violated requirement: the violations to show, the clearest first, and how many more there are."""

    row: RequirementRow
    violations: tuple[Violation, ...]
    more: int


ReplayText = Callable[[CaseRow, Judgement], str]


def findings(summary: Summary, replay_text: ReplayText) -> tuple[Finding, ...]:
    """All violated requirements: MUSTs before SHOULDs, and of each level confirmed ones first.

    `replay_text` gives what to paste to reproduce a violation.
    """
    violated = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    violated.sort(key=lambda row: (row.waived, row.outcome, bool(row.unstable)))
    by_requirement: dict[str, list[Violation]] = {row.requirement.id: [] for row in violated}
    for row in summary.cases:
        counted = set()
        for judgement in row.result.judgements:
            if (
                judgement.kind == "breaks"
                and judgement.requirement in by_requirement
                and judgement.requirement not in counted
            ):
                counted.add(judgement.requirement)
                by_requirement[judgement.requirement].append(Violation(row, judgement))
    return tuple(_finding(row, by_requirement[row.requirement.id], replay_text) for row in violated)


def _finding(row: RequirementRow, violations: list[Violation], replay_text: ReplayText) -> Finding:
    requirement_id = row.requirement.id

    def weight(violation: Violation) -> tuple[bool, bool]:
        """Confirmed violations first, then those of cases made for the requirement."""
        return violation.judgement.unstable is not None, requirement_id not in violation.row.result.case.requirements[
            :1
        ]

    shown = sorted(violations, key=weight)[:SHOWN]
    complete = tuple(
        replace(
            violation,
            replay_line=replay_text(violation.row, violation.judgement),
            sent=_sent(violation.row, violation.judgement),
        )
        for violation in shown
    )
    return Finding(row, complete, len(violations) - len(shown))


def _sent(row: CaseRow, judgement: Judgement) -> str:
    """Method, target and body of the request that shows a violation, neither cleaned nor cut."""
    request = next((sent.exchange.request for sent in row.result.evidence if sent.number == judgement.exchange), None)
    if request is None or judgement.exchange is None:
        return ""
    return f"{request.method} {request.target} {request.body.decode('utf-8', 'backslashreplace')}".rstrip()


def replay_of(writer: ReplayWriter, row: CaseRow, judgement: Judgement, rows: dict[str, CaseRow]) -> Replay:
    """What to paste to reproduce a violation: a call of curl, or of a script if one request is not enough.

    A comment above it says if it may charge. Empty if there is nothing to paste. `rows`: the rows of all cases by id.
    """
    result = row.result
    sent = next((sent for sent in result.evidence if sent.number == judgement.exchange), None)
    if sent is not None and sent.exchange.case != result.case.id and sent.exchange.case in rows:
        result = rows[sent.exchange.case].result  # the case of this request, for a finding of the whole run
    if needs_script(result.case, judgement, result.evidence):
        replay = script(writer, result.case, result.evidence)
        return replace(replay, text=MAY_CHARGE + replay.text)
    if sent is None and len(result.evidence) == 1:
        sent = result.evidence[0]
    if sent is None:
        return Replay("")
    may_charge = "" if sent.exchange.request.method in ("GET", "HEAD") else MAY_CHARGE
    replay = writer.line(sent)
    return replace(replay, text=may_charge + writer.note(sent) + replay.text)
