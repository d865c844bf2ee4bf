"""A server for the tests of the client: it plays scripts on raw sockets, one for each connection it accepts."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import trustme

Script = Callable[["Peer", socket.socket], None]
PATIENCE_S = 20.0


class Peer:
    """Accepts one connection for each script, in order; `received` are the requests that the scripts have read."""

    def __init__(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> None:
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
                    pass  # the client went away, which the test looks at from its side

    def read(self, sock: socket.socket) -> bytes:
        """One whole request: its head, and as much body as Content-Length says."""
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
        """The head of a request and nothing beyond."""
        head = bytearray()
        while not head.endswith(b"\r\n\r\n") and (data := sock.recv(1)):
            head += data
        self.received.append(bytes(head))
        return bytes(head)

    def close(self) -> None:
        """Stop; fails the test where a script failed."""
        self.go.set()
        for sock in (self.listener, self._open):
            with suppress(OSError, AttributeError):
                sock.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(PATIENCE_S)
        assert not self.errors


@pytest.fixture
def serve() -> Iterator[Callable[..., Peer]]:
    """Start a server that plays these scripts."""
    peers: list[Peer] = []

    def start(*scripts: Script, tls: ssl.SSLContext | None = None) -> Peer:
        peers.append(Peer(scripts, tls))
        return peers[-1]

    yield start
    for peer in peers:
        peer.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority that nobody trusts unasked."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The certificate of that authority."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def certified(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """The TLS side of a server that shows a certificate for this name."""

    def context(name: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(made)
        return made

    return context
