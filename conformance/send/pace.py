"""When the next request may be sent: the clock, the rate, the requests in flight, and pauses that the target announced.

How it works
- Every request goes through `passage`: it waits for its time and for one of `concurrency` places in flight.
- A request that must be alone waits in a queue of its own. While that queue is not empty, no other request starts, save
  exempt ones until it is in flight; its first request starts as soon as nothing is in flight.
- `_next` is the earliest time of the next request. Each request moves it on by one interval of the rate; an announced
  pause moves it to the end of the pause.
- The interval keeps to `SHARE` of the rate. A request also waits while as many as the rate allows were sent within the
  last second; one in flight counts as sent now, since a new connection may delay it.
- Where a rate limit refuses again and again, the run halves its own rate, and raises it again while nothing is refused.
- `_changed` guards all of this and wakes the threads that wait for a place. Nobody waits for a time while holding it.
- `end_at` sets a time after which nothing is sent: a thread that would wait longer, or send later, halts the run then.
- `halt` wakes every waiting thread. From then on each of them gets `Halted`, and nothing more is sent.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENT_REFUSALS = 2
"""Pauses for a rate limit before the run lowers its own rate."""
LEAST_RATE = 5
"""Requests a second; the run does not slow down further by itself."""
IN_VAIN = 3
"""Refusals at that rate after which the run no longer slows down: the limit does not depend on the rate, or is so low
that its pauses are enough."""
FASTER = 1.25
"""Factor by which a lowered rate grows in a second without a refusal."""


SHARE = 0.95
"""The part of the allowed rate that is used, so that the network may delay a request a little."""


@dataclass(slots=True)
class Passage:
    """One request: when it entered, when it was sent (set by the sender, where known), and whether it is in flight."""

    entered: float
    sent_at: float | None = None
    in_flight: bool = True

    def moment(self, now: float) -> float:
        """The latest time at which it may have been sent."""
        return now if self.in_flight else self.sent_at or self.entered


class Halted(BaseException):
    """Nothing more may be sent. Raised only in sending threads; never a finding."""


class Clock:
    """The monotonic clock in seconds, and waiting by it. Tests replace it by one that needs no time."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait at most `seconds` for `event`; gives whether it is set."""
        return event.wait(seconds)


class Pace:
    """Shared by all sending threads. `rate`: requests a second (None: no limit); `concurrency`: the most in flight."""

    def __init__(self, rate: float | None, concurrency: int, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._most, self._in_flight = concurrency, 0
        self._least_interval = self._interval = 1 / (rate * SHARE) if rate else 0.0
        self._most_a_second = max(1, int(rate)) if rate else None
        self._changed = threading.Condition()
        self._alone: deque[object] = deque()
        self._alone_in_flight = False
        self._recent: deque[Passage] = deque()
        self._next = self._lowered = self._paused = 0.0
        self._refusals = self._in_vain = 0
        self._halt = threading.Event()
        self._ends, self._end_reason = math.inf, ""
        self.reason = ""

    @property
    def halted(self) -> bool:
        """Whether sending was stopped."""
        return self._halt.is_set()

    def halt(self, reason: str) -> None:
        """Stop all sending. The first reason is kept."""
        with self._changed:
            self.reason = self.reason or reason
            self._halt.set()
            self._changed.notify_all()

    def end_at(self, moment: float, reason: str) -> None:
        """Stop all sending at this moment of the monotonic clock, for this reason."""
        self._ends, self._end_reason = moment, reason

    def pause_until(self, moment: float, *, limited: bool = False) -> None:
        """Pause all sending until `moment`, in seconds of the monotonic clock. `limited`: a rate limit asks for it."""
        with self._changed:
            now = self.clock.now()
            if limited and self._next <= now + self._interval:  # else a refusal of the same moment has paused already
                self._refusals += 1
                self._slow_down()
                self._lowered = moment
            self._next = max(self._next, moment)
            self._paused = max(self._paused, moment)

    def wait_out_pause(self) -> None:
        """Wait for the end of a pause that was announced after this thread's request had entered."""
        self.sleep_until(self._paused)

    def _slow_down(self) -> None:
        sent = sum(passage.entered >= self.clock.now() - 1 for passage in self._recent)
        if self._in_vain >= IN_VAIN or self._refusals <= PATIENT_REFUSALS:
            return
        if self._interval >= 1 / LEAST_RATE:
            self._in_vain += 1
        elif sent > LEAST_RATE:
            self._interval = max(self._interval, 1 / max(LEAST_RATE, sent / 2))
        if self._in_vain >= IN_VAIN:
            self._interval = self._least_interval

    def sleep_until(self, moment: float) -> None:
        """Wait for `moment` of the monotonic clock. Raises `Halted` as soon as sending is stopped."""
        while (left := min(moment, self._ends) - self.clock.now()) > 0:
            if self.clock.wait(self._halt, left):
                raise Halted
        if moment >= self._ends:
            self.halt(self._end_reason)
        if self.halted:
            raise Halted

    @contextmanager
    def passage(self, *, exempt: bool = False, alone: bool = False, next_alone: bool = False) -> Iterator[Passage]:
        """Take a place in flight and, unless `exempt`, wait for rate and pauses. The context holds the place.

        `alone`: nothing else is in flight while the context lasts. `next_alone`: before others that wait to be alone.
        """
        ticket = object() if alone else None
        with self._changed:
            if alone:
                self._alone.insert(0 if next_alone else len(self._alone), ticket)
        try:
            while isinstance(entered := self._entered(ticket, exempt=exempt), float):
                self.sleep_until(entered)
            try:
                yield entered
            finally:
                with self._changed:
                    entered.in_flight = self._alone_in_flight = False
                    self._in_flight -= 1
                    self._wake()
        finally:
            if alone:
                with self._changed:
                    self._alone.remove(ticket)
                    self._changed.notify_all()

    def _entered(self, ticket: object, *, exempt: bool) -> Passage | float:
        """Take a place as soon as one is free; gives the time to wait for before, where there is one."""
        with self._changed:
            while not self.halted and not (self._free(ticket, exempt=exempt) and (exempt or self._room())):
                self._changed.wait()
            if self.halted:
                raise Halted
            now = self.clock.now()
            if now >= self._ends:
                self.halt(self._end_reason)
                raise Halted
            due = 0.0 if exempt else max(self._next, self._room_at(now))
            if due > now:
                self._wake()
                return due
            passage = Passage(now)
            self._speed_up(passage)
            if self._interval:
                self._next = max(self._next, now + self._interval)
            self._in_flight += 1
            self._alone_in_flight = ticket is not None
        return passage

    def _wake(self) -> None:
        """Wake the threads that may go on: where nobody waits to be alone and there is no rate, any one of them."""
        if self._alone or self._most_a_second:
            self._changed.notify_all()
        else:
            self._changed.notify()

    def _room(self) -> bool:
        """Whether fewer requests are in flight than may be sent in a second."""
        return self._most_a_second is None or self._in_flight < self._most_a_second

    def _room_at(self, now: float) -> float:
        """From when on fewer requests than the rate allows were sent within a second."""
        if self._most_a_second is None or len(self._recent) < self._most_a_second:
            return now
        latest = sorted((passage.moment(now) for passage in self._recent), reverse=True)
        return latest[self._most_a_second - 1] + 1

    def _free(self, ticket: object, *, exempt: bool) -> bool:
        if ticket is not None:
            return self._alone[0] is ticket and not self._in_flight
        waits = self._alone_in_flight if exempt else bool(self._alone)
        return not waits and self._in_flight < self._most

    def _speed_up(self, passage: Passage) -> None:
        """Count a request of this moment, and raise a lowered rate where a second has passed without a refusal."""
        now = passage.entered
        self._recent.append(passage)
        while self._recent[0].moment(now) < now - 1:
            self._recent.popleft()
        if self._interval > self._least_interval and now > self._lowered + 1:
            self._interval = max(self._least_interval, self._interval / FASTER)
            self._lowered = now
