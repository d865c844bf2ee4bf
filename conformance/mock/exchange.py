"""A request while the mock answers it, and the answer before it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from conformance.mock.reading import Capture

PATH = "/v1/capture/charge"
JSON_TYPE = "application/json"
BEGINNING = datetime.fromtimestamp(0, UTC)


class Crash(Exception):
    """The mock simulates an unhandled exception: the answer is a 500."""


def first_value(fields: Iterable[tuple[str, str]], name: str) -> str | None:
    """The first value of the header field of that name (any case), if there is one."""
    wanted = name.lower()
    for key, value in fields:
        if key.lower() == wanted:
            return value
    return None


@dataclass(slots=True)
class Reply:
    """An answer before it is sent. `wire` names a change to its bytes; `delay` is the seconds to wait before sending.

    `chunks` splits the body into that many chunks in place of a Content-Length; 0 means no chunks. `pause` is the
    seconds between them.
    """

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    wire: str = ""
    delay: float = 0.0
    chunks: int = 0
    pause: float = 0.0

    def drop(self, name: str) -> None:
        """Remove every header field of that name."""
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name.lower()]

    def put(self, name: str, *values: str) -> None:
        """Replace the header field of that name by one field line for each of `values`."""
        self.drop(name)
        self.headers.extend((name, value) for value in values)

    def get(self, name: str) -> str | None:
        """Give the first value of the header field of that name, if there is one."""
        return first_value(self.headers, name)


@dataclass(slots=True)
class Inquiry:
    """One request while it is answered. `memory` is kept as long as the same faults are active.

    `now` and `moment`: when it is answered, in seconds of a monotonic clock and as date and time.
    """

    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    connection: str
    memory: dict[str, int]
    hang_s: float = 3.0
    now: float = 0.0
    moment: datetime = BEGINNING
    document: object = None
    capture: Capture | None = None
    reply: Reply | None = None
    refusal: str = ""

    def get(self, name: str) -> str | None:
        """Give the first value of the request's header field of that name (any case), if there is one."""
        return first_value(self.headers, name)

    def count(self, key: str) -> int:
        """Count one more of `key`; gives the new count."""
        self.memory[key] = self.memory.get(key, 0) + 1
        return self.memory[key]


def error(status: int, message: str, **more: str) -> Reply:
    """Make an error answer as the contract demands."""
    return raw_error(status, json.dumps({"errorMsg": message, **more}).encode())


def raw_error(status: int, body: bytes, media_type: str = JSON_TYPE) -> Reply:
    """Make an error answer with exactly these bytes as body."""
    return Reply(status, [("content-type", media_type)], body)
