"""What the suite finds on every server of the mock's shelf, and beside it what Schemathesis finds on the same servers.

Run it from the top of a checkout: python -m benchmarks.detection [--thorough] [names of faults]. Prints one table and
totals. Exit status 1 where the suite finds another set than a fault declares, or anything on a server that is right.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare import SEED, THOROUGH, schemathesis_command
from benchmarks.invented import INVENTED, SEEN_AS
from benchmarks.runs import SHELF, run_once
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer

CLEAN, GIVE_UP_S = "clean", 300
# Servers that are right, each with how many runs in a row must find nothing.
SILENT: dict[str, tuple[int, tuple[str, ...]]] = {
    "clean": (20, ()),
    "slow and jittering": (10, ("slow",)),
    "chunked and closing": (10, ("chunked-answers", "connection-close")),
    "dates for seconds": (10, ("retry-after-date",)),
}
ASKED = "--thorough"
MODES: dict[str, tuple[str, ...]] = {"defaults": (), "thorough": (THOROUGH,)}

Failures = frozenset[tuple[str, int]]


class Seen(NamedTuple):
    """What is kept of a run of the suite, to be handed from one process to another."""

    broken: tuple[str, ...]
    errors: tuple[str, ...]
    verdict: str
    judged_otherwise: tuple[str, ...]
    by_tables: frozenset[str]
    by_generation: frozenset[str]


def seen(out: Path, *faults: str) -> Seen:
    """Run the suite over sockets against a mock with these faults."""
    ran = run_once(out, *faults)
    return Seen(
        tuple(sorted(ran.broken)), ran.result.errors, ran.summary.verdict, tuple(ran.judged_otherwise()),
        ran.broken_by(generated=False), ran.broken_by(generated=True),
    )  # fmt: skip


class Row(NamedTuple):
    """One server: what the suite turned failed or warned, and what each way to run Schemathesis reported."""

    name: str
    ours: Seen
    theirs: dict[str, Failures]


def failures(report: Path) -> Failures:
    """Each check of Schemathesis that failed with the status that it failed on (0: no answer), as its events tell."""
    found = set()
    for line in report.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for case, checks in recorder.get("checks", {}).items():
            response = recorder.get("interactions", {}).get(case, {}).get("response") or {}
            found |= {
                (check["name"], response.get("status_code", 0)) for check in checks if check["status"] == "failure"
            }
        for name, error in event.items():
            if name in ("NonFatalError", "FatalError"):
                found.add((f"error: {error.get('value', {}).get('type', '')}", 0))
    return frozenset(found)


def schemathesis(url: str, folder: Path, *flags: str) -> Failures:
    """Run its command line with its defaults but for the seed; what it reports."""
    report = folder / "events.ndjson"
    command = schemathesis_command(url, *flags, "--report", "ndjson", "--report-ndjson-path", str(report))
    try:
        status = subprocess.run(command, cwd=folder, check=False, timeout=GIVE_UP_S, capture_output=True).returncode
    except subprocess.TimeoutExpired:
        return frozenset({("gave no result", 0)})
    ended = failures(report) if report.exists() else frozenset[tuple[str, int]]()
    return ended if status in (0, 1) else ended | {("ended itself", status)}


def row(name: str, modes: list[str]) -> Row:
    """Try one server with all of them, each on a fresh one."""
    logging.disable()
    faults = () if name.startswith(CLEAN) else (name,)
    with tempfile.TemporaryDirectory() as folder:
        ours = seen(Path(folder) / "run", *faults)
        theirs = {}
        for mode in modes:
            own = Path(folder) / mode
            own.mkdir()
            with MockServer(faults=[SHELF[fault] for fault in faults]) as server:
                theirs[mode] = schemathesis(server.url, own, *MODES[mode])
    return Row(name, ours, theirs)


def silent(title: str) -> tuple[str, list[str]]:
    """Run again and again against one server that is right: what each run found that it should not."""
    logging.disable()
    times, faults = SILENT[title]
    found = []
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            ours = seen(Path(folder) / "run", *faults)
        if ours.broken or ours.errors or ours.verdict != "conformant" or ours.judged_otherwise:
            found.append(f"run {number + 1}: {ours.verdict} {' '.join((*ours.broken, *ours.errors))}")
    return title, found


def told(reported: Failures) -> str:
    """The failures in a few words."""
    return ", ".join(f"{check} {status or ''}".strip() for check, status in sorted(reported)) or "-"


def judged(one: Row) -> str:
    """What is to be said of the suite: exact, silent, or what differs."""
    expected = sorted(SHELF[one.name].breaks) if one.name in SHELF else []
    if one.ours.errors:
        return f"ERROR {one.ours.errors[0]}"
    if one.ours.judged_otherwise:
        return f"JUDGED OTHERWISE OFFLINE: {one.ours.judged_otherwise[0]}"
    if list(one.ours.broken) == expected:
        return "exact" if expected else "silent"
    if one.name in SEEN_AS and one.ours.broken and SEEN_AS[one.name] in (None, frozenset(one.ours.broken)):
        return "found"
    return f"NOT AS DECLARED: {', '.join(one.ours.broken) or 'nothing'}"


def main(*arguments: str) -> int:
    """Print the table and the totals; 1 where the suite's column is not as declared."""
    start = time.perf_counter()
    names = [name for name in arguments if name != ASKED]
    modes = [mode for mode in MODES if mode == "defaults" or ASKED in arguments]
    versions = ("capture-charge-conformance", "schemathesis", "hypothesis")
    print("Python", sys.version.split()[0], *(f"{name} {version(name)}" for name in versions), sep="  ")
    for mode in modes:
        print(f"{mode}: schemathesis run spec/openapi.yaml --url URL", *MODES[mode], f"--seed {SEED}")
    print("found there: a check fails on a status on which it does not on the clean mock")
    rows: list[Row] = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("forkserver")) as pool:
        clean = list(pool.map(row, [f"{CLEAN} {number}" for number in range(3)], [modes] * 3))
        usual = {mode: frozenset[tuple[str, int]]().union(*(one.theirs[mode] for one in clean)) for mode in modes}
        for mode in modes:
            print(f"{mode}, on the clean mock: {told(usual[mode])}")
        columns = "".join(f"{mode:<10}" for mode in modes)
        print(f"\n{'server':<40} {'suite':<8} {columns}what Schemathesis reports beyond the clean mock")
        shelf = names or [*FAULTS, *BENIGN, *INVENTED]
        for one in pool.map(row, shelf, [modes] * len(shelf)):
            rows.append(one)
            more = {mode: one.theirs[mode] - usual[mode] for mode in modes}
            marks = "".join(f"{'found' if more[mode] else '-':<10}" for mode in modes)
            rest = told(frozenset().union(*more.values())) if any(more.values()) else ""
            print(f"{one.name:<40} {judged(one):<8} {marks}{rest}".rstrip(), flush=True)
        print()
        totals(rows, usual)
        loud = []
        for title, false_alarms in pool.map(silent, () if names else SILENT):
            print(f"{title}: {SILENT[title][0]} runs, {len(false_alarms)} with a finding", *false_alarms, sep="\n  ")
            loud += [title] if false_alarms else []
    wrong = loud + [one.name for one in (*clean, *rows) if judged(one) not in ("exact", "silent", "found")]
    print(f"{time.perf_counter() - start:.0f} s; not as declared: {', '.join(wrong) or 'none'}")
    return bool(wrong)


def totals(rows: list[Row], usual: dict[str, Failures]) -> None:
    """Print what was found in all, of each kind of server."""
    for title, group in (("faults", FAULTS), ("benign differences", BENIGN), ("invented at first sight", INVENTED)):
        here = [one for one in rows if one.name in group]
        words = [judged(one) for one in here]
        tables = sum(bool(one.ours.by_tables & SHELF[one.name].breaks) for one in here)
        generation = sum(bool(one.ours.by_generation & SHELF[one.name].breaks) for one in here)
        print(f"{title}: {len(here)}")
        print(f"  suite: {words.count('exact')} exact, {words.count('found')} found by another set,", end=" ")
        print(f"{words.count('silent')} silent; {tables} by its tables, {generation} by its generated cases")
        for mode, known in usual.items():
            found = sum(bool(one.theirs[mode] - known) for one in here)
            alarms = sum(bool(one.theirs[mode]) for one in here)
            print(f"  Schemathesis, {mode}: {found} beyond the clean mock; reports a failure on {alarms}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
