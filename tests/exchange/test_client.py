"""The client against raw sockets: it notices framing errors, and sends requests as it should."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from conformance.exchange import client as client_module
from conformance.exchange.client import Client, Endpoint
from conformance.exchange.model import Exchange
from conformance.exchange.wire import RAW_CAP

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
JSON = (("Content-Type", "application/json"),)


def post(client, body=b"{}", path="/x", method="POST", case="c", **more) -> Exchange:
    return client.send(method, path, JSON, body, case=case, probe=0, **more)


def answering(*replies: bytes, then=None):
    """A script that answers one request after the other, then calls `then`."""

    def script(peer, sock):
        for reply in replies:
            peer.read(sock)
            sock.sendall(reply)
        if then is not None:
            then(peer, sock)

    return script


def until_closed(peer, sock):
    """Wait until the client has closed its side."""
    while sock.recv(65536):
        pass
    peer.done.set()


def client_of(peer, timeout_s=5.0, **more) -> Client:
    return Client(Endpoint(peer.url, timeout_s=timeout_s, **more))


def test_a_good_answer_and_what_was_sent(serve):
    peer = serve(answering(OK, then=until_closed))
    client = Client(Endpoint(f"{peer.url}/base/", headers=(("X-Tenant", "eu"),)))
    got = post(client, accept="text/plain")
    client.close()
    assert got.answer is not None
    assert (got.answer.status, got.answer.body, got.defects, got.raw) == (200, b"ok", (), OK)
    assert got.sent_at is not None
    assert 0 < got.elapsed < 5
    head, _, body = peer.received[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /base/x HTTP/1.1"
    assert lines[1:] == [f"{name}: {value}" for name, value in got.request.headers]
    sent = dict(got.request.headers)
    assert sent["Host"] == f"127.0.0.1:{peer.port}"
    assert sent["User-Agent"].endswith("(c)")
    assert (sent["Accept-Encoding"], sent["Accept"], sent["X-Tenant"]) == ("identity", "text/plain", "eu")
    assert (sent["Content-Length"], body) == ("2", b"{}")


@pytest.mark.parametrize(
    ("url", "path", "target"),
    [
        ("", "", "/"),
        ("/", "/v1/x", "/v1/x"),
        ("/ctl/", "", "/ctl/"),
        ("/ctl?a=1&b=%20", "", "/ctl?a=1&b=%20"),
        ("/ctl?a=1", "/x", "/ctl/x?a=1"),
    ],
)
def test_the_target_of_a_request(serve, url, path, target):
    peer = serve(answering(OK))
    got = post(Client(Endpoint(peer.url + url)), path=path)
    assert got.request.target == target
    assert peer.received[0].split(b" ")[1] == target.encode()


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (OK[:-1], "truncated: 1 of 2"),
        (OK + b"xx", "2 stray bytes"),
        (OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"), "different Content-Length"),
        (OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n"), "more than once"),
        (OK.replace(b": 2", b": -2"), "not a number"),
        (OK.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"), "both"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "unknown Transfer-Encoding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad chunk size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "last chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no", "within a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nokk", "not followed by CRLF"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", "trailer section"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", "header section"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n", "malformed header line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n more\r\n\r\n", "folded"),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "bare line feed"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "no space"),
        (b"HTTP/1.1 204 No\r\n\r\nok", "2 stray bytes"),
    ],
)
def test_defects_of_framing(serve, reply, text):
    got = post(client_of(serve(answering(reply))))
    assert got.answer is not None
    assert text in " ".join(got.defects)


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nT: x\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"Content-Length: 2\r\n\r\nok",
            b"ok",
        ),
    ],
)
def test_correct_framing_has_no_defects(serve, reply, body):
    got = post(client_of(serve(answering(reply))))
    assert got.answer is not None
    assert (got.answer.body, got.defects) == (body, ())


def test_every_field_line_is_kept(serve):
    got = post(client_of(serve(answering(OK.replace(b"\r\n\r\n", b"\r\nRetry-After: 5\r\nretry-after: 7\r\n\r\n")))))
    assert got.answer is not None
    assert got.answer.values("Retry-After") == ["5", "7"]


def test_head_has_no_body_and_a_get_no_length(serve):
    peer = serve(answering(OK[:-2], OK, then=until_closed))
    client = client_of(peer)
    head, get = post(client, b"", method="HEAD"), post(client, b"", method="GET")
    client.close()
    assert (head.answer.body, head.defects, get.answer.body) == (b"", (), b"ok")
    assert (head.connection, get.connection) == (1, 1)
    assert b"content-length" not in peer.received[1].lower()


def test_a_body_in_chunks(serve):
    def script(peer, sock):
        peer.read_head(sock)
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += sock.recv(100)
        assert body == b"2\r\n{}\r\n0\r\n\r\n"
        sock.sendall(OK)

    peer = serve(script)
    assert post(client_of(peer), framing="chunked").answer.status == 200
    assert b"Transfer-Encoding: chunked" in peer.received[0]
    assert b"Content-Length" not in peer.received[0]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", "closed"),
        (b"\x16\x03\x01 no HTTP\r\n\r\n", "garbled"),
        (b"HTTP/1.1 20", "garbled"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "garbled"),
    ],
)
def test_no_answer(serve, reply, kind):
    got = post(client_of(serve(answering(reply))))
    assert got.answer is None
    assert got.failure.kind == kind
    assert got.raw == reply


def test_bytes_that_are_not_http_end_the_waiting(serve):
    got = post(client_of(serve(answering(b"SSH-2.0-x\r\n", then=until_closed)), timeout_s=30))
    assert got.failure.kind == "garbled"
    assert got.elapsed < 10


def test_redirections_are_not_followed_and_the_environment_is_ignored(serve, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    peer = serve(
        answering(b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", OK)
    )
    client = client_of(peer)
    assert post(client).answer.status == 302
    assert post(client).answer.status == 200
    assert b"cookie" not in peer.received[1].lower()


def test_the_body_is_sent_after_100_continue(serve):
    def script(peer, sock):
        peer.read_head(sock)
        sock.sendall(b"HTTP/1.1 103 Hints\r\n\r\n")
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert sock.recv(10) == b"{}"
        sock.sendall(OK)
        until_closed(peer, sock)

    client = client_of(serve(script))
    got = post(client, framing="expect")
    client.close()
    assert (got.answer.status, got.answer.interim, got.defects) == (200, (103, 100), ())


def test_without_100_continue_the_body_is_sent_after_a_time(serve, monkeypatch):
    monkeypatch.setattr(client_module, "CONTINUE_WAIT_S", 0.05)
    assert post(client_of(serve(answering(OK))), framing="expect").answer.status == 200


def test_a_connection_whose_body_was_refused_is_closed(serve):
    def script(peer, sock):
        peer.read_head(sock)
        sock.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        assert sock.recv(10) == b""

    client = client_of(serve(script, answering(OK)))
    first, second = post(client, framing="expect"), post(client)
    assert (first.answer.status, first.connection, first.defects) == (417, 1, ())
    assert (second.answer.status, second.connection, second.closed_early) == (200, 2, False)


def test_a_big_body_may_be_answered_before_it_is_sent(serve):
    def script(peer, sock):
        peer.read_head(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n")
        sock.sendall(b"no")
        peer.go.wait(20)  # does not read, so that the client's buffers fill up

    peer = serve(script, answering(OK))
    client = client_of(peer, timeout_s=10)
    got = post(client, b"x" * 50_000_000)
    peer.go.set()
    assert (got.answer.status, got.answer.body, got.defects) == (413, b"no", ())
    assert got.elapsed < 8
    assert post(client).connection == 2


def test_a_big_body_is_sent_as_a_whole(serve):
    peer = serve(answering(OK, OK))
    client = client_of(peer)
    body = bytes(range(256)) * 20_000
    assert post(client, body).answer.status == 200
    assert peer.received[0].endswith(b"\r\n\r\n" + body)
    assert post(client).connection == 1


def test_a_body_that_the_server_does_not_read_ends_at_the_deadline(serve):
    def script(peer, sock):
        peer.read_head(sock)
        peer.go.wait(20)

    got = post(client_of(serve(script), timeout_s=0.3), b"x" * 50_000_000)
    assert got.failure.kind == "timeout"
    assert got.elapsed < 3


def test_an_answer_that_drips_ends_at_the_deadline(serve):
    def drip(peer, sock):
        peer.read(sock)
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000:
            sock.sendall(bytes([byte]))
            if peer.go.wait(0.005):
                return

    start = time.monotonic()
    got = post(client_of(serve(drip), timeout_s=0.5))
    assert 0.4 < time.monotonic() - start < 3
    assert got.answer is not None
    assert "truncated" in got.defects[0]
    assert "not complete within" in got.defects[1]


def test_a_long_answer_is_read_completely_and_stored_in_part(serve):
    size = 6 * 1024 * 1024
    peer = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size, OK))
    client = client_of(peer, timeout_s=20)
    got = post(client)
    assert (got.defects, len(got.answer.body), got.answer.cut, len(got.raw)) == ((), 1024 * 1024, True, RAW_CAP)
    assert post(client).connection == 1


def test_an_endless_answer_is_cut_and_its_connection_closed(serve, monkeypatch):
    monkeypatch.setattr(client_module, "ANSWER_CAP", 1024 * 1024)

    def endless(peer, sock):
        peer.read(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            sock.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    client = client_of(serve(endless, answering(OK)), timeout_s=20)
    got = post(client)
    assert got.defects == ()
    assert post(client).connection == 2


def test_a_connection_closed_early_is_noted_once(serve):
    peer = serve(
        answering(OK, then=lambda peer, sock: (sock.shutdown(socket.SHUT_WR), peer.done.set())), answering(OK, OK)
    )
    client = client_of(peer)
    first = post(client)
    assert peer.done.wait(5)
    second, third = post(client), post(client)
    assert [exchange.closed_early for exchange in (first, second, third)] == [False, True, False]
    assert [exchange.connection for exchange in (first, second, third)] == [1, 2, 2]


def test_a_server_may_read_the_whole_request_before_it_ends_an_early_answer(serve):
    """As Django's development server does, whose answer has no length and ends with the connection."""

    def drain(peer, sock):
        peer.read_head(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n")
        left = 12_000_000
        while left > 0 and (data := sock.recv(65536)):
            left -= len(data)
        sock.sendall(b"too large" if left <= 0 else b"not all")

    got = post(client_of(serve(drain)), b"x" * 12_000_000)
    assert (got.answer.status, got.answer.body, got.defects) == (413, b"too large", ())


def test_an_endless_answer_to_a_request_that_is_not_read_is_cut(serve, monkeypatch):
    monkeypatch.setattr(client_module, "ANSWER_CAP", 1024 * 1024)

    def endless(peer, sock):
        peer.read_head(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\n\r\n")
        while True:
            sock.sendall(b"x" * 65536)

    got = post(client_of(serve(endless), timeout_s=20), b"x" * 50_000_000)
    assert (got.answer.status, got.answer.cut) == (413, True)
    assert got.elapsed < 10


@pytest.mark.parametrize("status", [b"411", b"413"])
def test_a_close_after_content_that_was_not_read_is_not_early(serve, status):
    reply = OK.replace(b"200", status)
    peer = serve(
        answering(reply, then=lambda peer, sock: (sock.shutdown(socket.SHUT_WR), peer.done.set())), answering(OK)
    )
    client = client_of(peer)
    post(client)
    assert peer.done.wait(5)
    second = post(client)
    assert (second.connection, second.closed_early) == (2, False)


@pytest.mark.parametrize("kept_alive", [True, False])
def test_a_server_that_ends_during_a_request_is_found_gone(serve, kept_alive):
    """On a kept-alive connection only: elsewhere the lost answer itself shows it."""

    def end(peer, sock):
        peer.read(sock)
        peer.listener.close()

    peer = serve(answering(*([OK] if kept_alive else []), then=end))
    client = client_of(peer)
    if kept_alive:
        assert post(client).answer.status == 200
        assert not client.found_gone
    second = post(client, trip="t", retry_closed=lambda: (b"{}", "u"))
    assert (second.failure.kind, second.unsent, client.found_gone) == ("closed", False, kept_alive)


def test_an_announced_close_is_not_early(serve):
    peer = serve(answering(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")), answering(OK))
    client = client_of(peer)
    assert post(client).answer.status == 200
    second = post(client)
    assert (second.connection, second.closed_early) == (2, False)


def test_bytes_after_an_answer_are_reported_for_its_case(serve):
    def stray(peer, sock):
        peer.go.wait(20)
        sock.sendall(b"stray")
        peer.done.set()
        until_closed(peer, sock)

    peer = serve(answering(OK, then=stray), answering(OK))
    client = client_of(peer)
    assert post(client, case="first").defects == ()
    peer.go.set()
    assert peer.done.wait(5)
    second = post(client, case="second")
    assert (second.connection, second.defects, second.closed_early) == (2, (), False)
    assert client.take_late_defect() == ("first", "5 stray bytes after the end of the answer")


@pytest.mark.parametrize("announced", [True, False])
def test_bytes_that_come_before_the_suite_closes_a_connection_are_noticed(serve, monkeypatch, announced):
    monkeypatch.setattr(client_module, "STRAY_WAIT_S", 20)
    reply = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") if announced else OK

    def stray(peer, sock):
        assert peer.go.wait(20)
        sock.sendall(b"stray")
        until_closed(peer, sock)

    peer = serve(answering(reply, then=stray))
    client = client_of(peer)
    if announced:
        peer.go.set()
    got = post(client, case="first")
    peer.go.set()
    client.close()
    text = "5 stray bytes after the end of the answer"
    assert (got.defects, client.take_late_defect()) == (((text,), None) if announced else ((), ("first", text)))


def test_a_quiet_connection_is_closed_after_a_moment(serve):
    client = client_of(serve(answering(OK, then=until_closed)))
    assert post(client).defects == ()
    client.close()
    assert client.take_late_defect() is None


TIMEOUT_408 = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
FAREWELL = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
SECOND = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize(("data", "idle_s", "stray"), [
    (TIMEOUT_408, 2, False), (FAREWELL, 2, False), (TIMEOUT_408, 0, True), (FAREWELL, 0, True), (SECOND, 2, True),
    (FAREWELL[:-1], 2, True), (TIMEOUT_408 * 2, 2, True),
])  # fmt: skip
def test_an_answer_that_ends_an_idle_connection_is_not_stray(serve, monkeypatch, data, idle_s, stray):
    """`idle_s`: for how long it seems to have been idle."""

    def end(peer, sock):
        peer.go.wait(20)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        peer.done.set()

    peer = serve(answering(OK, then=end), answering(OK))
    client = client_of(peer)
    post(client, case="first")
    peer.go.set()
    assert peer.done.wait(5)
    monkeypatch.setattr(client_module, "EARLY_CLOSE_S", 1000 if not idle_s else 0)
    second = post(client, case="second")
    assert (second.answer.status, second.connection, second.closed_early) == (200, 2, False)
    assert (client.take_late_defect() is not None) is stray


@pytest.mark.parametrize("may_be_repeated", [True, False])
def test_a_408_that_crosses_a_request_on_an_idle_connection_is_no_answer_to_it(serve, monkeypatch, may_be_repeated):
    def end(peer, sock):
        peer.read(sock)
        sock.sendall(TIMEOUT_408)

    peer = serve(answering(OK, then=end), answering(OK))
    client = client_of(peer)
    post(client)
    monkeypatch.setattr(client_module, "EARLY_CLOSE_S", 0)
    got = post(client, trip="t", retry_closed=(lambda: (b"again", "u")) if may_be_repeated else None)
    if may_be_repeated:
        assert (got.answer.status, got.request.body, got.closed_early) == (200, b"again", False)
    else:
        assert (got.answer, got.failure.kind) == (None, "aborted")


def closing_at_the_second(peer, sock):
    """Answer one request; close the connection after the second request."""
    peer.read(sock)
    sock.sendall(OK)
    peer.read(sock)


def test_a_request_on_a_closed_connection_is_sent_once_more_with_another_trip(serve):
    peer = serve(closing_at_the_second, answering(OK))
    client = client_of(peer)
    post(client, b"one", trip="t1")
    got = post(client, b"two", trip="t2", retry_closed=lambda: (b"three", "t3"))
    assert (got.answer.status, got.trip, got.request.body, got.connection) == (200, "t3", b"three", 2)
    assert got.closed_early
    assert [request.rpartition(b"\r\n")[2] for request in peer.received] == [b"one", b"two", b"three"]


def test_without_another_trip_it_is_not_sent_again(serve):
    peer = serve(closing_at_the_second, answering(OK))
    client = client_of(peer)
    post(client)
    got = post(client)
    assert (got.failure.kind, len(peer.received)) == ("closed", 2)


def test_a_request_on_a_new_connection_is_not_sent_again(serve):
    peer = serve(answering(b""), answering(OK))
    got = post(client_of(peer), retry_closed=lambda: (b"again", "t"))
    assert (got.failure.kind, peer.accepted) == ("closed", 1)


def test_an_abort_ends_the_waiting_and_is_not_a_failure_of_the_target(serve):
    def script(peer, sock):
        peer.read(sock)
        sock.sendall(OK[:-1])
        peer.done.set()
        until_closed(peer, sock)

    peer = serve(script)
    client = client_of(peer, timeout_s=30)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(post, client, retry_closed=lambda: (b"again", "t"))
        assert peer.done.wait(10)
        client.abort()
        got = sending.result(10)
    assert (got.answer, got.failure.kind, got.defects) == (None, "aborted", ())
    assert post(client).failure.kind == "aborted"
    assert peer.accepted == 1


@pytest.mark.parametrize(("place", "size"), [("wait", 2), ("wait", 1_000_000), ("feed", 2)])
def test_time_in_which_this_machine_did_not_run_the_suite_does_not_count(serve, monkeypatch, place, size):
    """While it waits for the answer, writes a large request or has begun to read, the whole machine stands still."""
    peer = serve(answering(OK, then=until_closed), until_closed)
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0], time=time.time)
    wait, feed = client_module.waiting.wait_for_socket, client_module.Reading.feed

    def stall(where):
        passed[0] += 30.0 if where == place and not passed[0] else 0.0

    def stalled_wait(sock, read, write, timeout):
        stall("wait")
        return wait(sock, read=read, write=write, timeout=timeout)

    def stalled_feed(reading, data):
        stall("feed")
        return feed(reading, data)

    monkeypatch.setattr(client_module, "time", clock)
    monkeypatch.setattr(client_module.waiting, "wait_for_socket", stalled_wait)
    monkeypatch.setattr(client_module.Reading, "feed", stalled_feed)
    client = client_of(peer)
    got = post(client, b"x" * size)
    client.close()
    assert passed == [30.0]
    assert got.answer is not None
    assert got.elapsed < 5


def test_the_time_between_two_requests_does_not_make_the_limit_longer(serve, monkeypatch):
    peer = serve(answering(OK, then=until_closed))
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0], time=time.time)
    monkeypatch.setattr(client_module, "time", clock)
    client = client_of(peer, timeout_s=0.3)
    assert post(client).answer is not None
    passed[0] = 60.0
    began = time.monotonic()
    assert post(client).failure.kind == "timeout"
    client.close()
    assert time.monotonic() - began < 20


def test_steps_of_waiting_do_not_make_the_time_limit_longer(serve, monkeypatch):
    monkeypatch.setattr(client_module, "STEP_S", 0.02)
    peer = serve(until_closed)
    client = client_of(peer, timeout_s=0.1)
    began = time.monotonic()
    got = post(client)
    client.close()
    assert got.failure.kind == "timeout"
    assert 0.1 <= time.monotonic() - began < 5


def test_an_answer_that_is_read_late_does_not_make_a_later_close_early(serve, monkeypatch):
    """The server may have finished long before this busy machine read its answer."""
    peer = serve(answering(OK), answering(OK, then=until_closed))
    passed = [0.0]
    wait = client_module.waiting.wait_for_socket

    def late(sock, read, write, timeout):
        passed[0] += 0.6 if not passed[0] else 0.0
        return wait(sock, read=read, write=write, timeout=timeout)

    clock = SimpleNamespace(monotonic=lambda: 1000.0 + passed[0], time=time.time)
    monkeypatch.setattr(client_module, "time", clock)
    monkeypatch.setattr(client_module, "EARLY_CLOSE_S", 0.5)
    monkeypatch.setattr(client_module.waiting, "wait_for_socket", late)
    client = client_of(peer)
    got = [post(client, retry_closed=lambda: (b"{}", None)) for _ in range(2)]
    monkeypatch.undo()  # closing waits for a moment of a clock that goes on
    client.close()
    assert [each.answer.status for each in got] == [200, 200]
    assert [each.closed_early for each in got] == [False, False]
