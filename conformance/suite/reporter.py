"""Hand a finished run to the writers of its files. Decides nothing: outcomes come from `report.outcome`."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

from conformance.cases.model import Case
from conformance.report import curl, html, terminal
from conformance.report.junit import properties
from conformance.report.outcome import CaseRow, Summary, exit_status, summarise
from conformance.report.results import results_json
from conformance.run.model import CaseResult, RunResult
from conformance.run.prepare import Run


class Reporter:
    """The files of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.result: RunResult = run.result()
        self.summary: Summary = summarise(run.contract, self.result)
        self.rows: dict[str, CaseRow] = {row.result.case.id: row for row in self.summary.cases}
        self.status = self._status()
        self._curls: dict[str, list[str]] = {}

    def _status(self) -> int:
        options = self.run.options
        return exit_status(
            self.summary,
            self.result,
            require_complete=options.require_complete,
            fail_on_warning=options.fail_on_warning,
        )

    def failed(self, reason: str) -> None:
        """Take in a fault of our own that came up while writing."""
        self.result = replace(self.result, errors=(*self.result.errors, reason))
        self.status = self._status()

    def interrupted(self) -> None:
        """Take in that the telling was interrupted, after the sending."""
        self.result = replace(self.result, interrupted=True)
        self.status = self._status()

    def properties(self, result: CaseResult) -> list[tuple[str, str]]:
        """What JUnit says beside the result."""
        return properties(self.rows[result.case.id])

    def title(self) -> str:
        """Title of the HTML report."""
        return html.title(self.run.profile)

    def summary_cells(self) -> list[str]:
        """The top of the HTML report."""
        return html.summary_cells(self.summary, self.result, self.run.profile)

    def row(self, case: Case, result: CaseResult | None) -> list[str]:
        """Requirement, level and outcome of a case as table cells."""
        row = self.rows.get(case.id)
        if row is None or result is None:
            return ["<td></td>"] * 3
        return html.row_cells(self.run.contract, row)

    def extras(self, result: CaseResult) -> list[dict[str, Any]]:
        """Evidence of a case, for the foldable part of its row."""
        blocks = [
            html.evidence(exchange, result.judgements, self.run.redactor, self._curl(result, position))
            for position, exchange in enumerate(result.evidence)
        ]
        return [{"name": None, "format_type": "html", "content": "".join(blocks), "mime_type": None, "extension": None}]

    def curls(self) -> dict[str, list[str]]:
        """The shell lines that repeat each finding, by case."""
        for row in self.rows.values():
            if row.outcome in ("failed", "warned"):
                for position in range(len(row.result.evidence)):
                    self._curl(row.result, position)
        return self._curls

    def _curl(self, result: CaseResult, position: int) -> str:
        if self.rows[result.case.id].outcome not in ("failed", "warned"):
            return ""
        lines = self._curls.setdefault(result.case.id, [])
        while len(lines) <= position:
            try:
                lines.append(self._curl_line(result, len(lines)))
            except OSError as error:
                lines.append("")
                self.failed(f"a body for a shell line could not be written: {error}")
        return lines[position]

    def _curl_line(self, result: CaseResult, position: int) -> str:
        return curl.curl_line(
            result.evidence[position],
            self.run.profile.target.url,
            self.run.redactor,
            self.run.out / "repro",
            fresh_trip=self.run.trips.any_uuid,
            variables=curl_variables(self.run),
        )

    def write(self) -> None:
        """Write `results.json` and what findings need; a file that can't be written is a fault of our own."""
        self.curls()
        file = self.run.out / "results.json"
        value = results_json(self.run.contract, self.run.profile.redacted(), self.result, self.summary, self.status)
        text = self.run.redactor(json.dumps(value, indent=1))
        try:
            file.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            self.failed(f"results.json could not be written: {error}")
            with suppress(OSError):
                file.unlink()  # half a file would be worse than none

    def print_summary(self) -> None:
        """At most 40 lines on the terminal."""
        with suppress(OSError):
            terminal.print_summary(self.summary, self.result, self.run.out, self._curls, sys.stdout)


def curl_variables(run: Run) -> dict[str, str]:
    """Header fields with credentials, and how a shell line writes them with a variable in place of the secret."""
    auth = run.profile.auth
    match auth.kind:
        case "bearer":
            return {"Authorization": f"Bearer ${auth.token_env}"}
        case "basic":
            return {"Authorization": f'Basic $(printf %s "${auth.user_env}:${auth.password_env}" | base64 -w0)'}
        case "api-key":
            return {auth.header: f"${auth.key_env}"}
        case _:
            return {}
