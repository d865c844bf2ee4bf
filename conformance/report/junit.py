"""Texts for the JUnit file, which pytest writes."""

from __future__ import annotations

from conformance.judge.model import Judgement
from conformance.report.clean import Cleaner
from conformance.report.outcome import CaseRow

RECEIVED = 300
"""Characters that a message shows of what was received."""


def properties(row: CaseRow, clean: Cleaner) -> list[tuple[str, str]]:
    """The user properties of one case: outcome, requirements, and the reason if there is one."""
    pairs = [("outcome", str(row.outcome)), ("requirements", " ".join(row.result.case.requirements))]
    return [*pairs, ("reason", clean(row.reason))] if row.reason else pairs


def violation(judgement: Judgement, clean: Cleaner) -> str:
    """A violation in one line: requirement, place, expected, received."""
    received = clean(judgement.received, RECEIVED)
    return clean(f"{judgement.requirement}: at {judgement.at}: expected {judgement.expected}, received {received}")


def message(row: CaseRow, clean: Cleaner) -> str:
    """The message of a case that failed, was skipped, or had an error of the suite itself."""
    violations = [violation(judgement, clean) for judgement in row.result.judgements if judgement.kind == "breaks"]
    if row.outcome != "failed":
        return clean(row.reason or row.outcome)
    return "\n".join([*(["waived by the profile"] if row.waived else []), *violations])
