"""The only file that opens a connection: sends one request, keeps the raw answer, judges nothing."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from conformance import __version__

from .model import Exchange, Failure, FailureKind, Headers, Request
from .wire import Parsed, parse

RAW_CAP = 256 * 1024
ANSWER_CAP = 4 * 1024 * 1024
EARLY_CLOSE_S = 1.0
CONTINUE_WAIT_S = 1.0
Fresh = Callable[[], tuple[bytes, str | None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to send: base URL without the operation path, fields sent with each request, TLS, proxy, time limit (s)."""

    url: str
    headers: Headers = ()
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    timeout_s: float = 10.0


class _Unreachable(Exception):
    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(kind, detail)


class Client:
    """One kept-alive connection to the endpoint; not to be shared between threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.late_defect: tuple[str, str] | None = None
        self._endpoint = endpoint
        self._url = urlsplit(endpoint.url)
        self._conn: HTTPConnection | None = None
        self._opened = 0
        self._last_case = ""
        self._last_end = 0.0

    def close(self) -> None:
        """Close the connection, if any is open."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def abort(self) -> None:
        """End whatever is being waited for at this moment; may be called from another thread."""
        sock = self._conn.sock if self._conn is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

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
        attempt: int = 1,
        retry_closed: Fresh | None = None,
    ) -> Exchange:
        """Send one request and read its answer within the time limit; failures are told in the exchange."""
        early = self._check_reuse()
        while True:
            reused = self._conn is not None
            request = self._request(method, target_path, headers, body, case, framing, accept)
            wall, start = time.time(), time.monotonic()
            deadline = start + self._endpoint.timeout_s
            try:
                sock = self._connect(deadline)
                start = time.monotonic()
                parsed, raw, end = self._talk(sock, request, framing, deadline)
            except _Unreachable as error:
                self.close()
                return Exchange(case, probe, request, failure=error.failure, wall_time=wall, attempt=attempt, trip=trip)
            died = reused and not raw and parsed.failure is not None and parsed.failure.kind in ("closed", "reset")
            if died:
                self.close()
                if retry_closed is not None:
                    early = early or time.monotonic() - self._last_end < EARLY_CLOSE_S
                    body, trip = retry_closed()
                    retry_closed = None
                    continue
            break
        number = self._opened
        self._last_case, self._last_end = case, end
        if not parsed.keep_alive:
            self.close()
        return Exchange(
            case, probe, request, parsed.answer, parsed.failure, parsed.defects, raw[:RAW_CAP], start, end, wall,
            attempt, number, early, trip,
        )  # fmt: skip

    def _check_reuse(self) -> bool:
        """Drop a connection that is closed or has stray bytes; True where it was closed too early."""
        if self._conn is None or self._conn.sock is None:
            return False
        sock = self._conn.sock
        if not select.select([sock], [], [], 0)[0]:
            return False
        try:
            sock.settimeout(0.01)
            stray = sock.recv(4096)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            stray = b""
        self.close()
        if stray:
            self.late_defect = (self._last_case, f"{len(stray)} stray bytes after the end of the answer")
            return False
        return time.monotonic() - self._last_end < EARLY_CLOSE_S

    def _request(
        self, method: str, path: str, headers: Headers, body: bytes, case: str, framing: str, accept: str | None
    ) -> Request:
        target = self._url.path.rstrip("/") + path
        if self._endpoint.proxy and self._url.scheme == "http":
            target = f"http://{self._url.netloc}{target}"
        fields = [("Host", self._url.netloc.rpartition("@")[2])]
        fields.append(("User-Agent", f"capture-charge-conformance/{__version__} ({case})"))
        fields.append(("Accept-Encoding", "identity"))
        if accept is not None:
            fields.append(("Accept", accept))
        given = {name.lower() for name, _ in headers}
        fields += [(n, v) for n, v in self._endpoint.headers if n.lower() not in given]
        fields += headers
        if framing == "chunked":
            fields.append(("Transfer-Encoding", "chunked"))
        elif body or method in ("POST", "PUT", "PATCH"):
            fields.append(("Content-Length", str(len(body))))
        if framing == "expect":
            fields.append(("Expect", "100-continue"))
        return Request(method, target, tuple(fields), body)

    def _connect(self, deadline: float) -> socket.socket:
        if self._conn is not None and self._conn.sock is not None:
            return self._conn.sock
        conn = self._build(max(deadline - time.monotonic(), 0.001))
        try:
            conn.connect()
        except urllib3.exceptions.NameResolutionError as error:
            raise _Unreachable("dns", f"the name {self._url.hostname} is not known") from error
        except urllib3.exceptions.NewConnectionError as error:
            raise _Unreachable("refused", f"no connection to {self._url.netloc}: {error.__cause__ or error}") from error
        except (urllib3.exceptions.ConnectTimeoutError, TimeoutError) as error:
            raise _Unreachable("timeout", "no connection within the time limit") from error
        except (ssl.SSLError, urllib3.exceptions.SSLError) as error:
            raise _Unreachable("tls", " ".join(str(error).split())) from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise _Unreachable("refused", " ".join(str(error).split())) from error
        self._conn = conn
        self._opened += 1
        assert conn.sock is not None
        return conn.sock

    def _build(self, timeout: float) -> HTTPConnection:
        end, secure = self._endpoint, self._url.scheme == "https"
        host, port = self._url.hostname or "", self._url.port or (443 if secure else 80)
        via = urlsplit(end.proxy) if end.proxy else None
        to, to_port = (via.hostname or "", via.port or 80) if via else (host, port)
        if not secure:
            return HTTPConnection(to, to_port, timeout=timeout)
        conn = HTTPSConnection(
            to, to_port, timeout=timeout, ca_certs=end.ca_file, cert_file=end.client_cert, key_file=end.client_key,
            ssl_context=ssl.create_default_context(cafile=end.ca_file),
        )  # fmt: skip
        if via:
            conn.set_tunnel(host, port)
        return conn

    def _talk(
        self, sock: socket.socket, request: Request, framing: str, deadline: float
    ) -> tuple[Parsed, bytes, float]:
        """Write the request and read until the answer is whole, the peer is done, or time is up."""
        lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{n}: {v}" for n, v in request.headers)]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = request.body
        if framing == "chunked":
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        raw = bytearray()
        end: FailureKind | None = None
        try:
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            if framing == "expect":
                sock.sendall(head)
                if select.select([sock], [], [], min(CONTINUE_WAIT_S, self._endpoint.timeout_s))[0]:
                    raw += sock.recv(65536)
                if not raw or raw.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
                    sock.sendall(body)
            else:
                sock.sendall(head + body)
        except TimeoutError:
            end = "timeout"
        except OSError:
            pass  # the answer may have come although the body was not taken
        while True:
            parsed = parse(bytes(raw), request.method, ended=end is not None)
            if parsed.done or end is not None:
                break
            if len(raw) > ANSWER_CAP:
                parsed = parse(bytes(raw), request.method, ended=True)
                parsed = _with(parsed, f"answer larger than {ANSWER_CAP} bytes")
                break
            left = deadline - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                sock.settimeout(left)
                data = sock.recv(262144)
                end = None if data else "closed"
                raw += data
            except TimeoutError:
                end = "timeout"
            except OSError:
                end = "reset"
        if end == "timeout" and parsed.answer:
            parsed = _with(parsed, f"not complete within {self._endpoint.timeout_s:g} s")
        elif end and parsed.answer is None and (parsed.failure is None or parsed.failure.kind == "closed"):
            text = {"timeout": "no answer within the time limit", "reset": "the connection was reset"}
            detail = text.get(end, "the connection was closed before a status line")
            parsed = Parsed(None, (), Failure(end, detail), len(raw), keep_alive=False, done=True)
        return parsed, bytes(raw), time.monotonic()


def _with(parsed: Parsed, defect: str) -> Parsed:
    found = (*parsed.defects, defect)
    return Parsed(parsed.answer, found, parsed.failure, parsed.consumed, keep_alive=False, done=True)
