"""Every fault of the mock turns exactly its own requirements red; benign differences and the clean server none."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance.mock.faults import BENIGN, FAULTS
from tests.conftest import run_once

CLEAN_RUNS = 20


class Seen(NamedTuple):
    """What is kept of a run in another process."""

    broken: tuple[str, ...]
    errors: tuple[str, ...]
    verdict: str
    complete: bool
    unpassed: tuple[str, ...]


def seen(out: Path, *faults: str) -> Seen:
    """Run against a mock with these faults and keep what the tests ask for."""
    ran = run_once(out, *faults)
    unpassed = (
        row.requirement.id
        for row in ran.summary.requirements
        if row.requirement.level == "MUST" and row.outcome != "passed"
    )
    summary = ran.summary
    return Seen(tuple(sorted(ran.broken)), ran.result.errors, summary.verdict, summary.complete, tuple(unpassed))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All runs, several at once, since much of their time is waiting for windows."""
    root = tmp_path_factory.mktemp("runs")
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("forkserver")) as pool:
        futures: dict[str, Future[Seen]] = {name: pool.submit(seen, root / name, name) for name in (*FAULTS, *BENIGN)}
        for number in range(CLEAN_RUNS):
            name = f"clean {number}"
            futures[name] = pool.submit(seen, root / name)
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_turns_exactly_its_own_requirements_red(name, runs):
    ran = runs[name].result()
    assert ran.errors == ()
    assert list(ran.broken) == sorted(FAULTS[name].breaks), FAULTS[name].wrong


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_difference_raises_nothing(name, runs):
    ran = runs[name].result()
    assert ran.errors == ()
    assert ran.broken == (), BENIGN[name].wrong
    assert ran.verdict == "conformant"


@pytest.mark.parametrize("number", range(CLEAN_RUNS))
def test_the_clean_mock_passes_every_must(number, runs):
    ran = runs[f"clean {number}"].result()
    assert ran == Seen((), (), "conformant", True, ())


def test_the_table_of_faults(runs, capsys):
    """Print what every fault broke, for the reader of the log."""
    with capsys.disabled():
        print()
        for name in (*FAULTS, *BENIGN):
            print(f"  {name:<44} {', '.join(runs[name].result().broken) or '-'}")
    assert len(FAULTS) >= 110
    assert len(BENIGN) >= 25
