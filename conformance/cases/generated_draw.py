"""Draw templates from Hypothesis and Schemathesis: the same ones for the same seed. Imports both: load it late."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, TypeVar

import hypothesis
import schemathesis
from hypothesis import strategies as st
from hypothesis.internal import charmap
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.internal.intervalsets import IntervalSet
from schemathesis import GenerationMode

from conformance.cases.body import quoted
from conformance.cases.generated_parts import AMOUNT, CODE, STORE
from conformance.cases.generated_strategies import strategies
from conformance.cases.generated_template import Template, without_tokens
from conformance.cases.model import TRIP
from conformance.contract.load import Contract

COVERAGE, RANDOM = "schemathesis-coverage", "schemathesis-random"
# Hypothesis makes variations of its own examples after ten of them, which are slow and alike: so there are rounds of ten,
# and each example is a handful of values.
ROUND, HANDFUL = 10, 16
# What UTF-8 has an encoding for, and what of that does not come back: all but surrogates, and nothing.
UTF_8 = IntervalSet([(0, 0xD7FF), (0xE000, sys.maxunicode)]), IntervalSet([])
ROUNDS_MORE = 3  # how many times over is drawn in search of values that are not there yet
T = TypeVar("T")
_MEMBERS = ("storeId", "shoppingTripId", "amount", "code")


def draw_templates(contract: Contract, counts: dict[str, int], seed: int) -> dict[str, list[Template]]:
    """So many different templates of each strategy named; fewer where a strategy has no more.

    The coverage cases of Schemathesis are few and the same for every seed.
    """
    known = strategies(contract)
    made: dict[str, list[Template]] = {}
    with _only_seeded(), _utf_8_known():
        for name, count in counts.items():
            if name == COVERAGE:
                made[name] = coverage_templates(contract)[:count]
            elif name == RANDOM:
                made[name] = random_templates(contract, count, seed)
            else:
                made[name] = _distinct(_draw(known[name], count, seed, name), count)
    return made


def _draw(strategy: st.SearchStrategy[T], count: int, seed: int, name: str, handful: int = HANDFUL) -> Iterator[T]:
    """Draw values for this seed, in rounds, until nobody asks for more; the caller leaves out what is there already."""
    for number in range(1 + ROUNDS_MORE * count // (ROUND * handful)):
        yield from _round(strategy, handful, zlib.crc32(f"{seed} {name} {number}".encode()))


def _round(strategy: st.SearchStrategy[T], handful: int, seed: int) -> list[T]:
    drawn: list[T] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.lists(strategy, min_size=handful, max_size=handful))
    def take(values: list[T]) -> None:
        drawn.extend(values)

    take()
    return drawn


def _distinct(values: Iterator[T], count: int) -> list[T]:
    found: dict[T, None] = {}
    for value in values:
        found[value] = None
        if len(found) == count:
            break
    return list(found)


@contextmanager
def _only_seeded() -> Iterator[None]:
    """Keep Hypothesis from drawing constants that it finds in whatever modules are loaded: the seed alone decides."""
    found: Callable[[], Any] = providers._get_local_constants  # noqa: SLF001 - there is no public way
    providers._get_local_constants = Constants  # noqa: SLF001
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = found  # noqa: SLF001
        providers.CONSTANTS_CACHE.cache.clear()


@contextmanager
def _utf_8_known() -> Iterator[None]:
    """Keep Hypothesis from trying every character in UTF-8: in a new folder that took seconds and 200 MB."""
    found = charmap.intervals_from_codec
    charmap.intervals_from_codec = cache(lambda codec: UTF_8 if codec == "utf-8" else found(codec))
    try:
        yield
    finally:
        charmap.intervals_from_codec = found


# --- Schemathesis ------------------------------------------------------------------------------------------------


def _operation(contract: Contract) -> tuple[Any, Any]:
    schema = schemathesis.openapi.from_path(contract.openapi_file)
    return schema, schema[contract.path]["POST"]


def coverage_templates(contract: Contract) -> list[Template]:
    """The bodies of Schemathesis' coverage phase, what is good in them replaced by what the target knows."""
    schema, operation = _operation(contract)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    config = schema.config.generation_for(operation=operation)
    cases = schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=config)
    bodies = [case.body for case in cases if case.method == "POST" and not case.headers and _has_body(case)]
    examples = _examples(contract)
    texts = [_text(body, "", partial(_from_example, examples)) for body in bodies]
    return [Template(text) for text in dict.fromkeys(texts)]


def random_templates(contract: Contract, count: int, seed: int) -> list[Template]:
    """Random bodies, good ones and bad ones in turn; all members that are good, save one, are made known ones."""
    _, operation = _operation(contract)

    def texts(mode: GenerationMode) -> Iterator[Template]:
        strategy = operation.as_strategy(generation_mode=mode)
        cases = _draw(strategy, count // 2, seed, f"schemathesis-{mode.value}", handful=1)
        for number, case in enumerate(each for each in cases if _has_body(each)):
            yield Template(_text(case.body, "", partial(_held, contract, _MEMBERS[number % len(_MEMBERS)])))

    good, bad = (_distinct(texts(mode), count // 2) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    return [*good, *bad]


def _has_body(case: Any) -> bool:
    return not isinstance(case.body, schemathesis.core.NotSet) and not isinstance(case.body, bytes)


def _examples(contract: Contract) -> dict[str, list[Any]]:
    """The examples of the document by member: the first amount and code, and every id."""
    content = contract.openapi["paths"][contract.path]["post"]["requestBody"]["content"]["application/json"]
    values = [example["value"] for example in content["examples"].values()]
    return {
        "storeId": [value["storeId"] for value in values],
        "shoppingTripId": [value["shoppingTripId"] for value in values],
        "number": [values[0]["amount"]["amount"]],
        "code": [values[0]["amount"]["code"]],
    }


def _from_example(examples: dict[str, list[Any]], member: str, value: Any) -> str | None:
    known = {"storeId": quoted(STORE), "shoppingTripId": quoted(TRIP), "number": AMOUNT, "code": quoted(CODE)}
    is_example = any(type(value) in {str, int, float} and value == each for each in examples.get(member, []))
    return known[member] if is_example and not isinstance(value, bool) else None


def _held(contract: Contract, left: str, member: str, value: Any) -> str | None:
    """The known text in place of a good value, unless its member is the one to be left as drawn."""
    if member == left or (member == "number" and left == "amount"):
        return None
    rules = {"storeId": contract.store_id, "shoppingTripId": contract.trip_id, "code": contract.code}
    known = {"storeId": STORE, "shoppingTripId": TRIP, "code": CODE}
    if member in rules and isinstance(value, str) and rules[member].admits(value):
        return quoted(known[member])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return AMOUNT if member == "number" and is_number else None


def _text(value: Any, member: str, hold: Callable[[str, Any], str | None]) -> str:
    """Write a value as compact JSON; `hold` may give another text for a member."""
    held = hold(member, value)
    if held is not None:
        return held
    if isinstance(value, dict):
        inner = "number" if member == "amount" else "amount"
        names = {"storeId": "storeId", "shoppingTripId": "shoppingTripId", "amount": inner, "code": "code"}
        if member not in {"", "amount"}:
            names = {}
        pairs = [f"{_string(name)}:{_text(each, names.get(name, 'other'), hold)}" for name, each in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(each, "other", hold) for each in value) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _string(text: str) -> str:
    return quoted(without_tokens(text))


__all__ = ["COVERAGE", "RANDOM", "coverage_templates", "draw_templates", "random_templates"]
