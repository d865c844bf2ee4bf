"""The command of the tests of the command line, and the table at the end."""

import os

from tests.cli.conftest import command

__all__ = ["command"]


def pytest_terminal_summary(terminalreporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    rows = [(value, report.outcome) for report in reports for name, value in report.user_properties if name == "row"]
    if "HOSTILE" not in os.environ:
        return
    terminalreporter.section("hostile")
    terminalreporter.write_line(f"{'mechanism':<34}{'seconds':>8}{'memory MB':>12}{'files MB':>10}{'status':>8}")
    for row, outcome in sorted(rows):
        terminalreporter.write_line(row + ("" if outcome == "passed" else "  FAILED"))
    short = sum(outcome != "passed" for _, outcome in rows)
    terminalreporter.write_line(f"{len(rows)} mechanisms, {short} of them short of what is asked")
