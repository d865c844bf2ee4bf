"""Whole runs in this process: over sockets against a mock server, or with direct calls of the mock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.runs import SHELF, Ran, finished, outcomes, planned, run_once, time_limit
from conformance.cases.model import Case
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


def sampled(case: Case, breaks: frozenset[str]) -> Case:
    """The case with its first two bodies, if it is not made for any of these requirements."""
    whole = case.scheduling == "chain" or made_for(case, breaks)
    return case if whole else replace(case, probes=case.probes[:2])


def run_directly(
    out: Path,
    *faults: str,
    only: Callable[[Case], bool] = bool,
    whole: bool = True,
    clock: SimulatedClock | None = None,
    front: Layer | None = None,
) -> Ran:
    """A run put directly on the mock, of the cases for which `only` holds; without `whole`, of a sample of their bodies.

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
        breaks = frozenset().union(*(SHELF[name].breaks for name in faults))
        cases = [sampled(case, breaks) for case in cases]
    run.execute(cases, machinery=on_mock(mock, clock))
    return finished(run)
