"""What was sent and received, as frozen values. Any field may be unknown: traffic may be recorded elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conformance.cases.model import Headers

FailureKind = Literal["timeout", "closed", "reset", "refused", "dns", "tls", "garbled", "aborted"]
LATE = "not complete within the time limit"
"""The defect of an answer that began, and was not complete when its time was up."""
NO_CONNECTION: frozenset[FailureKind] = frozenset({"refused", "dns", "tls"})
"""Kinds of failure where nothing was sent."""

AUTHENTICATION = frozenset({401, 403, 407})
"""Statuses about credentials: a problem of configuration, never of the contract."""
BUSY = frozenset({429, 503})
"""Statuses that ask to send the request again later. They do not depend on the request itself."""


def field_values(headers: Headers, name: str) -> list[str]:
    """Every value of the header field `name` (any letter case), one entry for each field line."""
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as sent; `target` is the origin form, `body` the content before chunking."""

    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One final answer. Field values are latin-1 text without blanks around them, one entry for each field line.

    `body` has no transfer coding, but may have a content coding. `interim` lists the 1xx statuses before it.
    `cut`: the answer was too large to keep, or was not recorded whole: `body` is only its beginning, or empty.
    """

    status: int
    headers: Headers
    body: bytes
    reason: str = ""
    interim: tuple[int, ...] = ()
    cut: bool = False

    def values(self, name: str) -> list[str]:
        """Every value of the header field `name`, one for each field line."""
        return field_values(self.headers, name)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    `timeout`: none within the limit; `closed`, `reset`: the connection ended before a status line; `garbled`: the bytes
    are not an HTTP answer; `refused`, `dns`, `tls`: no connection; `aborted`: the suite itself stopped.
    """

    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its result: `answer`, or `failure` where no status line could be read.

    `defects` describes what is wrong with the framing of the answer (truncated, stray bytes, …); empty where it is
    well-framed. `sent_at` and `answered_at` are seconds of one monotonic clock (first byte sent, last byte received);
    `wall_time` is seconds since 1970 when sending began. `raw` holds the answer's bytes as received, up to a cap.
    `closed_early`: the kept-alive connection was found closed less than 1 s after its last answer, unannounced, and
    this exchange was then sent on a new one. `bytes_known`: the bytes of the answer were seen; without them, nothing is
    known about its framing.
    """

    case: str
    probe: int
    request: Request
    answer: Answer | None = None
    failure: Failure | None = None
    defects: tuple[str, ...] = ()
    raw: bytes = b""
    sent_at: float | None = None
    answered_at: float | None = None
    wall_time: float | None = None
    connection: int | None = None
    closed_early: bool = False
    trip: str | None = None
    number: int | None = None
    bytes_known: bool = True

    @property
    def unsent(self) -> bool:
        """Whether there was no connection, so that the target never received the request."""
        failure = self.failure
        if failure is None or failure.kind == "aborted":
            return False
        return failure.kind in NO_CONNECTION or self.sent_at is None

    @property
    def elapsed(self) -> float | None:
        """Seconds from the first byte sent to the last one received; None where unknown."""
        if self.sent_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.sent_at
