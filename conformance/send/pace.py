"""When the next request may be sent: the clock, the rate, the requests in flight, and pauses that the target announced.

How it works
- Every request goes through `passage`: it takes one of `concurrency` places in flight, then waits for its time.
- `_next` is the earliest time of the next request. Each request moves it on by one interval of the rate; an announced
  pause moves it to the end of the pause.
- `_lock` guards only `_next` and `reason`. No thread waits while it holds the lock.
- `halt` wakes every waiting thread. From then on each of them gets `Halted`, and nothing more is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


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
        self._interval = 1 / rate if rate else 0.0
        self._slots = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._next = 0.0
        self._halt = threading.Event()
        self.reason = ""

    @property
    def halted(self) -> bool:
        """Whether sending was stopped."""
        return self._halt.is_set()

    def halt(self, reason: str) -> None:
        """Stop all sending. The first reason is kept."""
        with self._lock:
            self.reason = self.reason or reason
        self._halt.set()

    def pause_until(self, moment: float) -> None:
        """Pause all sending until `moment`, in seconds of the monotonic clock."""
        with self._lock:
            self._next = max(self._next, moment)

    def sleep_until(self, moment: float) -> None:
        """Wait for `moment` of the monotonic clock. Raises `Halted` as soon as sending is stopped."""
        while (left := moment - self.clock.now()) > 0:
            if self.clock.wait(self._halt, left):
                raise Halted
        if self.halted:
            raise Halted

    @contextmanager
    def passage(self, *, exempt: bool = False) -> Iterator[None]:
        """Take a place in flight and, unless `exempt`, wait for rate and pauses. The context holds the place."""
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
