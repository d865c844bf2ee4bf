"""The only file that opens a connection to the target: sends one request, keeps the raw answer, judges nothing.

How it works
- `requests` and `urllib3` choose the pool, open the TLS connection, check certificates, go through proxies (CONNECT,
  Proxy-Authorization) and give the reason where there is no connection.
- They do not write the request or read the answer. They would merge header fields, change the quoting of the URL, hide
  stray bytes, double lengths and more than 100 fields, give every read the whole time limit, and repair malformed
  answers. `_Connection` writes and reads by itself, on a non-blocking socket, under one deadline for the whole answer.
  It also reads an answer that arrives before the request is written completely.
- A `Client` has one kept-alive connection and belongs to one thread. `ConnectionState` outlives a connection: it holds
  the deadline of the current request, when our own code last ran (`seen`), the last case and when its request began, and
  what was noticed since. A connection is idle from then on at the most; when the server itself finished is not known on
  a busy machine.
- Before the suite itself closes a connection, it looks for bytes behind the last answer, for at most 50 ms.
- Only `abort` may be called from another thread: it shuts down the socket beneath TLS, which ends every wait.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, cast

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import wait as waiting
from urllib3.util.connection import create_connection

from conformance.cases.model import Headers

from .endpoint import (
    Endpoint,
    EndpointAdapter,
    Fields,
    Prepared,
    Received,
    addresses,
    certificate_end,
    own_failure,
    tls_refusal,
    why_unreachable,
)
from .model import LATE, Exchange, Failure, FailureKind, Request
from .wire import Parsed, Reading, parse

__all__ = ["Client", "Endpoint"]

ANSWER_CAP = 64 * 1024 * 1024
EARLY_CLOSE_S = 1.0
UNREAD = frozenset({411, 413})
"""Answers to a request whose content the server may not have read, which then closes the connection lawfully."""
CONTINUE_WAIT_S = 1.0
STEP_S, STALL_S = 0.25, 0.5
"""The longest single wait, and the most seconds of our own that count. If it is more, this machine did not run the suite
meanwhile, and that time does not count as the server's."""
PIECE = 64 * 1024
STRAY_WAIT_S = 0.05
"""How long after an answer stray bytes are waited for, where the suite itself closes the connection."""
ABORTED = Failure("aborted", "the run was ended")
CLOSED_BEFORE = Failure("aborted", "the kept-alive connection was closed, and this request must not be sent twice")
SMALL = 16 * 1024  # bytes that fit into any send buffer
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
Fresh = Callable[[], tuple[bytes, str | None]]


@dataclass(slots=True)
class ConnectionState:
    """What the connections of one client share: the `deadline` (monotonic clock), and what they notice."""

    deadline: float = 0.0
    seen: float = 0.0
    aborted: bool = False
    connection: _Connection | None = None
    opened: int = 0
    certificate_end: float | None = None
    last_case: str = ""
    last_began: float = 0.0
    last_ended: float = 0.0
    closed_early: bool = False
    late_defect: tuple[str, str] | None = None
    gone: bool = False


class _Connection(HTTPConnection):
    """A connection for urllib3's pools with its own writing and reading."""

    def __init__(self, *args: Any, state: ConnectionState, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state, self._reading = state, Reading("")
        self._end: FailureKind | None = None
        self._answered = False
        self._early, self._sent_at = False, 0.0
        self._refusal: Failure | None = None

    def _remaining(self) -> float:
        left = self._state.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers. Each gets a share of the time; the overridden method gives it all."""
        try:
            found = addresses(self._dns_host, self.port, self._remaining())
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        last: OSError = OSError("no address")
        for position, address in enumerate(found):
            share = self._remaining() / (len(found) - position)
            try:
                sock = create_connection((address, self.port), share, socket_options=self.socket_options)
                sock.settimeout(self._remaining())
            except OSError as error:
                last = error
            else:
                return sock
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, "no connection within the time limit") from last
        raise NewConnectionError(self, str(last)) from last

    def connect(self) -> None:
        """Open the connection within the deadline, including TLS and tunnel, which have no deadline of their own."""
        watch = threading.Timer(self._remaining(), lambda: _shut(self.sock))
        watch.daemon = True
        if isinstance(self, HTTPSConnection) or self.proxy is not None:
            watch.start()
        try:
            super().connect()
        finally:
            watch.cancel()
        self._state.opened += 1
        self._state.certificate_end = certificate_end(self.sock)
        self._answered = False
        self._state.connection = self
        if self._state.aborted:
            self.close()
            raise OSError(ABORTED.detail)
        if isinstance(self.sock, socket.socket):  # all but TLS within TLS, which works only with a blocking socket
            self.sock.setblocking(False)

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used again. If not, notes an early close or stray bytes."""
        return self.is_quiet(0.0)

    def is_quiet(self, seconds: float) -> bool:
        """Whether it is open, and nothing arrives after the last answer within these seconds. Notes what does."""
        if self.sock is None:
            return False
        try:
            stray = self._read(seconds)
        except (*WOULD_BLOCK, TimeoutError):
            return True
        except OSError:
            stray = b""
        idle = time.monotonic() - self._state.last_began
        if not stray:
            self._state.closed_early = idle < EARLY_CLOSE_S
        elif idle < EARLY_CLOSE_S or not _is_idle_timeout(parse(stray, "POST", ended=True)):
            self._state.late_defect = (self._state.last_case, _stray(stray))
        return False

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Fields | None = None,
        *,
        chunked: bool = False,
        **_: Any,
    ) -> None:
        """Write the request. An answer that arrives meanwhile is read; a complete one ends the writing."""
        if self.sock is None:
            self.connect()
        else:
            self._count_own_time()
        self._reading, self._end, self._early, self._refusal = Reading(method), None, False, None
        self._sent_at = self._state.seen = time.monotonic()
        assert headers is not None
        lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.fields)]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        content = body or b""
        if chunked:
            content = (b"%x\r\n%b\r\n" % (len(content), content) if content else b"") + b"0\r\n\r\n"
        try:
            if "Expect" in headers:
                self._write(head)
                self._await_continue()
                head = b""
            if not self._early:
                self._write(head + content)
        except TimeoutError:
            self._end = "timeout"
        except OSError as error:  # the server may have answered without reading the request
            self._refuse(error)

    def _refuse(self, error: OSError) -> None:
        """Note a refused handshake. After an answer an alert does not show that the request was not processed."""
        if not self._answered:
            self._refusal = self._refusal or tls_refusal(error)

    def _write(self, data: bytes) -> None:
        """Write the data within the deadline. A large request is written only until an answer is complete.

        Not until one begins: the server may read all of the request before it ends its answer.
        """
        sock = self.sock
        assert sock is not None
        if not isinstance(sock, socket.socket):
            sock.settimeout(self._remaining())
            sock.sendall(data)
            return
        view = memoryview(data)
        if len(data) <= SMALL:
            with suppress(*WOULD_BLOCK):
                view = view[sock.send(view) :]
        while view and self._end is None:
            self._ready(sock, self._left(), read=True, write=True)
            with suppress(*WOULD_BLOCK):
                self._take(sock.recv(PIECE))
            if self._reading.done or self._reading.size > ANSWER_CAP:
                return
            with suppress(*WOULD_BLOCK):
                view = view[sock.send(view[:PIECE]) :]

    def _read(self, limit: float) -> bytes:
        """Read the next bytes; empty where the peer has closed. TimeoutError after `limit` seconds."""
        sock = self.sock
        assert sock is not None
        if not isinstance(sock, socket.socket):
            sock.settimeout(limit)
            return bytes(sock.recv(PIECE))
        # Without it, a server that writes head and body separately may wait up to 40 ms for our acknowledgement.
        if QUICKACK is not None and self._reading.size:
            sock.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
        until, writing = self._state.seen + limit, False
        wait = limit > 0 and not isinstance(sock, ssl.SSLSocket)  # which may have buffered data
        while True:
            if wait:
                until += self._await(sock, until, writing=writing)
            try:
                return sock.recv(PIECE)
            except WOULD_BLOCK as error:
                if not limit:
                    raise
                wait, writing = True, isinstance(error, ssl.SSLWantWriteError)

    def _await(self, sock: socket.socket, until: float, *, writing: bool) -> float:
        """Wait for the socket. Gives the seconds by which the deadline moved; TimeoutError if it is not ready at `until`."""
        deadline = self._state.deadline
        while True:
            moved = self._state.deadline - deadline
            if self._ready(sock, until + moved - time.monotonic(), read=not writing, write=writing):
                return self._state.deadline - deadline
            if self._state.seen >= until + self._state.deadline - deadline:
                raise TimeoutError

    def _ready(self, sock: socket.socket, seconds: float, *, read: bool, write: bool) -> bool:
        """Wait for the socket, at most for a step of these seconds."""
        self._count_own_time()
        step = min(STEP_S, max(0.0, seconds))
        ready = waiting.wait_for_socket(sock, read=read, write=write, timeout=step)
        self._count_own_time(step)
        return ready

    def _left(self) -> float:
        """Seconds that are left for the answer. Raises TimeoutError where there are none."""
        self._count_own_time()
        if self._state.seen >= self._state.deadline:
            raise TimeoutError
        return self._state.deadline - self._state.seen

    def _count_own_time(self, waited: float = 0.0) -> None:
        """Move deadline and beginning by the time since the last call, save what was to be waited, if it is too long."""
        now = time.monotonic()
        own = now - self._state.seen - waited
        self._state.seen = now
        if own > STALL_S:
            self._state.deadline += own
            self._sent_at += own

    def _await_continue(self) -> None:
        """Read until the server asks for the body or answers; after a second the body is sent anyway."""
        assert self.sock is not None
        until = time.monotonic() + min(CONTINUE_WAIT_S, self._left())
        while 100 not in self._reading.interim and not self._early and self._end is None:
            left = until - time.monotonic()
            if left <= 0:
                return
            try:
                self._take(self._read(left))
            except TimeoutError:
                return

    def _take(self, data: bytes) -> None:
        """Add data that arrived before the request was written completely."""
        if data:
            self._reading.feed(data)
        else:
            self._end = "closed"
        self._early = self._reading.done or self._reading.status is not None

    def getresponse(self) -> Received:  # type: ignore[override]
        """Read until the answer is complete, the peer has closed, or time is up. Never raises because of the peer."""
        reading = self._reading
        while self.sock is not None and not reading.done and self._end is None and reading.size <= ANSWER_CAP:
            try:
                data = self._read(self._left())
                if data:
                    reading.feed(data)
                else:
                    self._end = "closed"
            except TimeoutError:
                self._end = "timeout"
            except OSError as error:
                self._end = "reset"
                self._refuse(error)
        self._count_own_time()
        answered_at = self._state.seen
        self._answered = True
        parsed = self._outcome()
        if self._early or not parsed.keep_alive:
            parsed = self._with_stray(parsed)
            self.close()
        self._reading = Reading("")  # an idle connection keeps no answer in memory
        return Received(parsed, bytes(reading.raw), self._sent_at, answered_at)

    def _with_stray(self, parsed: Parsed) -> Parsed:
        """An answer that announces the end of its connection, with the bytes behind it as a defect, if any."""
        if self.sock is None or self._early or self._end is not None or not self._reading.done or parsed.defects:
            return parsed
        try:
            stray = self._read(STRAY_WAIT_S)
        except OSError:
            return parsed
        return replace(parsed, defects=(_stray(stray),)) if stray else parsed

    def _outcome(self) -> Parsed:
        end = self._end
        if self._state.aborted and (not self._reading.done or self._reading.status is None):
            return Parsed(None, (), ABORTED, keep_alive=False)
        parsed = self._reading.finish(ended=end is not None)
        if parsed.answer is not None and not self._reading.done and end in (None, "timeout"):
            late = (LATE,) if end else ()  # else the suite itself stopped reading
            return replace(parsed, defects=(*parsed.defects, *late), keep_alive=False)
        if self._refusal is not None and not self._reading.size:
            return Parsed(None, (), self._refusal, keep_alive=False)
        if end is not None and parsed.answer is None and (parsed.failure is None or parsed.failure.kind == "closed"):
            return Parsed(None, (), Failure(end, _ENDS[end]), keep_alive=False)
        return parsed


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


_ENDS: dict[FailureKind, str] = {
    "timeout": "no answer within the time limit",
    "reset": "the connection was reset",
    "closed": "the connection was closed before a status line",
}


class _Adapter(EndpointAdapter):
    """The adapter of `requests`, with a pool of one `_Connection`."""

    def __init__(self, endpoint: Endpoint, state: ConnectionState) -> None:
        super().__init__(endpoint)
        self._state = state
        self.pool: HTTPConnectionPool | None = None

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        """The only pool, looked up once."""
        if self.pool is None:
            pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(request, verify, proxies, cert))
            kind = _SecureConnection if pool.scheme == "https" else _Connection
            pool.ConnectionCls = partial(kind, state=self._state)  # type: ignore[assignment]
            self.pool = pool
        return self.pool

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self.pool = None


class Client:
    """One kept-alive connection to the endpoint; not to be shared between threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint, self._host = endpoint, endpoint.host
        self._origin = f"{endpoint.parts.scheme}://{endpoint.host}"
        self._state = ConnectionState()
        self._adapter = _Adapter(endpoint, self._state)
        self._proxies = {"http": endpoint.proxy, "https": endpoint.proxy} if endpoint.proxy else {}

    def take_late_defect(self) -> tuple[str, str] | None:
        """Case and description of bytes that came after an answer that looked complete; given only once."""
        found, self._state.late_defect = self._state.late_defect, None
        return found

    @property
    def found_gone(self) -> bool:
        """Whether the last request got no answer on a kept-alive connection, and no new connection was accepted."""
        return self._state.gone

    @property
    def certificate_end(self) -> float | None:
        """When the certificate of the last connection ends, in seconds since 1970; None without TLS."""
        return self._state.certificate_end

    def close(self, stray_wait_s: float = STRAY_WAIT_S) -> None:
        """Close the connection, if any is open, after a look for stray bytes until `stray_wait_s` after its last answer."""
        connection = self._state.connection
        if connection is not None and not self._state.aborted:
            self._state.seen = time.monotonic()
            connection.is_quiet(max(0.0, self._state.last_ended + stray_wait_s - time.monotonic()))
        self._adapter.close()

    def abort(self) -> None:
        """End every wait and send nothing more. May be called from another thread."""
        self._state.aborted = True
        connection = self._state.connection
        _shut(connection.sock if connection is not None else None)

    def send(
        self,
        method: str,
        target_path: str,
        headers: Headers,
        body: bytes,
        *,
        case: str,
        probe: int,
        framing: Literal["length", "chunked", "expect"] = "length",
        accept: str | None = None,
        trip: str | None = None,
        retry_closed: Fresh | None = None,
    ) -> Exchange:
        """Send one request and read its answer within the time limit; a failure is part of the exchange.

        `retry_closed` gives body and trip for a second try where the kept-alive connection is found closed.
        """
        state, early, lost = self._state, False, False
        state.gone = False
        first: Received | None = None
        while True:
            request = self._endpoint.request(
                method, target_path, headers, body, case=case, framing=framing, accept=accept
            )
            wall, began, opened = time.time(), time.monotonic(), state.opened
            state.closed_early = False
            state.deadline, state.seen = began + self._endpoint.timeout_s, began
            got = self._exchange(request, chunked=framing == "chunked")
            early = early or state.closed_early
            if isinstance(got, Failure) and got.kind == "refused" and first is not None:
                state.gone, got = True, first  # the server ended during this request
            if isinstance(got, Failure):
                return Exchange(case, probe, request, failure=got, wall_time=wall, closed_early=early, trip=trip)
            parsed = got.parsed
            died = parsed.failure is not None and parsed.failure.kind in ("closed", "reset") and not got.raw_bytes
            idle = got.sent_at - state.last_began >= EARLY_CLOSE_S
            too_late = idle and parsed.answer is not None and parsed.answer.status == 408 and _is_idle_timeout(parsed)
            if not (died or too_late) or state.opened > opened or state.gone:
                break
            if retry_closed is None:
                if too_late:
                    parsed = replace(parsed, answer=None, failure=CLOSED_BEFORE)
                elif trip is not None and time.monotonic() - state.last_began < EARLY_CLOSE_S:
                    early, parsed = True, replace(parsed, failure=CLOSED_BEFORE)
                break
            lost = time.monotonic() - state.last_began < EARLY_CLOSE_S
            first = got if died else None
            self.close()
            body, trip = retry_closed()
            retry_closed = None
        early = early or (lost and parsed.answer is not None)  # lost twice: this request itself gets no answer
        unread = parsed.answer is not None and parsed.answer.status in UNREAD
        state.last_case, state.last_began = case, began - (EARLY_CLOSE_S if unread else 0)
        state.last_ended = got.answered_at
        return Exchange(
            case, probe, request, parsed.answer, parsed.failure, parsed.defects, got.raw_bytes,
            got.sent_at, got.answered_at, wall, state.opened, early, trip,
        )  # fmt: skip

    def _exchange(self, request: Request, *, chunked: bool) -> Received | Failure:
        """Send it by the adapter; a session would follow redirects, keep cookies and read the environment."""
        prepared = Prepared(request, self._origin, chunked=chunked)
        try:
            if self._state.aborted:
                return ABORTED
            received = cast("Received", self._adapter.send(prepared, stream=True, proxies=self._proxies))
        except (requests.RequestException, HTTPError, OSError) as error:
            if own := own_failure(error):
                raise own from error
            return (
                ABORTED
                if self._state.aborted
                else why_unreachable(self._endpoint, error, late=time.monotonic() >= self._state.deadline)
            )
        received.release_conn()
        return received


def _stray(data: bytes) -> str:
    return f"{len(data)} stray bytes after the end of the answer"


def _is_idle_timeout(parsed: Parsed) -> bool:
    """Whether an answer without a request ends an idle connection (RFC 9110 section 15.5.9)."""
    return parsed.answer is not None and not parsed.defects and (parsed.answer.status == 408 or not parsed.keep_alive)


def _shut(sock: socket.socket | None) -> None:
    """Shut down the socket beneath TLS; a TLS shutdown would make another thread write the rest unencrypted."""
    with suppress(OSError):
        if sock is None:
            return
        if isinstance(sock, ssl.SSLSocket):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        else:
            sock.shutdown(socket.SHUT_RDWR)
