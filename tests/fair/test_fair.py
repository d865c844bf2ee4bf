"""A conforming server is never called non-conformant because of what stands in front of it, and a fault is found there.

Plain `pytest` runs a sample of the set-ups once. `tox -e fair` runs all of them, five times at each concurrency.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.mock.faults import FAULTS
from tests.fair.setups import SETUPS, Setup, few, run_clean, run_with_fault
from tests.support.runs import Ran

TIMES = 5
SAMPLE = ("switch-100-ms", "bucket-100", "closes-seventh", "tls-1.3")
BY_NAME = {setup.name: setup for setup in SETUPS}
Note = Callable[[str, object], None]


def check_clean(ran: Ran) -> None:
    assert (ran.broken, ran.result.errors, ran.result.stop, ran.summary.why) == (frozenset(), (), "", "")
    assert ran.summary.verdict in ("conformant", "partial")
    assert [row.reason for row in ran.summary.cases if row.outcome in ("not-judged", "error")] == []


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_the_set_ups(name: str, tmp_path: Path) -> None:
    setup = BY_NAME[name]
    check_clean(run_clean(setup, tmp_path / "clean", setup.concurrency[-1], only=few))
    ran = run_with_fault(setup, tmp_path / "fault", chosen=few)
    if not ran.broken:  # on a busy machine a limiter may refuse a request each time, so that its case is not judged
        ran = run_with_fault(setup, tmp_path / "again", chosen=few)
    assert ran.broken == FAULTS[setup.fault].breaks


@pytest.mark.fair
@pytest.mark.parametrize("round_", range(TIMES))
@pytest.mark.parametrize(
    ("setup", "concurrency"),
    [pytest.param(each, number, id=f"{each.name}-{number}") for each in SETUPS for number in each.concurrency],
)
def test_a_conforming_server(
    setup: Setup, concurrency: int, round_: int, tmp_path: Path, record_property: Note
) -> None:
    began = time.monotonic()
    ran = run_clean(setup, tmp_path / "clean", concurrency)
    record_property("fair", (setup.name, "clean", len(ran.broken), time.monotonic() - began))
    check_clean(ran)


@pytest.mark.fair
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_a_fault_is_found(setup: Setup, tmp_path: Path, record_property: Note) -> None:
    began = time.monotonic()
    ran = run_with_fault(setup, tmp_path / "fault", setup.concurrency[len(setup.concurrency) // 2])
    found = ran.broken == FAULTS[setup.fault].breaks
    record_property("fair", (setup.name, "fault", int(found), time.monotonic() - began))
    assert ran.broken == FAULTS[setup.fault].breaks
    assert ran.result.errors == ()


def test_there_are_enough_set_ups_with_different_names() -> None:
    assert len(BY_NAME) == len(SETUPS) >= 40
    assert all(FAULTS[setup.fault].breaks for setup in SETUPS)
