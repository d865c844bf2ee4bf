"""Commands of the profile that print a value: a trip, or credentials."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from conformance.errors import UsageError

WORDS = 160
"""Characters of a command's own message that an error shows."""


def printed_by(key: str, command: list[str], folder: str | None, limit: float, *, secret: bool = True) -> str:
    """What the command prints. It runs in the profile's folder without a shell, and inherits the environment.

    What it writes to its error output is shown if it fails, unless it may be `secret`.
    Raises `UsageError` where it cannot be run, fails, or takes more than `limit` seconds; then it is killed together
    with the processes that it started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if secret else subprocess.PIPE,
            text=True,
            cwd=folder,
            errors="backslashreplace",
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"{key}: {command[0]} cannot be run: {error.strerror}") from None
    with process:
        try:
            printed, said = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise UsageError(f"{key}: {command[0]} took more than {limit:g} s") from None
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        words = " ".join((said or "").split())
        raise UsageError(
            f"{key}: {command[0]} ended with status {process.returncode}; it must end with status 0"
            + (f". Its message: {words[-WORDS:]}" if words else "")
        )
    return printed
