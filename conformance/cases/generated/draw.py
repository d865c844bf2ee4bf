"""Draw templates with Hypothesis and Schemathesis. Imports Hypothesis: load it late, and in a process of its own."""

from __future__ import annotations

import json
import random
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
from hypothesis import strategies as st

from conformance.cases.generated.strategies import strategies
from conformance.cases.generated.template import Template
from conformance.contract.load import Contract, load_contract

ENOUGH = 8192  # bytes, for any value of any strategy
TRIES = 4  # how many times over is drawn in search of values that are not there yet
T = TypeVar("T")


def draw_templates(contract: Contract, counts: dict[str, int | None], seed: int) -> dict[str, list[Template]]:
    """So many different templates of each strategy named, None for all; fewer where a strategy has no more.

    The coverage cases of Schemathesis are few and the same for every seed.
    """
    known = strategies(contract)
    made: dict[str, list[Template]] = {}
    for name, count in counts.items():
        if count is None:
            from conformance.cases.generated.openapi import coverage_templates

            made[name] = coverage_templates(contract)
            continue
        if name not in known:
            from conformance.cases.generated.openapi import random_bodies

            known[name] = random_bodies(contract, name.rpartition("-")[2])
        made[name] = _distinct(drawn(known[name], f"{seed} {name}"), count)
    return made


def drawn(strategy: st.SearchStrategy[T], seed: str) -> Iterator[T]:
    """Values for this seed, without end.

    Hypothesis makes each from random bytes, as it does for fuzzers. As a test it would mix in constants of whatever
    modules are loaded, and variations of former values.
    """
    values: list[T] = []

    @hypothesis.settings(database=None)
    @hypothesis.given(strategy)
    def take(value: T) -> None:
        values.append(value)

    chance = random.Random(seed)  # noqa: S311 - to be the same again
    while True:
        take.hypothesis.fuzz_one_input(chance.randbytes(ENOUGH))  # type: ignore[attr-defined]
        yield from values
        values.clear()


def _distinct(values: Iterable[T], count: int) -> list[T]:
    found: dict[T, None] = {}
    for value in islice(values, TRIES * count):
        found[value] = None
        if len(found) == count:
            break
    return list(found)


def answer(request: dict[str, Any]) -> None:
    """Draw what the request asks for and print it as JSON; an error ends the process, with the reason in its last line."""
    try:
        contract = load_contract(Path(request["spec"]))
        with redirect_stdout(sys.stderr):
            made = draw_templates(contract, request["counts"], request["seed"])
    except Exception as error:  # noqa: BLE001 - whatever it is, Hypothesis adds many lines to it
        traceback.print_exc()
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    json.dump({name: [each.fields for each in rows] for name, rows in made.items()}, sys.stdout)
