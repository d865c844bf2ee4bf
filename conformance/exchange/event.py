"""What happens in a run, in order: the lines of a record between its header and its footer. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from conformance.cases.model import Case, Probe
from conformance.exchange.model import Exchange

Purpose = Literal["first", "burst", "resend", "confirm", "shrink"]
"""Why a request is sent: for its case, as one of a burst, in place of one that was asked to wait, to see a violation a
second time, or to show one with a smaller body."""
ChargeState = Literal["released", "captured", "unknown"]
"""What became of money that a request might have charged: nothing was charged, it was, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """These cases are to be sent. A later plan replaces cases of the same id."""

    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that may charge is about to be sent. `amount`: decimal text in major units of `currency`.

    `known` is False where the body itself does not say what it would charge. `wall_time`: seconds since 1970. `number`
    is the line in the record.
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
    """One exchange of a sending. `sending` is the number of the sending, which has one exchange or several.

    `probe` is what was to be sent, with the placeholder for the trip. `final`: nothing more of this sending follows
    because of this answer. `intent` is the line of the intent that this exchange settles. `late`: a case, and what was
    found on its connection after an answer that had seemed whole.
    """

    exchange: Exchange
    probe: Probe
    sending: int
    purpose: Purpose
    final: bool
    intent: int | None = None
    late: tuple[str, str] | None = None

    @property
    def number(self) -> int | None:
        """The line in the record."""
        return self.exchange.number

    @property
    def status(self) -> int | None:
        """The status received; None where no answer came."""
        return self.exchange.answer.status if self.exchange.answer else None

    @property
    def success(self) -> bool:
        """Whether the status is one of success (2xx)."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def provoked(self) -> bool:
        """Whether the answer is the one that the probe was to provoke."""
        return self.status is not None and self.status == self.probe.expectation.provoked


@dataclass(frozen=True, slots=True)
class Note:
    """Why a case was not sent, or not as a whole. `beforehand`: the reason was known before the run.

    `error`: the suite itself failed in this case; `reason` says how.
    """

    case: str
    reason: str
    beforehand: bool = False
    error: bool = False


Event: TypeAlias = Plan | Intent | Sent | Note


def charge_state(exchange: Exchange) -> ChargeState:
    """What became of the money that the request of this exchange might have charged."""
    if exchange.unsent:
        return "released"
    status = exchange.answer.status if exchange.answer else None
    if status is not None and (400 <= status < 500 or status == 503):
        return "released"
    return "captured" if status == 200 else "unknown"


def counting(sent: Sequence[Sent]) -> Sent:
    """Of all exchanges of one sending the one that counts: the last, and in a burst the last that was provoked."""
    return max(sent, key=lambda one: (one.provoked, one.number or 0))
