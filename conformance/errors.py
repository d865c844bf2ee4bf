"""What can go wrong outside the target, told apart by type. Says nothing about the target's conduct.

SuiteError                 status of the process
├── UsageError        2    the profile, the command line or the data given is wrong
├── CannotJudge       3    the target cannot be judged: no connection, refused authentication, wrong URL or profile
└── OwnFault          4    the suite itself failed, or the disk it writes to
"""

from __future__ import annotations

from typing import ClassVar


class SuiteError(Exception):
    """Base of all: its message says what to do next, `status` is the exit status of the process."""

    status: ClassVar[int] = 4


class UsageError(SuiteError):
    """Something the user gave is wrong; nothing was sent."""

    status: ClassVar[int] = 2


class CannotJudge(SuiteError):
    """No verdict about this target is possible as things stand."""

    status: ClassVar[int] = 3


class OwnFault(SuiteError):
    """The suite, or the machine it runs on, failed: never a finding."""

    status: ClassVar[int] = 4
