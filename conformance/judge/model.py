"""A judgement: one requirement on one exchange or group. No judgement means there was nothing to go on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Judgement:
    """`holds`, `breaks` (at, expected, received filled) or `observed` (behaviour filled).

    `exchange` is the index, within the case, of the exchange that the judgement rests on; None for a group.
    """

    requirement: str
    kind: Literal["holds", "breaks", "observed"]
    at: str = ""
    expected: str = ""
    received: str = ""
    behaviour: str = ""
    exchange: int | None = None
    unstable: tuple[int, int] | None = None


def resting_on(judgement: Judgement, exchange: int | None) -> Judgement:
    """The judgement as resting on this exchange. Asked for a dozen times a request, for which `replace` is too slow."""
    one = judgement
    return Judgement(
        one.requirement, one.kind, one.at, one.expected, one.received, one.behaviour, exchange, one.unstable
    )


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
