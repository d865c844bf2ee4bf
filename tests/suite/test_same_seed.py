"""Two runs with one seed: the same cases in the same order, the same bytes except fresh trips, the same outcomes."""

from __future__ import annotations

from conformance.cases.model import fill_trip
from conformance.exchange.event import Plan
from conformance.exchange.record import read_record
from tests.support.runs import run_once


def cases_of(plan):
    return [(case.id, case.title, len(case.probes)) for case in plan.cases]


def test_two_runs_with_fresh_trips(tmp_path):
    runs = [run_once(tmp_path / name, "code-lower-case", seed=0) for name in ("first", "second")]
    first, second = (read_record(one.run.out / "record.jsonl") for one in runs)
    plans = [[cases_of(event) for event in record.events if isinstance(event, Plan)] for record in (first, second)]
    assert plans[0] == plans[1]
    templates = {(case.id, index): probe.body for case in runs[0].run.cases for index, probe in enumerate(case.probes)}
    bodies = [
        {
            (exchange.case, exchange.probe): (exchange.trip, exchange.request.body)
            for exchange in (sent.exchange for sent in record.sent)
            if (exchange.case, exchange.probe) in templates
        }
        for record in (first, second)
    ]
    assert bodies[0].keys() == bodies[1].keys()
    for key in bodies[0]:
        for trip, body in (bodies[0][key], bodies[1][key]):
            assert body == (fill_trip(templates[key], trip) if trip else templates[key]), key
    fresh = [trip for sent in bodies for trip, _ in sent.values() if trip]
    assert len(set(fresh)) > len(bodies[0])
    outcomes = [[(row.requirement.id, row.outcome) for row in ran.summary.requirements] for ran in runs]
    assert outcomes[0] == outcomes[1]
