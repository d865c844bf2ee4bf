"""Draw templates with Hypothesis and Schemathesis. Imports Hypothesis, so load it only in a process of its own."""

from __future__ import annotations

import gc
import json
import random
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
from hypothesis import strategies as st

from conformance.cases.generated.strategies import strategies
from conformance.cases.generated.table import NEGATIVE, POSITIVE
from conformance.cases.generated.template import Template
from conformance.contract.load import Contract, load_contract

ENOUGH = 8192  # random bytes, enough for any value of any strategy
TRIES = 4  # attempts for each wanted template: some give no value, others a repeated one
_MODES = {POSITIVE: "positive", NEGATIVE: "negative"}
T = TypeVar("T")


def draw_templates(contract: Contract, counts: dict[str, int | None], seed: int) -> dict[str, list[Template]]:
    """Draw this number of different templates for each strategy (None: all there are); fewer where it has no more.

    The coverage cases of Schemathesis are the same for every seed.
    """
    known = strategies(contract)
    made: dict[str, list[Template]] = {}
    for name, count in counts.items():
        if count is None:
            from conformance.cases.generated.openapi import coverage_templates

            made[name] = coverage_templates(contract)
            continue
        if name in _MODES:
            from conformance.cases.generated.openapi import random_bodies

            known[name] = random_bodies(contract, _MODES[name])
        made[name] = _distinct(drawn(known[name], f"{seed} {name}", TRIES * count), count)
    return made


def drawn(strategy: st.SearchStrategy[T], seed: str, tries: int) -> Iterator[T]:
    """Draw values for this seed, at most one for each try.

    Hypothesis makes each value from random bytes alone, as it does for fuzzers. In a test it would also use constants
    of all loaded modules and variations of earlier values.
    """
    values: list[T] = []

    @hypothesis.settings(database=None)
    @hypothesis.given(strategy)
    def take(value: T) -> None:
        values.append(value)

    chance = random.Random(seed)  # noqa: S311 - must be reproducible
    for _ in range(tries):
        take.hypothesis.fuzz_one_input(chance.randbytes(ENOUGH))  # type: ignore[attr-defined]
        yield from values
        values.clear()


def _distinct(values: Iterable[T], count: int) -> list[T]:
    found: dict[T, None] = {}
    for value in values:
        found[value] = None
        if len(found) == count:
            break
    return list(found)


def answer(request: dict[str, Any]) -> None:
    """Draw what is requested and print it as JSON. An error ends the process; its last line gives the reason."""
    try:
        contract = load_contract(Path(request["spec"]))
        with redirect_stdout(sys.stderr):
            made = draw_templates(contract, request["counts"], request["seed"])
    except Exception as error:  # noqa: BLE001 - Hypothesis adds lines of its own below any error
        traceback.print_exc()
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    json.dump({name: [each.fields for each in rows] for name, rows in made.items()}, sys.stdout)
    gc.freeze()  # the process ends now, and frees all memory at once
