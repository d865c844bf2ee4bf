"""Commands of the profile that print a value: a trip, or credentials."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from conformance.errors import UsageError


def printed_by(key: str, command: list[str], folder: str | None, limit: float) -> str:
    """What the command prints. It runs in the profile's folder without a shell, and inherits the environment.

    Raises `UsageError` where it cannot be run, fails, or takes more than `limit` seconds; then it is killed together
    with the processes that it started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            errors="backslashreplace",
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"{key}: {command[0]} cannot be run: {error.strerror}") from None
    with process:
        try:
            printed, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise UsageError(f"{key}: {command[0]} took more than {limit:g} s") from None
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise UsageError(f"{key}: {command[0]} ended with status {process.returncode}; it must end with status 0")
    return printed
