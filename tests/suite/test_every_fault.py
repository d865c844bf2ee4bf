"""Every fault of the mock violates exactly its own requirements; benign differences and the clean server violate none.

Most runs call the mock directly, with some bodies of the cases that can show the fault and of a sample of the others. Faults of the
connection are run over sockets with the cases of a smoke run and those of other methods, and one fault of each theme with
those and the cases that can show it. `tox -e faults` runs all cases for every fault directly, `tox -e detection` over sockets.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest

from benchmarks.invented import INVENTED, REPORTED
from conformance.cases.model import Case
from conformance.mock.faults import BENIGN, FAULTS
from conformance.options import Options
from conformance.session import Run
from tests.support.runs import Ran, can_show, of_the_tables, run_directly, run_once

CLEAN_RUNS = 5
NEEDS_GENERATED = {"code-yen-crashes", "code-other-crashes", "nul-crashes", "ids-long-crash"}
"""Only generated cases show all that these violate."""
NEEDS_TABLES = {
    "store-remembered",
    "same-moment-crashes",
    "double-click-window",
    "lookup-cached-by-store",
    "window-end-crashes",
}
"""These show in one of the requests after another one, which may be any, or in those of a whole window."""
ALL_CASES = "ALL_CASES" in os.environ
NEEDS_WIRE = {name for name in (*FAULTS, *BENIGN) if name.startswith("wire-")}
AT_ONCE = "equal-at-once-refused"
"""Needs two requests within 80 ms, which a busy machine may send further apart: tried twice."""
INVENTED_WIRE = {"wire-length-and-chunked", "big-body-reset", AT_ONCE}
"""Invented faults that need a connection: for their bytes, or for two requests at the same moment."""


def of_each_theme() -> list[str]:
    """The first fault of each part of the contract that does not need a connection."""
    first: dict[str, str] = {}
    for name, fault in FAULTS.items():
        if name not in NEEDS_WIRE:
            first.setdefault(min(fault.breaks).partition(".")[0], name)
    return list(first.values())


@cache
def standard() -> tuple[Case, ...]:
    """The cases of a standard run, without generated ones."""
    return tuple(filter(of_the_tables, Run(Options()).cases))


def in_smoke(case: Case) -> bool:
    return case.id in smoke() or case.theme == "method-path"


@cache
def smoke() -> frozenset[str]:
    """The cases of a smoke run."""
    return frozenset(case.id for case in Run(Options(depth="smoke")).cases)


def check(ran: Ran, expected: frozenset[str]) -> None:
    assert ran.result.errors == ()
    assert sorted(ran.broken) == sorted(expected)
    with patch.object(socket, "socket", None):
        assert ran.judged_otherwise() == []


def check_silent(ran: Ran, *verdicts: str) -> None:
    check(ran, frozenset())
    assert ran.summary.verdict in verdicts


def ran_directly(out: Path, name: str) -> Ran:
    only = bool if ALL_CASES or name in NEEDS_GENERATED else of_the_tables
    return run_directly(out, name, only=only, whole=ALL_CASES or name in NEEDS_TABLES)


def ran_over_sockets(out: Path, name: str) -> Ran:
    shown = set() if name in NEEDS_WIRE else can_show(standard(), name)
    return run_once(out, name, only=lambda case: in_smoke(case) or case.id in shown)


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in NEEDS_WIRE])
def test_a_fault_turns_exactly_its_own_requirements_red(name: str, tmp_path: Path) -> None:
    check(ran_directly(tmp_path / "run", name), FAULTS[name].breaks)


@pytest.mark.parametrize("name", [name for name in BENIGN if name not in NEEDS_WIRE])
def test_a_benign_difference_raises_nothing(name: str, tmp_path: Path) -> None:
    check_silent(ran_directly(tmp_path / "run", name), "conformant", "partial")


@pytest.mark.parametrize("name", INVENTED)
def test_an_invented_fault_is_found(name: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = ran_over_sockets(out, name) if name in INVENTED_WIRE else ran_directly(out, name)
    if name == AT_ONCE and not ran.broken:
        ran = ran_over_sockets(tmp_path / "again", name)
    expected = REPORTED.get(name, INVENTED[name].breaks)
    assert ran.broken
    check(ran, ran.broken if expected is None else expected)


@pytest.mark.parametrize("name", [*of_each_theme(), *sorted(NEEDS_WIRE & FAULTS.keys())])
def test_a_fault_over_sockets(name: str, tmp_path: Path) -> None:
    check(ran_over_sockets(tmp_path / "run", name), FAULTS[name].breaks)


@pytest.mark.parametrize("name", sorted(NEEDS_WIRE & BENIGN.keys()))
def test_a_benign_difference_over_sockets(name: str, tmp_path: Path) -> None:
    check_silent(ran_over_sockets(tmp_path / "run", name), "conformant", "partial")


@pytest.mark.parametrize("number", range(CLEAN_RUNS))
def test_the_clean_mock_passes_every_must(number: int, tmp_path: Path, passes: Callable[[Ran], None]) -> None:
    passes(run_once(tmp_path / "run"))


def test_the_clean_mock_passes_every_must_without_sockets(tmp_path: Path, passes: Callable[[Ran], None]) -> None:
    passes(run_directly(tmp_path / "run"))


@pytest.fixture
def passes() -> Callable[[Ran], None]:
    def passes_every_must(ran: Ran) -> None:
        check_silent(ran, "conformant")
        assert ran.summary.complete
        musts = [row for row in ran.summary.requirements if row.requirement.level == "MUST"]
        assert {row.outcome for row in musts} == {"passed"}

    return passes_every_must
