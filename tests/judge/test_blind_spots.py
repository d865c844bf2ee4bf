"""Every probe with every wrong answer: what is reported is what the table in `tests/support/blind.py` demands.

BLIND_SPOTS=whole walks through all probes of a standard and of a deep run. The default is one probe of each kind with all
answers, and one of each sort with an eighth of them.
Each mutation takes one rule out of the judges; the table notices all of them.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from conformance.judge import exchange as judges
from conformance.judge.model import holds
from conformance.options import Options
from conformance.run import tally, whole_run
from conformance.session import Run
from tests.support.blind import RESPONSES, Place, places, unexplained

WHOLE = os.environ.get("BLIND_SPOTS") == "whole"


def sort_of(place: Place) -> object:
    """Everything of a probe that a judge may look at, except the text of its body."""
    probe, case = place.probe, place.case
    chain = (case.id, place.number) if case.rule or case.scheduling != "one-shot" else None
    plain = replace(probe, expectation=replace(probe.expectation, label=""), body=b"", accept=None)
    return chain, place.column, plain, len(probe.body) >= 1_000_000


@pytest.fixture(scope="module")
def probes() -> dict[str, list[Place]]:
    found = {}
    for depth in ("standard", "deep") if WHOLE else ("standard",):
        every = places(Run(Options(depth=depth)).cases)
        found[depth] = every if WHOLE else list({sort_of(place): place for place in every}.values())
    return found


@pytest.fixture(scope="module")
def few(probes) -> list[Place]:
    """One probe for each kind, framing, label and size."""
    return list({kind_of(place): place for place in probes["standard"]}.values())


def kind_of(place: Place) -> object:
    probe, case = place.probe, place.case
    several = probe.expectation.requirement == "body.several-faults"
    large = len(probe.body) >= 1_000_000
    return place.column, probe.framing, probe.headers, large, case.rule, case.scheduling, several, probe.equal


def test_every_wrong_answer_is_reported_as_the_table_demands(probes, few):
    for depth, every in probes.items():
        pairs = {(place, name): None for place in (every if WHOLE else few) for name in RESPONSES}
        for number, place in enumerate(every):
            pairs |= {(place, name): None for name in list(RESPONSES)[number % 8 :: 8]}
        wrong = [why for place, name in pairs if (why := unexplained(place, name))]
        print(f"{depth}: {len(every)} probes, {len(RESPONSES)} answers, {len(pairs)} pairs")
        assert wrong == [], "\n".join(wrong[:40])


def without(*names: str):
    """A judge of exchanges that never finds these requirements violated."""
    whole = judges.judge_exchange

    def judge(*arguments):
        return [each for each in whole(*arguments) if each.requirement not in names or each.kind != "breaks"]

    return judge


def only_where_asked(contract, probe, exchange, time_limit=None):
    """The judge before this test existed: probes that only observe are judged for nothing but their framing."""
    found = judges.judge_exchange(contract, probe, exchange, time_limit)
    if probe.expectation.nature != "observe":
        return found
    return [each for each in found if each.requirement in ("answer.in-time", "answer.connection", "answer.framing")]


def passes_every_status(_contract, _probe, _answer):
    return [], True


MUTATIONS = {
    "the status set": (tally, "judge_exchange", without("answer.status-set")),
    "probes that only observe": (tally, "judge_exchange", only_where_asked),
    "no server error": (tally, "judge_exchange", without("answer.no-server-error")),
    "several faults": (tally, "judge_exchange", without("body.several-faults")),
    "the empty 200": (judges, "_judge_success", lambda _answer: []),
    "the status of each case": (judges, "_judge_status", passes_every_status),
    "the error body": (judges, "judge_error_body", lambda *_: ([], None)),
    "Retry-After of a 429": (judges, "judge_retry_after", lambda *_: []),
    "retryAfter of a 503": (judges, "judge_unavailable", lambda *_: []),
    "leaks": (judges, "judge_leak", lambda _answer: []),
    "no answer": (judges, "_judge_failure", lambda *_: []),
    "framing and time": (judges, "_judge_delivery", lambda *_: [holds("answer.framing")]),
    "bytes after the answer": (tally, "judge_late_bytes", lambda *_: holds("answer.framing")),
    "comparison within a case": (tally, "judge_group", lambda *_: []),
    "comparison of equal requests": (whole_run, "judge_equals", lambda _exchanges: []),
    "refused authentication": (judges, "AUTHENTICATION", frozenset()),
    "requests to wait": (judges, "BUSY", frozenset()),
    "media types other than JSON": (judges, "_labelled_json", lambda _request: True),
    "large requests": (judges, "LARGE", 10**9),
    "other methods": (judges, "framing_of", lambda _method: "answer.framing"),
}


@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_judge_without_one_rule_is_noticed(rule, few, monkeypatch):
    monkeypatch.setattr(*MUTATIONS[rule])
    assert any(unexplained(place, name) for place in few for name in RESPONSES), rule
