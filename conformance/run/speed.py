"""How fast a run gets on, in words: what is done, the time left, and what makes it slow. Must not send or wait."""

from __future__ import annotations

from conformance.exchange.model import Exchange
from conformance.profile import Limits

FIRST_S = 10.0
"""Seconds after which a slow run says so for the first time; then whenever this time has doubled."""
LONG_S = 60.0
"""A run is slow if it needs at least this many seconds more."""


def is_silent(exchange: Exchange) -> bool:
    """Whether the time limit passed without a whole answer."""
    late = exchange.failure is not None and exchange.failure.kind == "timeout" and not exchange.unsent
    return late or any("within the time limit" in defect for defect in exchange.defects)


class Speed:
    """Counts the answers of a run of `total` requests that began at `began`. Used by one thread at a time."""

    def __init__(self, total: int, limits: Limits, began: float) -> None:
        self._total, self._limits, self._began = total, limits, began
        self._next_s = FIRST_S
        self._done = self._silent = 0
        self._elapsed = 0.0

    def take(self, exchange: Exchange, now: float) -> str:
        """Count an answer; gives what to say about a slow run, and otherwise nothing."""
        self._done += 1
        self._silent += is_silent(exchange)
        self._elapsed += exchange.elapsed or 0.0
        passed = now - self._began
        if passed < self._next_s:
            return ""
        self._next_s = 2 * passed
        left = passed / self._done * (self._total - self._done)
        if left < LONG_S:
            return ""
        done = f"{self._done} of {self._total} requests in {passed:.0f} s"
        return f"{done}, about {left / 60:.0f} min left: {self._why(passed)}"

    def _why(self, passed: float) -> str:
        limits, reasons = self._limits, []
        if self._elapsed / limits.concurrency > passed / 4:
            reasons.append(f"an answer takes {self._elapsed / self._done:.1f} s, {limits.concurrency} at a time")
        if self._silent:
            reasons.append(f"{self._silent} answers did not come within {limits.timeout_s:g} s")
        if limits.requests_per_second:
            reasons.append(f"at most {limits.requests_per_second:g} requests a second are sent")
        return "; ".join(reasons) or "the answers are quick, but this machine is busy, or the run had to wait"
