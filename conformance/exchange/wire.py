"""Reads the raw bytes of an answer strictly: the answer, and what is wrong with its framing (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from conformance.cases.model import Headers

from .model import Answer, Failure, field_values

RAW_CAP = 2048
CONTENT_CAP = 1024 * 1024
HEAD_CAP = 1024 * 1024
STATUS_LINE = re.compile(rb"HTTP/(\d)\.(\d) (\d{3})(?: ([^\r\n]*))?\Z")
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\Z")
CHUNK_LINE_CAP = 4096
HEAD_CACHED = 4096  # bytes; longer heads are read anew each time
_HEAD_END = re.compile(rb"\n\r?\n")
_PREFIX = b"HTTP/"

Stage = Literal["head", "length", "chunk-size", "chunk", "trailer", "to-close", "done"]
_CUT = {
    "chunk-size": "truncated: the last chunk is missing",
    "chunk": "truncated within a chunk",
    "trailer": "truncated within the trailer section",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The result of reading. `keep_alive`: another request may be sent on the same connection."""

    answer: Answer | None
    defects: tuple[str, ...]
    failure: Failure | None
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class _Framing:
    """How the content of an answer is delimited: the stage after its head, its length if that is known, defects."""

    stage: Stage
    length: int = 0
    delimited: bool = True
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of an answer. `defects`: of its lines; `closes`: it announces that the connection closes."""

    status: int
    reason: str
    headers: Headers
    defects: tuple[str, ...]
    framing: _Framing
    closes: bool


class Reading:
    """Reads the bytes of the answer to one request as they arrive, each only once.

    `done`: no further byte belongs to the answer. `raw` are the bytes as received, up to a cap; `size` counts them all.
    `status` is that of the final answer, once its head is complete.
    """

    def __init__(self, method: str) -> None:
        self.raw = bytearray()
        self.size = 0
        self.status: int | None = None
        self.interim: list[int] = []
        self._method = method
        self._stage: Stage = "head"
        self._buffer = bytearray()
        self._seen = 0
        self._left = self._length = 0
        self._content = bytearray()
        self._received = 0
        self._answered: _Head | None = None
        self._defects: list[str] = []
        self._garbled_at: int | None = None
        self._delimited = True

    @property
    def done(self) -> bool:
        """Whether the answer is complete, or cannot be read any further."""
        return self._stage == "done"

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self.size += len(data)
        if len(self.raw) < RAW_CAP:
            self.raw += data[: RAW_CAP - len(self.raw)]
        self._buffer += data
        while not self.done and self._step():
            pass

    def finish(self, *, ended: bool) -> Parsed:
        """The result so far. `ended`: no more bytes will arrive (closed, reset or out of time)."""
        if self._garbled_at is not None:
            found = bytes(self.raw[self._garbled_at :]).split(b"\n")[0].rstrip(b"\r")
            return Parsed(None, (), Failure("garbled", f"no HTTP status line: {_text(found)}"), False)
        head = self._answered
        if head is None:
            return self._headless(ended or self.done)
        defects = [*self._defects, *self._cut_off(ended)]
        if self.done and self._delimited and self._buffer:
            defects.append(f"{len(self._buffer)} stray bytes after the end of the answer")
        keep = self.done and self._delimited and not defects and not head.closes
        content, cut = bytes(self._content), self._received > CONTENT_CAP
        answer = Answer(head.status, head.headers, content, head.reason, tuple(self.interim), cut)
        return Parsed(answer, tuple(dict.fromkeys(defects)), None, keep)

    def _step(self) -> bool:
        """Read one element; False where more bytes are needed."""
        match self._stage:
            case "head":
                return self._head()
            case "length" | "chunk":
                return self._counted()
            case "chunk-size":
                return self._chunk_size()
            case "trailer":
                line = self._line()
                if line == b"":
                    self._stage = "done"
                if len(self._buffer) > HEAD_CAP:
                    self._stage = self._unreadable("a trailer field is too long")
                return line is not None
            case _:
                self._keep(self._buffer)
                self._buffer.clear()
                return False

    def _keep(self, content: bytes | bytearray) -> None:
        self._received += len(content)
        if len(self._content) < CONTENT_CAP:
            self._content += content[: CONTENT_CAP - len(self._content)]

    def _head(self) -> bool:
        if not self._buffer.startswith(_PREFIX) and not _PREFIX.startswith(self._buffer):
            return self._is_garbled()
        match = _HEAD_END.search(self._buffer, max(self._seen - 2, 0))
        if match is None:
            self._seen = len(self._buffer)
            if self._seen > HEAD_CAP:
                self._stage = self._unreadable(f"the header section is longer than {HEAD_CAP} bytes")
            return False
        block = bytes(self._buffer[: match.end()])
        head = (_read_head if len(block) < HEAD_CACHED else _read_head.__wrapped__)(block)
        if head is None:
            return self._is_garbled()
        del self._buffer[: match.end()]
        self._seen = 0
        if block.count(b"\n") != block.count(b"\r\n"):
            self._defects.append("header line ended by a bare line feed")
        if 100 <= head.status < 200 and head.status != 101:
            self.interim.append(head.status)
            return True
        self._defects += head.defects
        self.status, self._answered = head.status, head
        framing = _Framing("done") if self._method == "HEAD" else head.framing
        self._defects += framing.defects
        self._stage, self._delimited = framing.stage, framing.delimited
        self._left = self._length = framing.length
        return True

    def _is_garbled(self) -> bool:
        self._garbled_at, self._stage = self.size - len(self._buffer), "done"
        return False

    def _unreadable(self, defect: str) -> Stage:
        """Stop reading: the end of the answer is unknown."""
        self._defects.append(defect)
        self._delimited = False
        return "done"

    def _counted(self) -> bool:
        piece = self._buffer[: self._left]
        self._keep(piece)
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self._left:
            return False
        if self._stage == "length":
            self._stage = "done"
            return True
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            self._stage = self._unreadable("chunk data is not followed by CRLF")
            return False
        del self._buffer[:2]
        self._stage = "chunk-size"
        return True

    def _chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            if len(self._buffer) > CHUNK_LINE_CAP:
                self._stage = self._unreadable("bad chunk size: line too long")
            return False
        match = CHUNK_SIZE.match(line)
        if match is None:
            self._stage = self._unreadable(f"bad chunk size {_text(line)}")
            return False
        self._left = int(match[1], 16)
        self._stage = "chunk" if self._left else "trailer"
        return True

    def _line(self) -> bytes | None:
        """Take the next line from the buffer, without its CRLF; None while it is incomplete."""
        end = self._buffer.find(b"\r\n", max(self._seen - 1, 0))
        if end < 0:
            self._seen = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._seen = 0
        return line

    def _cut_off(self, ended: bool) -> tuple[str, ...]:
        if not ended or self.done or self._stage == "to-close":
            return ()
        if self._stage == "length":
            return (f"truncated: {self._length - self._left} of {self._length} bytes of the body",)
        return (_CUT[self._stage],)

    def _headless(self, ended: bool) -> Parsed:
        """The result without a complete head. At the end, a readable status line still counts as an answer."""
        if not ended:
            return Parsed(None, tuple(self._defects), None, False)
        rest = bytes(self._buffer)
        first, newline, more = rest.partition(b"\n")
        match = STATUS_LINE.match(first.rstrip(b"\r"))
        if match and newline:
            found = [*self._defects, "truncated within the header section"]
            fields = _fields([line.rstrip(b"\r") for line in more.split(b"\n")[:-1]], found)
            reason = (match[4] or b"").decode("latin-1")
            answer = Answer(int(match[3]), fields, b"", reason, tuple(self.interim))
            return Parsed(answer, tuple(dict.fromkeys(found)), None, False)
        if rest:
            return Parsed(None, (), Failure("garbled", f"ended within the status line: {_text(rest)}"), False)
        return Parsed(None, (), Failure("closed", "the connection ended before a status line"), False)


def _text(data: bytes) -> str:
    """Bytes as complete text: the report redacts secrets in it before it shortens."""
    return data.decode("utf-8", "backslashreplace")


def parse(raw: bytes, method: str, *, ended: bool) -> Parsed:
    """Parse all bytes of the answer to a `method` request. `ended`: no more bytes will arrive."""
    reading = Reading(method)
    reading.feed(raw)
    return reading.finish(ended=ended)


@lru_cache(64)
def _read_head(block: bytes) -> _Head | None:
    """A head by its bytes; None where it has no status line. Cached, since most answers of a run share a few heads."""
    lines = [line[:-1] if line.endswith(b"\r") else line for line in block.split(b"\n")[:-2]]
    status_line = STATUS_LINE.match(lines[0])
    if status_line is None:
        return None
    defects = [] if status_line[4] is not None else ["status line has no space after the status code"]
    status, headers = int(status_line[3]), _fields(lines[1:], defects)
    return _Head(
        status,
        (status_line[4] or b"").decode("latin-1"),
        headers,
        tuple(defects),
        _Framing("done") if status in (101, 204, 304) else _framing(headers),
        closes="close" in _listed(headers, "Connection") or (status_line[1], status_line[2]) != (b"1", b"1"),
    )


def _framing(headers: Headers) -> _Framing:
    """How the content is delimited, by RFC 9112 section 6.3. Unreadable framing ends the answer with its head."""
    codings, lengths = _listed(headers, "Transfer-Encoding"), field_values(headers, "Content-Length")
    if codings:
        both = ("both Transfer-Encoding and Content-Length",) if lengths else ()
        if codings == ["chunked"]:
            return _Framing("chunk-size", defects=both)
        return _unreadable(*both, f"unknown Transfer-Encoding {', '.join(codings)}")
    if not lengths:
        return _Framing("to-close", delimited=False)
    distinct = sorted({part.strip() for value in lengths for part in value.split(",")})
    if len(distinct) > 1:
        return _unreadable(f"different Content-Length values: {', '.join(distinct)}")
    size = distinct[0]
    if not (size.isascii() and size.isdigit() and len(size) < 19):
        return _unreadable(f"Content-Length is not a number: {size}")
    twice = ("Content-Length given more than once",) if len(lengths) > 1 or "," in lengths[0] else ()
    return _Framing("length" if int(size) else "done", int(size), defects=twice)


def _unreadable(*defects: str) -> _Framing:
    return _Framing("done", delimited=False, defects=defects)


def _listed(headers: Headers, name: str) -> list[str]:
    """The members of a list field, in lower case."""
    return [part.strip().lower() for value in field_values(headers, name) for part in value.split(",")]


def _fields(lines: list[bytes], defects: list[str]) -> Headers:
    """Header field lines as pairs; adds malformed lines to `defects`."""
    fields: list[tuple[str, str]] = []
    for line in lines:
        if not line:
            continue
        if line[:1] in b" \t":
            defects.append("folded header line (obs-fold)")
            if fields:
                name, value = fields[-1]
                fields[-1] = (name, f"{value} {line.strip().decode('latin-1')}")
            continue
        key, colon, content = line.partition(b":")
        if not colon or not TOKEN.match(key):
            defects.append(f"malformed header line {_text(line)}")
        if b"\r" in content or b"\0" in content:
            defects.append(f"control character in the header field {_text(key)}")
        if colon:
            fields.append((key.strip().decode("latin-1"), content.strip(b" \t\r").decode("latin-1")))
    return tuple(fields)
