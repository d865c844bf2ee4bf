"""The fold from events to results: what cannot have happened is refused, and an event changes no more than its case."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest

from conformance.contract import load_contract
from conformance.exchange.event import Event, Intent, Plan, Purpose, Sent
from conformance.exchange.record import read_record
from conformance.mock.faults import FAULTS
from conformance.mock.server import Mock
from conformance.run.tally import Inconsistent, Tally
from conformance.run.whole_run import WHOLE_RUN
from tests.support.direct import SimulatedClock, on_mock
from tests.support.runs import planned

CONTRACT = load_contract()
CASES = {
    "accept-store-1", "accept-store-2", "code-lower-case", "code-digits", "generated-currency-codes", "provoked-429",
    "provoked-429-window", "provoked-500", "store-id-missing", "independence-after-empty", "value-zero-spellings", "body-order",
    *WHOLE_RUN,
}  # fmt: skip
# One that a second sending shows again and smaller bodies show too; one that it clears; one that is asked to wait.
SHOWN = {"code-lower-case": None, "first-time-500": None, "clean, but a limit is met": "7/s"}


@pytest.fixture(scope="module", params=SHOWN)
def events(request, tmp_path_factory) -> list[Event]:
    """The events of a run of a few cases."""
    clock, out = SimulatedClock(), tmp_path_factory.mktemp("run") / "out"
    faults = [FAULTS[request.param]] if request.param in FAULTS else []
    run = planned(out, "http://127.0.0.1")
    mock = Mock(faults, SHOWN[request.param], clock=clock.now)
    run.execute([case for case in run.cases if case.id in CASES], machinery=on_mock(mock, clock))
    record = read_record(out / "record.jsonl")
    purposes = {sent.purpose for sent in record.sent}
    assert purposes == {
        "code-lower-case": {"first", "confirm", "shrink"}, "first-time-500": {"first", "confirm"},
    }.get(request.param, {"first", "resend"})  # fmt: skip
    return record.events


def told(events: list[Event]) -> dict[str, tuple]:
    """What the fold says of each case."""
    tally = Tally(CONTRACT, 10.0)
    for event in events:
        tally.take(event)
    return {
        one.case.id: (one.judgements, one.numbers, one.sent, one.charged, one.reason, one.error)
        for one in tally.results("")
    }


def touched(before: dict[str, tuple], after: dict[str, tuple]) -> set[str]:
    return {case for case in before.keys() | after.keys() if before.get(case) != after.get(case)}


def case_of(event: Event) -> str:
    """The case of an event; of a later plan, which says how cases look after the opening step, none."""
    return "" if isinstance(event, Plan) else event.exchange.case if isinstance(event, Sent) else event.case


def mutated(events: list[Event], at: int, *new: Event) -> set[str] | None:
    """Which cases change where the event at this place is replaced; None where the fold refuses that."""
    try:
        return touched(told(events), told([*events[:at], *new, *events[at + 1 :]]))
    except Inconsistent:
        return None


def test_no_event_can_have_another_purpose(events):
    for at, event in enumerate(events):
        if isinstance(event, Sent):
            others = [purpose for purpose in get_args(Purpose) if purpose != event.purpose]
            if event.purpose == "first":
                others.remove("burst")  # which differs by how often it is sent
            for purpose in others:
                assert mutated(events, at, replace(event, purpose=purpose)) is None, (event, purpose)


def test_an_event_that_is_missing_changes_its_own_case_at_most(events):
    for at, event in enumerate(events):
        seen = mutated(events, at)
        if at == 0:
            assert seen is None
        assert seen is None or seen <= {case_of(event), *WHOLE_RUN}, event
        if isinstance(event, Sent) and event.purpose == "first":
            assert seen is None or case_of(event) in seen


def test_an_intent_that_an_exchange_settles_cannot_be_missing_or_settled_twice(events):
    for at, event in enumerate(events):
        if isinstance(event, Intent) and any(isinstance(one, Sent) and one.intent == event.number for one in events):
            assert mutated(events, at) is None
        if isinstance(event, Sent) and event.intent is not None:
            assert mutated(events, at, event, replace(event, sending=9999)) is None


def test_neighbours_that_change_places_are_refused_or_change_nothing(events):
    usual = told(events)
    for at, (one, other) in enumerate(pairwise(events[1:]), 1):
        try:
            after = told([*events[:at], other, one, *events[at + 2 :]])
        except Inconsistent:
            continue
        mine = {case_of(one)} if case_of(one) == case_of(other) else set()
        assert touched(usual, after) <= mine | WHOLE_RUN


def test_an_event_that_comes_twice_is_refused(events):
    for at, event in enumerate(events):
        if isinstance(event, Sent):
            assert mutated(events, at, event, event) is None
