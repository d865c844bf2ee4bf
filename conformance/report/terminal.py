"""What the terminal shows: progress while sending, then a summary of at most 40 lines. No text of a target is markup."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from conformance.report.clean import Cleaner
from conformance.report.findings import Finding
from conformance.report.outcome import Summary
from conformance.run.model import RunResult

EVERY_S = 5.0
FINDINGS = 4
NAMED = 4
LINES = 40
WIDTH = 240
"""Characters of a text of the target that the summary shows."""


class Progress:
    """A bar with counts on a terminal; elsewhere, and in CI, a plain line every few seconds. Threads may share it."""

    def __init__(self, stream: TextIO, every_s: float = EVERY_S) -> None:
        self._stream, self._every = stream, every_s
        self._plain = not stream.isatty() or os.environ.get("CI", "").lower() not in ("", "0", "false")
        self._total = self._done = self._findings = 0
        self._last = time.monotonic()
        self._lock = threading.Lock()
        self._show: Callable[[], None] = self._line
        self._end: Callable[[], None] = lambda: None

    def start(self, total: int) -> None:
        """Begin, with the number of requests planned."""
        self._total = total
        if self._plain:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        console = Console(file=self._stream, markup=False, highlight=False)
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
        )
        task = bar.add_task("requests", total=total)
        bar.start()
        self._show = lambda: bar.update(task, completed=self._done, description=f"{self._findings} findings")
        self._end = bar.stop

    def advance(self, count: int = 1, findings: int = 0) -> None:
        """Count answers, and how many of them break something."""
        with self._lock:
            self._done += count
            self._findings += findings
            self._show()

    def _line(self) -> None:
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            text = f"{self._done} of {self._total} requests, {self._findings} answers that break something"
            print(text, file=self._stream, flush=True)

    def stop(self) -> None:
        """End, whether or not all was sent."""
        self._end()


def summary_lines(
    summary: Summary, result: RunResult, found: tuple[Finding, ...], out: Path, clean: Cleaner
) -> list[str]:
    """The summary: verdict, worst findings, what was not judged, where the files are."""

    def cut(text: str) -> str:
        return clean.line(text, WIDTH)

    counts = f"requests: {result.requests}, captures: {len(result.captures)}, seed: {result.seed}"
    lines = [summary.headline, cut(f"{result.url}, {counts}")]
    lines += [f"stopped: {cut(result.stop)}"] if result.stop else []
    lines += [f"inconclusive because: {cut(summary.why)}"] if summary.why else []
    lines += ["interrupted: what was judged until then"] if result.interrupted else []
    lines += [f"fault of the suite: {cut(error)}" for error in result.errors[:2]]
    lines += ["pasting a line below sends its request again, which may charge"] if found else []
    for one in found[:FINDINGS]:
        lines += ["", *_finding(one, cut, clean)]
    lines += [""] if found else []
    if len(found) > FINDINGS:
        rest = ", ".join(one.row.requirement.id for one in found[FINDINGS:])
        lines.append(cut(f"and {len(found) - FINDINGS} more broken: {rest}"))
    if result.stop and not found:
        lines.append(f"{sum(len(rows) for rows in summary.silent().values())} requirements were not judged for it")
    else:
        lines += _silent(summary, cut)[: LINES - 1 - len(lines)]
    repro = ", repro/" if any(one.violations and one.violations[0].again for one in found) else ""
    return [*lines, f"files: {out}/report.html, results.json, junit.xml, record.jsonl, evidence.har{repro}"]


def _silent(summary: Summary, cut: Callable[[str], str]) -> list[str]:
    """What was not judged, by reason, MUSTs first."""
    lines = []
    for (outcome, reason), rows in summary.silent().items():
        words = [f"{row.requirement.id} ({row.requirement.level})" for row in rows[:NAMED]]
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        lines.append(cut(f"{outcome}: {', '.join(words)}{more}: {reason}"))
    return lines if len(lines) <= 4 else [*lines[:4], f"and {len(lines) - 4} more reasons, in report.html"]


def _finding(one: Finding, cut: Callable[[str], str], clean: Cleaner) -> list[str]:
    requirement, unstable = one.row.requirement, f" (unstable: {one.row.unstable})" if one.row.unstable else ""
    head = f"{requirement.level} {requirement.id}{unstable}: {requirement.statement}"
    if not one.violations:
        return [cut(head)]
    first, cases = one.violations[0], len(one.violations) + one.more
    others = f" and {cases - 1} more" if cases > 1 else ""
    return [
        cut(head),
        cut(
            f"  at        {first.judgement.at}, case {first.row.result.case.id}{others}; page: {requirement.place.title}"
        ),
        *([cut(f"  sent      {first.sent}")] if first.sent else []),
        cut(f"  expected  {first.judgement.expected}"),
        cut(f"  received  {first.judgement.received}"),
        *([clean(f"  {first.again.splitlines()[-1]}")] if first.again else []),
    ]


def print_lines(lines: Iterable[str], stream: TextIO) -> None:
    """Print plain text; what the terminal's encoding lacks is escaped."""
    encoding = stream.encoding or "ascii"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)
