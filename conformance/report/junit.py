"""What stands in the JUnit file beside pytest's own words. Must not write it."""

from __future__ import annotations

from conformance.report.outcome import CaseRow
from conformance.report.redact import visible


def properties(row: CaseRow) -> list[tuple[str, str]]:
    """The user properties of one case: outcome, requirements, and the reason where there is one."""
    pairs = [("outcome", str(row.outcome)), ("requirements", " ".join(row.result.case.requirements))]
    return [*pairs, ("reason", visible(row.reason))] if row.reason else pairs
