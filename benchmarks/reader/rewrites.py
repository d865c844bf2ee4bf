"""Changes to the bytes of an answer that the mock does not have itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

from conformance.mock.wire import REWRITES, Ending, Rewrite

_DATE = re.compile(rb"\r\ndate: ([^\r]+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)", re.IGNORECASE)
_HINTS = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"


def _head(change: Callable[[bytes], bytes], ending: Ending = "keep") -> Rewrite:
    """Change the header section only."""
    return lambda head, body: (change(head) + body, ending)


def _shifted(by: timedelta) -> Rewrite:
    """Move the Date."""

    def date(found: re.Match[bytes]) -> bytes:
        moment = parsedate_to_datetime(found[1].decode()) + by
        return b"\r\ndate: " + format_datetime(moment, usegmt=True).encode()

    return _head(lambda head: _DATE.sub(date, head))


def _with(head: bytes, line: bytes) -> bytes:
    """The head with one line more and without its length."""
    return _LENGTH.sub(b"", head)[:-2] + line + b"\r\n\r\n"


def _in_chunks(head: bytes, body: bytes) -> tuple[bytes, Ending]:
    half = len(body) // 2
    chunks = b"".join(
        b'%04X;part="%d"\r\n%b\r\n' % (len(piece), index, piece)
        for index, piece in enumerate((body[:half], body[half:]))
        if piece
    )
    return _with(
        head, b"Transfer-Encoding: Chunked"
    ) + chunks + b"000;last\r\nx-checksum: 1\r\nx-took: 2\r\n\r\n", "keep"


def _length_in_characters(head: bytes, body: bytes) -> tuple[bytes, Ending]:
    return _LENGTH.sub(b"\r\ncontent-length: %d" % len(body.decode()), head) + body, "keep"


REWRITES.update(
    {
        "clock-ahead": _shifted(timedelta(hours=1)),
        "clock-behind": _shifted(timedelta(hours=-1)),
        "no-date": _head(lambda head: _DATE.sub(b"", head)),
        "length-in-characters": _length_in_characters,
        "length-omitted": _head(lambda head: _LENGTH.sub(b"", head)),
        "length-with-zeros": _head(lambda head: _LENGTH.sub(rb"\r\nContent-Length: 000\1", head)),
        "chunk-extensions": _in_chunks,
        "two-interim": _head(lambda head: _HINTS + head),
        "tight-fields": _head(lambda head: re.sub(rb"(\r\n[a-z-]+): ", rb"\1:", head)),
        "padded-fields": _head(lambda head: re.sub(rb"(\r\n[a-z-]+): ([^\r]*)", rb"\1: \t \2 \t", head)),
        "http-1-0-closing": lambda head, body: (
            b"HTTP/1.0" + head[8:-2] + b"connection: close\r\n\r\n" + body,
            "close",
        ),
    }
)
