"""A judgement: one requirement on one exchange or group. No judgement means there was nothing to go on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Judgement:
    """`holds`, `breaks` (at, expected, received filled) or `observed` (behaviour filled).

    `exchange` is the line in the record of the exchange that the judgement rests on; None for all of them together.
    `unstable`: how often the violation was seen, and in how many requests.
    """

    requirement: str
    kind: Literal["holds", "breaks", "observed"]
    at: str = ""
    expected: str = ""
    received: str = ""
    behaviour: str = ""
    exchange: int | None = None
    unstable: tuple[int, int] | None = None


@cache
def holds(requirement: str) -> Judgement:
    """The exchange shows that the requirement holds here."""
    return Judgement(requirement, "holds")


def breaks(requirement: str, *, at: str, expected: str, received: str) -> Judgement:
    """The exchange breaks the requirement: at which place, what was expected, what was received."""
    return Judgement(requirement, "breaks", at, expected, received)


def observed(requirement: str, behaviour: str) -> Judgement:
    """Either behaviour is fine; this one was seen."""
    return Judgement(requirement, "observed", behaviour=behaviour)
