"""The display of a run in progress: a bar on a terminal; in CI and without a terminal, a plain line now and then."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TextIO

PROGRESS_EVERY_S = 5.0
WAITS_NAMED = 5
"""How many waits get a line at once. Of later ones, those that come when the next line is due do; all are counted."""


def is_interactive(stream: TextIO) -> bool:
    """Whether the stream is a terminal that a person looks at, and not the log of a CI."""
    return stream.isatty() and os.environ.get("CI", "").lower() in ("", "0", "false")


class Progress:
    """Counts answers, wrong answers and waits. Thread-safe."""

    def __init__(self, stream: TextIO, every_s: float = PROGRESS_EVERY_S) -> None:
        self._stream, self._every = stream, every_s
        self._plain = not is_interactive(stream)
        self._total = self._done = self._wrong = self._waits = 0
        self._wait = ""
        self._last = time.monotonic()
        self._lock = threading.Lock()
        self._show: Callable[[], None] = self._line
        self._end: Callable[[], None] = lambda: None

    def start(self, total: int) -> None:
        """Begin, with the number of requests planned."""
        self._total = total
        if self._plain:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(file=self._stream, markup=False, highlight=False)
        bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), console=console,
            transient=True,
        )  # fmt: skip
        task = bar.add_task("requests", total=total)
        bar.start()
        self._show = lambda: bar.update(
            task, total=self._total, completed=self._done, description=self._wait or self._counts()
        )
        self._end = bar.stop

    def advance(self, count: int = 1, wrong: int = 0) -> None:
        """Count answers, and how many of them are wrong."""
        with self._lock:
            self._done += count
            self._total = max(self._total, self._done)  # confirmations and repetitions are not planned
            self._wrong += wrong
            self._wait = ""
            self._show()

    def waiting(self, text: str) -> None:
        """Show what the run waits for. The same wait, met by several threads, is shown once."""
        with self._lock:
            if text == self._wait:
                return
            self._wait = text
            self._waits += 1
            if self._plain and self._waits <= WAITS_NAMED:
                self._print(text)
            else:
                self._show()

    def _counts(self) -> str:
        wrong = f"{self._wrong} wrong answer{'' if self._wrong == 1 else 's'}"
        return f"{wrong}, {self._waits} waits" if self._waits > WAITS_NAMED else wrong

    def _line(self) -> None:
        if time.monotonic() - self._last >= self._every:
            counted = f"{self._done} of {self._total} requests, {self._counts()}"
            self._print(f"{counted}; {self._wait}" if self._wait else counted)

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        print(text, file=self._stream, flush=True)

    def stop(self) -> None:
        """End, even if not all requests were sent."""
        self._end()
