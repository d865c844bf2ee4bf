"""Hand a finished run to the writers of its files. Decides nothing: outcomes come from `report.outcome`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

from conformance.judge.model import Judgement
from conformance.report import junit, terminal
from conformance.report.clean import Cleaner
from conformance.report.curl import Replay, ReplayLine, replay_line_of
from conformance.report.findings import Finding, findings, to_paste
from conformance.report.html import Page
from conformance.report.outcome import CaseRow, Summary, exit_status, summarise
from conformance.report.results import results_json, written
from conformance.run.model import RunResult
from conformance.session import Run


class Reporter:
    """The files of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.result: RunResult = run.result()
        self.summary: Summary = summarise(run.contract, self.result)
        self.rows: dict[str, CaseRow] = {row.result.case.id: row for row in self.summary.cases}
        self.clean = Cleaner(run.profile.secrets())
        self.page = Page(run.contract, run.profile, self.clean)
        self.line: ReplayLine = replay_line_of(
            run.profile, run.out / "repro", run.redactor, self.result.ignored_environment
        )
        self._pasted: dict[tuple[str, int | None], Replay] = {}

    @property
    def status(self) -> int:
        """The exit status, as things stand."""
        options = self.run.options
        return exit_status(
            self.summary,
            self.result,
            require_complete=options.require_complete,
            fail_on_warning=options.fail_on_warning,
        )

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is violated, worst first."""
        return findings(self.summary, lambda row, judgement: self._again(row, judgement).text)

    def _again(self, row: CaseRow, judgement: Judgement) -> Replay:
        """What to paste to see a violation again."""
        key = (row.result.case.id, judgement.exchange)
        if key not in self._pasted:
            self._pasted[key] = to_paste(self.line, row, judgement, self.rows)
        return self._pasted[key]

    def _first(self, row: CaseRow) -> Replay:
        """What to paste for the first violation of a case; empty where it has none."""
        violations = [one for one in row.result.judgements if one.kind == "breaks"]
        return self._again(row, violations[0]) if violations and row.outcome in ("failed", "warned") else Replay("")

    def write_repro(self) -> None:
        """Write the files that lines to paste read. Where that fails no line is shown, and the fault is ours."""
        _ = self.findings
        replays = [*self._pasted.values(), *(self._first(row) for row in self.rows.values())]
        files = {name: content for replay in replays for name, content in replay.files.items()}
        folder = self.run.out / "repro"
        try:
            for name, content in files.items():
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                if name.endswith(".sh"):
                    (folder / name).chmod(0o755)
        except OSError as error:
            self._pasted = {key: Replay("") for key in self._pasted}
            del self.findings
            self.failed(f"repro: cannot be written: {error}")

    def failed(self, reason: str) -> None:
        """Take in a fault of our own that came up while writing."""
        self.result = replace(self.result, errors=(*self.result.errors, reason))

    def interrupted(self) -> None:
        """Take in that the run was interrupted while it was reported, after the sending."""
        self.result = replace(self.result, interrupted=True)

    def properties(self, case: str) -> list[tuple[str, str]]:
        """What JUnit says beside the result."""
        return junit.properties(self.rows[case], self.clean)

    def summary_part(self) -> str:
        """The top of the HTML report."""
        return self.page.summary(self.summary, self.result, self.findings, str(self.run.out))

    def cells(self, case: str) -> list[str]:
        """The case's cells in the table of the HTML report."""
        return self.page.row(self.rows[case])

    def extras(self, case: str) -> list[dict[str, Any]]:
        """Evidence of a case, for the foldable part of its row."""
        row = self.rows[case]
        content = self.page.evidence(row, self._first(row).text)
        return [{"name": None, "format_type": "html", "content": content, "mime_type": None, "extension": None}]

    def write(self) -> int:
        """Write `results.json`; gives the exit status. What can't be written is our fault."""
        value = results_json(self.run.contract, self.run.profile.redacted(), self.result, self.summary, self.status)
        try:
            (self.run.out / "results.json").write_text(written(value, self.clean), encoding="ascii")
        except OSError as error:
            self.failed(f"results.json could not be written: {error}")
            with suppress(OSError):
                (self.run.out / "results.json").unlink()  # half a file would be worse than none
        return self.status

    def print_summary(self) -> None:
        """At most 40 lines on the terminal."""
        lines = terminal.summary_lines(self.summary, self.result, self.findings, self.run.out, self.clean)
        with suppress(OSError):
            terminal.print_lines(lines, sys.stdout)
