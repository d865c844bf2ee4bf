"""Where no HTTP server answers, a run ends at once, inconclusive, with the likely cause and without a charge."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from benchmarks.runs import Ran, finished, outcomes
from conformance.options import Options
from conformance.report.outcome import exit_status
from conformance.session import Run
from tests.support.profiles import profile_text
from tests.support.servers import answering, message

BAD_REQUEST = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
SETTINGS = bytes.fromhex("000006040000000000000300000064" + "00000407000000000000000000")
MYSQL = b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(60)
PAGE = b"<html><h1>Bad gateway</h1></html>"
Serve = Callable[[socket.socket], None]


def greeting(data: bytes) -> Serve:
    """Send this at once, and keep the connection open until the client closes it."""

    def serve(sock: socket.socket) -> None:
        sock.sendall(data)
        while sock.recv(65536):
            pass

    return serve


def replying(data: bytes) -> Serve:
    """Read something, send this, and close."""

    def serve(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(data)

    return serve


def resetting(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A server that treats every connection like this; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            serve(sock)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> tuple[trustme.CA, Path]:
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(file)
    return authority, file


def wanting_a_certificate(authority: trustme.CA, version: ssl.TLSVersion) -> Serve:
    """Refuse every client without a certificate: within the handshake (TLS 1.2), or after it (TLS 1.3)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def serve(sock: socket.socket) -> None:
        context.wrap_socket(sock, server_side=True)

    return serve


def run_at(folder: Path, url: str, **parts: str) -> tuple[Ran, int]:
    (folder / "profile.toml").write_text(profile_text(url, **{"timeout_s": 10, **parts}))
    run = Run(Options(profile=folder / "profile.toml", out=folder / "out", depth="smoke"))
    run.make_folder()
    start = time.monotonic()
    run.execute(run.cases)
    ran = finished(run)
    assert time.monotonic() - start < 20  # it takes well below one second; a busy machine may pause
    return ran, exit_status(ran.summary, ran.result, require_complete=False, fail_on_warning=False)


def assert_nothing_is_judged(ran: Ran, status: int, cause: str) -> None:
    assert status == 3
    assert cause in ran.result.stop
    assert ran.result.requests <= 10
    assert (ran.result.captures, ran.result.totals, ran.broken) == ((), {}, frozenset())
    assert {case.charged for case in ran.result.cases} == {"no"}
    assert ran.judged_otherwise() == []


NOT_HTTP = {
    "TLS alert": ("http", replying(b"\x15\x03\x01\x00\x02\x02\x46"), "the port uses TLS; does target.url need https://?"),
    "TLS port that answers in HTTP": ("http", replying(BAD_REQUEST), "does target.url need https://?"),
    "HTTP/2": ("http", greeting(SETTINGS), "it uses HTTP/2 only"),
    "SSH": ("http", greeting(b"SSH-2.0-OpenSSH_9.6\r\n"), "an SSH server is there"),
    "SMTP": ("http", greeting(b"220 mail.example ESMTP\r\n"), "a mail or FTP server is there"),
    "Redis": ("http", replying(b"-ERR unknown command 'POST'\r\n"), "a Redis or mail server is there"),
    "MySQL": ("http", greeting(MYSQL), "a MySQL server is there"),
    "garbage": ("http", replying(bytes(range(255, 0, -1))), "is the port right?"),
    "nothing": ("http", replying(b""), "does target.url need https://, or does the server demand a client certificate?"),
    "reset": ("http", resetting, "does target.url need https://, or does the server demand a client certificate?"),
    "no TLS": ("https", replying(BAD_REQUEST), "the port does not use TLS; does target.url need http://"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_HTTP)
def test_a_port_without_an_http_server(tmp_path, kind):
    scheme, serve, cause = NOT_HTTP[kind]
    with listening(serve) as port:
        assert_nothing_is_judged(*run_at(tmp_path, f"{scheme}://127.0.0.1:{port}"), cause)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_demands_a_client_certificate(tmp_path, authority, version):
    ca, file = authority
    with listening(wanting_a_certificate(ca, version)) as port:
        ran, status = run_at(tmp_path, f"https://127.0.0.1:{port}", target=f'ca_file = "{file}"')
    assert_nothing_is_judged(ran, status, "the server demands a client certificate")
    assert ran.result.requests == 1


@pytest.mark.parametrize(("status", "cause"), [
    (407, "the proxy answered 407; check the user and password in target.proxy"),
    (502, "the proxy does not reach the server: its own answer to every request is 502 <html>"),
    (503, "the proxy does not reach the server: its own answer to every request is 503 <html>"),
])  # fmt: skip
def test_a_page_of_the_proxy_itself(tmp_path, status, cause):
    page = message(status, [("Content-Type", "text/html"), ("Retry-After", "0")], PAGE)
    with answering(lambda _: page) as proxy:
        ran, exited = run_at(tmp_path, "http://127.0.0.1:9", target=f'proxy = "{proxy.url}"')
    assert_nothing_is_judged(ran, exited, cause)


@pytest.mark.parametrize("status", [407, 502])
def test_a_proxy_that_opens_no_tunnel(tmp_path, status):
    with listening(replying(message(status, (), PAGE, close=True))) as port:
        ran, exited = run_at(tmp_path, "https://127.0.0.1:9", target=f'proxy = "http://127.0.0.1:{port}"')
    assert_nothing_is_judged(ran, exited, f"the proxy answered {status}")


def test_a_server_that_drops_only_what_is_not_json_is_judged(tmp_path):
    """The same drop, but captures are answered: an HTTP server is there, and the drop is its own."""
    refused = message(400, [("Content-Type", "application/json")], b'{"errorMsg":"BadRequestException"}')

    def reply(request) -> bytes:
        if not request.body.endswith(b"}"):
            return b""
        return refused if b'"amount"' not in request.body else message(200)

    with answering(reply) as server:
        ran, status = run_at(tmp_path, server.url)
    assert status == 1
    assert "answer.connection" in ran.broken
    assert outcomes(ran.summary)["capture.accepted"][0] == "passed"
