"""Small servers on loopback: one that answers through a function of the test, one that runs scripts on raw sockets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PATIENCE_S = 20.0


class ReceivedRequest(NamedTuple):
    """One request as received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def message(status: int, headers: Sequence[tuple[str, str]] = (), body: bytes = b"", *, close: bool = False) -> bytes:
    """A well-framed answer."""
    reason = HTTPStatus(status).phrase
    fields = [*headers, ("Content-Length", str(len(body))), *([("Connection", "close")] if close else [])]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + body


@contextmanager
def answering(
    reply: Callable[[ReceivedRequest], bytes],
    *,
    certificate: Path | None = None,
    tls: ssl.SSLContext | None = None,
    one_connection: bool = False,
) -> Iterator[SimpleNamespace]:
    """A server that answers with the bytes that `reply` returns; `requests` lists the requests that it received.

    `one_connection`: it serves a connection until its end before it serves the next.
    """
    requests: list[ReceivedRequest] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append(ReceivedRequest(self.command, self.path, dict(self.headers), body))
            answer = reply(requests[-1])
            self.close_connection = b"\r\nConnection: close\r\n" in answer or not answer
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler.answer)
    server = (HTTPServer if one_connection else ThreadingHTTPServer)(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  of a client that ends a connection or refuses TLS
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        scheme = "http" if tls is None else "https"
        yield SimpleNamespace(url=f"{scheme}://127.0.0.1:{server.server_port}", requests=requests)
    finally:
        server.shutdown()
        server.server_close()


Script = Callable[["Peer", socket.socket], None]


class Peer:
    """Accepts one connection for each script, in order; `received` lists the requests that the scripts have read."""

    def __init__(self, scripts: Sequence[Script], tls: ssl.SSLContext | None = None) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.received: list[bytes] = []
        self.accepted = 0
        self.go, self.done = threading.Event(), threading.Event()
        self.errors: list[BaseException] = []
        self._scripts, self._tls = scripts, tls
        self._open: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self.listener.settimeout(PATIENCE_S)
        for script in self._scripts:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._open = sock
            with sock:
                sock.settimeout(PATIENCE_S)
                try:
                    if self._tls is None:
                        script(self, sock)
                    else:
                        with self._tls.wrap_socket(sock, server_side=True) as secure:
                            script(self, secure)
                except AssertionError as error:
                    self.errors.append(error)
                except OSError:
                    pass  # the client closed the connection; the test checks that on its side

    def read(self, sock: socket.socket) -> bytes:
        """One whole request: its head, and a body of the length in Content-Length."""
        head = self.read_head(sock)
        size = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line[15:])
        body = bytearray()
        while len(body) < size and (data := sock.recv(min(65536, size - len(body)))):
            body += data
        self.received[-1] += body
        return self.received[-1]

    def read_head(self, sock: socket.socket) -> bytes:
        """The head of a request; its body is not read."""
        head = bytearray()
        while not head.endswith(b"\r\n\r\n") and (data := sock.recv(1)):
            head += data
        self.received.append(bytes(head))
        return bytes(head)

    def close(self) -> None:
        """Stop. Fails the test if a script failed."""
        self.go.set()
        for sock in (self.listener, self._open):
            with suppress(OSError, AttributeError):
                sock.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(PATIENCE_S)
        assert not self.errors
