"""Requests that a gateway blocks are counted, for the run and for each requirement, and are never a finding."""

from __future__ import annotations

import json

from conformance.mock.exchange import Inquiry, raw_error
from conformance.mock.faults import Fault
from conformance.mock.server import Mock
from conformance.report.terminal import blocked
from tests.support.direct import SimulatedClock, on_mock
from tests.support.runs import finished, planned

SOME = ("opening", "acceptance", "store-id", "value")


def filtered(inquiry: Inquiry) -> None:
    """A filter blocks every text with an exclamation mark, like one in front of a server that looks for attacks."""
    if b"!" in inquiry.body or b"1e" in inquiry.body:
        inquiry.reply = raw_error(403, b"<html>blocked</html>", "text/html")


FILTER = Fault("filter", "Some texts are blocked with 403.", benign=True, answer=filtered)


def test_blocked_requests_are_counted_for_the_run_and_for_each_requirement(tmp_path):
    clock = SimulatedClock()
    run = planned(tmp_path / "run", "http://127.0.0.1")
    mock = Mock([FILTER], clock=clock.now)
    run.execute([case for case in run.cases if case.theme in SOME], machinery=on_mock(mock, clock))
    ran = finished(run)
    count = sum(len(case.blocked) for case in ran.result.cases)
    statuses = [sent.status for case in ran.result.cases for sent in case.evidence]
    assert ran.broken == frozenset()
    assert count >= statuses.count(403) > 0
    unjudged = sum(1 for case in ran.result.cases if case.blocked and not case.judgements)
    line = f"{count} of {ran.result.requests} requests were blocked with 403; {unjudged} case"
    assert blocked(ran.result).startswith(line)
    rows = {row.requirement.id: row for row in ran.summary.requirements}
    assert rows["amount.required"].coverage.blocked == 0
    pattern = rows["store-id.pattern"]
    assert f"{pattern.coverage.blocked} requests blocked with 401, 403 or 407" in pattern.tested
    assert pattern.coverage.blocked > 0
    assert ran.judged_otherwise() == []


def test_without_blocked_requests_nothing_is_said(tmp_path):
    clock = SimulatedClock()
    run = planned(tmp_path / "run", "http://127.0.0.1")
    run.execute(
        [case for case in run.cases if case.theme == "opening"], machinery=on_mock(Mock(clock=clock.now), clock)
    )
    ran = finished(run)
    assert blocked(ran.result) == ""
    assert "blocked" not in json.dumps([row.tested for row in ran.summary.requirements])
