"""Runs of the command line that the tests of its files share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance.mock.server import MockServer
from tests.cli.conftest import Command
from tests.support.answers import answer
from tests.support.servers import ReceivedRequest, answering, message

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
PLANTED = """</title></style></textarea><script>window.pwned = 1; document.title = 'pwned'</script><img src=x onerror="window.pwned = 1">{{ 7*7 }} \x1b[31m"""
HOSTILE_PROFILE = """
[target]
name = {text}
environment = "local"
url = "{url}"
operator = {text}
version_header = "X-Evil"
[data]
stores = ["store-001"]
currencies = ["USD"]
trips.generate = "uuid4"
[[waiver]]
case = "store-id-missing"
reason = {text}
owner = {text}
ticket = {text}
expires = 2999-01-01
"""
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")},
    "PYTHONPATH": str(ROOT),
}


class Done(NamedTuple):
    """A completed run: its exit status, what it printed, the folder where it was started, the folder of its files."""

    status: int
    stdout: str
    stderr: str
    cwd: Path
    out: Path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "conformance", *arguments]


def started(cwd: Path, *arguments: str) -> Done:
    """Run the command line to its end, in a folder of its own."""
    done = Command(cwd)("run", "--out", "out", *arguments)
    return Done(done.returncode, done.stdout, done.stderr, cwd, cwd / "out")


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run without a target: it tests the mock without a fault."""
    return started(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """A run against a mock with several faults. The mock still runs when the tests paste its lines."""
    with MockServer(faults=FAULTS) as server:
        yield started(tmp_path_factory.mktemp("faulty"), "--target", server.url)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run whose target and profile have markup, control characters and invalid UTF-8 wherever possible."""
    head = (
        b"HTTP/1.1 418 <b>T\x1b[31meapot</b>\r\nX-Evil: " + HOSTILE.replace(b"\0", b"") + b"\r\nConnection: close\r\n"
    )
    answer = head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(HOSTILE) + HOSTILE
    with answering(lambda _request: answer) as target:
        cwd = tmp_path_factory.mktemp("hostile")
        text = HOSTILE_PROFILE.format(url=target.url, text=json.dumps(PLANTED))
        (cwd / "profile.toml").write_text(text, encoding="utf-8")
        return started(cwd, "profile.toml")


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run that was interrupted from the keyboard after some requests."""
    enough, released, count = threading.Event(), threading.Event(), iter(range(10_000))

    def reply(request: ReceivedRequest) -> bytes:
        if next(count) >= 8:
            enough.set()
            released.wait(30)
        if request.body.startswith(b"{") and request.body.endswith(b"}}"):
            return message(200, close=True)
        refused = answer(400)
        return message(400, refused.headers, refused.body, close=True)

    cwd = tmp_path_factory.mktemp("interrupted")
    with answering(reply) as target:
        arguments = command("run", "--out", "out", "--target", target.url)
        running = subprocess.Popen(arguments, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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
    """A run against a port on which no server listens."""
    with answering(lambda _request: b"") as stopped:
        pass
    return started(tmp_path_factory.mktemp("refused"), "--target", stopped.url)


@pytest.fixture(scope="session")
def unauthorised(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run against a server that asks for other credentials."""
    with answering(lambda _request: message(401, close=True)) as target:
        return started(tmp_path_factory.mktemp("unauthorised"), "--target", target.url)


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run against a server that does not know the path."""
    with answering(lambda _request: message(404, close=True)) as target:
        return started(tmp_path_factory.mktemp("elsewhere"), "--target", target.url)
