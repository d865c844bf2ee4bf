"""The client against raw sockets: what is misframed is seen, and one deadline holds."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from conformance.exchange.client import Client, Endpoint
from conformance.exchange.model import Exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(reply: bytes, drip_s: float = 0.0, timeout_s: float = 2.0, framing: str = "length") -> Exchange:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                try:
                    for piece in [reply] if not drip_s else [reply[i : i + 1] for i in range(len(reply))]:
                        peer.sendall(piece)
                        time.sleep(drip_s)
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        client = Client(Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=timeout_s))
        got = client.send("POST", "/x", (), b"{}", case="c", probe=0, framing=framing)  # type: ignore[arg-type]
        client.close()
        thread.join(5)
        return got


def test_good() -> None:
    got = ask(OK)
    assert got.answer is not None
    assert (got.answer.status, got.answer.body, got.defects) == (200, b"ok", ())


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (OK[:-1], "truncated"),
        (OK + b"xx", "stray"),
        (OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"), "different Content-Length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad chunk size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "last chunk"),
    ],
)
def test_defects(reply: bytes, word: str) -> None:
    assert word in " ".join(ask(reply).defects)


def test_drip_ends_at_the_deadline() -> None:
    start = time.monotonic()
    got = ask(OK, drip_s=0.05, timeout_s=0.3)
    assert time.monotonic() - start < 1.5
    assert got.failure is not None or got.defects


def test_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    got = Client(Endpoint(f"http://127.0.0.1:{port}")).send("POST", "/x", (), b"", case="c", probe=0)
    assert got.failure is not None
    assert got.failure.kind == "refused"
