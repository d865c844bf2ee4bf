"""The tally from events to results: it refuses impossible events, and an event changes only its own case."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest

from conformance.contract import load_contract
from conformance.exchange.event import Again, Event, Intent, Plan, Purpose, Sent
from conformance.exchange.record import read_record
from conformance.mock.faults import FAULTS
from conformance.mock.server import Mock
from conformance.run.tally import Inconsistent, Tally
from conformance.run.whole_run import INDEPENDENT, WHOLE_RUN
from tests.fair.layers import Refusing, put_before
from tests.support.direct import SimulatedClock, on_mock
from tests.support.runs import planned

CONTRACT = load_contract()
CASES = {
    "accept-store-1", "accept-store-2", "code-lower-case", "code-digits", "generated-currency-codes", "provoked-429",
    "provoked-429-window", "provoked-500", "store-id-missing", "independence-after-empty", "value-zero-spellings", "body-order",
    *WHOLE_RUN,
}  # fmt: skip
# A violation that is confirmed and shrunk; one that is not confirmed; and a rate limit that makes the run wait.
# And one in which a request stays refused, and a chain.
LIMITS = {
    "code-lower-case": None,
    "first-time-500": None,
    "clean, but a limit is met": "7/s",
    "clean, but refused": None,
}


@pytest.fixture(scope="module", params=LIMITS)
def events(request, tmp_path_factory) -> list[Event]:
    """The events of a run of a few cases."""
    clock, out = SimulatedClock(), tmp_path_factory.mktemp("run") / "out"
    faults = [FAULTS[request.param]] if request.param in FAULTS else []
    run = planned(out, "http://127.0.0.1")
    mock = Mock(faults, LIMITS[request.param], clock=clock.now)
    if request.param == "clean, but refused":
        put_before(mock, Refusing(re.compile(b'"usd"').search, 3), Refusing(re.compile(b"^$").match, 4))
    run.execute([case for case in run.cases if case.id in CASES], machinery=on_mock(mock, clock))
    record = read_record(out / "record.jsonl")
    purposes = {sent.purpose for sent in record.sent}
    assert purposes == {
        "code-lower-case": {"first", "confirm", "shrink"}, "first-time-500": {"first", "confirm"},
    }.get(request.param, {"first", "resend"})  # fmt: skip
    tried_again = [event for event in record.events if isinstance(event, Again)]
    expected = [Again("code-lower-case", 0), Again("independence-after-empty", None)]
    assert tried_again == (expected if request.param == "clean, but refused" else [])
    return record.events


def results_of(events: list[Event]) -> dict[str, tuple]:
    """The results of the tally, by case."""
    tally = Tally(CONTRACT, 10.0)
    for event in events:
        tally.take(event)
    return {
        result.case.id: (result.judgements, result.numbers, result.sent, result.charged, result.reason, result.error)
        for result in tally.results("")
    }


def touched(before: dict[str, tuple], after: dict[str, tuple]) -> set[str]:
    return {case for case in before.keys() | after.keys() if before.get(case) != after.get(case)}


def case_of(event: Event) -> str:
    """The case of an event; empty for a plan made after the opening, which belongs to no case."""
    return "" if isinstance(event, Plan) else event.exchange.case if isinstance(event, Sent) else event.case


def mutated(events: list[Event], at: int, *new: Event) -> set[str] | None:
    """The cases that change if the event at this place is replaced; None if the tally refuses that."""
    try:
        changed = results_of([*events[:at], *new, *events[at + 1 :]])
    except Inconsistent:
        return None
    return touched(results_of(events), changed)


def test_no_event_can_have_another_purpose(events):
    for at, event in enumerate(events):
        if isinstance(event, Sent):
            other_purposes = [purpose for purpose in get_args(Purpose) if purpose != event.purpose]
            if event.purpose == "first":
                other_purposes.remove("burst")  # differs only in how often it is sent
            for purpose in other_purposes:
                assert mutated(events, at, replace(event, purpose=purpose)) is None, (event, purpose)


def test_a_missing_event_changes_only_its_own_case(events):
    """And those whose answers are compared over the run."""
    compared = {case.id for case in events[0].cases if INDEPENDENT in case.requirements}
    for at, event in enumerate(events):
        changed = mutated(events, at)
        if at == 0:
            assert changed is None
        assert changed is None or changed <= {case_of(event), *WHOLE_RUN, *compared}, event
        if isinstance(event, Sent) and event.purpose == "first":
            assert changed is None or case_of(event) in changed


def test_an_intent_with_an_exchange_cannot_be_missing_or_settled_twice(events):
    for at, event in enumerate(events):
        if isinstance(event, Intent) and any(
            isinstance(other, Sent) and other.intent == event.number for other in events
        ):
            assert mutated(events, at) is None
        if isinstance(event, Sent) and event.intent is not None:
            assert mutated(events, at, event, replace(event, sending=9999)) is None


def test_events_in_another_order_are_refused_or_change_nothing(events):
    expected = results_of(events)
    for at, (first, second) in enumerate(pairwise(events[1:]), 1):
        try:
            after = results_of([*events[:at], second, first, *events[at + 2 :]])
        except Inconsistent:
            continue
        own_case = {case_of(first)} if case_of(first) == case_of(second) else set()
        assert touched(expected, after) <= own_case | WHOLE_RUN


def test_a_duplicate_event_is_refused(events):
    for at, event in enumerate(events):
        if isinstance(event, Sent | Again):
            assert mutated(events, at, event, event) is None
