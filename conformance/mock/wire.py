"""Changes to the bytes of an answer, for faults below HTTP's semantics that no web framework would send.

The application marks an answer with a private header field; the transport removes it and changes the bytes.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MARK = "x-mock-wire"
_MARKED = re.compile(rb"\r\n" + MARK.encode() + rb": ([a-z0-9-]+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)", re.IGNORECASE)

Ending = Literal["keep", "close", "reset"]
Rewrite = Callable[[bytes, bytes], tuple[bytes, Ending]]


def _with_length(head: bytes, text: bytes) -> bytes:
    return _LENGTH.sub(b"\r\ncontent-length: " + text, head, count=1)


def _add(head: bytes, line: bytes) -> bytes:
    return head[:-2] + line + b"\r\n\r\n"


def _chunked(head: bytes) -> bytes:
    return _add(_LENGTH.sub(b"", head, count=1), b"transfer-encoding: chunked")


def _status_line(head: bytes, line: bytes) -> bytes:
    return line + head[head.index(b"\r\n") :]


REWRITES: dict[str, Rewrite] = {
    "truncated": lambda head, body: (_with_length(head, b"%d" % (len(body) + 20)) + body, "close"),
    "half-body": lambda head, body: (head + body[: len(body) // 2], "close"),
    "stray-bytes": lambda head, body: (head + body + b"stray", "keep"),
    "stray-newline": lambda head, body: (head + body + b"\r\n", "keep"),
    "length-too-short": lambda head, body: (_with_length(head, b"%d" % (len(body) - 5)) + body, "close"),
    "two-lengths": lambda head, body: (_add(head, b"content-length: %d" % (len(body) + 7)) + body, "close"),
    "length-not-a-number": lambda head, body: (_with_length(head, b"%dx" % len(body)) + body, "close"),
    "length-negative": lambda head, body: (_with_length(head, b"-1") + body, "close"),
    "chunk-size-wrong": lambda head, body: (_chunked(head) + b"zz\r\n" + body + b"\r\n0\r\n\r\n", "close"),
    "chunks-cut-off": lambda head, body: (_chunked(head) + b"%x\r\n" % len(body) + body + b"\r\n", "close"),
    "length-and-chunked": lambda head, body: (
        _add(head, b"transfer-encoding: chunked") + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n",
        "keep",
    ),
    "garbage": lambda _head, _body: (b"\x16\x03\x01 this is no HTTP\r\n\r\n", "close"),
    "status-line-cut": lambda _head, _body: (b"HTTP/1.1 20", "close"),
    "head-cut": lambda head, _body: (head[: len(head) // 2], "close"),
    "header-no-colon": lambda head, body: (_add(head, b"this line has no colon") + body, "close"),
    "answer-twice": lambda head, body: (head + body + head + body, "keep"),
    "dropped": lambda _head, _body: (b"", "close"),
    "reset": lambda _head, _body: (b"", "reset"),
    "closed-unannounced": lambda head, body: (head + body, "close"),
    "http-1-0": lambda head, body: (b"HTTP/1.0" + head[8:] + body, "close"),
    "no-reason": lambda head, body: (_status_line(head, head[:13]) + body, "keep"),
    "other-reason": lambda head, body: (_status_line(head, head[:13] + b"As You Like It") + body, "keep"),
    "interim": lambda head, body: (
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n" + head + body,
        "keep",
    ),
    "until-close": lambda head, body: (_add(_LENGTH.sub(b"", head, count=1), b"connection: close") + body, "close"),
    "capital-names": lambda head, body: (
        re.sub(rb"\r\n([a-z-]+):", lambda name: b"\r\n" + name[1].title() + b":", head) + body,
        "keep",
    ),
    "upper-names": lambda head, body: (
        re.sub(rb"\r\n([a-z-]+):", lambda name: b"\r\n" + name[1].upper() + b":", head) + body,
        "keep",
    ),
}


class WireTransport:
    """Wraps the transport of a connection, and passes everything on except writing."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Wrap `transport`."""
        self._transport = transport
        self._rewrite: Rewrite | None = None
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        """Pass on everything except writing."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data`; hold a marked answer until it is complete, then send it changed."""
        if self._rewrite is None:
            found = _MARKED.search(data) if data.startswith(b"HTTP/1.1 ") else None
            if not found:
                self._transport.write(data)
                return
            self._rewrite = REWRITES[found[1].decode()]
            data = data[: found.start()] + data[found.end() :]
        self._held += data
        head, separator, body = self._held.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if separator and length and len(body) >= int(length[1]):
            rewrite, self._rewrite, self._held = self._rewrite, None, b""
            self._send(*rewrite(head + separator, body))

    def _send(self, data: bytes, ending: Ending) -> None:
        if data:
            self._transport.write(data)
        if ending == "close":
            self._transport.close()
        elif ending == "reset":
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


class WireProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol over a transport that can change its answers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the transport of a new connection."""
        super().connection_made(WireTransport(transport))  # type: ignore[arg-type]
