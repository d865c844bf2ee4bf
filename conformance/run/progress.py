"""The interface to a display of the progress of a run."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Counts requests and wrong answers during the run, and names waits; called from all sending threads."""

    def start(self, total: int) -> None:
        """Begin, with the number of planned requests."""

    def advance(self, count: int = 1, wrong: int = 0) -> None:
        """Count answers, and how many of them are wrong."""

    def waiting(self, text: str) -> None:
        """Say what the run waits for."""

    def stop(self) -> None:
        """End, also where not everything was sent."""


class NullProgress:
    """Progress for a run without a display."""

    def start(self, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1, wrong: int = 0) -> None:
        """Do nothing."""

    def waiting(self, text: str) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
