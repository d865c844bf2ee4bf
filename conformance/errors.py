"""What can go wrong outside the target, by type. None of these is a finding about the target.

SuiteError                 status of the process
├── UsageError        2    the profile, the command line or the data given is wrong
└── OwnFault          4    the suite itself failed, or the disk it writes to
"""

from __future__ import annotations

import errno
from typing import ClassVar


class SuiteError(Exception):
    """Base of all. Its message says what to do next; `status` is the exit status of the process."""

    status: ClassVar[int] = 4


class UsageError(SuiteError):
    """Something that the user gave is wrong."""

    status: ClassVar[int] = 2


class OwnFault(SuiteError):
    """The suite failed, or the machine that it runs on."""

    status: ClassVar[int] = 4


_LIMITS = {
    errno.EMFILE: "this process may open no more files (see ulimit -n)",
    errno.ENFILE: "this machine may open no more files",
    errno.ENOMEM: "this machine has no more memory",
    errno.ENOBUFS: "this machine has no more memory for connections",
    errno.ENOSPC: "the disk of this machine is full",
    errno.EDQUOT: "the disk quota on this machine is used up",
    errno.EFBIG: "this process may write no more to a file (see ulimit -f)",
}


def own_limit(error: BaseException) -> str:
    """Which limit of the machine or process, on which the suite runs, is the cause of an error; empty for any other."""
    if isinstance(error, MemoryError):
        return "this process gets no more memory (see ulimit -v, and the limits of its container)"
    if isinstance(error, RuntimeError) and "new thread" in str(error):
        return "this process may start no more threads (see ulimit -u and -v, and the limits of its container)"
    return _LIMITS.get(error.errno or 0, "") if isinstance(error, OSError) else ""
