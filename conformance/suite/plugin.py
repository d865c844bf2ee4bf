"""Join a run to pytest: cases become items, outcomes become results, files are written at the end. Never judges."""

from __future__ import annotations

import platform
import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest

from conformance import __version__
from conformance.cases.model import Case
from conformance.errors import OwnFault, UsageError
from conformance.report.html import title
from conformance.report.junit import message
from conformance.report.outcome import UNJUDGED, CaseRow
from conformance.report.reporter import Reporter
from conformance.report.terminal import Progress
from conformance.run.model import Outcome
from conformance.session import Run, terminable, undisturbed
from conformance.suite.options import SUITE


class CaseItem(pytest.Item):
    """One case of the plan: says what became of it. Sends and judges nothing itself."""

    case: Case
    plugin: ConformancePlugin
    row: CaseRow

    @classmethod
    def of(cls, parent: pytest.Collector, name: str, case: Case, plugin: ConformancePlugin) -> Self:
        """The item of a case."""
        item: Self = cls.from_parent(parent, name=name)
        item.case, item.plugin = case, plugin
        return item

    def setup(self) -> None:
        """Ask for what the run made of it."""
        self.row = self.plugin.row_of(self)

    def runtest(self) -> None:
        """Pass, fail or skip as the outcome says."""
        assert self.plugin.reporter is not None
        tell(self.row.outcome, message(self.row, self.plugin.reporter.clean))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where pytest says that it stands."""
        return self.path, 0, self.name


class ConformancePlugin:
    """The hooks of one run."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self.run = run
        self.stack = stack
        self.selected: list[Case] = []
        self.reporter: Reporter | None = None
        self.status = 4
        self.problem = ""

    def configure(self, config: pytest.Config) -> None:
        """Point pytest's own writers at the folder of the run."""
        if config.option.collectonly:
            return
        option = config.option
        option.xmlpath = str(self.run.out / "junit.xml")
        if hasattr(option, "htmlpath"):
            option.htmlpath = str(self.run.out / "report.html")
            option.self_contained_html = True

    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
        """One item for each case of the plan, in place of the function of the suite that stands for them."""
        if name != "test_case" or collector.path.resolve().parent != SUITE:
            return None
        return [CaseItem.of(collector, f"{name}[{case.id}]", case, self) for case in self.run.cases]

    def row_of(self, item: CaseItem) -> CaseRow:
        """What became of the item's case; our own fault is raised here, while it is set up, and counts as an error."""
        word = item.case.id
        row = self.reporter.rows.get(word) if self.reporter is not None else None
        if row is None or self.reporter is None:
            raise OwnFault(f"{word}: handed over neither an exchange nor a reason")
        item.user_properties.extend(self.reporter.properties(word))
        if row.outcome == "error":
            raise OwnFault(f"{word}: {message(row, self.reporter.clean)}")
        return row

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only the cases that -k and the arguments left are sent."""
        self.selected = [item.case for item in items if isinstance(item, CaseItem)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """A selection that matches nothing is a mistake, not a success."""
        if not self.selected and not session.testsfailed:
            self.problem = (
                f"-k {self.run.options.selection!r} matches no case; `capture-conformance list` shows their ids"
            )
            pytest.exit(self.problem, returncode=UsageError.status)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Send and judge all selected cases, then let the items tell."""
        if not session.config.option.collectonly:
            self.stack.enter_context(terminable())
            try:
                self.run.execute(self.selected, Progress(sys.stderr))
                self.run.write_evidence()
            except OSError as error:
                self.run.not_sent(self.selected, str(error))
            self.reporter = Reporter(self.run)
            self.reporter.write_repro()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand the row and evidence of a case to the writer of the HTML."""
        report = yield
        if isinstance(item, CaseItem) and (report.when == "call" or report.failed):
            reporter = self.reporter
            if reporter is not None and item.case.id in reporter.rows:
                report.conformance = reporter.cells(item.case.id)  # type: ignore[attr-defined]
                report.extras = reporter.extras(item.case.id)  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Of the machine, the page says no more than what matters to the run; variables of a CI may be secrets."""
        from pytest_metadata.plugin import metadata_key  # type: ignore[import-untyped]

        kept = {"capture-conformance": __version__, "Python": platform.python_version(), "System": platform.system()}
        session.config.stash[metadata_key] = kept

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """The title names the target; asked before anything is sent."""
        report.title = title(self.run.profile)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Verdict, scope and findings at the top."""
        if self.reporter is not None:
            prefix.append(self.reporter.summary_part())

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Columns: pytest's result (which its filters need), id, outcome, title, requirement, level."""
        names = ("outcome", "what", "requirement", "level")
        titles = ("Outcome", "What was tried", "Requirement", "Level")
        sortable = '<th class="sortable col-{0}" data-column-type="{0}">{1}</th>'
        cells[1] = sortable.format("testId", "Case")
        cells[2:] = [sortable.format(name, title) for name, title in zip(names, titles, strict=True)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """The cells of those columns; the case's id, a slug, without the words of pytest around it."""
        case = report.nodeid.partition("[")[2].removesuffix("]")
        cells[1] = f'<td class="col-testId">{case or report.nodeid}</td>'
        cells[2:] = getattr(report, "conformance", ["<td></td>"] * 4)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """The evidence says all that pytest's log would, save where the fault is our own."""
        if report.when == "call":
            data.clear()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> Generator[None, object, object]:
        """Write all files, whatever becomes of any of them, and decide the exit status."""
        if self.reporter is None:
            with self.stack:
                result = yield
                self._clear(session.config)
                return result
        with undisturbed():
            self.stack.close()
            if exitstatus == pytest.ExitCode.INTERRUPTED:
                self.reporter.interrupted()
            elif exitstatus == pytest.ExitCode.INTERNAL_ERROR:
                self.reporter.failed("pytest came upon an error of its own")
            self.reporter.write()
            try:
                return (yield)
            except Exception as error:  # noqa: BLE001 - the other writers', for which nobody else answers
                self.reporter.failed(f"a report could not be written: {error}")
                self.reporter.write()
                return None
            finally:
                session.exitstatus = self.status = self.reporter.status
                self.reporter.print_summary()

    def _clear(self, config: pytest.Config) -> None:
        """Nothing was sent: leave no report behind that says nothing."""
        if config.option.collectonly:
            return
        for name in ("report.html", "junit.xml"):
            (self.run.out / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.run.out.rmdir()


def tell(outcome: Outcome, text: str) -> None:
    """Pass, fail or skip as the outcome of a case says."""
    if outcome == "failed":
        pytest.fail(text, pytrace=False)
    if outcome in UNJUDGED:
        pytest.skip(text)
