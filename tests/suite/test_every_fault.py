"""Every fault of the mock turns exactly its own requirements red; benign differences and the clean server none."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from conformance.mock.faults import BENIGN, FAULTS

CLEAN_RUNS = 20


@pytest.fixture(scope="module")
def runs(run_against_mock):
    """All runs, several at once, since most of their time is waiting for windows."""
    with ThreadPoolExecutor(4) as pool:
        futures: dict[str, Future] = {name: pool.submit(run_against_mock, name) for name in (*FAULTS, *BENIGN)}
        for number in range(CLEAN_RUNS):
            futures[f"clean {number}"] = pool.submit(run_against_mock)
        yield futures


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_turns_exactly_its_own_requirements_red(name, runs):
    ran = runs[name].result()
    assert ran.result.errors == ()
    assert sorted(ran.broken) == sorted(FAULTS[name].breaks), FAULTS[name].wrong


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_difference_raises_nothing(name, runs):
    ran = runs[name].result()
    assert ran.result.errors == ()
    assert sorted(ran.broken) == [], BENIGN[name].wrong
    assert ran.summary.verdict == "conformant"


@pytest.mark.parametrize("number", range(CLEAN_RUNS))
def test_the_clean_mock_passes_every_must(number, runs):
    ran = runs[f"clean {number}"].result()
    assert ran.result.errors == ()
    assert sorted(ran.broken) == []
    unjudged = [
        row.requirement.id
        for row in ran.summary.requirements
        if row.requirement.level == "MUST" and row.outcome != "passed"
    ]
    assert unjudged == []
    assert (ran.summary.verdict, ran.summary.complete) == ("conformant", True)


def test_the_table_of_faults(runs, capsys):
    """Print what every fault broke, for the reader of the log."""
    rows = [(name, sorted(runs[name].result().broken)) for name in (*FAULTS, *BENIGN)]
    with capsys.disabled():
        print()
        for name, broken in rows:
            print(f"  {name:<44} {', '.join(broken) or '-'}")
    assert len(FAULTS) >= 30
    assert len(BENIGN) >= 8
