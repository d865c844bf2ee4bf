"""TLS with and without a trusted certificate, proxies with credentials, and targets that cannot be reached."""

from __future__ import annotations

import base64
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.exchange import client as client_module
from conformance.exchange.client import Client, Endpoint
from conformance.exchange.endpoint import tls_context

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CREDENTIALS = b"Proxy-Authorization: Basic " + base64.b64encode(b"user:pass word")


def post(client, body=b"{}"):
    return client.send("POST", "/x", (), body, case="c", probe=0)


def answering(*replies):
    """A script that answers one request after the other."""

    def script(peer, sock):
        for reply in replies:
            peer.read(sock)
            sock.sendall(reply)

    return script


def test_a_trusted_server_keeps_its_connection(serve, certified, ca_file):
    peer = serve(answering(OK, OK, OK), tls=certified("127.0.0.1"))
    client = Client(Endpoint(peer.url, ca_file=ca_file))
    body = b"x" * 1_000_000
    exchanges = [post(client), post(client, body), post(client)]
    assert [(exchange.answer.status, exchange.connection, exchange.defects) for exchange in exchanges] == [
        (200, 1, ())
    ] * 3
    assert client.take_late_defect() is None
    assert peer.received[1].endswith(body)


@pytest.mark.parametrize("name", ["127.0.0.1", "elsewhere.example"])
def test_a_certificate_that_is_not_valid(serve, certified, ca_file, name, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    peer = serve(answering(OK), tls=certified(name))
    trusted = ca_file if name != "127.0.0.1" else None
    got = post(Client(Endpoint(peer.url, ca_file=trusted)))
    assert got.failure.kind == "tls"
    assert "certificate verify failed" in got.failure.detail
    assert peer.received == []


def test_no_tls_at_all(serve):
    peer = serve(answering(OK))
    got = post(Client(Endpoint(peer.url.replace("http:", "https:"), timeout_s=0.3)))
    assert got.failure.kind in ("tls", "timeout")


def test_a_handshake_that_hangs_ends_at_the_deadline(serve):
    peer = serve(lambda peer, _: peer.go.wait(20))
    start = time.monotonic()
    got = post(Client(Endpoint(peer.url.replace("http:", "https:"), timeout_s=0.3)))
    assert got.failure.kind == "timeout"
    assert time.monotonic() - start < 3


def test_a_name_lookup_that_hangs_ends_at_the_deadline(monkeypatch):
    released = threading.Event()

    def hang(*_):
        released.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    start = time.monotonic()
    got = post(Client(Endpoint("http://pay.example", timeout_s=0.3)))
    released.set()
    assert (got.failure.kind, got.failure.detail) == ("dns", "the name pay.example was not found in time")
    assert got.unsent
    assert time.monotonic() - start < 3


def test_nothing_is_sent_if_the_run_ends_while_connecting(serve, monkeypatch):
    peer = serve(answering(OK))
    client, looking_up, released, getaddrinfo = (
        Client(Endpoint(peer.url)),
        threading.Event(),
        threading.Event(),
        socket.getaddrinfo,
    )

    def hang(*arguments):
        looking_up.set()
        released.wait(20)
        return getaddrinfo(*arguments)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(post, client)
        assert looking_up.wait(20)
        client.abort()
        released.set()
        assert sending.result(20).failure.kind == "aborted"
    client.close()
    peer.close()
    assert not any(peer.received)


def test_a_missing_file_of_certificates_is_reported(serve):
    got = post(Client(Endpoint("https://127.0.0.1:1", ca_file="/no/such/file.pem")))
    assert got.failure is not None
    assert "No such file" in got.failure.detail


def test_a_plain_target_through_a_proxy(serve):
    proxy = serve(answering(OK, OK))
    client = Client(Endpoint("http://pay.example:8080/base", proxy=f"http://user:pass%20word@127.0.0.1:{proxy.port}"))
    assert [post(client).connection for _ in range(2)] == [1, 1]
    assert proxy.received[0].startswith(b"POST http://pay.example:8080/base/x HTTP/1.1\r\nHost: pay.example:8080\r\n")
    assert CREDENTIALS in proxy.received[0]


def tunnel_to(port: int):
    """A script that opens a tunnel to this port and forwards bytes in both directions."""

    def script(peer, sock):
        peer.read_head(sock)
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            while True:
                for ready in select.select([sock, upstream], [], [], 20)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (upstream if ready is sock else sock).sendall(data)

    return script


@pytest.mark.parametrize("secure", [False, True])
def test_a_tunnel_through_a_proxy(serve, certified, ca_file, secure):
    target = serve(answering(OK, OK), tls=certified("127.0.0.1"))
    proxy = serve(tunnel_to(target.port), tls=certified("127.0.0.1") if secure else None)
    url = proxy.url.replace("://", "://user:pass%20word@")
    client = Client(Endpoint(target.url, ca_file=ca_file, proxy=url))
    exchanges = [post(client), post(client)]
    client.close()
    assert [(exchange.answer.status, exchange.connection) for exchange in exchanges] == [(200, 1)] * 2
    assert proxy.received[0].startswith(b"CONNECT 127.0.0.1:%d " % target.port)
    assert CREDENTIALS in proxy.received[0]
    assert b"roxy" not in target.received[0]


def test_a_proxy_that_refuses(serve):
    proxy = serve(answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    got = post(Client(Endpoint("https://pay.example", proxy=f"http://user:secret99@127.0.0.1:{proxy.port}")))
    assert got.failure.kind == "refused"
    assert "407" in got.failure.detail
    assert "secret99" not in got.failure.detail


def test_a_proxy_that_drips_ends_at_the_deadline(serve):
    def drip(peer, sock):
        peer.read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        while not peer.go.wait(0.02):
            sock.sendall(b"X: y\r\n")

    proxy = serve(drip)
    start = time.monotonic()
    got = post(Client(Endpoint("https://pay.example", proxy=proxy.url, timeout_s=0.4)))
    assert got.failure.kind == "timeout"
    assert time.monotonic() - start < 3


def test_no_server_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    got = post(Client(Endpoint(f"http://127.0.0.1:{port}")))
    assert got.failure.kind == "refused"
    assert got.elapsed is None


def test_an_unknown_name():
    got = post(Client(Endpoint("http://no-such-host.invalid")))
    assert (got.failure.kind, "no-such-host.invalid" in got.failure.detail) == ("dns", True)


def test_a_connection_that_is_not_accepted_ends_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = []
        for _ in range(4):  # more than fit into the queue of the listener
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
            waiting.append(sock)
        start = time.monotonic()
        got = post(Client(Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.3)))
        assert time.monotonic() - start < 3
        for sock in waiting:
            sock.close()
    assert got.failure.kind == "timeout"


def test_a_silent_address_leaves_time_for_the_next(serve, monkeypatch):
    """As with a name that has an IPv6 address which the network drops."""
    peer, tried = serve(answering(OK)), []
    create_connection = client_module.create_connection

    def connect(address, timeout, **more):
        tried.append((address[0], timeout))
        if address[0] == "192.0.2.1":
            raise TimeoutError
        return create_connection(address, timeout, **more)

    monkeypatch.setattr(client_module, "addresses", lambda *_: ["192.0.2.1", "192.0.2.1", "127.0.0.1"])
    monkeypatch.setattr(client_module, "create_connection", connect)
    got = post(Client(Endpoint(peer.url, timeout_s=9)))
    assert got.answer.status == 200
    assert [address for address, _ in tried] == ["192.0.2.1", "192.0.2.1", "127.0.0.1"]
    assert tried[0][1] <= 3 < tried[1][1] <= 4.5 < tried[2][1] <= 9


@pytest.mark.parametrize("file", ["keys", "no/such/folder/keys"])
def test_the_keys_of_a_connection_are_not_written(serve, certified, ca_file, file, monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / file))
    tls_context.cache_clear()
    peer = serve(answering(OK), tls=certified("127.0.0.1"))
    assert post(Client(Endpoint(peer.url, ca_file=ca_file))).answer.status == 200
    assert not (tmp_path / file).exists()


def test_a_file_without_certificates_is_named(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    got = post(Client(Endpoint("https://127.0.0.1:1", ca_file=str(tmp_path / "empty.pem"))))
    assert str(tmp_path / "empty.pem") in got.failure.detail
