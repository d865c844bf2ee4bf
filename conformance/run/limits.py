"""Rate limits that a run meets without provoking them: their forms, and the rate that fits. Must not send or judge."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from conformance.exchange.event import Sent
from conformance.exchange.retry_after import LimitForm, announced_delay, form_of_limit

SPAN_S = 10.0
"""Over how many seconds the rate that fits is measured."""


@dataclass(frozen=True, slots=True)
class OtherLimit:
    """How many answers were a 429 that nothing provoked, and the requests a second that were served nevertheless."""

    answers: int
    fitting: float


@dataclass(slots=True)
class LimitsMet:
    """The 429s to requests that should not provoke one. `forms`: the longest delay of each form."""

    forms: dict[LimitForm | None, float] = field(default_factory=dict)
    answers: int = 0
    _first: float | None = None
    _last: float = 0.0
    _served: deque[float] = field(default_factory=deque)
    _most: int = 0

    def take(self, sent: Sent) -> None:
        """Count one exchange."""
        answer, moment = sent.exchange.answer, sent.exchange.sent_at
        if answer is None or moment is None or sent.probe.wait or sent.probe.expectation.provoked == 429:
            return
        self._first = moment if self._first is None else min(self._first, moment)
        self._last = max(self._last, moment)
        if answer.status == 429:
            self.answers += 1
            form, delay = form_of_limit(sent.exchange), announced_delay(answer, sent.exchange.wall_time) or 0.0
            self.forms[form] = max(delay, self.forms.get(form, delay))
            return
        self._served.append(moment)
        while self._served[0] <= moment - SPAN_S:
            self._served.popleft()
        self._most = max(self._most, len(self._served))

    def other_limit(self) -> OtherLimit | None:
        """What was met; None where there was no such answer."""
        if not self.answers or self._first is None:
            return None
        return OtherLimit(self.answers, self._most / min(SPAN_S, max(1.0, self._last - self._first)))
