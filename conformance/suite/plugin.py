"""Join a run to pytest: cases become items, outcomes become results, files are written at the end. Never judges."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from conformance.cases.model import Case
from conformance.errors import OwnFault, UsageError
from conformance.judge.model import Judgement
from conformance.report.outcome import case_outcome
from conformance.report.terminal import Progress
from conformance.run.model import CaseResult, Outcome
from conformance.run.prepare import Options, Run, terminable, undisturbed
from conformance.suite.reporter import Reporter

RUN = pytest.StashKey[Run]()


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
        config.stash[RUN] = self.run
        if config.option.collectonly:
            return
        option = config.option
        option.xmlpath = str(self.run.out / "junit.xml")
        if hasattr(option, "htmlpath"):
            option.htmlpath = str(self.run.out / "report.html")
            option.self_contained_html = True
            option.css = [str(Path(__file__).resolve().parent.parent / "report" / "style.css")]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item for each case of the plan."""
        if "case_result" in metafunc.fixturenames:
            metafunc.parametrize("case_result", self.run.cases, ids=lambda case: case.id, indirect=True)

    @pytest.fixture
    def case_result(self, request: pytest.FixtureRequest) -> tuple[CaseResult, Outcome]:
        """What became of the item's case; our own fault is raised here, so that it counts as an error."""
        case: Case = request.param
        result = next((one for one in self.run.results if one.case.id == case.id), None)
        if result is None:
            raise OwnFault(f"{case.id}: handed over neither an exchange nor a reason")
        if result.error:
            raise OwnFault(f"{case.id}: {result.error}")
        if self.reporter is not None:
            request.node.user_properties.extend(self.reporter.properties(result))
        return result, case_outcome(self.run.contract, result)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only the cases that -k and the arguments left are sent."""
        self.selected = [item.callspec.params["case_result"] for item in items if hasattr(item, "callspec")]

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
            except OSError as error:
                self.run.own_errors.append(str(error))
                self.run.results = tuple(CaseResult(case, reason=f"not sent: {error}") for case in self.selected)
            self.reporter = Reporter(self.run)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand the row and evidence of a case to the writer of the HTML."""
        report = yield
        case: Case | None = getattr(item, "callspec", None) and item.callspec.params.get("case_result")  # type: ignore[attr-defined]
        if case is not None and self.reporter is not None and (report.when == "call" or report.failed):
            result = next((one for one in self.run.results if one.case.id == case.id), None)
            report.conformance = self.reporter.row(case, result)  # type: ignore[attr-defined]
            if result is not None:
                report.extras = self.reporter.extras(result)  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """The title names the target."""
        if self.reporter is not None:
            report.title = self.reporter.title()

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Verdict, scope and findings at the top."""
        if self.reporter is not None:
            prefix.extend(self.reporter.summary_cells())

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Columns for requirement, level and outcome."""
        cells[2:2] = ["<th>Requirement</th>", "<th>Level</th>", "<th>Outcome</th>"]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """The cells of those columns."""
        cells[2:2] = getattr(report, "conformance", ["<td></td>"] * 3)

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


def prepared(options: Options, *, collect_only: bool = False) -> tuple[Run, ExitStack]:
    """A run and what must be closed after it; starts the mock server where no target is named."""
    stack = ExitStack()
    if options.profile is None and options.target is None and not collect_only:
        from dataclasses import replace

        from conformance.mock.server import MockServer

        server = stack.enter_context(MockServer())
        options = replace(options, target=server.url)
    try:
        run = Run(options)
        if not collect_only:
            run.make_folder()
    except BaseException:
        stack.close()
        raise
    return run, stack


def report_outcome(result: CaseResult, outcome: Outcome) -> None:
    """Pass, fail or skip as the outcome of the case says."""
    broken = [judgement for judgement in result.judgements if judgement.kind == "breaks"]
    if outcome == "failed":
        pytest.fail("\n".join(told(judgement) for judgement in broken), pytrace=False)
    if outcome in ("not-exercised", "not-judged"):
        pytest.skip(result.reason or outcome)


def told(judgement: Judgement) -> str:
    """A break in one line: requirement, place, expected, received."""
    return f"{judgement.requirement}: at {judgement.at}: expected {judgement.expected}, received {judgement.received}"
