"""Every case of the plan as a test: takes what became of it and says so. Sends and judges nothing itself."""

from __future__ import annotations

from conformance.run.model import CaseResult, Outcome
from conformance.suite.plugin import report_outcome


def test_case(case_result: tuple[CaseResult, Outcome]) -> None:
    """The outcome of one case, told in the words of pytest."""
    report_outcome(*case_result)
