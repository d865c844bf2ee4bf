"""Runs of the command line, shared by the tests of its files; and a target that answers what a test says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from conformance.mock.server import MockServer

ROOT = Path(__file__).resolve().parents[2]
FAULTS = (
    "value-zero-exponent",
    "code-lower-case",
    "server-error-nan",
    "refused-after-bad",
    "window-late",
    "put-crashes",
)
HOSTILE = (
    b"</pre></script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
    b"{{ 7*7 }} [/bold] ]]> \x1b[31m \x00 \xe2\x80\xae \xff\xfe \xed\xa0\x80 'quoted' `id` $(id) &lt;"
)
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")},
    "PYTHONPATH": str(ROOT),
}


class Done(NamedTuple):
    """A run that ended: its exit status, what it printed, the folder where it was started, the folder of its files."""

    status: int
    stdout: str
    stderr: str
    cwd: Path
    out: Path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "conformance", *arguments]


def started(cwd: Path, *arguments: str) -> Done:
    """Run the command line to its end, in a folder of its own."""
    done = subprocess.run(
        command("run", "--out", "out", *arguments),
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode(), cwd, cwd / "out")


class Target:
    """A server on loopback that answers with the bytes that `reply` gives for a method and a body."""

    def __init__(self, reply: Callable[[str, bytes], bytes]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.close_connection = True
                self.wfile.write(reply(self.command, body))

            def log_message(self, *_: object) -> None: ...

        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            setattr(Handler, f"do_{method}", Handler.answer)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The main job without a target: the mock without a fault."""
    return started(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """A mock that is wrong in several ways, still there when the tests paste its lines."""
    with MockServer(faults=FAULTS) as server:
        yield started(tmp_path_factory.mktemp("faulty"), "--target", server.url)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A target that puts markup, control characters and broken UTF-8 wherever it can."""
    head = (
        b"HTTP/1.1 418 <b>T\x1b[31meapot</b>\r\nX-Evil: " + HOSTILE.replace(b"\0", b"") + b"\r\nConnection: close\r\n"
    )
    answer = head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(HOSTILE) + HOSTILE
    with Target(lambda _method, _body: answer) as target:
        return started(tmp_path_factory.mktemp("hostile"), "--target", target.url)


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run that got an interruption from the keyboard after some requests."""
    enough, released, count = threading.Event(), threading.Event(), iter(range(10_000))

    def reply(method: str, body: bytes) -> bytes:
        if next(count) >= 8:
            enough.set()
            released.wait(30)
        if body.startswith(b"{") and body.endswith(b"}}"):
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        text = b'{"errorMsg": "BadRequestException"}'
        return (
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (len(text), text)
        )

    cwd = tmp_path_factory.mktemp("interrupted")
    with Target(reply) as target:
        words = command("run", "--out", "out", "--target", target.url)
        running = subprocess.Popen(words, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert enough.wait(60)
            running.send_signal(2)
            stdout, stderr = running.communicate(timeout=60)
        finally:
            released.set()
            running.kill()
    return Done(running.returncode, stdout.decode(), stderr.decode(), cwd, cwd / "out")


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run against a port where nobody listens."""
    with Target(lambda _method, _body: b"") as gone:
        pass
    return started(tmp_path_factory.mktemp("refused"), "--target", gone.url)


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run against a server that knows no such path."""
    with Target(
        lambda _method, _body: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ) as target:
        return started(tmp_path_factory.mktemp("elsewhere"), "--target", target.url)
