"""Generated cases: one for each strategy, whose bodies are drawn by seed and classified by their bytes."""

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
# More templates are drawn than wanted, since some give the same body as others, or one of the tables.
_SURPLUS, _SPARE = 1.05, 4
# The size of a deep run is rounded up for drawing, so that profiles of similar size share the cached templates.
_STEP = 250


def generated_cases(
    contract: Contract,
    data: TestData,
    depth: str,
    seed: int,
    count: int | None = None,
    sent: Iterable[bytes] = (),
) -> list[Case]:
    """Give one case per strategy; none in a smoke run. `count` is the most requests in all.

    No body is given twice, and none of `sent`. The same arguments give the same bytes with the same versions of
    Hypothesis, Schemathesis and Python.
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


def _taken(available: dict[str, int], wanted: dict[str, int | None], left: int, *, fill: bool) -> dict[str, int]:
    """How many bodies to take of each strategy: as many as wanted, scaled down where the sum is above `left`.

    With `fill`, the last strategies give more than wanted until the sum is `left`.
    """
    most = {name: number if (want := wanted[name]) is None else min(number, want) for name, number in available.items()}
    total = max(left, sum(most.values()))
    taken = {name: number * left // total if total > left else number for name, number in most.items()}
    for name in reversed(available):
        taken[name] += min(left - sum(taken.values()), (available if fill else most)[name] - taken[name])
    return taken


@dataclass(frozen=True, slots=True)
class Share:
    """The bodies of one strategy in a plan."""

    strategy: str
    bodies: int
    drawn_by: str


def shares(cases: Iterable[Case]) -> list[Share]:
    """The number of bodies of each strategy in these cases, and the library that drew them."""
    return [
        Share(case.strategy, len(case.probes), STRATEGIES[case.strategy].drawn_by) for case in cases if case.strategy
    ]


def _case(contract: Contract, data: TestData, name: str, bodies: list[bytes]) -> Case:
    """The case of one strategy; its requirements are those that its bodies test, the most frequent first."""
    probes = tuple(probe(classify(contract, data, body), body) for body in bodies)
    expectations = [probe.expectation for probe in probes]
    counts = Counter(expectation.requirement for expectation in expectations if expectation.requirement)
    requirements = tuple(name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    if any(expectation.nature in {"either", "should-reject"} for expectation in expectations):
        requirements = (*requirements, "answer.no-server-error")
    return Case(f"generated-{name}", THEME, STRATEGIES[name].title, requirements, probes, strategy=name)


__all__ = ["DEEP_REQUESTS", "STRATEGIES", "Share", "generated_cases", "shares", "versions"]
