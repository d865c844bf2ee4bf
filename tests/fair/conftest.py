"""The table of the set-ups at the end of `tox -e fair`."""

from __future__ import annotations

from collections import defaultdict

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Set-up, runs, findings, seconds; and whether the fault was found."""
    table: dict[str, list[tuple[str, int, float]]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                if name == "fair":
                    table[value[0]].append(tuple(value[1:]))
    if not table:
        return
    lines = [f"{'set-up':<36}{'runs':>5}{'findings':>10}{'fault found':>13}{'seconds':>9}"]
    for name, rows in sorted(table.items()):
        clean = [row for row in rows if row[0] == "clean"]
        faults = [row for row in rows if row[0] == "fault"]
        found = f"{sum(row[1] for row in faults)} of {len(faults)}"
        seconds = sum(row[2] for row in rows) / len(rows)
        lines.append(f"{name:<36}{len(clean):>5}{sum(row[1] for row in clean):>10}{found:>13}{seconds:>9.1f}")
    clean = [row for rows in table.values() for row in rows if row[0] == "clean"]
    lines.append(f"{len(table)} set-ups, {len(clean)} runs, {sum(row[1] for row in clean)} findings")
    terminalreporter.section("fair")
    for line in lines:
        terminalreporter.write_line(line)
