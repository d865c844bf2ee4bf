"""What is broken, worst first, with the lines that show it again. Decides no outcome and writes no report."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from conformance.judge.model import Judgement
from conformance.report.curl import Shell
from conformance.report.outcome import CaseRow, RequirementRow, Summary
from conformance.report.repro import needs_script, write_script

SHOWN = 5
"""How many cases of one requirement get a shell line; the others are named."""


@dataclass(frozen=True, slots=True)
class Break:
    """One case that breaks a requirement; `again` is a line to paste, empty where there is none to show."""

    row: CaseRow
    judgement: Judgement
    again: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken requirement: the breaks worth showing, the most telling first, and how many more there are."""

    row: RequirementRow
    breaks: tuple[Break, ...]
    more: int


def findings(summary: Summary, shell: Shell) -> tuple[Finding, ...]:
    """All broken requirements: MUSTs first, then as the contract lists them. OSError where a file can't be written."""
    broken = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    broken.sort(key=lambda row: row.outcome)
    by_word: dict[str, list[tuple[CaseRow, Judgement]]] = {row.requirement.id: [] for row in broken}
    for row in summary.cases:
        seen = set()
        for one in row.result.judgements:
            if one.kind == "breaks" and one.requirement in by_word and one.requirement not in seen:
                seen.add(one.requirement)
                by_word[one.requirement].append((row, one))
    return tuple(_finding(row, by_word[row.requirement.id], shell) for row in broken)


def _finding(row: RequirementRow, pairs: list[tuple[CaseRow, Judgement]], shell: Shell) -> Finding:
    word = row.requirement.id

    def weight(pair: tuple[CaseRow, Judgement]) -> tuple[bool, bool]:
        """Confirmed breaks first, then those of cases made for the requirement."""
        case, one = pair
        return one.unstable is not None, word not in case.result.case.requirements[:1]

    shown = sorted(pairs, key=weight)[:SHOWN]
    return Finding(
        row, tuple(Break(case, one, again(shell, case, one)) for case, one in shown), len(pairs) - len(shown)
    )


def again(shell: Shell, row: CaseRow, judgement: Judgement) -> str:
    """The line that shows a break again: a call of curl, or of a script where one request is not enough."""
    case, evidence = row.result.case, row.result.evidence
    if needs_script(case, judgement, evidence):
        return f"sh {shlex.quote(str(write_script(shell, case, evidence)))}"
    exchange = next((one for one in evidence if one.number == judgement.exchange), None)
    if exchange is None:
        exchange = evidence[0] if len(evidence) == 1 else None
    return shell.line(exchange, case) if exchange is not None else ""
