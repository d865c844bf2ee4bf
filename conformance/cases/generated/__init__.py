"""Generated cases: one for each generating strategy, its bodies drawn by seed and classified on their bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.cases.build import probe
from conformance.cases.generated.cache import templates, versions
from conformance.cases.generated.table import COVERAGE, NEGATIVE, POSITIVE, STRATEGIES
from conformance.cases.model import Case
from conformance.cases.oracle import classify
from conformance.cases.testdata import TestData
from conformance.contract.load import Contract

THEME = "generated"
DEEP_REQUESTS = 10_000
# More templates are drawn than wanted, since some give the same body as others, or one that the tables send.
_SURPLUS, _SPARE = 1.05, 4
# The size of a deep run is rounded up for drawing, so that profiles of similar size share what is in the cache.
_STEP = 250


def generated_cases(
    contract: Contract,
    data: TestData,
    depth: str,
    seed: int,
    count: int | None = None,
    sent: Iterable[bytes] = (),
) -> list[Case]:
    """Give one case per strategy; none in a smoke run. `count` is how many requests there may be in all.

    No body is given twice, and none of `sent`: only the cases that compare equal requests repeat a body.

    The same arguments give the same bytes with the same versions of Hypothesis, Schemathesis and Python.
    """
    if depth == "smoke" or count == 0:
        return []
    left = DEEP_REQUESTS if count is None else count
    wanted = _wanted(depth, left)
    most = _wanted(depth, -(-left // _STEP) * _STEP)
    counts = tuple((name, number and int(number * _SURPLUS) + _SPARE) for name, number in most.items())
    seen = set(sent)
    bodies: dict[str, list[bytes]] = {}
    for name, drawn in templates(contract, counts, seed).items():
        filled = dict.fromkeys(template.fill(data) for template in drawn)
        bodies[name] = [body for body in filled if body not in seen]
        seen.update(bodies[name])
    if depth == "deep":
        for name in (POSITIVE, NEGATIVE):
            wanted[name] = max(0, (wanted[name] or 0) - len(bodies[COVERAGE]) // 2)
    taken = _taken({name: len(each) for name, each in bodies.items()}, wanted, left, fill=depth == "deep")
    return [_case(contract, data, name, bodies[name][:number]) for name, number in taken.items() if number]


def _wanted(depth: str, left: int) -> dict[str, int | None]:
    if depth == "deep":
        return {name: left * each.deep // 100 if each.deep else None for name, each in STRATEGIES.items()}
    return {name: each.standard for name, each in STRATEGIES.items()}


def _taken(there: dict[str, int], wanted: dict[str, int | None], left: int, *, fill: bool) -> dict[str, int]:
    """How many bodies to take for each strategy: what is wanted, scaled down where the sum is above `left`.

    With `fill`, the last strategies give more than is wanted until the sum is `left`.
    """
    most = {name: number if (want := wanted[name]) is None else min(number, want) for name, number in there.items()}
    total = max(left, sum(most.values()))
    taken = {name: number * left // total if total > left else number for name, number in most.items()}
    for name in reversed(there):
        taken[name] += min(left - sum(taken.values()), (there if fill else most)[name] - taken[name])
    return taken


@dataclass(frozen=True, slots=True)
class Share:
    """The bodies of one strategy in a plan."""

    strategy: str
    bodies: int
    library: str


def shares(cases: Iterable[Case]) -> list[Share]:
    """How many bodies each strategy has in these cases, and which library drew them."""
    return [
        Share(case.strategy, len(case.probes), STRATEGIES[case.strategy].library) for case in cases if case.strategy
    ]


def _case(contract: Contract, data: TestData, name: str, bodies: list[bytes]) -> Case:
    """The case of one strategy; its requirements are those that its bodies speak for, the most frequent first."""
    probes = tuple(probe(classify(contract, data, body), body) for body in bodies)
    spoken = Counter(one.expectation.requirement for one in probes if one.expectation.requirement)
    words = [word for word, _ in sorted(spoken.items(), key=lambda pair: (-pair[1], pair[0]))]
    calm = any(one.expectation.nature in {"either", "should-reject"} for one in probes)
    requirements = (*words, "answer.no-server-error") if calm else tuple(words)
    return Case(f"generated-{name}", THEME, STRATEGIES[name].title, requirements, probes, strategy=name)


__all__ = ["DEEP_REQUESTS", "STRATEGIES", "Share", "generated_cases", "shares", "versions"]
