"""Memory and files of a run stay small, however large the answers are. Run by `tox -e bounds`; takes minutes."""

from __future__ import annotations

import json
import os
import random
import time
from itertools import count
from pathlib import Path

import pytest

from tests.support.servers import answering

pytestmark = pytest.mark.skipif("BOUNDS" not in os.environ, reason="tox -e bounds")
MEMORY, FILES = 300_000_000, 50_000_000
BODIES = {
    "equal": lambda _, size: b'{"errorMsg":"BadRequestException%b"}' % (b"x" * size),
    "different": lambda number, size: b'{"errorMsg":"BadRequestException","id":%d,"text":"%b"}' % (number, b"x" * size),
    "escaped": lambda number, size: b'{"errorMsg":"BadRequestException %d%b"}' % (number, "é".encode() * (size // 2)),
    "values": lambda number, size: b'{"errorMsg":"x","n":[%d%b]}' % (number, b",1" * (size // 2)),
    "binary": lambda number, size: random.Random(number).randbytes(min(size, 5_000_000)) * max(1, size // 5_000_000),
}


def peak_memory(process: int) -> int:
    """The most bytes of memory that a process has used so far; 0 where it has just ended.

    Not `ru_maxrss`, which counts the memory of this process too, from which the other one was started.
    """
    status = Path(f"/proc/{process}/status").read_text()
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("size", "depth"), [(200_000, "standard"), (3_000_000, "standard"), (60_000_000, "smoke")])
def test_answers_of_any_size(command, size, depth, kind):
    numbers = count()

    def reply(request) -> bytes:
        body = BODIES[kind](next(numbers), size)
        good = request.body[-1:] == b"}" and b"amount" in request.body
        status = b"200 OK" if good else b"400 Bad Request"
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        return head + body

    with answering(reply) as server:
        profile = command.profile(server.url, timeout_s=60)
        arguments = ("run", "--profile", profile, "--depth", depth, "--out", str(command.out))
        with command.started(*arguments) as process:
            memory = 0
            while process.poll() is None:
                memory = peak_memory(process.pid) or memory
                time.sleep(0.01)
            errors = process.stderr.read()
    files = {file.name: file.stat().st_size for file in command.out.rglob("*") if file.is_file()}
    written = sum(files.values())
    print(f"{size:>10} {kind:<10} {memory / 1e6:5.0f} MB memory, {written / 1e6:5.1f} MB files")
    assert process.returncode in (1, 3), errors
    assert json.loads((command.out / "results.json").read_text())["errors"] == []
    assert (memory < MEMORY, written < FILES) == (True, True), (memory, files)
