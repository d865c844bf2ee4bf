"""What the engine reports to a display of the run."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Counts requests and findings while they come in; called from all sending threads."""

    def start(self, total: int) -> None:
        """Begin, with the number of requests planned."""

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Count answers, and how many of them violate something."""

    def stop(self) -> None:
        """End, whether or not all was sent."""


class NullProgress:
    """The progress of a run without a display."""

    def start(self, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
