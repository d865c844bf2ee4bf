"""What is broken, worst first, with the lines that show it again. Decides no outcome and writes no report."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from conformance.judge.model import Judgement
from conformance.report.curl import Shell
from conformance.report.outcome import CaseRow, RequirementRow, Summary
from conformance.report.repro import needs_script, write_script

CHARGES = "# may charge\n"
SHOWN = 5
"""How many cases of one requirement get a shell line; the others are named."""


@dataclass(frozen=True, slots=True)
class Break:
    """One case that breaks a requirement. `again`: what to paste, `sent`: the request; empty where none is."""

    row: CaseRow
    judgement: Judgement
    again: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken requirement: the breaks worth showing, the most telling first, and how many more there are."""

    row: RequirementRow
    breaks: tuple[Break, ...]
    more: int


Again = Callable[[CaseRow, Judgement], str]


def findings(summary: Summary, again: Again) -> tuple[Finding, ...]:
    """All broken requirements, MUSTs first, confirmed ones first; `again` gives what to paste to see a break again."""
    broken = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    broken.sort(key=lambda row: (row.outcome, bool(row.unstable)))
    by_word: dict[str, list[Break]] = {row.requirement.id: [] for row in broken}
    for row in summary.cases:
        seen = set()
        for one in row.result.judgements:
            if one.kind == "breaks" and one.requirement in by_word and one.requirement not in seen:
                seen.add(one.requirement)
                by_word[one.requirement].append(Break(row, one))
    return tuple(_finding(row, by_word[row.requirement.id], again) for row in broken)


def _finding(row: RequirementRow, breaks: list[Break], again: Again) -> Finding:
    word = row.requirement.id

    def weight(one: Break) -> tuple[bool, bool]:
        """Confirmed breaks first, then those of cases made for the requirement."""
        return one.judgement.unstable is not None, word not in one.row.result.case.requirements[:1]

    shown = sorted(breaks, key=weight)[:SHOWN]
    told = tuple(replace(one, again=again(one.row, one.judgement), sent=_sent(one.row, one.judgement)) for one in shown)
    return Finding(row, told, len(breaks) - len(shown))


def _sent(row: CaseRow, judgement: Judgement) -> str:
    """Method, target and body of the request that a break rests on, to be cleaned and cut by whoever shows it."""
    request = next((one.request for one in row.result.evidence if one.number == judgement.exchange), None)
    if request is None or judgement.exchange is None:
        return ""
    return f"{request.method} {request.target} {request.body.decode('utf-8', 'backslashreplace')}".rstrip()


def to_paste(shell: Shell, row: CaseRow, judgement: Judgement, rows: dict[str, CaseRow]) -> str:
    """What to paste to see a break again: a call of curl, or of a script where one request is not enough.

    A comment above says where it may charge. Empty where there is nothing to paste. OSError where a file can't be
    written. `rows` are those of all cases by id.
    """
    result = row.result
    exchange = next((one for one in result.evidence if one.number == judgement.exchange), None)
    if exchange is not None and exchange.case != result.case.id and exchange.case in rows:
        result = rows[exchange.case].result  # what the whole run shows, shown by the case that it was seen in
    if needs_script(result.case, judgement, result.evidence):
        return f"{CHARGES}sh {shlex.quote(str(write_script(shell, result.case, result.evidence)))}"
    if exchange is None and len(result.evidence) == 1:
        exchange = result.evidence[0]
    if exchange is None:
        return ""
    charges = "" if exchange.request.method in ("GET", "HEAD") else CHARGES
    return charges + shell.note(exchange, result.case) + shell.line(exchange, result.case)
