"""Read the body of an answer strictly: content coding, UTF-8, RFC 8259. Must not judge.

Not `json.loads`: that takes NaN, and stops at deep nesting and at numbers of many digits, which are JSON all the same.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

from conformance.exchange.model import Answer

_CAP = 4_000_000  # bytes after decoding; an answer that unpacks to more is not read further
_BLANK = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>true|false|null)|(?P<mark>[\[\]{},:])"
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


class NotJsonError(ValueError):
    """The bytes are no JSON text; the message says why."""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as spelt."""

    text: str


@dataclass(frozen=True, slots=True)
class JsonText:
    """A parsed text: its value (numbers as `Number`), and a member name that occurs twice in one object, if any."""

    value: Any
    repeated: str | None


def codings(answer: Answer) -> list[str]:
    """Give the content codings of the answer in lower case, without identity."""
    listed = [part.strip().lower() for value in answer.values("Content-Encoding") for part in value.split(",")]
    return [coding for coding in listed if coding not in {"", "identity"}]


def decoded_body(answer: Answer) -> bytes:
    """Give the body free of gzip or deflate; as it is where the coding is another or the bytes do not unpack."""
    plain = _unpacked(answer)
    return answer.body if plain is None else plain


def falsely_coded(answer: Answer) -> bool:
    """Whether the body is labelled with gzip or deflate and does not unpack (RFC 9110 section 8.4)."""
    return _unpacked(answer) is None


def _unpacked(answer: Answer) -> bytes | None:
    named = codings(answer)
    if len(named) != 1 or named[0] not in {"gzip", "x-gzip", "deflate"} or not answer.body:
        return answer.body
    try:
        unpacker = zlib.decompressobj(47)
        plain = unpacker.decompress(answer.body, _CAP)
    except zlib.error:
        return None
    if not unpacker.eof and not unpacker.unconsumed_tail:
        return None
    return plain + unpacker.unused_data


def parse_json(body: bytes) -> JsonText:
    """Parse strictly. Raises `NotJsonError`."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise NotJsonError("a byte order mark")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJsonError(f"not UTF-8 at byte {error.start}") from None
    return _Reader(text).read()


class _Reader:
    """Reads one text with a stack of its own, so that no depth of nesting is too deep."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.repeated: str | None = None
        self.open: list[Any] = []
        self.names: list[str | None] = []

    def read(self) -> JsonText:
        value = self._value(*self._next())
        while self.open:
            value = self._step()
        if self._skip() != len(self.text):
            raise NotJsonError(f"more after the end, at character {self.at}")
        return JsonText(value, self.repeated)

    def _skip(self) -> int:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self._skip())
        if match is None:
            what = "ends too early" if self.at == len(self.text) else "no JSON token"
            raise NotJsonError(f"{what} at character {self.at}")
        self.at = match.end()
        return str(match.lastgroup), match.group()

    def _value(self, kind: str, token: str) -> Any:
        """Take a value; an object or array that is not empty is left open on the stack."""
        if kind == "string":
            return json.loads(token)
        if kind == "number":
            return Number(token)
        if kind == "word":
            return _WORDS[token]
        if token == "{":  # noqa: S105 - a token of JSON
            return self._begin({}, "}")
        if token == "[":  # noqa: S105 - a token of JSON
            return self._begin([], "]")
        raise NotJsonError(f"a value is missing before character {self.at}")

    def _begin(self, container: Any, end: str) -> Any:
        if self.text[self._skip() : self.at + 1] == end:
            self.at += 1
            return container
        self.open.append(container)
        self.names.append(None)
        return container

    def _step(self) -> Any:
        """Read one member of the innermost open container; close all that end after it."""
        container, depth = self.open[-1], len(self.open)
        if isinstance(container, dict):
            self.names[-1] = self._name(container)
        value = self._value(*self._next())
        if isinstance(container, dict):
            container[self.names[depth - 1]] = value
        else:
            container.append(value)
        return self._close() if len(self.open) == depth else None

    def _name(self, container: dict[str, Any]) -> str:
        kind, token = self._next()
        if kind != "string" or self._next()[1] != ":":
            raise NotJsonError(f"no member name before character {self.at}")
        name = str(json.loads(token))
        if name in container and self.repeated is None:
            self.repeated = name
        return name

    def _close(self) -> Any:
        closed: Any = None
        while self.open:
            end = "}" if isinstance(self.open[-1], dict) else "]"
            mark = self._next()[1]
            if mark == ",":
                return None
            if mark != end:
                raise NotJsonError(f"neither a comma nor {end} before character {self.at}")
            closed = self.open.pop()
            self.names.pop()
        return closed
