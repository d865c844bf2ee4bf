"""Every fault of the mock turns exactly its own requirements red; benign differences and the clean server none."""

from __future__ import annotations

import multiprocessing
import os
import socket
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from conformance.mock.faults import BENIGN, EVERY, FAULTS, INVENTED
from conformance.report.outcome import summarise
from conformance.run.offline import judge_record, sound_record
from tests.conftest import outcomes, run_once

CLEAN_RUNS = 20
RUNNING = 4  # runs at once: much of their time is waiting for windows
# Of the faults that were invented at first sight, those of which the judges name other requirements than their inventor.
OTHERWISE = {
    "keys-any-case": "a member in another case is missing only where its object has no other of that name",
    "charset-without-blank-refused": "a 415 is outside the set of statuses, which comes first",
    "accept-missing-plain-error": "the label of the error body is the first difference",
    "window-end-crashes": "the first request after a window is to be served",
    "answer-drips": "a drip that outlasts the time limit is cut off, and not whole",
    "equal-at-once-refused": "noticed by whichever good request it hits",
    "double-click-window": "noticed by whichever good request it hits",
    "lookup-cached-by-store": "noticed by whichever good request it hits",
    "store-remembered": "a body without storeId is served, which says it all",
}


class Seen(NamedTuple):
    """What is kept of a run in another process."""

    broken: tuple[str, ...]
    errors: tuple[str, ...]
    verdict: str
    complete: bool
    unpassed: tuple[str, ...]
    judged_otherwise: tuple[str, ...]
    by_tables: frozenset[str] = frozenset()
    by_generation: frozenset[str] = frozenset()


def seen(out: Path, *faults: str) -> Seen:
    """Run against a mock with these faults and keep what the tests ask for."""
    ran = run_once(out, *faults)
    with patch.object(socket, "socket", None):
        judged = judge_record(sound_record(out / "record.jsonl"), ran.run.contract)
    then, now = outcomes(ran.summary), outcomes(summarise(ran.run.contract, judged))
    unpassed = (
        row.requirement.id
        for row in ran.summary.requirements
        if row.requirement.level == "MUST" and row.outcome != "passed"
    )
    summary = ran.summary
    differing = tuple(
        f"{what}: {then.get(what)}, judged again {now.get(what)}"
        for what in sorted(then.keys() | now.keys())
        if then.get(what) != now.get(what)
    )
    by = {
        generated: frozenset(
            one.requirement
            for case in ran.result.cases
            for one in case.judgements
            if one.kind == "breaks" and bool(case.case.strategy) is generated
        )
        for generated in (False, True)
    }
    return Seen(
        tuple(sorted(ran.broken)), ran.result.errors, summary.verdict, summary.complete, tuple(unpassed), differing,
        by[False] & ran.broken, by[True] & ran.broken,
    )  # fmt: skip


def keep_to(processors: SimpleQueue[int]) -> None:
    """Give a process one processor: the threads of one interpreter only hinder each other on several."""
    os.sched_setaffinity(0, {processors.get()})


@pytest.fixture(scope="module")
def runs(tmp_path_factory, request):
    """The runs that the selected tests ask for, several at once."""
    root = tmp_path_factory.mktemp("runs")
    here = [item for item in request.session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    mine = [item.callspec.params for item in here]
    context = multiprocessing.get_context("forkserver")
    mine_alone: dict[str, Any] = {}
    if hasattr(os, "sched_setaffinity"):
        processors = context.SimpleQueue()
        for processor in islice(cycle(sorted(os.sched_getaffinity(0))), RUNNING):
            processors.put(processor)
        mine_alone = {"initializer": keep_to, "initargs": (processors,)}
    with ProcessPoolExecutor(RUNNING, mp_context=context, **mine_alone) as pool:
        futures: dict[str, Future[Seen]] = {}
        for params in mine:
            name = params.get("name") or f"clean {params['number']}"
            futures[name] = pool.submit(seen, root / name, *((name,) if "name" in params else ()))
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_turns_exactly_its_own_requirements_red(name, runs):
    ran = runs[name].result()
    assert ran.errors == ()
    assert list(ran.broken) == sorted(FAULTS[name].breaks), FAULTS[name].wrong
    assert ran.judged_otherwise == ()


@pytest.mark.parametrize("name", INVENTED)
def test_an_invented_fault_is_found(name, runs):
    ran = runs[name].result()
    assert ran.errors == ()
    assert ran.broken, INVENTED[name].wrong
    if name not in OTHERWISE:
        assert list(ran.broken) == sorted(INVENTED[name].breaks)


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_difference_raises_nothing(name, runs):
    ran = runs[name].result()
    assert ran.errors == ()
    assert ran.broken == (), BENIGN[name].wrong
    assert ran.verdict == "conformant"
    assert ran.judged_otherwise == ()


@pytest.mark.parametrize("number", range(CLEAN_RUNS))
def test_the_clean_mock_passes_every_must(number, runs):
    ran = runs[f"clean {number}"].result()
    assert ran == Seen((), (), "conformant", True, (), ())


def test_the_table_of_faults(runs, capsys):
    """Print what every fault broke, for the reader of the log."""
    with capsys.disabled():
        print()
        for name in EVERY:
            if name in runs:
                print(f"  {name:<44} {', '.join(runs[name].result().broken) or '-'}")
    assert len(FAULTS) >= 110
    assert len(BENIGN) >= 25
