"""Find the smallest body that still breaks what a generated body broke. Sends through its caller; never judges.

The known bodies of a strategy are answered from memory: a search starts from the smallest of them that breaks the
requirement, and only new bodies are sent, within a budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.cases.build import probe as make_probe
from conformance.cases.model import TRIP, Case, Expectation, Probe

BUDGET = 100
"""Requests of one run that may go into smaller bodies."""
OF_ONE = 30
"""Requests for one strategy and one requirement."""
_MOST_TRIES = 4000  # bodies looked at, most of which the oracle rules out unsent
_TRIP = TRIP.encode()

Classify = Callable[[bytes], Expectation]
Breaks = Callable[[Probe], frozenset[str] | None]


@dataclass
class Budget:
    """How many requests are left."""

    left: int = BUDGET


@dataclass(frozen=True, slots=True)
class Smaller:
    """What was found for one requirement: the body, and how many requests it took."""

    requirement: str
    probe: Probe
    sent: int


def smaller_probes(
    case: Case, broken: Mapping[int, frozenset[str]], classify: Classify, breaks: Breaks, budget: Budget
) -> Iterator[Smaller]:
    """For each requirement that bodies of a generated case broke, the smallest body that breaks it.

    `broken`: the requirements that were broken by the index of the probe; all other probes of the case broke none.
    `breaks` sends one probe and gives what it broke, None where it could not be sent. Nothing comes for a requirement
    of which the smallest body is one of the case's own.
    """
    memory = {probe.body: broken.get(index, frozenset()) for index, probe in enumerate(case.probes)}
    for requirement in sorted(frozenset().union(*broken.values())):
        start = min(_bodies(case, broken, requirement), key=lambda probe: (len(probe.body), probe.body))
        search = _Search(start, requirement, classify, breaks, memory, budget)
        best = search.run()
        if best is not start and best.body not in {probe.body for probe in case.probes}:
            yield Smaller(requirement, best, search.sent)


def _bodies(case: Case, broken: Mapping[int, frozenset[str]], requirement: str) -> Iterable[Probe]:
    return (case.probes[index] for index, words in broken.items() if requirement in words)


class _Search:
    """One search: takes pieces out of the body, the large ones first, as long as the oracle calls it the same."""

    def __init__(
        self,
        start: Probe,
        requirement: str,
        classify: Classify,
        breaks: Breaks,
        memory: dict[bytes, frozenset[str]],
        budget: Budget,
    ) -> None:
        self.best, self.requirement = start, requirement
        self.classify, self.breaks, self.memory, self.budget = classify, breaks, memory, budget
        self.sent = self.tries = 0
        self.kind = (start.expectation.nature, start.expectation.requirement)

    def run(self) -> Probe:
        """The smallest body found when nothing more can be taken out, or requests or patience are at an end."""
        units = _units(self.best.body)
        size = max(1, len(units) // 2)
        while size and not self._over():
            at, shorter = 0, False
            while at < len(units) and not self._over():
                candidate = units[:at] + units[at + size :]
                if self._still_breaks(b"".join(candidate)):
                    units, shorter = candidate, True
                else:
                    at += size
            if not shorter or size > 1:
                size //= 2
        return self.best

    def _over(self) -> bool:
        return self.budget.left <= 0 or self.sent >= OF_ONE or self.tries >= _MOST_TRIES

    def _still_breaks(self, body: bytes) -> bool:
        self.tries += 1
        expectation = self.classify(body)
        if (expectation.nature, expectation.requirement) != self.kind:
            return False
        probe = make_probe(expectation, body)
        if body not in self.memory:
            self.sent += 1
            self.budget.left -= 1
            found = self.breaks(probe)
            if found is None:
                self.budget.left = 0
                return False
            self.memory[body] = found
        if self.requirement in self.memory[body]:
            self.best = probe
            return True
        return False


def _units(body: bytes) -> list[bytes]:
    """The bytes of a body one by one, but the trip's placeholder as a whole."""
    units: list[bytes] = []
    for number, piece in enumerate(body.split(_TRIP)):
        units += [_TRIP] if number else []
        units += [bytes([byte]) for byte in piece]
    return units
