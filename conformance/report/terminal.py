"""What the terminal shows: progress while sending, then a summary of at most 40 lines. No text of a target is markup."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from conformance.report.outcome import Summary
from conformance.report.redact import visible
from conformance.run.model import RunResult

EVERY_S = 5.0
FINDINGS = 5


class Progress:
    """A bar with counts on a terminal; elsewhere, and in CI, a line every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._plain = not stream.isatty() or os.environ.get("CI") == "true"
        self._total = self._done = self._findings = 0
        self._last = time.monotonic()
        self._bar: Bar | None = None

    def start(self, total: int) -> None:
        """Begin, with the number of requests planned."""
        self._total = total
        if not self._plain:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = Bar(*columns, console=Console(file=self._stream), transient=True)
            self._bar.add_task("requests", total=total)
            self._bar.start()

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Count answers, and how many of them break something."""
        self._done += count
        self._findings += findings
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=f"{self._findings} findings")
        elif time.monotonic() - self._last >= EVERY_S:
            self._last = time.monotonic()
            print(f"{self._done} of {self._total} requests, {self._findings} findings", file=self._stream, flush=True)

    def stop(self) -> None:
        """End, whether or not all was sent."""
        if self._bar is not None:
            self._bar.stop()


def summary_lines(summary: Summary, result: RunResult, out: Path, curls: dict[str, list[str]]) -> list[str]:
    """The summary: verdict, worst findings, what was not judged, where the files are."""
    lines = [summary.headline, f"{result.requests} requests to {result.url}, seed {result.seed}"]
    lines += [f"stopped: {visible(result.stop)}"] if result.stop else []
    lines += ["interrupted: what was judged so far"] if result.interrupted else []
    lines += [f"fault of the suite: {visible(error)[:300]}" for error in result.errors[:3]]
    broken = [row for row in summary.requirements if row.outcome in ("failed", "warned")]
    broken.sort(key=lambda row: row.outcome)
    for row in broken[:FINDINGS]:
        lines += _finding(summary, row.requirement.id, row.requirement.level, curls)
    if len(broken) > FINDINGS:
        lines.append(f"and {len(broken) - FINDINGS} more requirements, in report.html")
    silent = [row for row in summary.requirements if row.outcome in ("not-judged", "not-exercised")]
    lines += [f"not judged: {row.requirement.id}: {visible(row.reason)[:160]}" for row in silent[:4]]
    lines.append(f"files: {out}/report.html, results.json, junit.xml, record.jsonl")
    return lines[:40]


def _finding(summary: Summary, requirement: str, level: str, curls: dict[str, list[str]]) -> list[str]:
    for row in summary.cases:
        for one in row.result.judgements:
            if one.requirement == requirement and one.kind == "breaks":
                unstable = f" (unstable: {one.unstable[0]} of {one.unstable[1]})" if one.unstable else ""
                numbers = [exchange.number for exchange in row.result.evidence]
                lines = curls.get(row.result.case.id, [])
                position = numbers.index(one.exchange) if one.exchange in numbers else 0
                shown = [f"  {lines[position]}"] if position < len(lines) else []
                return [
                    f"{level} {requirement}, case {row.result.case.id}{unstable}",
                    f"  at {one.at}: expected {visible(one.expected)}; received {visible(one.received)[:200]}",
                    *shown,
                ]
    return [f"{level} {requirement}"]


def print_summary(summary: Summary, result: RunResult, out: Path, curls: dict[str, list[str]], stream: TextIO) -> None:
    """Print the summary as plain text."""
    for line in summary_lines(summary, result, out, curls):
        print(line, file=stream)
