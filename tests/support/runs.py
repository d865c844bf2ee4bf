"""Whole runs in this process: over sockets against a mock server, or with direct calls of the mock."""

from __future__ import annotations

from copy import copy
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.runs import SHELF, Ran, finished, outcomes, planned, run_once, time_limit
from conformance.mock.server import Mock
from conformance.session import Run
from tests.support.direct import SimulatedClock, on_mock

__all__ = ["Ran", "finished", "outcomes", "planned", "run_directly", "run_once", "time_limit"]


def run_directly(out: Path, *faults: str) -> Ran:
    """One whole run that calls the mock directly. Raises `NeedsWire` if a fault needs a connection."""
    clock = SimulatedClock()
    run = copy(_plan(any(SHELF[name].scope == "run" for name in faults)))
    run.out = out
    run.make_folder()
    limits = run.profile.limits.model_copy(update={"timeout_s": time_limit(*faults)})
    run.profile = run.profile.model_copy(update={"limits": limits})
    mock = Mock([SHELF[name] for name in faults], hang_s=3.0, clock=clock.now)
    run.execute(run.cases, machinery=on_mock(mock, clock))
    return finished(run)


@cache
def _plan(shared: bool) -> Run:
    """The plan of such a run, made once for a window shared by all callers and once for a window per caller."""
    names = [name for name, fault in SHELF.items() if fault.scope == "run"][: int(shared)]
    return planned(Path(mkdtemp()) / "plan", "http://127.0.0.1", *names)
