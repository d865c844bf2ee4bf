"""Whole runs in this process: over sockets against a mock server, or with direct calls of the mock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from benchmarks.runs import SHELF, Ran, finished, outcomes, planned, run_once, time_limit
from conformance.cases.model import Case
from conformance.mock.faults import FAULTS
from conformance.mock.server import Mock
from tests.fair.layers import Layer, put_before
from tests.support.direct import SimulatedClock, on_mock

__all__ = ["Ran", "finished", "of_the_tables", "outcomes", "planned", "run_directly", "run_once", "time_limit"]


def of_the_tables(case: Case) -> bool:
    """Whether no library drew the bodies of this case."""
    return not case.strategy


def made_for(case: Case, breaks: frozenset[str]) -> bool:
    """Whether the case is of the tables and made for any of these requirements; each may show a server error."""
    return of_the_tables(case) and bool(breaks & {*case.requirements, "answer.no-server-error"})


def sampled(cases: list[Case], fault: str) -> list[Case]:
    """The cases that are made for what the fault violates, and some of the others with their first two bodies.

    Of the others, a fault of the mock gets a sixth, not always the same one; benign differences and invented faults get
    all. What any answer may violate is looked for in all cases, with all bodies.
    """
    breaks = SHELF[fault].breaks
    everywhere = any(requirement.startswith(("answer.", "server-error.")) for requirement in breaks)
    found, turn = [], crc32(fault.encode()) % 6
    for number, case in enumerate(cases):
        if everywhere or made_for(case, breaks) or case.accepts or not case.probes:
            found.append(case)
        elif number % 6 == turn or fault not in FAULTS:
            found.append(case if case.scheduling == "chain" else replace(case, probes=case.probes[:2]))
    return found


def run_directly(
    out: Path,
    *faults: str,
    only: Callable[[Case], bool] = bool,
    whole: bool = True,
    clock: SimulatedClock | None = None,
    front: Layer | None = None,
) -> Ran:
    """A run put directly on the mock, of the cases for which `only` holds; without `whole`, of a sample of them.

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
        cases = sampled(cases, *faults)
    run.execute(cases, machinery=on_mock(mock, clock))
    return finished(run)
