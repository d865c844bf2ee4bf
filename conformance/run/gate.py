"""When the next request may leave: the rate, the number in flight, and pauses that the target announced."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Halted(BaseException):
    """Nothing more is to be sent; raised in sending threads only, never a finding."""


class Gate:
    """Shared by all sending threads. `rate` is requests a second, None for no limit; `concurrency` the most in flight."""

    def __init__(self, rate: float | None, concurrency: int) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._slots = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._next = 0.0
        self._halt = threading.Event()
        self.reason = ""

    @property
    def halted(self) -> bool:
        """Whether sending has come to an end before all was sent."""
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
        while (left := moment - time.monotonic()) > 0:
            if self._halt.wait(left):
                raise Halted
        if self.halted:
            raise Halted

    @contextmanager
    def passage(self, *, exempt: bool = False) -> Iterator[None]:
        """Wait for a place in flight and, unless `exempt` from pauses, for the rate; hold the place meanwhile."""
        with self._slots:
            while True:
                with self._lock:
                    now = time.monotonic()
                    due = now if exempt else max(now, self._next)
                    if due <= now:
                        self._next = max(self._next, due + self._interval) if self._interval else self._next
                        break
                self.sleep_until(due)
            if self.halted:
                raise Halted
            yield
