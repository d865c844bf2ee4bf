"""Errors that are not the target's, with one type for each cause. None of them is a finding about the target.

SuiteError                 exit status
├── UsageError        2    the profile, the command line or other input is wrong
├── CannotJudge       3    the target cannot be judged: no connection, refused authentication, wrong URL or profile
└── OwnFault          4    the suite itself failed, or the disk it writes to
"""

from __future__ import annotations

from typing import ClassVar


class SuiteError(Exception):
    """Base of all errors. The message says what to do next; `status` is the exit status of the process."""

    status: ClassVar[int] = 4


class UsageError(SuiteError):
    """The user's input is wrong; nothing was sent."""

    status: ClassVar[int] = 2


class CannotJudge(SuiteError):
    """No verdict about this target is possible at the moment."""

    status: ClassVar[int] = 3


class OwnFault(SuiteError):
    """The suite or the machine it runs on failed; never a finding."""

    status: ClassVar[int] = 4
