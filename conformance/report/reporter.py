"""Writes the files of a finished run, through the writer of each format. Decides nothing: see `report.outcome`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.judge.model import Judgement
from conformance.report import terminal
from conformance.report.clean import Cleaner
from conformance.report.comparison import Outcomes, against_baseline
from conformance.report.curl import Replay, ReplayWriter, replay_writer
from conformance.report.findings import CASE, Finding, findings, replay_of
from conformance.report.html import Page, finished
from conformance.report.junit import JUnit
from conformance.report.markdown import summary_markdown
from conformance.report.money import write_captures
from conformance.report.outcome import CaseRow, Summary, exit_status, summarise
from conformance.report.preview import assumptions
from conformance.report.results import results_json, written
from conformance.run.model import RunResult
from conformance.session import Run


class Reporter:
    """The files of one run."""

    def __init__(self, run: Run, baseline: Outcomes | None = None, junit_copies: Sequence[Path] = ()) -> None:
        """`baseline`: the outcomes of an earlier run; only what became worse since then fails this one.

        `junit_copies`: where the user also wants `junit.xml`.
        """
        self.junit_copies = junit_copies
        self.run = run
        self.result: RunResult = run.result()
        summary = summarise(run.contract, self.result)
        self.summary: Summary = against_baseline(summary, self.result, baseline) if baseline else summary
        self.rows: dict[str, CaseRow] = {row.result.case.id: row for row in self.summary.cases}
        self.clean = Cleaner(run.redactor)
        self.page = Page(run.contract, run.profile, self.clean)
        self.replay_writer: ReplayWriter = replay_writer(run.profile, run.redactor, self.result.ignored_environment)
        self._replays: dict[tuple[str, int | None], Replay] = {}

    @property
    def status(self) -> int:
        """The current exit status; errors while writing can still change it."""
        options = self.run.options
        return exit_status(
            self.summary,
            self.result,
            require_complete=options.require_complete,
            fail_on_warning=options.fail_on_warning,
        )

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The violated requirements, worst first."""
        return findings(self.summary, lambda row, judgement: self._replay(row, judgement).text)

    def _replay(self, row: CaseRow, judgement: Judgement) -> Replay:
        """What to paste to reproduce a violation."""
        key = (row.result.case.id, judgement.exchange)
        if key not in self._replays:
            self._replays[key] = replay_of(self.replay_writer, row, judgement, self.rows, self._replay_arguments)
        return self._replays[key]

    def _first_replay(self, row: CaseRow) -> Replay:
        """What to paste for the first violation of a case; empty if it has none."""
        violations = [judgement for judgement in row.result.judgements if judgement.kind == "breaks"]
        return self._replay(row, violations[0]) if violations and row.outcome in ("failed", "warned") else Replay("")

    @property
    def _replay_arguments(self) -> str:
        """The arguments of `replay` for this run."""
        options = self.run.options
        named = [("--profile", options.profile), ("--target", options.target)]
        given = [f"{flag} {shlex.quote(str(value))}" for flag, value in named if value is not None]
        return " ".join([shlex.quote(str(self.run.out / "record.jsonl")), CASE, *given])

    def failed(self, reason: str) -> None:
        """Add an error of the suite itself that happened while writing."""
        self.result = replace(self.result, errors=(*self.result.errors, reason))

    def interrupted(self) -> None:
        """Note that the run was interrupted after sending, while results were reported."""
        self.result = replace(self.result, interrupted=True)

    def summary_part(self) -> str:
        """The top of the HTML report."""
        return self.page.summary(self.summary, self.result, self.findings, str(self.run.out), assumptions(self.run))

    def cells(self, case: str) -> list[str]:
        """The case's cells in the table of the HTML report."""
        return self.page.row(self.rows[case])

    def extras(self, case: str) -> list[dict[str, Any]]:
        """The evidence of a case, shown when its row is unfolded."""
        row = self.rows[case]
        again = f"capture-conformance replay {self._replay_arguments.replace(CASE, case)}"
        content = self.page.evidence(row, again if self._first_replay(row).text else "")
        return [{"name": None, "format_type": "html", "content": content, "mime_type": None, "extension": None}]

    def write(self) -> int:
        """Write `captures.csv`, `junit.xml` and `results.json`; gives the exit status.

        A failure to write is an error of the suite, which the other files then report too.
        """
        writers = {self.run.out / "captures.csv": self._captures, self.run.out / "results.json": self._results}
        writers |= dict.fromkeys((self.run.out / "junit.xml", *self.junit_copies), self._junit)
        failed: set[Path] = set()
        while True:
            before = len(failed)
            for path in writers.keys() - failed:
                try:
                    writers[path](path)
                except OSError as error:
                    failed.add(path)
                    self.failed(f"{path.name} could not be written: {error}")
                    with suppress(OSError):
                        path.unlink()  # an incomplete file is worse than none
            if len(failed) == before:
                return self.status

    def _captures(self, path: Path) -> None:
        write_captures(path, self.result.captures, self.clean)

    def _results(self, path: Path) -> None:
        value = results_json(self.run.contract, self.run.profile.redacted(), self.result, self.summary, self.status)
        path.write_text(written(value, self.clean), encoding="ascii")

    def _junit(self, path: Path) -> None:
        junit = JUnit(self.run.contract, self.clean, lambda row: self._first_replay(row).text)
        why = terminal.why_status(self.summary, self.result, self.status)
        strict = self.run.options.fail_on_warning
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(junit.document(self.summary, self.result, self.status, why, fail_on_warning=strict))

    def finish_page(self) -> None:
        """Complete the page that pytest-html wrote."""
        file = self.run.out / "report.html"
        file.write_text(finished(file.read_text(encoding="utf-8")), encoding="utf-8")

    def write_markdown(self) -> None:
        """Write `summary.md`, last, since its exit status is final. A failure to write it is no reason to fail."""
        last = terminal.status_line(self.summary, self.result, self.status, self.clean, builtin=self.run.builtin)
        text = summary_markdown(self.summary, self.result, self.findings, last, self.clean)
        with suppress(OSError):
            (self.run.out / "summary.md").write_text(text, encoding="utf-8")

    def print_summary(self, *, quiet: bool = False) -> None:
        """Print the summary, at most 36 lines, to the terminal; if `quiet`, only the verdict and the exit status."""
        lines = terminal.summary_lines(self.summary, self.result, self.findings, self.run.out, self.clean)
        last = terminal.status_line(self.summary, self.result, self.status, self.clean, builtin=self.run.builtin)
        with suppress(OSError):
            terminal.print_lines(
                [*(lines[:1] if quiet else lines), last],
                sys.stdout,
                {0: terminal.TERMINAL_COLOURS[self.summary.colour]},
            )
