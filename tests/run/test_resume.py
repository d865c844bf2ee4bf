"""A run that was cut off goes on, and ends with the outcomes of one that was not."""

from __future__ import annotations

import json
from collections import Counter
from copy import copy
from random import Random

import pytest

from conformance.errors import UsageError
from conformance.exchange.event import Resumed, Sent
from conformance.exchange.record import read_record
from conformance.mock.server import Mock
from conformance.report.outcome import summarise
from conformance.run.result import judge_record
from tests.support.direct import SimulatedClock, on_mock
from tests.support.runs import SHELF, finished, of_the_tables, outcomes, run_directly

FAULTS = ("value-zero-exponent", "server-error-nan", "put-crashes")


def chosen(case) -> bool:
    """Cases of the tables, and one strategy, whose violations are shown with smaller bodies."""
    return of_the_tables(case) or case.strategy == "number-spellings"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    ran = run_directly(tmp_path_factory.mktemp("run") / "out", *FAULTS, only=chosen)
    lines = (ran.run.out / "record.jsonl").read_bytes().splitlines(keepends=True)
    return ran, lines


def resumed(ran, out, *, only=chosen):
    """Go on with the record in `out`, against a new mock with the same faults."""
    clock = SimulatedClock()
    mock = Mock([SHELF[name] for name in FAULTS], hang_s=3.0, clock=clock.now)
    run = copy(ran.run)
    run.out, run.own_errors = out, []
    run.take_up()
    run.execute([case for case in run.cases if only(case)], machinery=on_mock(mock, clock))
    return finished(run)


def cut(lines, out, at: int, more: bytes = b""):
    out.mkdir()
    (out / "record.jsonl").write_bytes(b"".join(lines[:at]) + more)


def charged_twice(ran) -> list[str]:
    trips = Counter(capture.trip for capture in ran.result.captures if capture.state == "captured")
    repeated = {
        sent.exchange.trip
        for sent in read_record(ran.run.out / "record.jsonl").sent
        if sent.probe.trip in ("same", "case")
    }
    return [trip for trip, count in trips.items() if count > 1 and trip not in repeated]


MOMENTS = [0.001, 0.01, 0.3, 0.7, 0.97]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_cut_off_at_any_line_has_the_same_outcomes(uninterrupted, tmp_path, moment):
    ran, lines = uninterrupted
    at = max(1, int(moment * len(lines)))
    cut(lines, tmp_path / "out", at, lines[at][: len(lines[at]) // 2])
    again = resumed(ran, tmp_path / "out")
    record = read_record(tmp_path / "out" / "record.jsonl")
    assert outcomes(again.summary) == outcomes(ran.summary)
    assert (record.broken, record.complete) == ("", True)
    assert sum(isinstance(event, Resumed) for event in record.events) == 1
    assert b"".join(lines[:at]) == (tmp_path / "out" / "record.jsonl").read_bytes()[: sum(map(len, lines[:at]))]
    assert outcomes(summarise(again.run.contract, judge_record(record, again.run.contract))) == outcomes(again.summary)
    assert charged_twice(again) == []
    unsettled = {event.number for event in record.events if hasattr(event, "wall_time")}
    settled = {event.intent for event in record.events if isinstance(event, Sent)}
    unknown = {capture.number for capture in again.result.captures if capture.state == "unknown"}
    assert unsettled - settled <= unknown


def test_chains_begin_again_and_no_other_request_is_repeated(uninterrupted, tmp_path):
    ran, lines = uninterrupted
    whole = read_record(ran.run.out / "record.jsonl").sent
    cut(lines, tmp_path / "out", len(lines) // 2)
    before = read_record(tmp_path / "out" / "record.jsonl").sent
    again = resumed(ran, tmp_path / "out")
    scheduling = {case.id: case.scheduling for case in again.run.cases}
    after = read_record(tmp_path / "out" / "record.jsonl").sent[len(before) :]
    done = {(sent.exchange.case, sent.exchange.probe) for sent in before if sent.final and sent.purpose == "first"}
    repeated = {(sent.exchange.case, sent.exchange.probe) for sent in after if sent.purpose == "first"} & done
    assert {scheduling[case] for case, _ in repeated} <= {"chain", "exclusive"}
    assert len({case for case, _ in repeated}) <= 1  # in one thread, one chain is open at a time
    assert abs(len(before) + len(after) - len(whole) - len(repeated)) <= 1
    assert again.run.tally.used_trips() >= {capture.trip for capture in again.result.captures}
    assert sum(again.result.totals.values()) >= sum(ran.result.totals.values())


@pytest.fixture
def record(uninterrupted, tmp_path):
    ran, lines = uninterrupted
    return ran, lines, tmp_path / "out"


def test_what_cannot_go_on_is_a_usage_error(record):
    ran, lines, out = record
    cut(lines, out, len(lines))
    with pytest.raises(UsageError, match="the run is complete"):
        resumed(ran, out)
    (out / "record.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="cut off before it began"):
        resumed(ran, out)
    (out / "record.jsonl").write_bytes(lines[0] + lines[2])
    with pytest.raises(UsageError, match="does not continue"):
        resumed(ran, out)
    header = {**json.loads(lines[0]), "seed": 7, "depth": "deep"}
    (out / "record.jsonl").write_bytes(json.dumps(header).encode() + b"\n")
    with pytest.raises(UsageError, match="another seed and depth"):
        resumed(ran, out)


@pytest.mark.slow
def test_many_random_cuts(uninterrupted, tmp_path):
    ran, lines = uninterrupted
    random = Random(15)
    for number in range(60):
        at = random.randrange(1, len(lines) - 1)
        out = tmp_path / str(number)
        cut(lines, out, at, lines[at][: random.randrange(len(lines[at]))])
        assert outcomes(resumed(ran, out).summary) == outcomes(ran.summary), at
