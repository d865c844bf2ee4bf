"""Targets and proxies that do harm: a run ends within its limits, and its files are whole and show text as text.

`tox -e hostile` runs every mechanism in a process of its own and measures it; the ordinary tests take a sample in theirs.
"""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from tests.cli.conftest import ROOT, Command
from tests.cli.test_bounds import peak_memory
from tests.cli.test_streams_and_signals import assert_files_are_whole
from tests.hostile.mechanisms import NAMES, hostile
from tests.support.browser import CHROMIUM, chromium

WHOLE = "HOSTILE" in os.environ
SAMPLE = ("garbage", "script", "terminal-escapes", "redirects", "echoes-credentials")
SOME = "opening or accept or store-id-missing or store-id-null or body-not-json"
TOKEN = "planted-token-of-hostile"
MEMORY, FILES = 150_000_000, 50_000_000
MAX_TIME_S, TIME_LIMIT_S, WRITING_S = 60, 1.0, 20
LIMITS = "max_wait_s = 2"
PROVOKED = """
[provoke.429]
kind = "limiter"
headers = { "X-Provoke" = "429", "X-Client" = "${unique}" }
[provoke.503]
kind = "forced"
headers = { "X-Provoke" = "503" }
"""
SCHEMA = json.loads((ROOT / "conformance/report/results.schema.json").read_text())
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


class Tags(HTMLParser):
    """The tags of a text, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@contextmanager
def elsewhere():
    """A server that nobody may visit: its URL, and how many did."""
    visits: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    visits.append(listener.accept()[1])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", visits
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def profile(command: Command, name: str, server) -> str:
    """The profile: over a proxy to a target with TLS, or directly to the server."""
    url, target = server.url, f'ca_file = "{server.ca}"' if server.url.startswith("https") else ""
    if name.startswith("proxy-"):
        url, target = "https://127.0.0.1:9", f'ca_file = "{server.ca}"\nproxy = "{server.url}"'
    auth = 'kind = "bearer"\ntoken_env = "PAY_TOKEN"'
    return command.profile(url, target=target, auth=auth, timeout_s=TIME_LIMIT_S, limits=LIMITS, more=PROVOKED)


def in_this_process(command: Command, arguments: list[str]) -> tuple[int, str, int]:
    ran = command(*arguments, PAY_TOKEN=TOKEN)
    return ran.returncode, ran.stdout + ran.stderr, 0


def measured(command: Command, arguments: list[str]) -> tuple[int, str, int]:
    """Exit status, what was printed, and the most memory of the process."""
    memory, printed = 0, []
    with command.started(*arguments, PAY_TOKEN=TOKEN) as process:
        readers = [
            threading.Thread(target=lambda stream=stream: printed.append(stream.read()))
            for stream in (process.stdout, process.stderr)
        ]
        for reader in readers:
            reader.start()
        until = time.monotonic() + MAX_TIME_S + 3 * WRITING_S
        while process.poll() is None and time.monotonic() < until:
            memory = peak_memory(process.pid) or memory
            time.sleep(0.01)
        process.kill()
        for reader in readers:
            reader.join()
    return process.returncode, "".join(printed), memory


def assert_shown_as_text(folder: Path, printed: str, scratch: Path, *, browser: bool) -> None:
    """Nothing of the target means anything to a terminal, browser, spreadsheet or XML parser; no secret is shown."""
    assert not UNSAFE.search(printed), UNSAFE.search(printed)
    page = (folder / "report.html").read_text()
    blob = next(attributes["data-jsonblob"] for _, attributes in Tags(page).found if "data-jsonblob" in attributes)
    rows = [row for tests in json.loads(blob)["tests"].values() for row in tests]
    cells = [cell for row in rows for cell in (*row["resultsTableRow"], *(extra["content"] for extra in row["extras"]))]
    for tag, attributes in (each for cell in set(cells) for each in Tags(cell).found):
        assert tag not in ("script", "img", "svg", "iframe"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
    if browser and "pwned" in page and CHROMIUM is not None:
        assert b"<title>pwned" not in chromium(scratch, folder / "report.html", "--dump-dom").stdout
    with (folder / "captures.csv").open(newline="") as stream:
        assert not [cell for row in csv.reader(stream) for cell in row if cell.startswith(tuple("=+-@\t\r"))]
    texts = "".join(element.text or "" for element in ET.parse(folder / "junit.xml").iter())
    assert not UNSAFE.search(texts)
    for file in (*folder.rglob("*"), None):
        if file is None or file.is_file():
            assert TOKEN.encode() not in (printed.encode() if file is None else file.read_bytes()), file


@pytest.mark.parametrize(
    "name", [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.hostile) for name in NAMES]
)
def test_a_run_survives(command, record_property, name):
    began = time.monotonic()
    with elsewhere() as (url, visits), hostile(name, url) as server:
        arguments = [
            "run",
            "--profile",
            profile(command, name, server),
            "--depth",
            "smoke",
            "--max-time",
            f"{MAX_TIME_S}s",
        ]
        arguments += ["--out", str(command.out), *([] if WHOLE else ["-k", SOME])]
        status, printed, memory = (measured if WHOLE else in_this_process)(command, arguments)
    seconds = time.monotonic() - began
    size = sum(file.stat().st_size for file in command.out.rglob("*") if file.is_file())
    record_property("row", f"{name:<34}{seconds:>8.1f}{memory / 1e6:>12.0f}{size / 1e6:>10.1f}{status:>8}")
    assert status in (1, 3), printed
    assert (server.errors, visits) == ([], [])
    assert (seconds < MAX_TIME_S + WRITING_S, memory < MEMORY, size < FILES) == (True, True, True)
    results = assert_files_are_whole(command.out)
    jsonschema.validate(results, SCHEMA)
    assert (results["errors"], results["exit_status"]) == ([], status)
    assert_shown_as_text(command.out, printed, command.folder, browser=WHOLE)
