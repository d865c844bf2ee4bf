"""What is violated, worst first, with the lines that show it again. Decides no outcome and writes no report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from conformance.judge.model import Judgement
from conformance.report.curl import Replay, ReplayLine
from conformance.report.outcome import CaseRow, RequirementRow, Summary
from conformance.report.repro import needs_script, script

CHARGES = "# may charge\n"
SHOWN = 5
"""How many cases of one requirement get a shell line; the others are named."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One case that violates a requirement. `again`: what to paste, `sent`: the request; empty where none is."""

    row: CaseRow
    judgement: Judgement
    again: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violated requirement: the violations worth showing, the most telling first, and how many more there are."""

    row: RequirementRow
    violations: tuple[Violation, ...]
    more: int


Again = Callable[[CaseRow, Judgement], str]


def findings(summary: Summary, again: Again) -> tuple[Finding, ...]:
    """All violated requirements, MUSTs first, confirmed ones first; `again` gives what to paste to see one again."""
    violated = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    violated.sort(key=lambda row: (row.outcome, bool(row.unstable)))
    by_requirement: dict[str, list[Violation]] = {row.requirement.id: [] for row in violated}
    for row in summary.cases:
        seen = set()
        for one in row.result.judgements:
            if one.kind == "breaks" and one.requirement in by_requirement and one.requirement not in seen:
                seen.add(one.requirement)
                by_requirement[one.requirement].append(Violation(row, one))
    return tuple(_finding(row, by_requirement[row.requirement.id], again) for row in violated)


def _finding(row: RequirementRow, violations: list[Violation], again: Again) -> Finding:
    requirement_id = row.requirement.id

    def weight(one: Violation) -> tuple[bool, bool]:
        """Confirmed ones first, then those of cases made for the requirement."""
        return one.judgement.unstable is not None, requirement_id not in one.row.result.case.requirements[:1]

    shown = sorted(violations, key=weight)[:SHOWN]
    full = (replace(one, again=again(one.row, one.judgement), sent=_sent(one.row, one.judgement)) for one in shown)
    return Finding(row, tuple(full), len(violations) - len(shown))


def _sent(row: CaseRow, judgement: Judgement) -> str:
    """Method, target and body of the request that a violation rests on, to be cleaned and cut where it is shown."""
    request = next((one.exchange.request for one in row.result.evidence if one.number == judgement.exchange), None)
    if request is None or judgement.exchange is None:
        return ""
    return f"{request.method} {request.target} {request.body.decode('utf-8', 'backslashreplace')}".rstrip()


def to_paste(line: ReplayLine, row: CaseRow, judgement: Judgement, rows: dict[str, CaseRow]) -> Replay:
    """What to paste to see a violation again: a call of curl, or of a script where one request is not enough.

    A comment above says where it may charge. Empty where there is nothing to paste. `rows` are those of all cases by id.
    """
    result = row.result
    sent = next((one for one in result.evidence if one.number == judgement.exchange), None)
    if sent is not None and sent.exchange.case != result.case.id and sent.exchange.case in rows:
        result = rows[sent.exchange.case].result  # what the whole run shows, shown by the case that it was seen in
    if needs_script(result.case, judgement, result.evidence):
        replay = script(line, result.case, result.evidence)
        return replace(replay, text=CHARGES + replay.text)
    if sent is None and len(result.evidence) == 1:
        sent = result.evidence[0]
    if sent is None:
        return Replay("")
    charges = "" if sent.exchange.request.method in ("GET", "HEAD") else CHARGES
    replay = line.line(sent)
    return replace(replay, text=charges + line.note(sent) + replay.text)
