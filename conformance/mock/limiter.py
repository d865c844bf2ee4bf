"""Rate limits of the mock: windows that a test provokes, and a real limit. The caller gives the time."""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WindowRules:
    """How provoked windows behave, in seconds. The defaults are conformant.

    `late`: how long a window lasts beyond its announced end. `shared_late`: the same, only for windows without a
    client. `growth`: added to the delay in all answers of a window except the first; `later_growth`: in those from one
    second after its beginning on. `announced`: announced in place of
    the true remainder. `constant`: each answer repeats the first delay.
    """

    length: float = 1.0
    late: float = 0.0
    shared_late: float = 0.0
    growth: int = 0
    later_growth: int = 0
    announced: int | None = None
    constant: bool = False


@dataclass(slots=True)
class Windows:
    """The windows that provoking requests opened, by client; the client "" means all clients."""

    rules: WindowRules = WindowRules()
    opened: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def delay(self, client: str, now: float, *, provoke: bool) -> int | None:
        """Give the whole seconds to announce in a 429; None where the request is not limited."""
        with self.lock:
            if client in self.opened:
                return self._inside(client, now)
            if provoke:
                self.opened[client] = now
                return math.ceil(self.rules.length) if self.rules.announced is None else self.rules.announced
            return self._inside("", now) if "" in self.opened else None

    def _inside(self, client: str, now: float) -> int | None:
        rules = self.rules
        end = self.opened[client] + rules.length
        late = rules.late if client else max(rules.late, rules.shared_late)
        if now >= end + late:
            return None
        if rules.announced is not None:
            return rules.announced
        if rules.constant and now < end:
            return math.ceil(rules.length)
        growth = rules.growth + rules.later_growth * (now >= self.opened[client] + 1)
        return max(0, math.ceil(end - now)) + growth


@dataclass(slots=True)
class Rate:
    """At most `limit` requests in any `period` seconds."""

    limit: int
    period: float
    served: deque[float] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read a limit such as `5/s`, `1/5s` or `100/m`. Raises `ValueError` for any other text."""
        found = re.fullmatch(r"([1-9][0-9]*)/([0-9]*)([smh])", text, re.ASCII)
        if not found:
            raise ValueError(f"{text!r} is not a rate: write requests and period, for example 5/s, 1/5s or 100/m")
        return cls(int(found[1]), int(found[2] or 1) * {"s": 1.0, "m": 60.0, "h": 3600.0}[found[3]])

    def delay(self, now: float) -> int | None:
        """Count a request if the limit allows it; otherwise give the seconds until it does, rounded up."""
        with self.lock:
            while self.served and self.served[0] + self.period <= now:
                self.served.popleft()
            if len(self.served) < self.limit:
                self.served.append(now)
                return None
            return max(1, math.ceil(self.served[0] + self.period - now))
