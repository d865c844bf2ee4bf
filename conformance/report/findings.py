"""The violated requirements, worst first, with shell lines to reproduce them. Decides no outcome, writes no report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from conformance.cases.model import Case
from conformance.cases.tables import TEST_PLAN
from conformance.exchange.event import Sent
from conformance.exchange.model import Request
from conformance.judge.model import Judgement
from conformance.report.curl import Replay, ReplayWriter
from conformance.report.outcome import CaseRow, RequirementRow, Summary
from conformance.run.whole_run import INDEPENDENT

MAY_CHARGE = "# may charge\n"
_PLAIN = tuple(name for names in TEST_PLAN.values() for name in names)
CASE = "CASE"
"""Stands for the id of the case in a call of `replay`."""
SHOWN = 5
"""How many cases of one requirement are shown with a shell line; of the others only the number is shown."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One case that violates a requirement.

    `replay_line`: what to paste to reproduce it. `sent`: the request, as text. Both are empty if there is none.
    `exchange`: the request with its answer.
    """

    row: CaseRow
    judgement: Judgement
    replay_line: str = ""
    sent: str = ""
    exchange: Sent | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One violated requirement: the violations to show, the clearest first, and how many more there are."""

    row: RequirementRow
    violations: tuple[Violation, ...]
    more: int


ReplayText = Callable[[CaseRow, Judgement], str]


def findings(summary: Summary, replay_text: ReplayText) -> tuple[Finding, ...]:
    """All violated requirements: MUSTs before SHOULDs, of each level confirmed ones first, then those of most cases.

    `replay_text` gives what to paste to reproduce a violation.
    """
    violated = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    by_requirement: dict[str, list[Violation]] = {row.requirement.id: [] for row in violated}
    for row in summary.cases:
        clearest: dict[str, Judgement] = {}
        for judgement in row.result.judgements:
            known = clearest.get(judgement.requirement)
            if judgement.kind == "breaks" and (known is None or _weight(row, judgement) < _weight(row, known)):
                clearest[judgement.requirement] = judgement
        for requirement_id in clearest.keys() & by_requirement.keys():
            by_requirement[requirement_id].append(Violation(row, clearest[requirement_id]))
    violated.sort(
        key=lambda row: (row.waived, row.outcome, bool(row.unstable), -len(by_requirement[row.requirement.id]))
    )
    return tuple(_finding(row, by_requirement[row.requirement.id], replay_text) for row in violated)


def _finding(row: RequirementRow, violations: list[Violation], replay_text: ReplayText) -> Finding:
    shown = sorted(violations, key=lambda violation: _weight(violation.row, violation.judgement))[:SHOWN]
    complete = tuple(
        replace(
            violation,
            replay_line=replay_text(violation.row, violation.judgement),
            sent=_sent(violation.row, violation.judgement),
            exchange=exchange_of(violation.row, violation.judgement),
        )
        for violation in shown
    )
    return Finding(row, complete, len(violations) - len(shown))


def _weight(row: CaseRow, judgement: Judgement) -> tuple[bool, bool, int, bool, int, bool, int]:
    """How hard a violation is to understand.

    The easiest did not disappear when repeated; its case is made for the requirement and stands for the test plan; the
    report keeps its request, which needs few requests before it, and has a short readable body.
    """
    case = row.result.case
    request = request_of(row, judgement)
    body = request.body if request is not None else b""
    origin = 2 if case.strategy else 0 if case.id.startswith(_PLAIN) else 1
    readable = request is not None and body.isascii() and body.decode("ascii").isprintable()
    made_for = judgement.requirement in case.requirements[:1]
    doubtful = judgement.unstable not in (None, (1, 1))
    before = (judgement.exchange or 0) if case.scheduling == "chain" else 0
    return doubtful, not made_for, origin, request is None, before, not readable, len(body)


def exchange_of(row: CaseRow, judgement: Judgement) -> Sent | None:
    """The exchange that shows a violation; None where several do, or the report does not keep it."""
    number = judgement.exchange
    return next((sent for sent in row.result.evidence if number is not None and sent.number == number), None)


def request_of(row: CaseRow, judgement: Judgement) -> Request | None:
    """The request that shows a violation, where one does."""
    sent = exchange_of(row, judgement)
    return sent.exchange.request if sent is not None else None


def _sent(row: CaseRow, judgement: Judgement) -> str:
    """Method, target and body of the request that shows a violation, neither cleaned nor cut."""
    request = request_of(row, judgement)
    if request is None:
        return ""
    return f"{request.method} {request.target} {request.body.decode('utf-8', 'backslashreplace')}".rstrip()


def replay_of(
    writer: ReplayWriter, row: CaseRow, judgement: Judgement, rows: dict[str, CaseRow], record: str
) -> Replay:
    """What to paste to reproduce a violation: a call of curl, or of `replay` if one request is not enough.

    A comment above it says if it may charge. Empty if there is nothing to paste. `rows`: the rows of all cases by id.
    `record`: the path of the record, and the options that name the target.
    """
    result = row.result
    sent = next((sent for sent in result.evidence if sent.number == judgement.exchange), None)
    if sent is not None and sent.exchange.case != result.case.id and sent.exchange.case in rows:
        result = rows[sent.exchange.case].result  # the case of this request, for a finding of the whole run
    if _needs_more_requests(result.case, judgement, result.evidence):
        return Replay(f"{MAY_CHARGE}capture-conformance replay {record.replace(CASE, result.case.id)}")
    if sent is None and len(result.evidence) == 1:
        sent = result.evidence[0]
    if sent is None:
        return Replay("")
    may_charge = "" if sent.exchange.request.method in ("GET", "HEAD") else MAY_CHARGE
    replay = writer.line(sent)
    return replace(replay, text=may_charge + writer.note(sent) + replay.text)


def _needs_more_requests(case: Case, judgement: Judgement, evidence: Sequence[Sent]) -> bool:
    """Whether one request is not enough to reproduce `judgement`."""
    if judgement.exchange is None:
        return len(evidence) > 1
    violating = next((sent for sent in evidence if sent.number == judgement.exchange), None)
    if case.scheduling == "one-shot" or case.rule == "same-answer" or (violating and violating.exchange.probe == 0):
        return False
    if violating is None or case.rule == "window" or judgement.requirement == INDEPENDENT:
        return True
    return violating.probe.wait or violating.probe.trip == "same"
