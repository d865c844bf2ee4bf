"""Signals at any moment end a run with 130 and whole files; closed, broken and full streams change nothing.

`tox -e interrupts` interrupts many runs and closes the streams of whole runs; the ordinary tests take a sample.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.exchange.record import read_record
from conformance.mock.server import MockServer

from .conftest import ROOT, environment

RUNS = int(os.environ.get("INTERRUPTED_RUNS", "1"))
WHOLE_RUNS = RUNS > 1
WINDOW = """
[provoke.429]
kind = "limiter"
headers = { "X-Provoke" = "429", "X-Client" = "${unique}" }
"""
WAITING = b'"case":"provoked-429-window"'
"""In the record: the window of a rate limit has begun, whose end the run waits for."""
MOMENTS = ("starting", "sending", "waiting", "record.jsonl", "evidence.har", "results.json")
"""When the first signal is sent: before anything is sent, while sending, while the run waits for the end of a window, or
as soon as a file is complete or exists."""
LATE = MOMENTS[3:]
"""Moments shortly before the end of a run."""
WAYS = {
    "head": "{command} | head -1",
    "no output": "{command} >&-",
    "no errors": "{command} 2>&-",
    "neither": "{command} >&- 2>&-",
    "full": "{command} > /dev/full 2> /dev/full",
    "no input": "{command} <&-",
}


def assert_files_are_whole(folder: Path) -> dict:
    """All files of a run can be read; gives the results."""
    record = read_record(folder / "record.jsonl")
    assert (record.broken, record.complete) == ("", True)
    json.loads((folder / "evidence.har").read_text())
    ET.parse(folder / "junit.xml")
    assert (folder / "report.html").read_text().rstrip().endswith("</html>")
    return json.loads((folder / "results.json").read_text())


def handles_signals(process: subprocess.Popen) -> bool:
    """Whether the process has a handler for SIGTERM; before that, any process ends by the signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(caught >> signal.SIGTERM - 1 & 1)


def has_come(moment: str, folder: Path, process: subprocess.Popen) -> bool:
    if moment == "starting":
        return handles_signals(process)
    record = folder / "record.jsonl"
    signs = {"sending": b'"kind":"exchange"', "waiting": WAITING, "record.jsonl": b'"kind":"footer"'}
    if moment in signs:
        return record.exists() and signs[moment] in record.read_bytes()
    return (folder / moment).exists()


def interrupted_run(command, moment: str, chosen: random.Random) -> tuple[int, str, bool]:
    """A run with one to six signals from this moment on: its status, its errors, and whether it was over before."""
    with MockServer() as server:
        profile = command.profile(server.url, limits="requests_per_second = 15", more=WINDOW)
        arguments = ("run", "--profile", profile, "--depth", "smoke", "--out", str(command.out))
        with command.started(*arguments) as process:
            while not has_come(moment, command.out, process):
                assert process.poll() is None, process.communicate()
                time.sleep(0.001)
            time.sleep(chosen.uniform(0, 0.02 if moment in LATE else 0.8))
            first = time.time()
            for gap in (0, *(chosen.uniform(0, 0.4) for _ in range(chosen.randrange(6)))):
                time.sleep(gap)
                process.send_signal(chosen.choice([signal.SIGINT, signal.SIGTERM]))
            _, errors = process.communicate(timeout=60)
    over = moment in LATE and all(file.stat().st_mtime < first for file in command.out.iterdir())
    return process.returncode, errors, over


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", range(RUNS))
def test_signals_at_any_moment(command, number):
    chosen, moment, over = random.Random(number), MOMENTS[(number + 1) % len(MOMENTS)], True
    while over:  # a busy machine may be late with the signals
        shutil.rmtree(command.out, ignore_errors=True)
        status, errors, over = interrupted_run(command, moment, chosen)
    assert status == 130, (moment, errors)
    assert "Traceback" not in errors
    if (command.out / "record.jsonl").exists():
        results = assert_files_are_whole(command.out)
        assert (results["interrupted"], results["exit_status"]) == (True, 130)
        assert command.record()[-1]["interrupted"] or moment not in ("sending", "waiting")
    else:
        assert moment == "starting"
        assert not command.out.exists() or list(command.out.iterdir()) == []


@pytest.mark.skipif(not WHOLE_RUNS, reason="tox -e interrupts")
@pytest.mark.parametrize("faults", [(), ("store-missing",)])
@pytest.mark.parametrize("way", WAYS)
def test_a_run_with_a_stream_that_takes_nothing(command, way, faults):
    with MockServer(faults=faults) as server:
        call = f"{sys.executable} -m conformance run --depth smoke --target {server.url} --out {command.out}"
        ran = subprocess.run(
            ["bash", "-c", WAYS[way].format(command=call) + "; exit ${PIPESTATUS[0]}"],
            cwd=command.folder, env=environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ran.returncode == len(faults)
    assert "Traceback" not in ran.stderr
    assert_files_are_whole(command.out)


PRINTING = """
import sys
from conformance.process import protect_streams
protect_streams()
for number in range(20000):
    print("line", number)
    print("error", number, file=sys.stderr) if number % 100 == 0 else None
sys.stdin.read()
with open({file!r}, "w") as file:
    print("whole", file=file)
sys.exit(3)
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_that_takes_nothing_changes_nothing(tmp_path, way):
    (tmp_path / "printing.py").write_text(PRINTING.format(file=str(tmp_path / "file")))
    call = WAYS[way].format(command=f"{sys.executable} {tmp_path / 'printing.py'}")
    ran = subprocess.run(
        ["bash", "-c", call + "; exit ${PIPESTATUS[0]}"],
        env=environment(PYTHONPATH=str(ROOT)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (ran.returncode, (tmp_path / "file").read_text()) == (3, "whole\n")
    assert "Traceback" not in ran.stderr


SIGNALLED = """
import signal
from conformance.process import Interrupted, protect_streams
printing = False
def take(number, frame):
    global printing
    if printing:
        printing = False
        raise Interrupted
protect_streams()
signal.signal(signal.SIGALRM, take)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
for number in range(4000):
    try:
        printing = True
        print(f"<{number}>", flush=True)
        printing = False
    except Interrupted:
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_a_signal_makes_no_line_appear_twice():
    ran = subprocess.run(
        [sys.executable, "-c", SIGNALLED],
        env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    lines = re.findall("<.*?>", ran.stdout)
    assert len(lines) > 2000
    assert len(set(lines)) == len(lines)
