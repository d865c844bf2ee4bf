"""Reads raw answer bytes strictly: what the answer says, and in words what is wrong with its framing (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .model import Answer, Failure, Headers, field_values

STATUS_LINE = re.compile(rb"HTTP/(\d)\.(\d) (\d{3})(?: ([^\r\n]*))?\Z")
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\Z")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the bytes amount to. `done`: no further byte belongs to the answer; `consumed`: bytes that belong to it."""

    answer: Answer | None
    defects: tuple[str, ...]
    failure: Failure | None
    consumed: int
    keep_alive: bool
    done: bool
    announced_close: bool = True


@dataclass(frozen=True, slots=True)
class _Body:
    content: bytes
    end: int
    done: bool
    defects: tuple[str, ...] = ()
    delimited: bool = True


def parse(raw: bytes, method: str, ended: bool) -> Parsed:
    """Parse the answer to a `method` request. `ended`: no more bytes will come (closed, reset or out of time)."""
    defects: list[str] = []
    interim: list[int] = []
    at = 0
    while True:
        head = _head(raw, at, defects)
        if head is None:
            return _headless(raw, at, ended, tuple(defects))
        lines, after = head
        match = STATUS_LINE.match(lines[0])
        if match is None:
            failure = Failure("garbled", f"no HTTP status line: {lines[0][:60]!r}")
            return Parsed(None, (), failure, len(raw), False, True)
        status = int(match[3])
        if not 100 <= status < 200 or status == 101:
            break
        interim.append(status)
        _fields(lines[1:], [])
        at = after
    if match[4] is None:
        defects.append("status line has no blank after the status code")
    headers = _fields(lines[1:], defects)
    body = _body(raw, after, headers, status, method, ended)
    defects += body.defects
    if body.done and body.delimited and len(raw) > body.end:
        defects.append(f"{len(raw) - body.end} stray bytes after the end of the answer")
    announced = _announced(match[1] + b"." + match[2], headers)
    keep = body.done and body.delimited and not announced and not defects
    reason = (match[4] or b"").decode("latin-1")
    answer = Answer(status, headers, body.content, reason, tuple(interim))
    unique = tuple(dict.fromkeys(defects))
    return Parsed(answer, unique, None, body.end, keep, body.done, announced or not body.delimited)


def _headless(raw: bytes, at: int, ended: bool, defects: tuple[str, ...]) -> Parsed:
    """No complete head: not yet, or never. A readable status line before the end still counts as an answer."""
    rest = raw[at:]
    if rest and not b"HTTP/".startswith(rest[:5]):
        return Parsed(None, (), Failure("garbled", f"no HTTP status line: {rest[:60]!r}"), len(raw), False, ended)
    if not ended:
        return Parsed(None, defects, None, 0, False, False)
    first, newline, more = rest.partition(b"\n")
    match = STATUS_LINE.match(first.rstrip(b"\r"))
    if match and newline:
        found: list[str] = [*defects, "truncated within the header section"]
        lines = [line.rstrip(b"\r") for line in more.split(b"\n")[:-1]]
        answer = Answer(int(match[3]), _fields(lines, found), b"", (match[4] or b"").decode("latin-1"))
        return Parsed(answer, tuple(dict.fromkeys(found)), None, len(raw), False, True)
    if rest:
        return Parsed(
            None, (), Failure("garbled", f"ended within the status line: {rest[:60]!r}"), len(raw), False, True
        )
    return Parsed(None, (), Failure("closed", "the connection ended before a status line"), len(raw), False, True)


def _head(raw: bytes, at: int, defects: list[str]) -> tuple[list[bytes], int] | None:
    """The lines of the header section that begins at `at`, and where it ends; None while it is incomplete."""
    match = re.compile(rb"\n\r?\n").search(raw, at)
    if match is None:
        return None
    block = raw[at : match.end()]
    lines = block.split(b"\n")[:-2]
    if block.count(b"\n") != block.count(b"\r\n"):
        defects.append("header line ended by a bare line feed")
    return [line[:-1] if line.endswith(b"\r") else line for line in lines], match.end()


def _fields(lines: list[bytes], defects: list[str]) -> Headers:
    """Header field lines as pairs; what is malformed is told in `defects`."""
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
            defects.append(f"malformed header line {line[:60]!r}")
        if b"\r" in content or b"\0" in content:
            defects.append(f"control character in the header field {key[:40]!r}")
        if colon:
            fields.append((key.strip().decode("latin-1"), content.strip(b" \t\r").decode("latin-1")))
    return tuple(fields)


def _announced(version: bytes, headers: Headers) -> bool:
    """Whether the answer says that the connection ends after it."""
    options = {part.strip().lower() for value in field_values(headers, "Connection") for part in value.split(",")}
    return "close" in options or version != b"1.1"


def _body(raw: bytes, at: int, headers: Headers, status: int, method: str, ended: bool) -> _Body:
    """The content by the rules of RFC 9112 section 6.3."""
    if method == "HEAD" or status in (101, 204, 304):
        return _Body(b"", at, True)
    codings = [p.strip().lower() for v in field_values(headers, "Transfer-Encoding") for p in v.split(",")]
    lengths = field_values(headers, "Content-Length")
    if codings:
        extra = ("both Transfer-Encoding and Content-Length",) if lengths else ()
        if codings == ["chunked"]:
            found = _chunked(raw, at, ended)
            return _Body(found.content, found.end, found.done, extra + found.defects, found.delimited)
        return _to_close(raw, at, ended, (*extra, f"unknown Transfer-Encoding {', '.join(codings)!r}"))
    if not lengths:
        return _to_close(raw, at, ended, ())
    distinct = {part.strip() for value in lengths for part in value.split(",")}
    if len(distinct) > 1:
        return _to_close(raw, at, ended, (f"different Content-Length values: {', '.join(sorted(distinct))}",))
    size = distinct.pop()
    if not (size.isascii() and size.isdigit() and len(size) < 19):
        return _to_close(raw, at, ended, (f"Content-Length is no number: {size[:40]!r}",))
    repeated = ("Content-Length given more than once",) if len(lengths) > 1 or "," in lengths[0] else ()
    end = at + int(size)
    if len(raw) >= end:
        return _Body(raw[at:end], end, True, repeated)
    cut = (f"truncated: {len(raw) - at} of {size} bytes of the body",) if ended else ()
    return _Body(raw[at:], len(raw), ended, repeated + cut)


def _to_close(raw: bytes, at: int, ended: bool, defects: tuple[str, ...]) -> _Body:
    return _Body(raw[at:], len(raw), ended, defects, delimited=False)


def _chunked(raw: bytes, at: int, ended: bool) -> _Body:
    """Content in the chunked coding; trailer fields are read and left out."""
    content = bytearray()

    def stop(defect: str, bad: bool = False) -> _Body:
        over = ended or bad
        return _Body(bytes(content), len(raw), over, (defect,) if over else (), delimited=not bad)

    while True:
        line_end = raw.find(b"\r\n", at)
        if line_end < 0:
            if len(raw) - at > 4096:
                return stop("bad chunk size: line too long", True)
            return stop("truncated: the last chunk is missing")
        match = CHUNK_SIZE.match(raw[at:line_end])
        if match is None:
            return stop(f"bad chunk size {raw[at:line_end][:40]!r}", True)
        size, at = int(match[1], 16), line_end + 2
        if size == 0:
            break
        content += raw[at : at + size]
        if len(raw) < at + size + 2:
            return stop("truncated within a chunk")
        if raw[at + size : at + size + 2] != b"\r\n":
            return stop("chunk data is not followed by CRLF", True)
        at += size + 2
    while True:
        line_end = raw.find(b"\r\n", at)
        if line_end < 0:
            return stop("truncated within the trailer section")
        if line_end == at:
            return _Body(bytes(content), at + 2, True)
        at = line_end + 2
