"""What the suite finds at first sight on the servers of `benchmarks.reader`.

Run it from the top of a checkout: python -m benchmarks.reader [third | fourth | names]. Prints one line per server and totals;
`third` and `fourth` mean those of one reader.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.reader import DIFFERENCES, EVERY_READ, READERS
from benchmarks.runs import run_once


def _judged(name: str, broken: frozenset[str]) -> str:
    """In a word, what a run found on a server."""
    if name in DIFFERENCES:
        return "alarm" if broken else "silent"
    if broken & EVERY_READ[name].breaks:
        return "found"
    return "elsewhere" if broken else "missed"


def main(names: list[str]) -> None:
    """Run the suite once against each server, and print what it found."""
    logging.disable(logging.CRITICAL)
    totals: Counter[str] = Counter()
    for name in READERS.get(" ".join(names), names) or EVERY_READ:
        with tempfile.TemporaryDirectory() as folder:
            ran = run_once(Path(folder) / "run", name)
        word = "error" if ran.result.errors else _judged(name, ran.broken)
        totals[word] += 1
        print(f"{word:9} {name:34} {', '.join(sorted(ran.broken))}", flush=True)
    print(", ".join(f"{word}: {count}" for word, count in totals.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
