"""What the process shares with its surroundings: signals and standard streams. Knows nothing of a run."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The process was asked to end.

    Not KeyboardInterrupt itself: after that, Python ends by a signal if code made by `exec` was running, even where the
    exception was handled.
    """


class Interruption:
    """Whether SIGINT or SIGTERM was received.

    The first one raises `Interrupted`, wherever the main thread is, until `defer` was called. From then on it is
    only noted, since files are open: the run looks at `received` where it can end. Later ones have no effect.
    """

    def __init__(self) -> None:
        self.received = self._deferred = False

    def defer(self) -> None:
        """Only note the first signal from now on."""
        self._deferred = True

    def take(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        first, self.received = not self.received, True
        if first and not self._deferred:
            raise Interrupted


_active: list[Interruption] = []


def handle_signals() -> dict[signal.Signals, Any]:
    """Handle SIGINT and SIGTERM from now on; gives the handlers before. An ignored signal stays ignored.

    Only the main thread can handle signals; in any other thread this changes no handler.
    """
    _active.append(Interruption())
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _active[-1].take)
    return before


def report_unraisable(found: sys.UnraisableHookArgs) -> None:
    """Say nothing where an interruption was raised in code that cannot pass it on: it was noted."""
    if not isinstance(found.exc_value, Interrupted):
        sys.__unraisablehook__(found)


def ignore_signals() -> None:
    """Ignore signals until the process ends: Python removes its handlers before it does its last work."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_handled() -> Iterator[Interruption]:
    """Handle SIGINT and SIGTERM within the context, by the handler around it if there is one."""
    if _active:
        yield _active[-1]
        return
    before = handle_signals()
    try:
        yield _active[-1]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _active.clear()


class _Unbroken(io.TextIOWrapper):
    """Writes to a file descriptor, and drops what cannot be written: the reader is gone, or the disk is full.

    The buffer below writes without Python code in between, so that a signal cannot make it write the same twice.
    """

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Lead the descriptor nowhere, with all that is still buffered."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def protect_streams() -> None:
    """Make standard streams usable that are closed, broken or full. What is written to them is lost, nothing else.

    A stream that a caller within this process has replaced stays as it is.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open as long as the process
    for number, name in ((1, "stdout"), (2, "stderr")):
        old = getattr(sys, name)
        if old is not None and old is not getattr(sys, f"__{name}__"):
            continue
        raw = io.FileIO(number, "w", closefd=False)
        encoding, errors = (old.encoding, old.errors) if old is not None else ("utf-8", "backslashreplace")
        lines = number == 2 or raw.isatty()
        stream = _Unbroken(io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=lines)
        setattr(sys, name, stream)
