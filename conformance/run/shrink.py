"""Find the smallest body that violates the same as a generated body. Sends through its caller; never judges.

A search starts from the smallest known body that violates the requirement. The answers to known bodies are remembered,
so only new bodies are sent, within a budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.cases.build import probe as make_probe
from conformance.cases.model import TRIP, Expectation, Probe

BUDGET = 100
"""Requests of a run for smaller bodies."""
PER_SEARCH = 30
"""Requests for one strategy and one requirement."""
_MOST_TRIES = 4000  # bodies that one search tries; the oracle rules most of them out before sending
_TRIP = TRIP.encode()

Classify = Callable[[bytes], Expectation]
Violates = Callable[[Probe], frozenset[str]]


@dataclass
class Budget:
    """How many requests are left."""

    left: int = BUDGET


def search_smaller(
    probes: Mapping[int, Probe],
    violated: Mapping[int, frozenset[str]],
    classify: Classify,
    violates: Violates,
    budget: Budget,
) -> dict[str, Probe]:
    """For each requirement that a generated case violated, the smallest body found that violates it.

    `violated`: the violated requirements by probe number; the other probes violated none. `violates` sends a probe and
    gives the requirements that it violated.
    """
    smallest = {}
    memory = {probe.body: violated.get(number, frozenset()) for number, probe in probes.items()}
    for requirement in sorted(frozenset().union(*violated.values())):
        violating = [probes[number] for number, requirements in violated.items() if requirement in requirements]
        start = min(violating, key=lambda probe: (len(probe.body), probe.body))
        smallest[requirement] = _Search(start, requirement, classify, violates, memory, budget).run()
    return smallest


class _Search:
    """One search: removes parts of the body, large ones first, as long as the expectation stays the same."""

    def __init__(
        self,
        start: Probe,
        requirement: str,
        classify: Classify,
        violates: Violates,
        memory: dict[bytes, frozenset[str]],
        budget: Budget,
    ) -> None:
        self.best, self.requirement = start, requirement
        self.classify, self.violates, self.memory, self.budget = classify, violates, memory, budget
        self.sent = self.tries = 0
        self.kind = start.expectation

    def run(self) -> Probe:
        """The smallest body found when nothing more can be removed, or a limit is reached."""
        units = _units(self.best.body)
        size = max(1, len(units) // 2)
        while size and not self._over():
            at, shorter = 0, False
            while at < len(units) and not self._over():
                candidate = units[:at] + units[at + size :]
                if self._still_violates(b"".join(candidate)):
                    units, shorter = candidate, True
                else:
                    at += size
            if not shorter or size > 1:
                size //= 2
        return self.best

    def _over(self) -> bool:
        return self.budget.left <= 0 or self.sent >= PER_SEARCH or self.tries >= _MOST_TRIES

    def _still_violates(self, body: bytes) -> bool:
        self.tries += 1
        expectation = self.classify(body)
        if not _alike(expectation, self.kind):
            return False
        probe = make_probe(expectation, body)
        if body not in self.memory:
            self.sent += 1
            self.budget.left -= 1
            self.memory[body] = self.violates(probe)
        if self.requirement in self.memory[body]:
            self.best = probe
            return True
        return False


def _alike(expectation: Expectation, start: Expectation) -> bool:
    """Whether a violation of `expectation` shows the same as one of `start`, with no more possible causes."""
    same = (expectation.nature, expectation.requirement) == (start.nature, start.requirement)
    return same and set(expectation.shared) <= set(start.shared)


def _units(body: bytes) -> list[bytes]:
    """The single bytes of a body, with the trip's placeholder as one unit."""
    units: list[bytes] = []
    for number, piece in enumerate(body.split(_TRIP)):
        units += [_TRIP] if number else []
        units += [bytes([byte]) for byte in piece]
    return units
