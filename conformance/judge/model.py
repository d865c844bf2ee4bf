"""A judgement: one requirement on one exchange or group. No judgement means that nothing could be decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Judgement:
    """`holds`, `breaks` (with at, expected, received) or `observed` (with behaviour).

    `exchange` is the record line of the exchange that was judged; None for all exchanges of the case together.
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
    """The exchange meets the requirement."""
    return Judgement(requirement, "holds")


def breaks(requirement: str, *, at: str, expected: str, received: str) -> Judgement:
    """The exchange violates the requirement: at which place, what was expected, what was received."""
    return Judgement(requirement, "breaks", at, expected, received)


def observed(requirement: str, behaviour: str) -> Judgement:
    """The requirement allows several behaviours; this one was seen."""
    return Judgement(requirement, "observed", behaviour=behaviour)
