"""The events of a run, in order: the lines of a record between header and footer. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from conformance.cases.model import Case, Probe
from conformance.exchange.model import Exchange

Purpose = Literal["first", "burst", "resend", "confirm", "check", "shrink"]
"""Why a request is sent: for its case, in a burst, again after being asked to wait or after the server was gone, to
confirm a violation, to check that the server is still there, or to show a violation with a smaller body."""
ChargeState = Literal["released", "captured", "unknown"]
"""Whether a request charged: it did not ("released"), it did ("captured"), or that is unknown."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases to be sent. A later plan replaces cases with the same id."""

    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that may charge is about to be sent. `amount`: decimal text in major units of `currency`.

    `known` is False where the body itself does not tell the amount. `wall_time`: seconds since 1970. `number` is the
    line in the record.
    """

    case: str
    trip: str
    amount: str
    currency: str
    known: bool
    wall_time: float
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """One exchange of a sending. `sending` is the number of the sending, which has one or more exchanges.

    `probe` is what was to be sent, with the placeholder for the trip. `final`: this answer ends the sending. `intent`
    is the line of the intent that this exchange settles.
    """

    exchange: Exchange
    probe: Probe
    sending: int
    purpose: Purpose
    final: bool
    intent: int | None = None

    @property
    def number(self) -> int | None:
        """The line in the record."""
        return self.exchange.number

    @property
    def status(self) -> int | None:
        """The status; None where there was no answer."""
        return self.exchange.answer.status if self.exchange.answer else None

    @property
    def success(self) -> bool:
        """Whether the status is a success (2xx)."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def provoked(self) -> bool:
        """Whether the status is the one that the probe should provoke."""
        return self.status is not None and self.status == self.probe.expectation.provoked


@dataclass(frozen=True, slots=True)
class Stray:
    """Bytes were found on the connection of a case after an answer that looked complete; `text` describes them."""

    case: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Why a case was not sent, or not completely. `beforehand`: the reason was known before the run.

    `error`: the suite itself failed in this case; `reason` tells how.
    """

    case: str
    reason: str
    beforehand: bool = False
    error: bool = False


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run was cut off before this and went on later. `started`: when, in UTC as ISO 8601.

    Chains that were not complete begin again; other requests without a final answer are sent again.
    """

    started: str


@dataclass(frozen=True, slots=True)
class Again:
    """A request of this case stayed refused although it was repeated, and is sent once more at the end of the run.

    `probe` is its number; None for a chain, which begins again.
    """

    case: str
    probe: int | None


Event: TypeAlias = Plan | Intent | Sent | Stray | Note | Resumed | Again


def charge_state(exchange: Exchange) -> ChargeState:
    """Whether the request of this exchange charged."""
    if exchange.unsent:
        return "released"
    status = exchange.answer.status if exchange.answer else None
    if status is not None and (400 <= status < 500 or status == 503):
        return "released"
    return "captured" if status == 200 else "unknown"


def counting(sent: Sequence[Sent]) -> Sent:
    """The exchange of a sending that counts: the last one; in a burst, the last with the provoked status."""
    return max(sent, key=lambda event: (event.provoked, event.number or 0))
