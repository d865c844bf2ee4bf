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
from conformance.report.curl import Shell, shell_of
from conformance.report.findings import Finding, findings, to_paste
from conformance.report.html import Page
from conformance.report.outcome import CaseRow, Summary, exit_status, summarise
from conformance.report.results import results_json, written
from conformance.run.model import RunResult
from conformance.run.prepare import Run


class Reporter:
    """The files of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.result: RunResult = run.result()
        self.summary: Summary = summarise(run.contract, self.result)
        self.rows: dict[str, CaseRow] = {row.result.case.id: row for row in self.summary.cases}
        self._unwritable = False
        self.clean = Cleaner(run.profile.secrets())
        self.page = Page(run.contract, run.profile, self.clean)
        self.shell: Shell = shell_of(run.profile, run.out / "repro", run.redactor, self.result.ignored_environment)

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
        """What is broken, worst first."""
        return findings(self.summary, self._to_paste)

    def _to_paste(self, row: CaseRow, judgement: Judgement) -> str:
        """What to paste to see a break again; nothing once `repro/` turned out not to be writable."""
        if self._unwritable:
            return ""
        try:
            return to_paste(self.shell, row, judgement, self.rows)
        except OSError as error:
            self._unwritable = True
            self.failed(f"repro: cannot be written: {error}")
            return ""

    def failed(self, reason: str) -> None:
        """Take in a fault of our own that came up while writing."""
        self.result = replace(self.result, errors=(*self.result.errors, reason))

    def interrupted(self) -> None:
        """Take in that the telling was interrupted, after the sending."""
        self.result = replace(self.result, interrupted=True)

    def properties(self, case: str) -> list[tuple[str, str]]:
        """What JUnit says beside the result."""
        return junit.properties(self.rows[case], self.clean)

    def summary_part(self) -> str:
        """The top of the HTML report."""
        found = self.findings
        return self.page.summary(self.summary, self.result, found, str(self.run.out))

    def cells(self, case: str) -> list[str]:
        """The case's cells in the table of the HTML report."""
        return self.page.row(self.rows[case])

    def extras(self, case: str) -> list[dict[str, Any]]:
        """Evidence of a case, for the foldable part of its row."""
        row = self.rows[case]
        broken = [one for one in row.result.judgements if one.kind == "breaks"]
        line = self._to_paste(row, broken[0]) if broken and row.outcome in ("failed", "warned") else ""
        content = self.page.evidence(row, line)
        return [{"name": None, "format_type": "html", "content": content, "mime_type": None, "extension": None}]

    def write(self) -> int:
        """Write `results.json` and what findings need; gives the exit status. What can't be written is our fault."""
        _ = self.findings
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
