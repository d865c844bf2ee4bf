"""Hostile targets and proxies: what each does with a connection, on raw sockets.

A mechanism gets a `Visit`: the connection, the request that was read, and the URL of a server that nobody may visit.
Where it returns, the connection stays open for the next request; `Gone` closes it.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
from pathlib import Path
from random import Random
from types import SimpleNamespace

import trustme

from conformance.mock import reading

SCRIPT = (
    "</script></pre></textarea>\"'><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
    "<svg/onload=document.title='pwned'>javascript:alert(1)"
)
TERMINAL = "\x1b[2J\x1b]0;pwned\x07\x1b[31m\x9b31m\x08\x08\r\u202e\u2066\x7f"
XML = ']]>&pwned;<!ENTITY pwned SYSTEM "file:///etc/passwd">\x0b\ufffe\uffff'
FORMULA = "=HYPERLINK(\"http://pwned.invalid\")|@SUM(1)|+1|-1|\t=1|cmd|' /C calc'!A0"
LEFT_OPEN_S = 20.0
"""Seconds after which a connection that is left open ends by itself."""


class Gone(Exception):
    """Closes the connection."""


@dataclass
class Visit:
    """One request on one connection. `number` counts the requests of the server, from 0."""

    sock: socket.socket
    request: bytes
    number: int
    elsewhere: str
    stop: threading.Event

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.sock.sendall(piece)

    def drip(self, pieces: Iterator[bytes], pause: float = 0.0) -> None:
        """Send piece by piece, until the client has gone or the server stops."""
        for piece in pieces:
            if self.stop.wait(pause):
                raise Gone
            self.sock.sendall(piece)

    def idle(self) -> None:
        self.stop.wait(LEFT_OPEN_S)
        raise Gone

    @property
    def good(self) -> bool:
        """Whether the contract demands 200."""
        with suppress(reading.Refused):
            reading.validate(reading.parse(self.request.partition(b"\r\n\r\n")[2]))
            return self.request.startswith(b"POST /v1/capture/charge ")
        return False

    @property
    def credentials(self) -> bytes:
        lines = self.request.partition(b"\r\n\r\n")[0].split(b"\r\n")
        return next((line.partition(b": ")[2] for line in lines if line.lower().startswith(b"authorization:")), b"none")


Mechanism = Callable[[Visit], None]


def answer(status: str, body: bytes = b"", *fields: str, length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


JSON = "Content-Type: application/json"
OK = answer("200 OK")


def fixed(*answers: bytes, close: bool = False) -> Mechanism:
    """These answers, in turn."""
    turn = cycle(answers)

    def reply(visit: Visit) -> None:
        visit.say(next(turn))
        if close:
            raise Gone

    return reply


def refusing(*answers: bytes) -> Mechanism:
    """An empty 200 where the contract demands it; what is refused gets these answers, in turn."""
    turn = cycle(answers)

    def reply(visit: Visit) -> None:
        visit.say(OK if visit.good else next(turn))

    return reply


def saying(text: str, *fields: str, status: str = "400 Bad Request") -> Mechanism:
    """Refusals with this text, as JSON, as it is, and as a page."""
    plain = text.encode("utf-8", "surrogatepass")
    return refusing(
        answer(status, json.dumps({"errorMsg": text}).encode(), JSON, *fields),
        answer(
            status, json.dumps({text: text, "errorMsg": [text]}, ensure_ascii=False).encode("utf-8", "replace"), JSON
        ),
        answer(status, plain, "Content-Type: text/html", *fields),
    )


def dripping(start: bytes, piece: bytes, pause: float) -> Mechanism:
    def reply(visit: Visit) -> None:
        visit.say(start)
        visit.drip(iter(lambda: piece, None), pause)

    return reply


def sized(start: bytes, piece: bytes, times: int) -> Mechanism:
    def reply(visit: Visit) -> None:
        visit.say(start)
        visit.drip(piece for _ in range(times))

    return reply


def reset(visit: Visit) -> None:
    visit.say(OK[:20])
    visit.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Gone


def echoing(visit: Visit) -> None:
    """Everything that was received, in all places."""
    secret = visit.credentials.decode()
    body = json.dumps({"errorMsg": secret, secret: visit.request.decode("latin-1")}).encode()
    visit.say(answer(f"400 {secret}", body, JSON, f"X-Echo: {secret}", f"Set-Cookie: session={secret}"))


def redirecting(visit: Visit) -> None:
    status = ("301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect")[
        visit.number % 5
    ]
    url = f"{visit.elsewhere}/v1/capture/charge"
    fields = (
        f"Location: {url}",
        f"Refresh: 0; url={url}",
        f'Alt-Svc: http/1.1="{url[7:-18]}"',
        f"Link: <{url}>; rel=preload",
    )
    visit.say(OK if visit.good and visit.number > 2 else answer(status, b"", *fields))


def challenging(visit: Visit) -> None:
    url = visit.elsewhere
    visit.say(answer("401 Unauthorized", SCRIPT.encode(), f'WWW-Authenticate: Negotiate, Bearer realm="{url}", Basic realm="{url}"',
                     "Content-Type: text/html"))  # fmt: skip


def charging_then_500(visit: Visit) -> None:
    visit.say(answer("500 Internal Server Error", b'{"errorMsg":"ServiceException"}', JSON) if visit.good else OK)


def cookies(visit: Visit) -> None:
    assert b"\r\ncookie:" not in visit.request.lower(), "a cookie was sent back"
    visit.say(
        answer(
            "400 Bad Request",
            b'{"errorMsg":"x"}',
            JSON,
            *(f"Set-Cookie: c{n}={'x' * 4000}; Domain=invalid" for n in range(60)),
        )
    )


def chaos() -> Mechanism:
    """Any of the others that answer soon, at random."""
    chosen = [each for name, each in MECHANISMS.items() if name in QUICK]
    random = Random(15)
    return lambda visit: random.choice(chosen)(visit)  # noqa: PLW0108  a choice for each visit


def dying(visit: Visit) -> None:
    """Serves forty requests, and no longer listens."""
    if visit.number > 40:
        visit.stop.set()
        raise Gone
    visit.say(OK if visit.good else answer("400 Bad Request", b'{"errorMsg":"BadRequestException"}', JSON))


CHUNKED = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
TO_CLOSE = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n"
MEGABYTE = b"x" * 1_000_000
REFUSED = answer("400 Bad Request", b'{"errorMsg":"BadRequestException"}', JSON)
BOMB = gzip.compress(bytes(20_000_000), 9)
EVEN_MORE = gzip.compress(BOMB * 30, 9)
TOO_MANY = answer("429 Too Many Requests", b'{"errorMsg":"slow down"}', JSON, "Retry-After: {}")
BUSY = b'{"errorMsg":"busy","retryAfter":"%b"}'
YEAR_9999 = "Fri, 31 Dec 9999 23:59:59 GMT"


def after(*values: str) -> Mechanism:
    return fixed(
        *(answer("429 Too Many Requests", b'{"errorMsg":"slow"}', JSON, f"Retry-After: {value}") for value in values)
    )


MECHANISMS: dict[str, Mechanism] = {
    "never-answers": Visit.idle,
    "drips-head": dripping(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.1),
    "drips-body": dripping(b"HTTP/1.1 400 Bad\r\nContent-Length: 900\r\n\r\n", b"a", 0.1),
    "drips-chunks": dripping(CHUNKED, b"1\r\na\r\n", 0.1),
    "endless-head": dripping(b"HTTP/1.1 200 OK\r\n", b"X-Field: %b\r\n" % (b"a" * 60_000), 0),
    "endless-body": dripping(TO_CLOSE, MEGABYTE, 0),
    "endless-chunks": dripping(CHUNKED, b"F4240\r\n" + MEGABYTE + b"\r\n", 0),
    "endless-chunk-extension": dripping(CHUNKED + b"5;", b"a" * 9000, 0),
    "endless-trailers": dripping(CHUNKED + b"0\r\n", b"X-Trailer: %b\r\n" % (b"a" * 9000), 0),
    "endless-1xx": dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 50, 0.005),
    "body-of-300-mb": sized(b"HTTP/1.1 400 Bad\r\nContent-Length: 300000000\r\n\r\n", MEGABYTE, 300),
    "compression-bomb": refusing(answer("400 Bad", BOMB, JSON, "Content-Encoding: gzip")),
    "compression-bomb-twice": refusing(answer("400 Bad", EVEN_MORE, JSON, "Content-Encoding: gzip, gzip")),
    "compression-cut": refusing(answer("400 Bad", BOMB[:-9], JSON, "Content-Encoding: deflate")),
    "broken-chunks": refusing(CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", CHUNKED + b"5\r\nabcdefgh\r\n0\r\n\r\n", CHUNKED + b"-1\r\n"),
    "huge-chunk-size": refusing(CHUNKED + b"F" * 16 + b"\r\nabc", CHUNKED + b"F" * 3000 + b"\r\nabc"),
    "both-lengths": refusing(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + b"0\r\n\r\n"),
    "two-lengths": refusing(answer("400 Bad", b"{}", "Content-Length: 40"), answer("400 Bad", b"{}", "Content-Length: 2, 9")),
    "strange-lengths": refusing(*(answer("400 Bad", b"{}", f"Content-Length: {n}", length=False) for n in ("-1", "9" * 5000, "0x2", "²"))),
    "invalid-encodings": refusing(*(answer("400 Bad", b'{"errorMsg":"' + text + b'"}', JSON) for text in (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88", "x".encode("utf-16")))),
    "control-characters": saying("".join(map(chr, range(32))) + "\x7f\x80\x9f", "X-Text: a\x00b\x0bc\x1f"),
    "terminal-escapes": saying(TERMINAL, f"X-Text: {TERMINAL[:-6]}", status=f"400 {TERMINAL[:20]}"),
    "lone-surrogates": refusing(*(answer("400 Bad", b'{"errorMsg":"%b","\\udfff":1}' % text, JSON) for text in (b"\\ud800", b"\\udc00\\ud800", b"\\ud83d"))),
    "script": saying(SCRIPT, f"X-Text: {SCRIPT}", f"Retry-After: {SCRIPT}", status=f"400 {SCRIPT}"),
    "formulas": saying(FORMULA, f"X-Text: {FORMULA}", status="400 =1+1"),
    "xml": saying(XML, f"X-Text: {XML}"),
    "templates": saying("{{ 7*7 }} {% raw %} ${7*7} #{7*7} %s %(x)s {0} [/red] `id` $(id) ; id\n::error title=pwned::pwned"),
    "thousands-of-fields": refusing(answer("400 Bad", b'{"errorMsg":"x"}', JSON, *(f"X-{n}: {n}" for n in range(20_000)))),
    "field-of-a-megabyte": refusing(answer("400 Bad", b'{"errorMsg":"x"}', JSON, "X-Long: " + "a" * 900_000)),
    "field-name-of-100-kb": refusing(answer("400 Bad", b'{"errorMsg":"x"}', JSON, "X" * 100_000 + ": a")),
    "invalid-lines": refusing(b"HTTP/1.1 400 Bad\r\nno colon\r\n: empty\r\na b: c\r\n folded\r\nX\x00: y\r\nX : y\r\n\r\n", b"HTTP/1.1 400 Bad\nA: b\n\n"),
    "odd-status-lines": fixed(*(line + b"\r\nContent-Length: 0\r\n\r\n" for line in (
        b"HTTP/1.1 000 Zero", b"HTTP/1.1 999 ", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 -20 OK", b"HTTP/9.9 200 OK",
        b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"HTTP/1.1 200", b"ICY 200 OK", b"HTTP/1.1 2\xc2\xb20 OK",
    )), close=True),
    "garbage": lambda visit: visit.say(os.urandom(5000)),
    "http-0.9": fixed(b"<html>pwned</html>", close=True),
    "http-2": fixed(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64" * 9, close=True),
    "switching-protocols": fixed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"),
    "redirects": redirecting,
    "401-page": challenging,
    "403-page": fixed(answer("403 Forbidden", f"<html>{SCRIPT}{TERMINAL}</html>".encode(), "Content-Type: text/html")),
    "407-page": fixed(answer("407 Proxy Authentication Required", SCRIPT.encode(), "Proxy-Authenticate: Basic")),
    "429-for-ever": after("1"),
    "429-at-once-for-ever": after("0"),
    "delay-of-5000-digits": after("9" * 5000),
    "delay-in-year-9999": after(YEAR_9999, "Fri, 31 Dec 99999 23:59:59 GMT"),
    "odd-delays": after("-1", "1.5", "1e9", "NaN", "\u0661", "1, 2", "", "soon", SCRIPT),
    "503-of-5000-digits": fixed(*(answer("503 Busy", BUSY % text, JSON) for text in (b"9" * 5000, b"1e999999", b"-1", b"\\ud800"))),
    "json-200000-deep": refusing(answer("400 Bad", b'{"errorMsg":' + b"[" * 200_000 + b"]" * 200_000 + b"}", JSON), answer("400 Bad", b'{"a":' * 200_000, JSON)),
    "number-of-200000-digits": refusing(answer("400 Bad", b'{"errorMsg":' + b"9" * 200_000 + b"}", JSON), answer("503 Busy", b'{"errorMsg":"x","retryAfter":' + b"9" * 200_000 + b"}", JSON)),
    "100000-members": refusing(answer("400 Bad", b"{" + b",".join(b'"errorMsg":"%d"' % n for n in range(50_000)) + b"}", JSON)),
    "echoes-credentials": echoing,
    "cookies": cookies,
    "dies-half-way": fixed(REFUSED[:-10], OK[:12], CHUNKED + b"5\r\nab", close=True),
    "resets-half-way": reset,
    "accepts-everything": fixed(OK),
    "charges-then-500": charging_then_500,
    "answers-twice": fixed(OK + REFUSED),
    "stray-megabyte": fixed(OK + MEGABYTE),
    "dies-for-good": dying,
}  # fmt: skip
QUICK = (
    "broken-chunks",
    "garbage",
    "script",
    "terminal-escapes",
    "dies-half-way",
    "answers-twice",
    "invalid-lines",
    "accepts-everything",
)
MECHANISMS["chaos"] = chaos()


# --- servers that are hostile before there is a request ----------------------------------------------------------------


@dataclass
class Connection:
    """One accepted connection, its number, and the way on: `serve` goes on as a usual server would."""

    sock: socket.socket
    number: int
    elsewhere: str
    stop: threading.Event
    context: Callable[[int], ssl.SSLContext]
    serve: Callable[[socket.socket], None]

    def tls(self, number: int = 0) -> ssl.SSLSocket:
        """The connection with a certificate of this authority: the first is trusted, the second is not."""
        try:
            return self.context(number).wrap_socket(self.sock, server_side=True)
        except OSError as error:
            raise Gone from error


def accepts_and_waits(connection: Connection) -> None:
    connection.stop.wait(LEFT_OPEN_S)


def answers_before(connection: Connection) -> None:
    connection.sock.sendall(OK * 3)
    connection.serve(connection.sock)


def stalls(connection: Connection) -> None:
    connection.sock.recv(100)
    connection.sock.sendall(b"\x16\x03\x03\x40\x00")
    connection.stop.wait(LEFT_OPEN_S)


def resets(connection: Connection) -> None:
    connection.sock.recv(100)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def babbles(connection: Connection) -> None:
    connection.sock.recv(100)
    connection.sock.sendall(OK)


def changes_certificate(connection: Connection) -> None:
    """The certificate of another authority from the fourth connection on; each connection serves five requests."""
    with connection.tls(int(connection.number >= 3)) as secure:
        connection.serve(secure)


def breaks_off(connection: Connection) -> None:
    """Plain garbage within an open TLS connection."""
    with connection.tls() as secure:
        secure.recv(1)
        with socket.socket(fileno=os.dup(secure.fileno())) as raw:
            raw.sendall(os.urandom(3000))


def impersonates(connection: Connection) -> None:
    with connection.tls(1) as secure:
        connection.serve(secure)


def connect_head(connection: Connection) -> bytes:
    head = bytearray()
    while not head.endswith(b"\r\n\r\n") and (data := connection.sock.recv(1)):
        head += data
    return bytes(head)


def proxy(say: bytes, then: Callable[[Connection], None] = lambda _connection: None) -> Callable[[Connection], None]:
    def handle(connection: Connection) -> None:
        head = connect_head(connection)
        assert b"uthorization: Bearer" not in head, "the proxy got the credentials of the target"
        connection.sock.sendall(say.replace(b"ELSEWHERE", connection.elsewhere.encode()))
        then(connection)

    return handle


def drips_on(connection: Connection) -> None:
    while not connection.stop.wait(0.05):
        connection.sock.sendall(b"x")


TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
FRONTS: dict[str, Callable[[Connection], None]] = {
    "accepts-and-waits": accepts_and_waits,
    "answers-before-the-request": answers_before,
    "tls-stalls": stalls,
    "tls-resets": resets,
    "tls-is-plain": babbles,
    "tls-changes-certificate": changes_certificate,
    "tls-breaks-off": breaks_off,
    "tls-renegotiates": accepts_and_waits,  # served by openssl, see `renegotiating`
    "proxy-with-its-own-certificate": proxy(TUNNEL, impersonates),
    "proxy-answers-itself": proxy(answer("200 OK", SCRIPT.encode(), "Content-Type: text/html")),
    "proxy-redirects": proxy(answer("302 Found", b"", "Location: ELSEWHERE/")),
    "proxy-asks-for-a-password": proxy(
        answer("407 Who", SCRIPT.encode(), 'Proxy-Authenticate: Basic realm="\x1b[31m"')
    ),
    "proxy-drips": proxy(b"HTTP/1.1 200 OK\r\nX: ", drips_on),
    "proxy-talks-garbage": proxy(b"\x1b[2J\x00\xff" * 900),
    "proxy-tunnels-to-garbage": proxy(TUNNEL + b"\x15\x03\x03\x00\x02\x02\x28" * 40),
}
NAMES = (*MECHANISMS, *FRONTS)


def read_request(sock: socket.socket) -> bytes:
    """One request, with its body; empty at the end of the connection."""
    head = bytearray()
    while b"\r\n\r\n" not in head:
        data = sock.recv(65536)
        if not data:
            return b""
        head += data
    start, _, body = bytes(head).partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in start.split(b"\r\n")[1:] if b": " in line)
    if b"expect" in fields and not body:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    size = int(fields.get(b"content-length", 0))
    while len(body) < size or (b"transfer-encoding" in fields and not body.endswith(b"0\r\n\r\n")):
        data = sock.recv(65536)
        if not data:
            break
        body += data
    return start + b"\r\n\r\n" + body


@contextmanager
def renegotiating(folder: Path) -> Iterator[str]:
    """`openssl s_server`, which renegotiates before each answer."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(folder / "server.pem"), "-tls1_2", "-quiet"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def renegotiate() -> None:
        with suppress(OSError, ValueError):
            while process.stdout.readline():
                process.stdin.write(b"R\n" + OK)
                process.stdin.flush()

    thread = threading.Thread(target=renegotiate, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        thread.join(5)
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream.close()


@contextmanager
def hostile(name: str, elsewhere: str) -> Iterator[SimpleNamespace]:
    """The server of a mechanism: its `url`, the `ca` to trust, `errors` of the mechanism itself, `requests` it got."""
    authorities = [trustme.CA(), trustme.CA()]
    contexts = []
    for authority in authorities:
        contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        authority.issue_cert("127.0.0.1").configure_cert(contexts[-1])
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    authorities[0].cert_pem.write_to_path(folder / "ca.pem")
    if name == "tls-renegotiates":
        authorities[0].issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        with renegotiating(folder) as url:
            yield SimpleNamespace(url=url, ca=folder / "ca.pem", errors=[], requests=[])
        return
    listener, stop = socket.create_server(("127.0.0.1", 0), backlog=100), threading.Event()
    numbers, errors, requests = count(), list[BaseException](), list[bytes]()
    mechanism = MECHANISMS.get(name, refusing(REFUSED))

    def serve(sock: socket.socket, most: int | None = None) -> None:
        for served in count():
            if served == most or not (request := read_request(sock)):
                return
            requests.append(request[:2000])
            mechanism(Visit(sock, request, next(numbers), elsewhere, stop))

    def handle(sock: socket.socket, number: int) -> None:
        with sock, suppress(OSError, Gone, ValueError):
            sock.settimeout(LEFT_OPEN_S)
            front = FRONTS.get(name)
            try:
                if front is None:
                    serve(sock)
                else:
                    most = 5 if name == "tls-changes-certificate" else None
                    front(Connection(sock, number, elsewhere, stop, contexts.__getitem__, partial(serve, most=most)))
            except AssertionError as error:
                errors.append(error)

    def accept() -> None:
        with suppress(OSError):
            for number in count():
                sock = listener.accept()[0]
                if stop.is_set():
                    sock.close()
                    listener.close()
                    return
                threading.Thread(target=handle, args=(sock, number), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    scheme = "https" if name.startswith("tls-") else "http"
    try:
        yield SimpleNamespace(
            url=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}",
            ca=folder / "ca.pem",
            errors=errors,
            requests=requests,
        )
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
