"""When the next request may leave: the clock, the rate, the number in flight, and pauses that the target announced.

How it works: every request passes `passage`, which first takes one of `concurrency` places in flight and then waits for
its moment. `_next` is the earliest moment for the next request; the rate moves it on by one interval for each request,
an announced pause moves it to the end of the pause. `_lock` guards `_next` and `reason` alone and is never held while
waiting. `halt` wakes every waiting thread; from then on each of them gets `Halted`, and nothing more is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Halted(BaseException):
    """Nothing more is to be sent; raised in sending threads only, never a finding."""


class Clock:
    """The monotonic clock in seconds, and waiting by it. Tests put one in its place that needs no time."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait so long for `event`; whether it is set."""
        return event.wait(seconds)


class Pace:
    """Shared by all sending threads. `rate` is requests a second, None for no limit; `concurrency` the most in flight."""

    def __init__(self, rate: float | None, concurrency: int, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._interval = 1 / rate if rate else 0.0
        self._slots = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._next = 0.0
        self._halt = threading.Event()
        self.reason = ""

    @property
    def halted(self) -> bool:
        """Whether sending has ended before all was sent."""
        return self._halt.is_set()

    def halt(self, reason: str) -> None:
        """Let nothing more leave; the first reason given stays."""
        with self._lock:
            self.reason = self.reason or reason
        self._halt.set()

    def pause_until(self, moment: float) -> None:
        """Hold everything back until `moment`, seconds of the monotonic clock."""
        with self._lock:
            self._next = max(self._next, moment)

    def sleep_until(self, moment: float) -> None:
        """Wait for `moment` of the monotonic clock; raises `Halted` as soon as sending ends."""
        while (left := moment - self.clock.now()) > 0:
            if self.clock.wait(self._halt, left):
                raise Halted
        if self.halted:
            raise Halted

    @contextmanager
    def passage(self, *, exempt: bool = False) -> Iterator[None]:
        """Wait for a place in flight and, unless `exempt` from pauses, for the rate; hold the place meanwhile."""
        with self._slots:
            while True:
                with self._lock:
                    now = self.clock.now()
                    due = now if exempt else max(now, self._next)
                    if due <= now:
                        self._next = max(self._next, due + self._interval) if self._interval else self._next
                        break
                self.sleep_until(due)
            if self.halted:
                raise Halted
            yield
