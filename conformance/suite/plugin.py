"""Run the suite inside pytest: one item for each case, one result for each outcome, files at the end. Never judges."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest
from _pytest.runner import runtestprotocol

from conformance import __version__
from conformance.cases.model import Case
from conformance.errors import OwnFault, UsageError
from conformance.process import signals_handled
from conformance.report.clean import Cleaner
from conformance.report.comparison import read_outcomes
from conformance.report.html import title
from conformance.report.junit import message
from conformance.report.outcome import UNJUDGED, CaseRow
from conformance.report.preview import preview_lines, refusal, warnings
from conformance.report.progress import Progress
from conformance.report.reporter import Reporter
from conformance.report.terminal import print_lines
from conformance.session import Run
from conformance.suite.options import SUITE


class CaseItem(pytest.Item):
    """One case of the plan: reports the result that the run has for it. Sends and judges nothing itself."""

    case: Case
    plugin: ConformancePlugin
    row: CaseRow

    @classmethod
    def of(cls, parent: pytest.Collector, name: str, case: Case, plugin: ConformancePlugin) -> Self:
        """Make the item of a case."""
        item: Self = cls.from_parent(parent, name=name)
        item.case, item.plugin = case, plugin
        return item

    def setup(self) -> None:
        """Get the result of the case from the run."""
        self.row = self.plugin.row_of(self)

    def runtest(self) -> None:
        """Pass, fail or skip, according to the outcome."""
        assert self.plugin.reporter is not None
        report_outcome(self.row, message(self.row, self.plugin.reporter.clean))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Path, line and name that pytest shows for the item."""
        return self.path, 0, self.name


class ConformancePlugin:
    """The hooks of one run."""

    def __init__(self, run: Run, stack: ExitStack, *, quiet: bool = False) -> None:
        self.run, self.quiet = run, quiet
        self.stack = stack
        self._signals = ExitStack()
        self.interruption = self._signals.enter_context(signals_handled())
        self.selected: list[Case] = []
        self.reporter: Reporter | None = None
        self.status = 4
        self.problem = ""
        self.junit_copies: tuple[Path, ...] = ()
        self.page_copies: tuple[Path, ...] = ()
        try:
            self.baseline = read_outcomes(run.options.baseline, run.contract) if run.options.baseline else None
        except UsageError:
            stack.close()
            run.remove_folder()
            raise

    def configure(self, config: pytest.Config) -> None:
        """Handle signals, and make pytest's own report writers use the folder of the run, which has obeyed `-k`.

        Notes where the user wants copies.
        """
        config.add_cleanup(self._signals.close)
        config.option.keyword = ""
        if config.option.collectonly:
            return
        option = config.option
        if option.xmlpath:  # the run writes that file itself, since pytest's own names files and functions
            self.junit_copies = (Path(option.xmlpath),)
        option.xmlpath = None
        if hasattr(option, "htmlpath"):
            self.page_copies = (Path(option.htmlpath),) if option.htmlpath else ()
            option.htmlpath = str(self.run.out / "report.html")
            option.self_contained_html = True

    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
        """Make one item for each case of the plan, in place of the function in `test_cases.py`."""
        if name != "test_case" or collector.path.resolve().parent != SUITE:
            return None
        return [CaseItem.of(collector, f"{name}[{case.id}]", case, self) for case in self.run.selected]

    def row_of(self, item: CaseItem) -> CaseRow:
        """The result of the item's case. Raises `OwnFault`, during the item's setup, if the suite itself failed there."""
        case_id = item.case.id
        row = self.reporter.rows.get(case_id) if self.reporter is not None else None
        if row is None or self.reporter is None:
            raise OwnFault(f"{case_id}: the run has neither an exchange nor a reason for this case")
        if row.outcome == "error":
            raise OwnFault(f"{case_id}: {message(row, self.reporter.clean)}")
        return row

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the selected cases in the order of the plan, whatever order other plugins gave to the items.

        Ends with a usage error if pytest selected no case.
        """
        order = {case.id: position for position, case in enumerate(self.run.cases)}
        session.items.sort(key=lambda item: order[item.case.id] if isinstance(item, CaseItem) else -1)
        self.selected = [item.case for item in session.items if isinstance(item, CaseItem)]
        if not self.selected and not session.testsfailed:
            self.problem = "pytest selected no case; `capture-conformance list` shows their ids"
            pytest.exit(self.problem, returncode=UsageError.status)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Report each case exactly once, also with plugins that run a failed test again."""
        if not isinstance(item, CaseItem):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        runtestprotocol(item, nextitem=nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Send and judge all selected cases, then run the items, which report the results."""
        if not session.config.option.collectonly:
            self._print_preview()
            self._confirm()
            try:
                self.run.execute(self.selected, None if self.quiet else Progress(sys.stderr), None, self.interruption)
                self.run.write_evidence()
            except OSError as error:
                self.run.not_sent(self.selected, str(error))
            self.reporter = Reporter(self.run, self.baseline, self.junit_copies)
        return (yield)

    def _print_preview(self) -> None:
        with suppress(OSError):
            lines = preview_lines(self.run, self.selected, Cleaner(self.run.redactor))
            print_lines(warnings(self.run.profile) if self.quiet else lines, sys.stdout)
            if sys.stdout is not None:
                sys.stdout.flush()

    def _confirm(self) -> None:
        """End with a usage error where nobody agreed that the run may charge."""
        self.problem = refusal(self.run, self.selected, Cleaner(self.run.redactor))
        if self.problem:
            pytest.exit(self.problem, returncode=UsageError.status)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Pass the row and the evidence of a case to the HTML writer."""
        report = yield
        if isinstance(item, CaseItem) and (report.when == "call" or report.failed):
            reporter = self.reporter
            if reporter is not None and item.case.id in reporter.rows:
                report.conformance = reporter.cells(item.case.id)  # type: ignore[attr-defined]
                report.extras = reporter.extras(item.case.id)  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Limit what the page says about the machine to what matters here: variables of a CI may be secrets."""
        from pytest_metadata.plugin import metadata_key  # type: ignore[import-untyped]

        metadata = {
            "capture-conformance": __version__,
            "Python": platform.python_version(),
            "System": platform.system(),
        }
        session.config.stash[metadata_key] = metadata

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """The title names the target. pytest-html asks for it before anything is sent."""
        report.title = title(self.run.profile)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Verdict, scope and findings, at the top of the page."""
        if self.reporter is not None:
            prefix.append(self.reporter.summary_part())

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Columns: pytest's result (which its filters need), id, outcome, title, requirement, level."""
        names = ("outcome", "what", "requirement", "level")
        titles = ("Outcome", "What was tested", "Requirement", "Level")
        sortable = '<th class="sortable col-{0}" data-column-type="{0}">{1}</th>'
        cells[1] = sortable.format("testId", "Case")
        cells[2:] = [sortable.format(name, title) for name, title in zip(names, titles, strict=True)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """The cells of those columns. The id is that of the case, without pytest's file and function names."""
        case = report.nodeid.partition("[")[2].removesuffix("]")
        cells[1] = f'<td class="col-testId">{case or report.nodeid}</td>'
        cells[2:] = getattr(report, "conformance", ["<td></td>"] * 4)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Drop pytest's log, since the evidence contains the same; keep it for errors of the suite itself."""
        if report.when == "call":
            data.clear()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> Generator[None, object, object]:
        """Write all files, even if one of them fails, and set the exit status."""
        if self.reporter is None:
            with self.stack:
                result = yield
                self._clear(session.config)
                if self.interruption.received:
                    session.exitstatus = 130
                return result
        self.stack.close()
        if exitstatus == pytest.ExitCode.INTERRUPTED or self.interruption.received:
            self.reporter.interrupted()
        elif exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            self.reporter.failed("pytest had an internal error")
        self.reporter.write()
        try:
            result = yield
            self.reporter.finish_page()
            for copy in self.page_copies:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.run.out / "report.html", copy)
            return result  # noqa: TRY300 - only the copies and the other writers can fail
        except Exception as error:  # noqa: BLE001 - any error of the other report writers counts as our own
            self.reporter.failed(f"a report could not be written: {error}")
            self.reporter.write()
            return None
        finally:
            self.reporter.print_summary(quiet=self.quiet)
            if self.interruption.received and not self.reporter.result.interrupted:
                self.reporter.interrupted()
                self.reporter.write()
            session.exitstatus = self.status = self.reporter.status
            self.reporter.write_markdown()

    def _clear(self, config: pytest.Config) -> None:
        """Remove the empty reports of a run that sent nothing."""
        if config.option.collectonly or self.run.options.resume is not None:
            return
        for name in ("report.html", "junit.xml"):
            (self.run.out / name).unlink(missing_ok=True)
        self.run.remove_folder()


def report_outcome(row: CaseRow, text: str) -> None:
    """Pass, fail or skip the current item, according to the outcome of its case. What is waived does not fail."""
    if row.outcome == "failed" and not row.waived:
        pytest.fail(text, pytrace=False)
    if row.outcome == "failed" or row.outcome in UNJUDGED:
        pytest.skip(text)
