"""Whole runs in this process: over sockets against a mock server, or with direct calls of the mock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from zlib import crc32

from benchmarks.runs import SHELF, Ran, finished, outcomes, planned, run_once, time_limit
from conformance.cases.model import Case, Probe, fill_trip
from conformance.mock.exchange import PATH, Inquiry, Reply
from conformance.mock.faults import FAULTS
from conformance.mock.server import Mock
from conformance.send.sender import path_of
from tests.fair.layers import Layer, put_before
from tests.support.direct import SimulatedClock, on_mock

__all__ = ["Ran", "finished", "of_the_tables", "outcomes", "planned", "run_directly", "run_once", "time_limit"]


MANY = 80
"""Cases that get another answer than without the fault; of more, a third is sent."""
LOOKED_AT = 4
"""So many bodies at the beginning of a case, and at its end, are looked at for that."""
OTHERS, FIRST, LATER = 24, 2, 4
"""Of the cases that cannot show a fault, one in so many; of a case that can, its first bodies and at most so many others."""


def of_the_tables(case: Case) -> bool:
    """Whether no library drew the bodies of this case."""
    return not case.strategy


def can_show(cases: Iterable[Case], fault: str) -> set[str]:
    """The ids of the cases that can show the fault: those made for what it violates.

    Where any answer may violate it, and for differences that are no faults of the mock, also those with a probe that
    the mock answers otherwise than without it; a third of them if there are many.
    """
    breaks = SHELF[fault].breaks
    cases = list(cases)
    shown = {case.id for case in cases if breaks & set(case.requirements)}
    if fault not in FAULTS or any(requirement.startswith(("answer.", "server-error.")) for requirement in breaks):
        others = [case.id for case in cases if is_answered_otherwise(case, fault)]
        shown |= set(others if len(others) <= MANY else others[crc32(fault.encode()) % 3 :: 3])
    return shown


def is_answered_otherwise(case: Case, fault: str) -> bool:
    mock = Mock([SHELF[fault]])
    return any(differs(mock, probe) for probe in (*case.probes[:LOOKED_AT], *case.probes[LOOKED_AT:][-LOOKED_AT:]))


@cache
def usual(probe: Probe) -> Reply:
    """The reply of the clean mock."""
    return reply_of(Mock(), probe)


def reply_of(mock: Mock, probe: Probe, connection: str = "") -> Reply:
    """How the mock replies to the probe by itself, or after others of the same connection."""
    fields = [(name.lower(), value) for name, value in probe.headers]
    if probe.accept is not None:
        fields.append(("accept", probe.accept))
    if probe.framing == "chunked":
        fields.append(("transfer-encoding", "chunked"))
    if probe.framing == "expect":
        fields.append(("expect", "100-continue"))
    if probe.provoke:
        fields.append(("x-provoke", str(probe.provoke)))
    body = fill_trip(probe.body, "0b3f9a52-6c1d-4e8a-9f27-d5c48be01a36")
    return mock.reply(Inquiry(probe.method, path_of(PATH, probe.path), fields, body, connection, mock.memory))


def sampled(cases: list[Case], fault: str) -> list[Case]:
    """The cases that can show the fault, and a part of the others with their first body, not always the same."""
    shown, turn = can_show(cases, fault), crc32(fault.encode()) % OTHERS
    found = []
    for number, case in enumerate(cases):
        if case.accepts or not case.probes:
            found.append(case)
        elif case.id in shown:
            found.append(showing(case, fault))
        elif number % OTHERS == turn:
            found.append(case if case.scheduling == "chain" else cut(case, case.probes[:1]))
    return found


def showing(case: Case, *faults: str) -> Case:
    """The case with what it sends first, and some of what the mock answers otherwise than without the faults.

    What is sent on one connection stays together. Cases that are judged as a whole stay whole.
    """
    if case.rule or case.together or (case.scheduling != "one-shot" and case.theme != "pairs"):
        return case
    sent: dict[int, list[Probe]] = {}
    for number, probe in enumerate(case.probes):
        sent.setdefault(number if case.scheduling == "one-shot" else probe.connection, []).append(probe)
    rows = list(sent.values())
    mock = Mock([SHELF[name] for name in faults])
    later = [row for row in rows[FIRST:] if faults and sum(differs(mock, probe, str(id(row))) for probe in row)]
    chosen = [*rows[:FIRST], *later[:: -(-len(later) // LATER) or 1]]
    return cut(case, tuple(probe for row in chosen for probe in row))


def cut(case: Case, probes: tuple[Probe, ...]) -> Case:
    """The case with some of its probes, made for no more than these decide."""
    decided, left = ({probe.expectation.requirement for probe in each} for each in (case.probes, probes))
    return replace(case, probes=probes, requirements=tuple(r for r in case.requirements if r not in decided - left))


def differs(mock: Mock, probe: Probe, connection: str = "") -> bool:
    """Whether the mock answers the probe otherwise than without its faults."""
    return reply_of(mock, probe, connection) != usual(probe)


def run_directly(
    out: Path,
    *faults: str,
    only: Callable[[Case], bool] = bool,
    whole: bool = True,
    clock: SimulatedClock | None = None,
    front: Layer | None = None,
) -> Ran:
    """A run put directly on the mock, of the cases for which `only` holds.

    Without `whole`, of a sample of what may show the fault, or of the first bodies of each case where there is none.
    `front` is put before the mock.

    Raises `NeedsWire` where a fault shows on a connection only.
    """
    clock = clock or SimulatedClock()
    run = planned(out, "http://127.0.0.1", *faults)
    mock = Mock([SHELF[name] for name in faults], hang_s=3.0, clock=clock.now)
    if front is not None:
        put_before(mock, front)
    cases = [case for case in run.cases if only(case)]
    if not whole:
        cases = sampled(cases, *faults) if faults else [showing(case) for case in cases]
    run.execute(cases, machinery=on_mock(mock, clock))
    return finished(run)
