"""The interface to a display of the progress of a run."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Counts requests and findings during the run; called from all sending threads."""

    def start(self, total: int) -> None:
        """Begin, with the number of planned requests."""

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Count answers, and how many of them violate something."""

    def stop(self) -> None:
        """End, also where not everything was sent."""


class NullProgress:
    """Progress for a run without a display."""

    def start(self, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
