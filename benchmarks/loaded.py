"""Runs while all cores are busy: the clean mock and harmless differences of it must give no finding.

python -m benchmarks.loaded [runs]     100 of each by default; about half an hour
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runs import run_once

if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = ("slow", "chunked-answers", "retry-after-date")


def _busy() -> None:
    while True:
        sum(range(10_000))


@contextmanager
def all_cores_busy() -> Iterator[None]:
    """Keep every core busy in a process of its own."""
    processes = [multiprocessing.Process(target=_busy, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def main(runs: int = 100) -> int:
    """Print one line for each run with a finding, and the sums; gives the exit status."""
    findings = 0
    with tempfile.TemporaryDirectory() as folder, all_cores_busy():
        for kind, names in (("clean", ("",)), ("harmless", HARMLESS)):
            began, wrong = time.monotonic(), 0
            for number, name in enumerate(islice(cycle(names), runs)):
                ran = run_once(Path(folder) / f"{kind}-{number}", *([name] if name else []))
                if ran.broken or ran.result.errors or ran.summary.verdict != "conformant":
                    wrong += 1
                    why = ran.result.stop or ran.summary.why or ", ".join(ran.result.errors)
                    print(f"{kind} {number} {name}: {ran.summary.headline} {sorted(ran.broken)} {why}", flush=True)
            print(
                f"{kind:<10}{runs} runs, {wrong} with findings, {(time.monotonic() - began) / runs:.1f} s each",
                flush=True,
            )
            findings += wrong
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
