"""What stands between a client and a server, on connections: proxies, balancers, TLS, limits on connections.

A `Front` accepts connections in threads and passes each request on, over a connection of its own to the server behind.
Subclasses change one thing each.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from random import Random
from typing import Self

PIECE = 65536


class Gone(Exception):
    """The peer closed its connection."""


class Stream:
    """Reads messages of HTTP/1.1 from a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.data = sock, bytearray()

    def more(self) -> None:
        data = self.sock.recv(PIECE)
        if not data:
            raise Gone
        self.data += data

    def until(self, end: bytes) -> bytes:
        while (at := self.data.find(end)) < 0:
            self.more()
        return self.take(at + len(end))

    def take(self, size: int) -> bytes:
        while len(self.data) < size:
            self.more()
        found = bytes(self.data[:size])
        del self.data[:size]
        return found

    def body(self, fields: list[tuple[str, str]]) -> bytes:
        """The content of a message with these header fields, without its transfer coding."""
        values = {name.lower(): value for name, value in fields}
        if "chunked" not in values.get("transfer-encoding", "").lower():
            return self.take(int(values.get("content-length", 0)))
        found = b""
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            found += self.take(size)
            self.take(2)
        while self.until(b"\r\n") != b"\r\n":
            pass
        return found


@dataclass
class Message:
    """A request or an answer; `start` is its first line."""

    start: str
    fields: list[tuple[str, str]]
    body: bytes = b""

    @classmethod
    def read(cls, head: bytes) -> Self:
        start, *lines = head.decode("latin-1").split("\r\n")[:-2]
        return cls(start, [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)])

    def get(self, name: str) -> str:
        return next((value for key, value in self.fields if key.lower() == name), "")

    def put(self, name: str, *values: str) -> None:
        self.fields = [pair for pair in self.fields if pair[0].lower() != name.lower()]
        self.fields += [(name, value) for value in values]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    def written(self) -> bytes:
        head = "".join(f"{name}: {value}\r\n" for name, value in self.fields)
        return f"{self.start}\r\n{head}\r\n".encode("latin-1") + self.body


class Front:
    """Passes everything on as it is."""

    most_requests: int | None = None
    """Requests on one connection, the last answer of which announces the close; None for no limit."""
    idle_s: float | None = None
    """Seconds after which an idle connection is closed by `leave`."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.behind, self.tls, self.random = port, tls, Random(0)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://localhost:{self.port}"
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.started = time.monotonic()

    def __enter__(self) -> Self:
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self.listener, *self.open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.take(sock)

    def take(self, sock: socket.socket) -> None:
        """Serve a new connection."""
        threading.Thread(target=self.connection, args=(sock,), daemon=True).start()

    def connection(self, sock: socket.socket) -> None:
        with suppress(OSError, Gone, ValueError), self.secured(sock) as client:
            with self.lock:
                self.open.add(client)
            try:
                with socket.create_connection(("127.0.0.1", self.behind)) as server:
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.serve(client, Stream(client), Stream(server))
            finally:
                with self.lock:
                    self.open.discard(client)

    @contextmanager
    def secured(self, sock: socket.socket) -> Iterator[socket.socket]:
        with sock:
            if self.tls is None:
                yield sock
            else:
                with self.tls.wrap_socket(sock, server_side=True) as secure:
                    yield secure

    def serve(self, client: socket.socket, requests: Stream, server: Stream) -> None:
        served = 0
        while True:
            client.settimeout(self.idle_s if served else None)
            try:
                head = requests.until(b"\r\n\r\n")
            except TimeoutError:
                return self.leave(client)
            client.settimeout(None)
            request = Message.read(head)
            if request.get("expect"):
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.put("Expect")
            request.body = requests.body(request.fields)
            answer = self.own_answer(request)
            if answer is None:
                answer = self.ask(self.request(request), server)
            served += 1
            if request.start.startswith("HEAD "):
                answer.body = b""
            answer = self.answer(answer)
            if self.most_requests is not None and served >= self.most_requests:
                answer.put("Connection", "close")
            self.write(client, answer)
            if "close" in answer.get("connection").lower() or "close" in request.get("connection").lower():
                return None

    def ask(self, request: Message, server: Stream) -> Message:
        server.sock.sendall(request.written())
        while (answer := Message.read(server.until(b"\r\n\r\n"))).status < 200:
            pass
        if not request.start.startswith("HEAD ") and answer.status not in (204, 304):
            answer.body = server.body(answer.fields)
            if answer.get("transfer-encoding"):
                answer.put("Transfer-Encoding")
                answer.put("Content-Length", str(len(answer.body)))
        return answer

    def request(self, request: Message) -> Message:
        """The request as passed on: with a length in place of chunks."""
        if request.get("transfer-encoding"):
            request.put("Transfer-Encoding")
            request.put("Content-Length", str(len(request.body)))
        return request

    def own_answer(self, request: Message) -> Message | None:
        """The answer of the front itself; None to pass the request on."""
        return None

    def answer(self, answer: Message) -> Message:
        """The answer as passed on."""
        return answer

    def write(self, client: socket.socket, answer: Message) -> None:
        client.sendall(answer.written())

    def leave(self, client: socket.socket) -> None:
        """End an idle connection."""


# --- idle connections, and limits on connections -----------------------------------------------------------------------


class IdleClose(Front):
    """Closes a connection that is idle for a while."""

    idle_s = 1.1


class Idle408(Front):
    """A balancer that sends a 408 on an idle connection before it closes it."""

    idle_s = 1.1

    def leave(self, client: socket.socket) -> None:
        body = b"<html><body><h1>408 Request Time-out</h1></body></html>\n"
        head = b"HTTP/1.1 408 Request Time-out\r\nContent-Length: %d\r\nContent-Type: text/html\r\n" % len(body)
        client.sendall(head + b"Connection: close\r\n\r\n" + body)


class ClosesEach(Front):
    """One request a connection, announced."""

    most_requests = 1


class ClosesSeventh(Front):
    """Seven requests a connection, announced."""

    most_requests = 7


class OneConnection(Front):
    """Serves one connection at a time; others wait."""

    def take(self, sock: socket.socket) -> None:
        self.connection(sock)


class EightConnections(Front):
    """Serves eight connections at a time; others wait."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.free = threading.Semaphore(8)

    def take(self, sock: socket.socket) -> None:
        self.free.acquire()
        super().take(sock)

    def connection(self, sock: socket.socket) -> None:
        try:
            super().connection(sock)
        finally:
            self.free.release()


class BusyBeyondTwo(Front):
    """Answers 503 to the requests of a third connection and closes it."""

    def own_answer(self, request: Message) -> Message | None:
        with self.lock:
            if len(self.open) <= 2:
                return None
        fields = [("Content-Type", "application/json"), ("Connection", "close")]
        answer = Message("HTTP/1.1 503 Service Unavailable", fields, b'{"errorMsg":"busy","retryAfter":"0.05"}')
        answer.put("Content-Length", str(len(answer.body)))
        return answer


# --- proxies of several tempers ----------------------------------------------------------------------------------------


class Decorating(Front):
    """Adds the fields of proxies, different in each answer."""

    def answer(self, answer: Message) -> Message:
        mark = f"{self.random.getrandbits(64):016x}"
        answer.fields += [
            ("Via", "1.1 edge"),
            ("X-Request-Id", mark),
            ("Set-Cookie", f"lb={mark}; Path=/"),
            ("Age", "0"),
        ]
        answer.put("Server", "edge")
        return answer


class Chunking(Front):
    """Sends every answer in chunks."""

    def answer(self, answer: Message) -> Message:
        if answer.get("content-length") and answer.body:
            answer.put("Content-Length")
            answer.put("Transfer-Encoding", "chunked")
            half = len(answer.body) // 2 or 1
            pieces = [piece for piece in (answer.body[:half], answer.body[half:]) if piece]
            answer.body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        return answer


class Terse(Front):
    """No reason phrase, names of fields in capitals, in another order."""

    def answer(self, answer: Message) -> Message:
        answer.start = " ".join(answer.start.split(" ")[:2]) + " "
        answer.fields = [(name.upper(), f"  {value} ") for name, value in reversed(answer.fields)]
        return answer


class Dripping(Front):
    """Sends answers in small pieces."""

    def write(self, client: socket.socket, answer: Message) -> None:
        data = answer.written()
        step = max(1, -(-len(data) // 5))
        for at in range(0, len(data), step):
            client.sendall(data[at : at + step])
            time.sleep(0.0005)


class Strict(Front):
    """Wants a length (411), and at most 100,000 bytes (413)."""

    def own_answer(self, request: Message) -> Message | None:
        chunked, big = bool(request.get("transfer-encoding")), len(request.body) > 100_000
        if not chunked and not big:
            return None
        start = "HTTP/1.1 411 Length Required" if chunked else "HTTP/1.1 413 Content Too Large"
        return Message(start, [("Content-Type", "text/html"), ("Content-Length", "15")], b"<html>no</html>")


class Http10(Front):
    """Answers in HTTP/1.0, and closes."""

    most_requests = 1

    def answer(self, answer: Message) -> Message:
        answer.start = answer.start.replace("HTTP/1.1", "HTTP/1.0")
        return answer


class Http10Kept(Front):
    """Answers in HTTP/1.0, and keeps the connection as that version does."""

    def answer(self, answer: Message) -> Message:
        answer.start = answer.start.replace("HTTP/1.1", "HTTP/1.0")
        answer.put("Connection", "keep-alive")
        return answer


class ToTheEnd(Front):
    """Answers without a length, up to the end of the connection."""

    most_requests = 1

    def answer(self, answer: Message) -> Message:
        answer.put("Content-Length")
        return answer


# --- times -------------------------------------------------------------------------------------------------------------


class Shifted(Front):
    """A clock that differs by `shift_s`; None for no Date at all."""

    shift_s: float | None = 3600.0

    def answer(self, answer: Message) -> Message:
        shift = self.shift_s
        answer.put("Date", *([] if shift is None else [formatdate(time.time() + shift, usegmt=True)]))
        if shift is not None and (value := answer.get("retry-after")).endswith("GMT"):
            moment = parsedate_to_datetime(value).timestamp()
            answer.put("Retry-After", formatdate(moment + shift, usegmt=True))
        return answer


class HourBehind(Shifted):
    """A clock an hour behind."""

    shift_s = -3600.0


class NoDate(Shifted):
    """No Date field."""

    shift_s = None


class Jitter(Front):
    """Up to 20 ms for an answer, at random."""

    def write(self, client: socket.socket, answer: Message) -> None:
        time.sleep(self.random.random() * 0.02)
        super().write(client, answer)


class Far(Front):
    """Every answer takes 15 ms."""

    def write(self, client: socket.socket, answer: Message) -> None:
        time.sleep(0.015)
        super().write(client, answer)


class SlowStart(Front):
    """In the first two seconds, every answer takes half a second."""

    def write(self, client: socket.socket, answer: Message) -> None:
        if time.monotonic() < self.started + 2:
            time.sleep(0.5)
        super().write(client, answer)


class ColdCache(Front):
    """The first answer to each body of a new length takes 50 ms."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.known: set[int] = set()

    def own_answer(self, request: Message) -> Message | None:
        if len(request.body) not in self.known:
            self.known.add(len(request.body))
            time.sleep(0.05)
        return None


class ForwardProxy(Front):
    """A forward proxy: requests name the whole URL."""

    def request(self, request: Message) -> Message:
        method, target, version = request.start.split(" ")
        path = target.split("/", 3)[-1]
        request.start = f"{method} /{path} {version}"
        request.put("Proxy-Connection")
        return super().request(request)
