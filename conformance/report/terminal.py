"""The terminal: progress while sending, then a summary of at most 40 lines. Text of a target is never markup."""

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

PROGRESS_EVERY_S = 5.0
FINDINGS_SHOWN = 4
REQUIREMENTS_NAMED = 4
REASONS_SHOWN = 4
WAIVERS_SHOWN = 6
PARTLY_SHOWN = 3
FILES = ("report.html", "results.json", "junit.xml", "record.jsonl", "evidence.har", "repro/")
MAX_LINES = 40
WIDTH = 240
"""Characters after which a text of the target is cut."""


class Progress:
    """A progress bar on a terminal; in CI and without a terminal, a plain line every few seconds. Thread-safe."""

    def __init__(self, stream: TextIO, every_s: float = PROGRESS_EVERY_S) -> None:
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
        """Count responses, and how many of them are wrong."""
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
        """End, even if not all requests were sent."""
        self._end()


def summary_lines(
    summary: Summary, result: RunResult, findings: tuple[Finding, ...], out: Path, clean: Cleaner
) -> list[str]:
    """The summary: verdict, worst findings, what was not tested, and where the files are."""

    def cut(text: str) -> str:
        return clean.line(text, WIDTH)

    requests = plural(result.requests, "request")
    lines = [summary.headline, cut(f"{result.url}: {requests}, {charges(result)} (seed {result.seed})")]
    lines += [f"Stopped: {cut(result.stop)}"] if result.stop else []
    lines += [other_limit(result)] if result.other_limit else []
    lines += [f"Inconclusive because of {cut(summary.why)}"] if summary.why else []
    lines += ["Interrupted: below is what was tested until then"] if result.interrupted else []
    lines += [f"Error of the test suite: {cut(error)}" for error in result.errors[:2]]
    lines += [cut(row.line()) for row in summary.waivers if row.state != "not-needed"][:WAIVERS_SHOWN]
    lines += ["Pasting a line below sends its request again, which may charge."] if findings else []
    for finding in findings[:FINDINGS_SHOWN]:
        lines += ["", *_finding(finding, cut, clean)]
    lines += [""] if findings else []
    if more := findings[FINDINGS_SHOWN:]:
        ids = ", ".join(finding.row.requirement.id for finding in more)
        lines.append(cut(f"{plural(len(more), 'more finding')}: {ids}"))
    if result.stop and not findings:
        count = sum(len(rows) for rows in summary.untested().values())
        lines.append(f"{count} requirements were not tested for this reason")
    else:
        lines += [*_partly_tested(summary, cut), *_untested(summary, cut)][: MAX_LINES - 1 - len(lines)]
    written = [name for name in FILES if ((out / name).is_dir() if name.endswith("/") else (out / name).is_file())]
    return [*lines, f"Files: {out}/{', '.join(written)}" if written else f"No file could be written in {out}"]


def _partly_tested(summary: Summary, cut: Callable[[str], str]) -> list[str]:
    """The mandatory requirements of which some cases were left out although others gave a result."""
    rows = summary.partly_tested()
    lines = [cut(f"partly tested: {row.requirement.id} (MUST): {row.tested}") for row in rows[:PARTLY_SHOWN]]
    if more := rows[PARTLY_SHOWN:]:
        lines.append(cut(f"partly tested, {len(more)} more: {', '.join(row.requirement.id for row in more)}"))
    return lines


def other_limit(result: RunResult) -> str:
    """How often a rate limit answered that nothing had provoked, and which setting avoids that."""
    limit = result.other_limit
    if limit is None:
        return ""
    fitting = f"{limit.fitting:.0f}" if limit.fitting >= 1 else f"{limit.fitting:.1g}"
    return (
        f"Another limit answered {limit.answers} of {plural(result.requests, 'request')} with 429; the run waited and sent "
        f"them again. It got through at {fitting} a second: [limits] requests_per_second = {fitting} fits"
    )


def charges(result: RunResult) -> str:
    """How many charges were made, and for how many it is not known whether they went through."""
    unknown = sum(capture.state == "unknown" for capture in result.captures)
    text = f"{plural(len(result.captures), 'charge')} made"
    they = "it" if unknown == 1 else "they"
    return f"{text}; for {unknown} it is not known whether {they} went through" if unknown else text


def plural(count: int, noun: str) -> str:
    """The count with its noun: "1 request", "2 requests"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _untested(summary: Summary, cut: Callable[[str], str]) -> list[str]:
    """The requirements that were not tested, by reason, mandatory requirements first."""
    lines = []
    for (outcome, reason), rows in summary.untested().items():
        names = [f"{row.requirement.id} ({row.requirement.level})" for row in rows[:REQUIREMENTS_NAMED]]
        more = f" and {len(rows) - REQUIREMENTS_NAMED} more" if len(rows) > REQUIREMENTS_NAMED else ""
        lines.append(cut(f"{outcome}: {', '.join(names)}{more}: {reason}"))
    if more_reasons := len(lines[REASONS_SHOWN:]):
        lines[REASONS_SHOWN:] = [f"See report.html for {plural(more_reasons, 'more reason')}"]
    return lines


def _finding(finding: Finding, cut: Callable[[str], str], clean: Cleaner) -> list[str]:
    requirement = finding.row.requirement
    notes = [*(["waived"] if finding.row.waived else []), *([finding.row.stability] if finding.row.stability else [])]
    note = f" ({', '.join(notes)})" if notes else ""
    head = f"{requirement.level} {requirement.id}{note}: {requirement.statement}"
    if not finding.violations:
        return [cut(head)]
    first, cases = finding.violations[0], len(finding.violations) + finding.more
    others = f" and {cases - 1} more" if cases > 1 else ""
    return [
        cut(head),
        cut(
            f"  at        {first.judgement.at}, case {first.row.result.case.id}{others}; contract page: {requirement.place.title}"
        ),
        *([cut(f"  sent      {first.sent}")] if first.sent else []),
        cut(f"  expected  {first.judgement.expected}"),
        cut(f"  received  {first.judgement.received}"),
        *([clean(f"  {first.replay_line.splitlines()[-1]}")] if first.replay_line else []),
    ]


def print_lines(lines: Iterable[str], stream: TextIO) -> None:
    """Print plain text; characters that the encoding of the stream lacks are escaped."""
    encoding = stream.encoding or "ascii"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)
