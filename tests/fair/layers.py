"""What stands in front of a server, around the replies of the mock: limiters, switches, balancers, caches.

A layer gets each request and the function that gives the reply of what is behind it. A limiter refuses with a reply that
fits the contract; its form differs from that of the mock unless `text` makes it the same.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from conformance.mock.exchange import Inquiry, Reply, error
from conformance.mock.server import Mock

Next = Callable[[Inquiry], Reply]
SWITCH_PATH = "/switch"
OWN_TEXT = "Too Many Requests"
"""The text of the mock's own limiter."""


@dataclass
class Layer:
    """Passes everything on. `clock` is that of the mock, and `began` the moment at which it was 0."""

    clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    began: datetime = field(default=datetime.fromtimestamp(0, UTC), kw_only=True)

    def reply(self, inquiry: Inquiry, behind: Next) -> Reply:
        return behind(inquiry)


def put_before(mock: Mock, *layers: Layer) -> None:
    """Put the layers in front of the mock; the last one gets each request first."""
    for layer in layers:
        layer.clock = mock.clock
        layer.began = datetime.now(UTC) - timedelta(seconds=mock.clock())
        behind = mock.reply
        mock.reply = lambda inquiry, layer=layer, behind=behind: layer.reply(inquiry, behind)  # type: ignore[method-assign]


# --- limiters ----------------------------------------------------------------------------------------------------------


@dataclass
class Limiter(Layer):
    """Refuses a request where `wait` gives the seconds until the next one would be served."""

    text: str = field(default="slow down", kw_only=True)
    dated: bool = field(default=False, kw_only=True)

    def wait(self, now: float) -> float | None:
        return None

    def reply(self, inquiry: Inquiry, behind: Next) -> Reply:
        now = self.clock()
        seconds = self.wait(now)
        if seconds is None:
            return behind(inquiry)
        refused = error(429, self.text)
        end = self.began + timedelta(seconds=now + seconds + 1)
        refused.put("retry-after", format_datetime(end, usegmt=True) if self.dated else str(max(1, math.ceil(seconds))))
        return refused


@dataclass
class TokenBucket(Limiter):
    """`rate` requests a second, and `burst` at once."""

    rate: float
    burst: int
    tokens: float = math.inf
    filled: float = 0.0

    def wait(self, now: float) -> float | None:
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return None


@dataclass
class FixedWindow(Limiter):
    """`most` requests in each second of the clock."""

    most: int
    second: int = 0
    served: int = 0

    def wait(self, now: float) -> float | None:
        if int(now) != self.second:
            self.second, self.served = int(now), 0
        self.served += 1
        return None if self.served <= self.most else self.second + 1 - now


@dataclass
class SlidingWindow(Limiter):
    """`most` requests in any second."""

    most: int
    served: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float | None:
        while self.served and self.served[0] <= now - 1:
            self.served.popleft()
        if len(self.served) >= self.most:
            return self.served[0] + 1 - now
        self.served.append(now)
        return None


@dataclass
class EveryNth(Limiter):
    """Refuses every `nth` request."""

    nth: int
    seen: int = 0

    def wait(self, now: float) -> float | None:
        self.seen += 1
        return None if self.seen % self.nth else 1.0


@dataclass
class Refusing(Layer):
    """Refuses the first `times` requests whose body is one of `chosen`, with this status."""

    chosen: Callable[[bytes], object]
    times: float = math.inf
    status: int = 429

    def reply(self, inquiry: Inquiry, behind: Next) -> Reply:
        if self.times < 1 or not self.chosen(inquiry.body):
            return behind(inquiry)
        self.times -= 1
        if self.status == 503:
            return error(503, "busy", retryAfter="1")
        refused = error(429, "slow down")
        refused.put("retry-after", "1")
        return refused


@dataclass
class AtOnce(Layer):
    """At most `most` slow requests in flight; the others get 503 with a time to wait."""

    most: int
    takes: float = 0.01
    ends: deque[float] = field(default_factory=deque)

    def reply(self, inquiry: Inquiry, behind: Next) -> Reply:
        now = self.clock()
        while self.ends and self.ends[0] <= now:
            self.ends.popleft()
        if len(self.ends) >= self.most:
            return error(503, "ServiceUnavailableException", retryAfter="0.05")
        self.ends.append(now + self.takes)
        reply = behind(inquiry)
        reply.delay += self.takes
        return reply


# --- switches ----------------------------------------------------------------------------------------------------------


@dataclass
class Switch(Layer):
    """`PUT /switch` with `{"status": 500}` makes every request get that status; `DELETE /switch` ends it.

    Each takes effect `lag` seconds later. The first `failures` DELETE calls are answered with 502. `calls` lists them.
    """

    lag: float = 0.0
    failures: int = 0
    status: int | None = None
    pending: tuple[float, int | None] | None = None
    calls: list[str] = field(default_factory=list)

    def reply(self, inquiry: Inquiry, behind: Next) -> Reply:
        now = self.clock()
        if self.pending is not None and self.pending[0] <= now:
            self.status, self.pending = self.pending[1], None
        if inquiry.path == SWITCH_PATH:
            return self._call(inquiry, now)
        if self.status is None:
            return behind(inquiry)
        if self.status == 429:
            reply = error(429, "switched")
            reply.put("retry-after", "600")
            return reply
        return error(500, "ServiceException") if self.status == 500 else error(503, "switched", retryAfter="60")

    def _call(self, inquiry: Inquiry, now: float) -> Reply:
        self.calls.append(inquiry.method)
        wanted = json.loads(inquiry.body)["status"] if inquiry.method == "PUT" else None
        if wanted is None and self.failures:
            self.failures -= 1
            return error(502, "try again")
        if self.pending is not None:
            self.status = self.pending[1]
        self.pending = (now + self.lag, wanted)
        return Reply(204)


def switch_profile(url: str, *statuses: int) -> str:
    """The part of a profile that provokes these statuses by the switch."""
    return "".join(
        f"""
[provoke.{status}]
kind = "forced"
scope = "run"
before = {{ method = "PUT", url = "{url}{SWITCH_PATH}", json = {{ status = {status} }} }}
after = {{ method = "DELETE", url = "{url}{SWITCH_PATH}" }}
"""
        for status in statuses
    )
