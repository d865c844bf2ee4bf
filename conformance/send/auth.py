"""Credentials of each request, from `[auth]` of the profile. Sends nothing to the target and records nothing.

How it works
- A sending thread calls `prepare` before each request; it may wait, for a command or another server. `fields` is
  called when the request is otherwise complete, right before it is sent, and never waits.
- `answered` is called with each status. After a 401 it says whether the request is worth sending again.
- `RenewedField` has one lock: the thread that holds it obtains the value, and the others wait for it. So there is never more
  than one renewal at a time. A value that was obtained because of a 401 and was itself refused is not renewed again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from conformance.cases.model import Headers
from conformance.errors import UsageError
from conformance.exchange.model import Request, field_values
from conformance.profile import (
    SHORTEST_SECRET,
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    CommandAuth,
    OAuth2Auth,
    Profile,
    SigV4Auth,
    basic,
    is_field_value,
)
from conformance.redact import Redactor
from conformance.send.command import printed_by


class Credentials(Protocol):
    """The credentials of all requests of a run. Safe to share between threads."""

    def prepare(self) -> None:
        """Obtain what the next request needs. Raises `NoCredentials`, or `UsageError` where the profile is wrong."""

    def fields(self, request: Request, url: str) -> Headers:
        """The header fields to add to a request to this URL."""

    def answered(self, request: Request, status: int | None) -> bool:
        """Take note of the status of an answer; gives whether to send the request again with other credentials."""


@dataclass(frozen=True, slots=True)
class FixedFields:
    """The same header fields for every request."""

    headers: Headers = ()

    def prepare(self) -> None:
        """Nothing to obtain."""

    def fields(self, request: Request, url: str) -> Headers:  # noqa: ARG002
        """The fields."""
        return self.headers

    def answered(self, request: Request, status: int | None) -> bool:  # noqa: ARG002
        """Other credentials do not exist."""
        return False


Obtained = tuple[str, float | None]
"""The value of a header field, and for how many seconds it may be used (None: no limit)."""


class RenewedField:
    """One header field whose value is obtained again when it is too old, and once after a 401."""

    def __init__(self, name: str, obtain: Callable[[], Obtained], redactor: Redactor) -> None:
        self._name, self._obtain, self._redactor = name, obtain, redactor
        self._lock = threading.Lock()
        self._value, self._ends = "", 0.0
        self._stale, self._suspect = True, False

    def prepare(self) -> None:
        """Obtain the value if there is none, or it is too old, or it was refused."""
        with self._lock:
            if not self._stale and time.monotonic() < self._ends:
                return
            after_refusal = self._stale and bool(self._value)
            value, seconds = self._obtain()
            self._redactor.learn(value, *(part for part in value.split() if len(part) >= SHORTEST_SECRET))
            self._ends = float("inf") if seconds is None else time.monotonic() + seconds
            self._value, self._stale, self._suspect = value, False, after_refusal

    def fields(self, request: Request, url: str) -> Headers:  # noqa: ARG002
        """The field with its current value."""
        return ((self._name, self._value),)

    def answered(self, request: Request, status: int | None) -> bool:
        """After a 401: the value is obtained again, unless that is what was just refused."""
        with self._lock:
            if status != 401:
                self._suspect = False
                return False
            if self._stale or field_values(request.headers, self._name) != [self._value]:
                return True
            self._stale = not self._suspect
            return self._stale


def credentials_of(profile: Profile, environ: Mapping[str, str], redactor: Redactor) -> Credentials:
    """The credentials that the profile asks for. The variables are known to exist, the libraries to be installed."""
    match profile.auth:
        case SigV4Auth() as auth:
            from conformance.send.aws import Signature

            return Signature(auth, redactor)
        case OAuth2Auth() as auth:
            from conformance.send.oauth2 import TokenSource

            return RenewedField("Authorization", TokenSource(auth, profile, environ), redactor)
        case CommandAuth() as auth:
            return RenewedField(auth.header, lambda: (_printed(auth, profile.folder), auth.max_age_s), redactor)
        case _:
            return FixedFields(auth_headers(profile, environ))


def auth_headers(profile: Profile, environ: Mapping[str, str]) -> Headers:
    """Header fields that stay the same for the whole run; empty for the other kinds of authentication."""
    match profile.auth:
        case BearerAuth(token_env=name):
            return (("Authorization", f"Bearer {environ[name]}"),)
        case BasicAuth(user_env=user, password_env=password):
            return (("Authorization", f"Basic {basic(environ[user], environ[password])}"),)
        case ApiKeyAuth(header=header, key_env=name):
            return ((header, environ[name]),)
        case _:
            return ()


def _printed(auth: CommandAuth, folder: str | None) -> str:
    """What the command of the profile prints. Its output is in no message, since it is a secret."""
    value = printed_by("auth.command", auth.command, folder, auth.timeout_s).strip()
    if len(value) < SHORTEST_SECRET or not is_field_value(value):
        raise UsageError(
            f"auth.command: {auth.command[0]} printed {len(value)} characters that are not the value of a header "
            f"field; print one line of at least {SHORTEST_SECRET} characters, such as Bearer and a token"
        )
    return value
