"""The mock as a server: HTTP, provoked answers and active faults. Starts, serves and stops."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import ClassVar, Self

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from conformance.mock.exchange import PATH, Crash, Inquiry, Reply, error
from conformance.mock.faults import EVERY
from conformance.mock.faults.model import Fault
from conformance.mock.limiter import Rate, WindowRules, Windows
from conformance.mock.reading import Capture, Refused, parse, validate
from conformance.mock.wire import MARK, WireProtocol

ADMIN_PATH = "/admin/faults"


def fault_of(name: str | Fault) -> Fault:
    """Find the fault or benign difference with that name. Raises `ValueError` where there is none."""
    fault = name if isinstance(name, Fault) else EVERY.get(name)
    if fault is None:
        raise ValueError(f"there is no fault {name!r}: `capture-conformance list` shows the names")
    return fault


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type means JSON. The charset does not matter, since the bytes decide."""
    return (content_type or "").split(";")[0].strip(" \t").lower() == "application/json"


class Mock:
    """The behaviour of the reference server: from requests to replies. It holds captures, windows and active faults."""

    def __init__(
        self,
        faults: Iterable[str | Fault] = (),
        rate: str | None = None,
        hang_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with `faults` active and, where given, a real limit such as `5/s`; a hang lasts `hang_s` seconds.

        `clock` gives monotonic seconds; tests replace it.
        """
        self.rate_text = rate
        self.hang_s = hang_s
        self.clock = clock
        self._started = datetime.now(UTC) - timedelta(seconds=clock())
        self.use(*faults)

    def use(self, *names: str | Fault) -> None:
        """Activate exactly these faults, by name or as values, and forget all earlier requests."""
        faults = tuple(fault_of(name) for name in names)
        self.memory: dict[str, int] = {}
        self.captures: list[Capture] = []
        self.rate = Rate.parse(self.rate_text) if self.rate_text else None
        rules = next((fault.windows for fault in faults if fault.windows), WindowRules())
        self.windows = Windows(rules)
        self.faults = faults

    def reply(self, inquiry: Inquiry) -> Reply:
        """Answer one request."""
        chosen = [name.strip() for name in (inquiry.get("x-fault") or "").split(",") if name.strip()]
        try:
            faults = (*self.faults, *(fault_of(name) for name in chosen))
        except ValueError as problem:
            return error(400, str(problem))
        inquiry.reply = None
        inquiry.now = self.clock()
        inquiry.moment = self._started + timedelta(seconds=inquiry.now)
        if inquiry.path != PATH or inquiry.method != "POST":
            return self._elsewhere(inquiry, faults)
        result = self._charge(inquiry, faults)
        inquiry.reply = result
        for fault in faults:
            if fault.answer:
                fault.answer(inquiry)
        return inquiry.reply or result

    def _elsewhere(self, inquiry: Inquiry, faults: tuple[Fault, ...]) -> Reply:
        if inquiry.path != PATH:
            result = error(404, "NotFound")
        else:
            result = error(405, "MethodNotAllowed")
            result.put("allow", "POST")
        inquiry.reply = result
        for fault in faults:
            if fault.other:
                fault.other(inquiry)
        if inquiry.method == "POST" and inquiry.refusal == "serve":
            return self._charge(inquiry, faults)
        return inquiry.reply or result

    def _charge(self, inquiry: Inquiry, faults: tuple[Fault, ...]) -> Reply:
        inquiry.reply = None
        limited = self._limited(inquiry, faults)
        if limited:
            return limited
        try:
            return self._read(inquiry, faults)
        except Refused as refusal:
            inquiry.refusal = refusal.name
            return error(400, refusal.name)
        except Crash:
            return error(500, "ServiceException")

    def _limited(self, inquiry: Inquiry, faults: tuple[Fault, ...]) -> Reply | None:
        provoke, now = inquiry.get("x-provoke"), inquiry.now
        rules = next((fault.windows for fault in faults if fault.windows), None)
        if rules and rules != self.windows.rules:
            self.windows.rules = rules
        delay = self.windows.delay(inquiry.get("x-client") or "", now, provoke=provoke == "429")
        if delay is None and self.rate:
            delay = self.rate.delay(now)
        if delay is not None:
            result = error(429, "Too Many Requests")
            result.put("retry-after", str(delay))
            return result
        if provoke == "500":
            return error(500, "ServiceException")
        if provoke == "503":
            return error(503, "ServiceUnavailableException", retryAfter="1")
        return None

    def _read(self, inquiry: Inquiry, faults: tuple[Fault, ...]) -> Reply:
        for fault in faults:
            if fault.receive:
                fault.receive(inquiry)
                if inquiry.reply:
                    return inquiry.reply
        if not is_json(inquiry.get("content-type")):
            return error(415, "UnsupportedMediaType")
        inquiry.document = parse(inquiry.body)
        for fault in faults:
            if fault.repair:
                fault.repair(inquiry)
        inquiry.capture = validate(inquiry.document)
        inquiry.reply = Reply(200)
        for fault in faults:
            if fault.accept:
                fault.accept(inquiry)
        self.captures.append(inquiry.capture)
        return inquiry.reply


class Application:
    """The ASGI application around a `Mock`."""

    def __init__(self, mock: Mock) -> None:
        """Serve `mock`."""
        self.mock = mock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a whole request, then answer it."""
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        if scope["path"] == ADMIN_PATH:
            await self._administer(request, body)(scope, receive, send)
            return
        client = request.client
        headers = [(name, value) for name, value in request.headers.items() if name != "user-agent"]
        inquiry = Inquiry(
            method=request.method,
            path=scope["path"],
            headers=headers,
            body=body,
            connection=f"{client.host}:{client.port}" if client else "",
            memory=self.mock.memory,
            hang_s=self.mock.hang_s,
        )
        result = self.mock.reply(inquiry)
        if result.delay:
            await asyncio.sleep(result.delay)
        await _response(result)(scope, receive, send)

    def _administer(self, request: Request, body: bytes) -> Response:
        if request.method == "GET":
            names = [fault.name for fault in self.mock.faults]
            return Response(json.dumps(names), media_type="application/json")
        try:
            names = json.loads(body)
            if not isinstance(names, list):
                raise ValueError("the body must be a JSON list of names")  # noqa: TRY004, TRY301 - refused like unknown names
            self.mock.use(*names)
        except (ValueError, TypeError) as problem:
            return Response(json.dumps({"errorMsg": str(problem)}), 400, media_type="application/json")
        return Response(status_code=204)


def _response(result: Reply) -> Response:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in result.headers]
    if result.wire:
        raw.append((MARK.encode(), result.wire.encode()))
    if result.chunks:
        size = max(1, -(-len(result.body) // result.chunks))
        pieces = [result.body[at : at + size] for at in range(0, len(result.body), size)]

        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(result.pause)

        response: Response = StreamingResponse(stream(), result.status)
        response.raw_headers = raw
        return response
    response = Response(result.body, result.status)
    if result.status not in (204, 304) and not any(name == b"content-length" for name, _ in raw):
        raw.append((b"content-length", str(len(result.body)).encode()))
    response.raw_headers = raw
    return response


class _Server(uvicorn.Server):
    """uvicorn's server, with an event for when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


class MockServer:
    """The mock on a local port; a context manager that starts and stops it."""

    hang_s: ClassVar[float] = 3.0
    """How long a hang lasts in seconds; set it on the class or a subclass before making a server."""

    def __init__(
        self, port: int = 0, faults: Iterable[str | Fault] = (), rate: str | None = None, host: str = "127.0.0.1"
    ) -> None:
        """Prepare a server; port 0 means any free port. Raises `ValueError` for an unknown fault or a bad rate."""
        self.mock = Mock(faults, rate, self.hang_s)
        self.host = host
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, without a path."""
        return f"http://{self.host}:{self.port}"

    def use(self, *faults: str | Fault) -> None:
        """Activate exactly these faults on the running server, and forget all earlier requests."""
        self.mock.use(*faults)

    def _bind(self) -> tuple[_Server, socket.socket]:
        listener = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # named, so that asyncio sets TCP_NODELAY
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            Application(self.mock),
            loop="asyncio",
            http=WireProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
            backlog=256,
        )
        return _Server(config), listener

    def start(self) -> Self:
        """Serve from a daemon thread; returns when the server listens."""
        self._server, listener = self._bind()
        server = self._server
        self._thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True, name="mock")
        self._thread.start()
        if not server.listening.wait(10):
            raise RuntimeError("the mock server did not start within 10 s")
        return self

    def stop(self) -> None:
        """Stop serving and close all connections."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(5)
        self._server = self._thread = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()
