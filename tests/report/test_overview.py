"""The overview of many runs: one row for each, and what changed since the run before of the same partner."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from conformance.contract import load_contract
from conformance.errors import UsageError
from conformance.report.overview import overview, write_overview

SAMPLE = Path(__file__).resolve().parents[2] / "reports" / "sample"
CONTRACT = load_contract()
HOSTILE = '=cmd|"/C calc"!A1 <script>alert(1)</script>'


def results() -> dict:
    return json.loads(next(SAMPLE.rglob("results.json")).read_text())


@pytest.fixture
def runs(tmp_path):
    """Write a run with these changes to its results; gives its folder."""

    def run(name: str, partner: str, day: str, **outcomes: str) -> Path:
        value = results()
        value["run"]["id"] = name
        value["run"]["start"] = f"2026-11-{day}T08:00:00Z"
        value["run"]["profile"]["target"] |= {"name": partner, "environment": "staging"}
        value["verdict"], value["complete"] = "conformant", True
        for row in value["requirements"]:
            row["outcome"] = outcomes.get(row["id"].replace(".", "_").replace("-", "_"), "passed")
            if row["outcome"] == "failed":
                value["verdict"] = "non-conformant"
        folder = tmp_path / "reports" / name
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(value))
        return folder

    return run


def test_each_run_is_a_row_and_changes_are_those_of_the_partner(runs, tmp_path):
    runs("a", "One", "01", store_id_type="failed")
    runs("b", "Two", "02")
    runs("c", "One", "03", store_id_pattern="not-judged")
    rows = overview([tmp_path / "reports"], CONTRACT)
    assert [(row.partner, row.date[8:10], row.verdict) for row in rows] == [
        ("One", "03", "conformant"), ("One", "01", "non-conformant"), ("Two", "02", "conformant"),
    ]  # fmt: skip
    assert [row.change for row in rows] == ["1 worse, 1 better", "first run", "first run"]
    musts = sum(row["level"] == "MUST" for row in results()["requirements"])
    assert [(row.met, row.not_met, row.not_tested) for row in rows] == [
        (musts - 1, 0, 1), (musts - 1, 1, 0), (musts, 0, 0),
    ]  # fmt: skip
    assert len(overview([tmp_path / "reports" / "a", tmp_path / "reports"], CONTRACT)) == 3


def test_names_are_neither_markup_nor_formulas(runs, tmp_path):
    runs("a", HOSTILE, "01")
    write_overview(tmp_path / "out", overview([tmp_path / "reports"], CONTRACT))
    page = (tmp_path / "out" / "overview.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'href="../reports/a/report.html"' in page
    with (tmp_path / "out" / "overview.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["partner"] == f"'{HOSTILE}"
    assert (row["verdict"], row["complete"], row["change"]) == ("conformant", "true", "first run")


def test_what_is_no_run_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no results\.json"):
        overview([tmp_path], CONTRACT)
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(UsageError, match="cannot be read"):
        overview([tmp_path], CONTRACT)
