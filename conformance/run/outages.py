"""When the server was found gone, and which requests may have ended it. From events only: must not send or wait."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from conformance.exchange.event import Sent
from conformance.exchange.model import Exchange

ENDED = "answer.connection"
"""The requirement that a request violates which ends the server."""
RECENT = 32
SUSPECTS = 8
"""Answered requests that are sent again for one outage, at most."""
SOON_S = 0.05
"""How long after its answer a request may end the server, where others were answered meanwhile."""
CLOSED_S = 2.0
"""How long after its beginning an outage is the reason that a kept-alive connection is found closed."""
NEAR_S = 0.5
"""How far apart the ends of two requests may be that one end of the server explains."""


@dataclass(slots=True)
class Outage:
    """A time without a server. `began`: when the first connection was refused, in seconds since 1970.

    `before`: what was answered last before that.
    """

    began: float
    before: list[Sent]

    def is_explained_by(self, cause: Exchange) -> bool:
        """Whether it began when this request ended the server."""
        ended, answered = _end(cause), [_end(sent.exchange) for sent in self.before]
        last = max((each for each in answered if each is not None), default=None)
        return ended is not None and last is not None and last - NEAR_S <= ended <= self.began + NEAR_S

    def suspects(self, soon: float = SOON_S) -> list[Sent]:
        """The requests after whose answer the server may have ended, the last one first.

        Each request was answered by a server that was there when it was sent. So what was answered some time before that
        is not the cause.
        """
        served = [(sent.exchange.sent_at, sent.exchange.answered_at, sent) for sent in self.before]
        timed = [(began, ended, sent) for began, ended, sent in served if began is not None and ended is not None]
        alive = max((began for began, _, _ in timed), default=0.0)
        last = sorted((each for each in timed if each[1] > alive - soon), key=lambda each: each[1], reverse=True)
        return [sent for _, _, sent in last[:SUSPECTS]]


class Outages:
    """The outages so far: `found`. `last`: the one that began last, also where it is over."""

    def __init__(self) -> None:
        self.found: list[Outage] = []
        self.last: Outage | None = None
        self._recent: deque[Sent] = deque(maxlen=RECENT)
        self._open: Outage | None = None

    def closed(self, exchange: Exchange) -> bool:
        """Whether an outage closed the connection that this request found closed."""
        began, last = exchange.wall_time, self.last
        return exchange.unsent or (last is not None and began is not None and began - last.began < CLOSED_S)

    def take(self, sent: Sent, *, first: bool) -> None:
        """Add the next exchange. `first`: of the first sending of a request; only the outages that these meet are found.

        Threads may add what was answered before an outage a moment after its beginning.
        """
        exchange, outage = sent.exchange, self._open
        if exchange.wall_time is None:
            return
        if exchange.answer is not None:
            if outage is None or exchange.wall_time > outage.began:
                self._open = None
                self._recent.append(sent)
            else:
                outage.before.append(sent)
        elif is_refused(exchange) and outage is None and self._recent:
            self._open = self.last = Outage(exchange.wall_time, list(self._recent))
            self.found += [self._open] if first else []


def _end(exchange: Exchange) -> float | None:
    """When the answer was complete, or the connection ended, in seconds since 1970."""
    if exchange.wall_time is None or exchange.elapsed is None:
        return None
    return exchange.wall_time + exchange.elapsed


def is_lost(exchange: Exchange) -> bool:
    """Whether the connection ended in place of an answer."""
    return exchange.failure is not None and exchange.failure.kind in ("closed", "reset")


def is_refused(exchange: Exchange) -> bool:
    """Whether there was no server to connect to."""
    return exchange.failure is not None and exchange.failure.kind == "refused"


def explains(cause: Exchange, lost: Exchange) -> bool:
    """Whether the end of the server after or during `cause` may be why another request got no answer."""
    if None in (cause.answered_at, lost.sent_at, lost.answered_at):
        return False
    return lost.sent_at - NEAR_S <= cause.answered_at <= lost.answered_at + NEAR_S  # type: ignore[operator]
