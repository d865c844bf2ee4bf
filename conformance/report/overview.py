"""Many runs on one page and in one CSV file: who was tested, the verdict, and what changed since the run before.

Reads results and sends nothing. A partner is the name and environment of a target in its profile.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.comparison import Outcomes, counted, differences, read_outcomes
from conformance.report.outcome import UNJUDGED
from conformance.report.templates import Templates, style

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet would calculate."""


@dataclass(frozen=True, slots=True)
class Row:
    """One run. `met`, `not_met`, `not_tested`: mandatory requirements. `change`: since the partner's run before it."""

    partner: str
    environment: str
    date: str
    verdict: str
    complete: bool
    met: int
    not_met: int
    not_tested: int
    change: str
    depth: str
    target: str
    folder: str

    @property
    def colour(self) -> str:
        """Green only for a conformant and complete run."""
        if self.verdict == "non-conformant":
            return "failed"
        return "passed" if self.verdict == "conformant" and self.complete else "warned"


def overview(folders: Iterable[Path], contract: Contract) -> list[Row]:
    """One row for each run, by partner, the latest run first. Raises `UsageError` where a folder has no run."""
    rows: list[Row] = []
    before: dict[tuple[str, str], Outcomes] = {}
    read = [(folder, _results(folder)) for folder in dict.fromkeys(run for each in folders for run in _runs(each))]
    for folder, results in sorted(read, key=lambda pair: (pair[1]["run"]["start"], pair[1]["run"]["id"])):
        target = results["run"]["profile"]["target"]
        partner = (target["name"], target.get("environment") or "")
        outcomes = read_outcomes(folder, contract)
        change = counted(differences(before[partner], outcomes)) if partner in before else "first run"
        before[partner] = outcomes
        musts = [row["outcome"] for row in results["requirements"] if row["level"] == "MUST"]
        untested, failed = sum(each in UNJUDGED for each in musts), musts.count("failed")
        rows.append(
            Row(
                *partner,
                results["run"]["start"],
                results["verdict"],
                results["complete"],
                len(musts) - untested - failed,
                failed,
                untested,
                change,
                results["scope"]["depth"],
                results["run"]["target"],
                str(folder),
            )
        )
    rows.reverse()
    return sorted(rows, key=lambda row: (row.partner, row.environment))


def _runs(folder: Path) -> list[Path]:
    """The folder itself if it contains a run, else the runs in it."""
    if (folder / "results.json").is_file():
        return [folder]
    found = sorted(file.parent for file in folder.glob("*/results.json"))
    if not found:
        raise UsageError(f"{folder}: no results.json in it or in its folders; name folders of runs")
    return found


def _results(folder: Path) -> Any:
    try:
        value = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        _ = value["verdict"], value["complete"], value["scope"]["depth"]
        _ = value["run"]["start"], value["run"]["id"], value["run"]["target"], value["run"]["profile"]["target"]["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder}/results.json: cannot be read as the results of a run ({error})") from error
    return value


def write_overview(out: Path, rows: list[Row]) -> None:
    """Write `overview.html` and `overview.csv` into the folder `out`. Raises OSError."""
    clean = Cleaner(Redactor(()))
    out.mkdir(parents=True, exist_ok=True)
    links = {row.folder: os.path.relpath(Path(row.folder, "report.html"), out) for row in rows}
    page = Templates(clean).get_template("overview.jinja2").render(rows=rows, links=links, style=style("style.css"))
    (out / "overview.html").write_text(page, encoding="utf-8")
    with (out / "overview.csv").open("w", encoding="utf-8", newline="") as stream:
        written = csv.writer(stream)
        names = [field.name for field in fields(Row)]
        written.writerow(names)
        for row in rows:
            written.writerow([_cell(getattr(row, name), clean) for name in names])


def _cell(value: object, clean: Cleaner) -> str:
    """A value that a spreadsheet shows as text."""
    text = clean(str(value).lower() if isinstance(value, bool) else str(value))
    return f"'{text}" if text.startswith(FORMULA) else text
