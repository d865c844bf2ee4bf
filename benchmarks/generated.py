"""Which faults of the mock generated cases find with the tables switched off. Prints; asserts nothing.

Run it from the top of a checkout: python benchmarks/generated.py [standard | deep] [requests for each fault] [names]
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

from conformance.cases.generated import generated_cases
from conformance.cases.model import Case
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.report.outcome import summarise
from conformance.session import Run

PROCESSES, TIMEOUT_S, HANG_S = 2, 2.5, 3.5


@lru_cache
def cases_of(depth: str, count: int | None) -> Sequence[Case]:
    """Make the generated cases for the mock, once in a process."""
    run = Run(Options(depth="smoke"))
    return generated_cases(run.contract, run.test_data, depth, 0, count)


def broken_by(name: str, depth: str, count: int | None) -> tuple[str, list[str], int]:
    """Run the generated cases against one fault: its name, what turned failed or warned, and the requests sent."""
    logging.disable()
    MockServer.hang_s = HANG_S
    with MockServer(faults=(name,)) as server, tempfile.TemporaryDirectory() as out:
        run = Run(Options(target=server.url, out=Path(out), depth="smoke"), builtin=True)
        limits = run.profile.limits.model_copy(update={"timeout_s": TIMEOUT_S})
        run.profile = run.profile.model_copy(update={"limits": limits})
        run.make_folder()
        run.execute(cases_of(depth, count))
        result = run.result()
    rows = summarise(run.contract, result).requirements
    broken = sorted(row.requirement.id for row in rows if row.outcome in ("failed", "warned"))
    return name, broken, result.requests


def main(depth: str = "standard", requests: str = "", *chosen: str) -> None:
    """Print every fault that is found, what turned red beyond what it declares, and the shares."""
    start, count = time.perf_counter(), int(requests) if requests else None
    found = with_breaks = extra = sent = 0
    by_part: dict[str, list[int]] = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        names = chosen or (*FAULTS, *BENIGN)
        for name, broken, number in pool.map(broken_by, names, [depth] * len(names), [count] * len(names)):
            declared = FAULTS[name].breaks if name in FAULTS else frozenset()
            hit, more, sent = set(broken) & declared, set(broken) - declared, max(sent, number)
            if declared:
                with_breaks, found = with_breaks + 1, found + bool(hit)
                part = by_part.setdefault(min(declared).partition(".")[0], [0, 0])
                part[0], part[1] = part[0] + bool(hit), part[1] + 1
            if more:
                extra += 1
            if hit or more:
                print(
                    f"{name:<44} {', '.join(sorted(hit)) or '-'}{'   BEYOND: ' + ', '.join(sorted(more)) if more else ''}"
                )
            elif declared:
                print(f"{name:<44} not found", flush=True)
    for part, (hits, of) in sorted(by_part.items()):
        print(f"  {part:<16} {hits:>3} of {of}")
    share = f"{found} of {with_breaks} faults ({found / with_breaks:.0%})"
    took = time.perf_counter() - start
    print(f"{depth}, at most {sent:,} requests each: {share}; {extra} with more than declared; {took:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
