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
        """Count answers, and how many of them are wrong."""
        with self._lock:
            self._done += count
            self._findings += findings
            self._show()

    def _line(self) -> None:
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            text = f"{self._done} of {self._total} requests, {self._findings} wrong answers"
            print(text, file=self._stream, flush=True)

    def stop(self) -> None:
        """End, whether or not all was sent."""
        self._end()


def summary_lines(
    summary: Summary, result: RunResult, found: tuple[Finding, ...], out: Path, clean: Cleaner
) -> list[str]:
    """The summary: verdict, worst findings, what was not tested, where the files are."""

    def cut(text: str) -> str:
        return clean.line(text, WIDTH)

    lines = [summary.headline, cut(f"{result.url}: {result.requests} requests, {charges(result)} (seed {result.seed})")]
    lines += [f"Stopped: {cut(result.stop)}"] if result.stop else []
    lines += [f"Inconclusive because of {cut(summary.why)}"] if summary.why else []
    lines += ["Interrupted: below is what was tested until then"] if result.interrupted else []
    lines += [f"Error of the test suite: {cut(error)}" for error in result.errors[:2]]
    lines += ["Pasting a line below sends its request again, which may charge."] if found else []
    for one in found[:FINDINGS]:
        lines += ["", *_finding(one, cut, clean)]
    lines += [""] if found else []
    if len(found) > FINDINGS:
        rest = ", ".join(one.row.requirement.id for one in found[FINDINGS:])
        lines.append(cut(f"{len(found) - FINDINGS} more requirements are violated: {rest}"))
    if result.stop and not found:
        count = sum(len(rows) for rows in summary.untested().values())
        lines.append(f"{count} requirements were not tested for this reason")
    else:
        lines += _untested(summary, cut)[: LINES - 1 - len(lines)]
    repro = ", repro/" if any(one.violations and one.violations[0].again for one in found) else ""
    return [*lines, f"Files: {out}/report.html, results.json, junit.xml, record.jsonl, evidence.har{repro}"]


def charges(result: RunResult) -> str:
    """How many charges were made, and of how many that is not certain."""
    made, unknown = len(result.captures), sum(one.state == "unknown" for one in result.captures)
    text = f"{made} charge{'' if made == 1 else 's'} made"
    went = "it went" if unknown == 1 else "they went"
    return f"{text}; for {unknown} it is not known whether {went} through" if unknown else text


def _untested(summary: Summary, cut: Callable[[str], str]) -> list[str]:
    """What was not tested, by reason, mandatory requirements first."""
    lines = []
    for (outcome, reason), rows in summary.untested().items():
        names = [f"{row.requirement.id} ({row.requirement.level})" for row in rows[:NAMED]]
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        lines.append(cut(f"{outcome}: {', '.join(names)}{more}: {reason}"))
    return lines if len(lines) <= 4 else [*lines[:4], f"{len(lines) - 4} more reasons are in report.html"]


def _finding(one: Finding, cut: Callable[[str], str], clean: Cleaner) -> list[str]:
    requirement, unstable = one.row.requirement, f" (seen {one.row.unstable})" if one.row.unstable else ""
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
