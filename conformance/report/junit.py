"""What the JUnit file says beside pytest's own texts. Must not write it."""

from __future__ import annotations

from conformance.judge.model import Judgement
from conformance.report.clean import Cleaner
from conformance.report.outcome import CaseRow

RECEIVED = 300
"""Characters of what was received that a message shows."""


def properties(row: CaseRow, clean: Cleaner) -> list[tuple[str, str]]:
    """The user properties of one case: outcome, requirements, and the reason where there is one."""
    pairs = [("outcome", str(row.outcome)), ("requirements", " ".join(row.result.case.requirements))]
    return [*pairs, ("reason", clean(row.reason))] if row.reason else pairs


def violation(judgement: Judgement, clean: Cleaner) -> str:
    """A violation in one line: requirement, place, expected, received."""
    one = judgement
    received = clean(one.received, RECEIVED)
    return clean(f"{one.requirement}: at {one.at}: expected {one.expected}, received {received}")


def message(row: CaseRow, clean: Cleaner) -> str:
    """The message of a case that failed, was skipped or met an error of our own."""
    violations = [violation(one, clean) for one in row.result.judgements if one.kind == "breaks"]
    return "\n".join(violations) if row.outcome == "failed" else clean(row.reason or row.outcome)
