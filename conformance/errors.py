"""What can go wrong outside the target, by type. None of these is a finding about the target.

SuiteError                 status of the process
├── UsageError        2    the profile, the command line or the data given is wrong
└── OwnFault          4    the suite itself failed, or the disk it writes to
"""

from __future__ import annotations

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
