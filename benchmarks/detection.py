"""What the suite finds on every faulty server of the mock, compared with what Schemathesis finds on the same servers.

Run it from the top of a checkout: python -m benchmarks.detection [--thorough] [names of faults]. Prints one table and
totals. Exit status 1 if the suite finds another set than a fault declares, or anything on a correct server.
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
from benchmarks.invented import INVENTED, REPORTED
from benchmarks.runs import SHELF, run_once
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer

CLEAN, GIVE_UP_S = "clean", 300
# Correct servers, each with the number of runs that must all find nothing.
SILENT: dict[str, tuple[int, tuple[str, ...]]] = {
    "clean": (20, ()),
    "slow and jittering": (10, ("slow",)),
    "chunked and closing": (10, ("chunked-answers", "connection-close")),
    "dates for seconds": (10, ("retry-after-date",)),
}
THOROUGH_OPTION = "--thorough"
MODES: dict[str, tuple[str, ...]] = {"defaults": (), "thorough": (THOROUGH,)}

Failures = frozenset[tuple[str, int]]


class SuiteResult(NamedTuple):
    """The results of a run of the suite, passed from one process to another."""

    broken: tuple[str, ...]
    errors: tuple[str, ...]
    verdict: str
    judged_otherwise: tuple[str, ...]
    by_tables: frozenset[str]
    by_generation: frozenset[str]


def suite_result(out: Path, *faults: str) -> SuiteResult:
    """Run the suite over sockets against a mock with these faults."""
    ran = run_once(out, *faults)
    return SuiteResult(
        tuple(sorted(ran.broken)), ran.result.errors, ran.summary.verdict, tuple(ran.judged_otherwise()),
        ran.broken_by(generated=False), ran.broken_by(generated=True),
    )  # fmt: skip


class Row(NamedTuple):
    """One server: the findings of the suite, and the failures that each mode of Schemathesis reported."""

    name: str
    ours: SuiteResult
    theirs: dict[str, Failures]


def failures(report: Path) -> Failures:
    """Each failed check in the events of Schemathesis, with the status that it failed on (0: no answer)."""
    failed = set()
    for line in report.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for case, checks in recorder.get("checks", {}).items():
            response = recorder.get("interactions", {}).get(case, {}).get("response") or {}
            failed |= {
                (check["name"], response.get("status_code", 0)) for check in checks if check["status"] == "failure"
            }
        for name, error in event.items():
            if name in ("NonFatalError", "FatalError"):
                failed.add((f"error: {error.get('value', {}).get('type', '')}", 0))
    return frozenset(failed)


def schemathesis(url: str, folder: Path, *flags: str) -> Failures:
    """Run its command line with defaults except the seed; returns the failures that it reports."""
    report = folder / "events.ndjson"
    command = schemathesis_command(url, *flags, "--report", "ndjson", "--report-ndjson-path", str(report))
    try:
        status = subprocess.run(command, cwd=folder, check=False, timeout=GIVE_UP_S, capture_output=True).returncode
    except subprocess.TimeoutExpired:
        return frozenset({("gave no result", 0)})
    ended = failures(report) if report.exists() else frozenset[tuple[str, int]]()
    return ended if status in (0, 1) else ended | {("ended itself", status)}


def compared(name: str, modes: list[str]) -> Row:
    """Run the suite and each mode of Schemathesis on one kind of server, each on a new server."""
    logging.disable()
    faults = () if name.startswith(CLEAN) else (name,)
    with tempfile.TemporaryDirectory() as folder:
        ours = suite_result(Path(folder) / "run", *faults)
        theirs = {}
        for mode in modes:
            mode_folder = Path(folder) / mode
            mode_folder.mkdir()
            with MockServer(faults=[SHELF[fault] for fault in faults]) as server:
                theirs[mode] = schemathesis(server.url, mode_folder, *MODES[mode])
    return Row(name, ours, theirs)


def silent(title: str) -> tuple[str, list[str]]:
    """Run several times against one correct server; returns the runs with a finding."""
    logging.disable()
    times, faults = SILENT[title]
    false_alarms = []
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            ours = suite_result(Path(folder) / "run", *faults)
        if ours.broken or ours.errors or ours.verdict != "conformant" or ours.judged_otherwise:
            false_alarms.append(f"run {number + 1}: {ours.verdict} {' '.join((*ours.broken, *ours.errors))}")
    return title, false_alarms


def listed(reported: Failures) -> str:
    """The failures as a short text."""
    return ", ".join(f"{check} {status or ''}".strip() for check, status in sorted(reported)) or "-"


def agreement(row: Row) -> str:
    """How the findings of the suite agree with the declared ones: exact, silent, found, or what differs."""
    expected = sorted(SHELF[row.name].breaks) if row.name in SHELF else []
    if row.ours.errors:
        return f"ERROR {row.ours.errors[0]}"
    if row.ours.judged_otherwise:
        return f"JUDGED OTHERWISE OFFLINE: {row.ours.judged_otherwise[0]}"
    if list(row.ours.broken) == expected:
        return "exact" if expected else "silent"
    if row.name in REPORTED and row.ours.broken and REPORTED[row.name] in (None, frozenset(row.ours.broken)):
        return "found"
    return f"NOT AS DECLARED: {', '.join(row.ours.broken) or 'nothing'}"


def main(*arguments: str) -> int:
    """Print the table and the totals; returns 1 if a finding of the suite is not as declared."""
    start = time.perf_counter()
    names = [name for name in arguments if name != THOROUGH_OPTION]
    modes = [mode for mode in MODES if mode == "defaults" or THOROUGH_OPTION in arguments]
    versions = ("capture-charge-conformance", "schemathesis", "hypothesis")
    print("Python", sys.version.split()[0], *(f"{name} {version(name)}" for name in versions), sep="  ")
    for mode in modes:
        print(f"{mode}: schemathesis run spec/openapi.yaml --url URL", *MODES[mode], f"--seed {SEED}")
    print("found there: a check fails on a status on which it does not on the clean mock")
    rows: list[Row] = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("forkserver")) as pool:
        clean = list(pool.map(compared, [f"{CLEAN} {number}" for number in range(3)], [modes] * 3))
        usual = {mode: frozenset[tuple[str, int]]().union(*(row.theirs[mode] for row in clean)) for mode in modes}
        for mode in modes:
            print(f"{mode}, on the clean mock: {listed(usual[mode])}")
        columns = "".join(f"{mode:<10}" for mode in modes)
        print(f"\n{'server':<40} {'suite':<8} {columns}what Schemathesis reports beyond the clean mock")
        shelf = names or [*FAULTS, *BENIGN, *INVENTED]
        for row in pool.map(compared, shelf, [modes] * len(shelf)):
            rows.append(row)
            more = {mode: row.theirs[mode] - usual[mode] for mode in modes}
            marks = "".join(f"{'found' if more[mode] else '-':<10}" for mode in modes)
            rest = listed(frozenset().union(*more.values())) if any(more.values()) else ""
            print(f"{row.name:<40} {agreement(row):<8} {marks}{rest}".rstrip(), flush=True)
        print()
        totals(rows, usual)
        loud = []
        for title, false_alarms in pool.map(silent, () if names else SILENT):
            print(f"{title}: {SILENT[title][0]} runs, {len(false_alarms)} with a finding", *false_alarms, sep="\n  ")
            loud += [title] if false_alarms else []
    wrong = loud + [row.name for row in (*clean, *rows) if agreement(row) not in ("exact", "silent", "found")]
    print(f"{time.perf_counter() - start:.0f} s; not as declared: {', '.join(wrong) or 'none'}")
    return bool(wrong)


def totals(rows: list[Row], usual: dict[str, Failures]) -> None:
    """Print the totals for each kind of server."""
    for title, group in (("faults", FAULTS), ("benign differences", BENIGN), ("invented at first sight", INVENTED)):
        of_group = [row for row in rows if row.name in group]
        agreements = [agreement(row) for row in of_group]
        tables = sum(bool(row.ours.by_tables & SHELF[row.name].breaks) for row in of_group)
        generation = sum(bool(row.ours.by_generation & SHELF[row.name].breaks) for row in of_group)
        print(f"{title}: {len(of_group)}")
        print(f"  suite: {agreements.count('exact')} exact, {agreements.count('found')} found by another set,", end=" ")
        print(f"{agreements.count('silent')} silent; {tables} by its tables, {generation} by its generated cases")
        for mode, on_clean in usual.items():
            beyond = sum(bool(row.theirs[mode] - on_clean) for row in of_group)
            alarms = sum(bool(row.theirs[mode]) for row in of_group)
            print(f"  Schemathesis, {mode}: {beyond} beyond the clean mock; reports a failure on {alarms}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
