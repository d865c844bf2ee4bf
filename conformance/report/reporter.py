"""Writes the files of a finished run, through the writer of each format. Decides nothing: see `report.outcome`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

from conformance.judge.model import Judgement
from conformance.report import junit, terminal
from conformance.report.clean import Cleaner
from conformance.report.comparison import Outcomes, against_baseline
from conformance.report.curl import Replay, ReplayWriter, replay_writer
from conformance.report.findings import Finding, findings, replay_of
from conformance.report.html import Page
from conformance.report.markdown import summary_markdown
from conformance.report.money import write_captures
from conformance.report.outcome import CaseRow, Summary, exit_status, summarise
from conformance.report.results import results_json, written
from conformance.run.model import RunResult
from conformance.session import Run


class Reporter:
    """The files of one run."""

    def __init__(self, run: Run, baseline: Outcomes | None = None) -> None:
        """`baseline`: the outcomes of an earlier run; only what became worse since then fails this one."""
        self.run = run
        self.result: RunResult = run.result()
        summary = summarise(run.contract, self.result)
        self.summary: Summary = against_baseline(summary, self.result, baseline) if baseline else summary
        self.rows: dict[str, CaseRow] = {row.result.case.id: row for row in self.summary.cases}
        self.clean = Cleaner(run.redactor)
        self.page = Page(run.contract, run.profile, self.clean)
        self.replay_writer: ReplayWriter = replay_writer(
            run.profile, run.out / "repro", run.redactor, self.result.ignored_environment
        )
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
            self._replays[key] = replay_of(self.replay_writer, row, judgement, self.rows)
        return self._replays[key]

    def _first_replay(self, row: CaseRow) -> Replay:
        """What to paste for the first violation of a case; empty if it has none."""
        violations = [judgement for judgement in row.result.judgements if judgement.kind == "breaks"]
        return self._replay(row, violations[0]) if violations and row.outcome in ("failed", "warned") else Replay("")

    def write_repro(self) -> None:
        """Write the files that the replay lines read. If that fails, no line is shown and an error is reported."""
        _ = self.findings
        replays = [*self._replays.values(), *(self._first_replay(row) for row in self.rows.values())]
        files = {name: content for replay in replays for name, content in replay.files.items()}
        folder = self.run.out / "repro"
        try:
            for name, content in files.items():
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                if name.endswith(".sh"):
                    (folder / name).chmod(0o755)
        except OSError as error:
            self._replays = {key: Replay("") for key in self._replays}
            del self.findings
            self.failed(f"repro: cannot be written: {error}")

    def failed(self, reason: str) -> None:
        """Add an error of the suite itself that happened while writing."""
        self.result = replace(self.result, errors=(*self.result.errors, reason))

    def interrupted(self) -> None:
        """Note that the run was interrupted after sending, while results were reported."""
        self.result = replace(self.result, interrupted=True)

    def properties(self, case: str) -> list[tuple[str, str]]:
        """The properties of a case in the JUnit file."""
        return junit.properties(self.rows[case], self.clean)

    def summary_part(self) -> str:
        """The top of the HTML report."""
        return self.page.summary(self.summary, self.result, self.findings, str(self.run.out))

    def cells(self, case: str) -> list[str]:
        """The case's cells in the table of the HTML report."""
        return self.page.row(self.rows[case])

    def extras(self, case: str) -> list[dict[str, Any]]:
        """The evidence of a case, shown when its row is unfolded."""
        row = self.rows[case]
        content = self.page.evidence(row, self._first_replay(row).text)
        return [{"name": None, "format_type": "html", "content": content, "mime_type": None, "extension": None}]

    def write(self) -> int:
        """Write `captures.csv` and `results.json`; gives the exit status. A failure to write is an error of the suite."""
        try:
            write_captures(self.run.out / "captures.csv", self.result.captures, self.clean)
        except OSError as error:
            self.failed(f"captures.csv could not be written: {error}")
        value = results_json(self.run.contract, self.run.profile.redacted(), self.result, self.summary, self.status)
        try:
            (self.run.out / "results.json").write_text(written(value, self.clean), encoding="ascii")
        except OSError as error:
            self.failed(f"results.json could not be written: {error}")
            with suppress(OSError):
                (self.run.out / "results.json").unlink()  # an incomplete file is worse than none
        return self.status

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
