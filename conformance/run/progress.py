"""What the engine tells whoever is watching a run."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Counts requests and findings while they come in; called from all sending threads."""

    def start(self, total: int) -> None:
        """Begin, with the number of requests planned."""

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Count answers, and how many of them break something."""

    def stop(self) -> None:
        """End, whether or not all was sent."""


class Unwatched:
    """The progress of a run that nobody watches."""

    def start(self, total: int) -> None:
        """Let it pass."""

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Let it pass."""

    def stop(self) -> None:
        """Let it pass."""
