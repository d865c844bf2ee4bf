"""The end of things: servers that end, that never answer and whose answers never end.

`tox -e ends` prints a table of whole runs, each in a process of its own, over sockets. What follows the end of a server
is tested without sockets in `tests/run/test_outages.py`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import pytest

from tests.cli.test_bounds import peak_memory
from tests.support.ending import KINDS

SEVERAL = 10
MARGIN_S = 15
TIMEOUT_S, CONCURRENCY = 5, 8
"""The defaults for a server of this machine."""
MEMORY = 300_000_000


class Row(NamedTuple):
    """A server, whether it is started again, and what a run must find: the cases that are named, with the requirement."""

    kind: str
    again: bool
    verdict: str
    requirement: str = ""
    cases: frozenset[str] = frozenset()
    stop: str = ""


DEEP, OPERATOR = frozenset({"body-deep"}), frozenset({"store-id-wrong-type"})
ENDED, LATE = "answer.connection", "answer.in-time"
TABLE = [
    Row("ends at a deep body", True, "non-conformant", ENDED, DEEP),
    Row("ends at a deep body", False, "non-conformant", ENDED, DEEP, "ended during a request of body-deep"),
    Row("ends after its answer to a deep body", True, "non-conformant", ENDED, DEEP),
    Row("ends after its answer to a deep body", False, "inconclusive", stop="it answered a request of body-deep last"),
    Row("ends at an operator", True, "non-conformant", ENDED, OPERATOR),
    Row("ends after its answer to an operator", True, "non-conformant", ENDED, OPERATOR),
    Row("never answers", False, "non-conformant", LATE, stop="the server gave no answer within 5 s"),
    Row("successes never end", False, "non-conformant", LATE, stop="the server gave no answer within 5 s"),
    Row("100 interim answers", False, "conformant"),
]


@contextmanager
def served(kind: str, *, again: bool) -> Iterator[str]:
    """A server of this kind in a process group of its own; gives its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "tests.support.ending", str(port), kind, *(["again"] if again else [])]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


@pytest.mark.skipif("ENDS" not in os.environ, reason="tox -e ends")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}{', again' if row.again else ''}")
def test_the_end_of_things(command, row):
    assert row.kind in KINDS
    with served(row.kind, again=row.again) as url:
        began, memory = time.monotonic(), 0
        with command.started("run", "--target", url, "--out", str(command.out)) as process:
            while process.poll() is None:
                memory = peak_memory(process.pid) or memory
                time.sleep(0.02)
            seconds, errors = time.monotonic() - began, process.stderr.read()
    results = command.results()
    broken = {each["id"] for each in results["requirements"] if each["outcome"] in ("failed", "warned")}
    named = {
        case["id"]
        for case in results["cases"]
        if any(each["requirement"] == row.requirement for each in case["judgements"]["breaks"])
    }
    record = command.record()
    stop = record[-1]["stop"]
    print(
        f"\n{row.kind + (', again' if row.again else ''):<48} {seconds:5.1f} s {memory / 1e6:5.0f} MB  "
        f"{results['verdict']:<15} {row.requirement:<18} {', '.join(sorted(named)[:4])}  {stop}"
    )
    assert results["errors"] == [], errors
    assert (results["verdict"], broken) == (row.verdict, {row.requirement} - {""})
    assert row.cases <= named
    assert row.again is False or named == row.cases
    assert row.stop in stop
    assert memory < MEMORY
    if row.requirement == LATE:
        assert seconds < TIMEOUT_S * SEVERAL / CONCURRENCY + MARGIN_S
