"""What differs between two runs, and what of it is worse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.contract import load_contract
from conformance.report.comparison import (
    Change,
    Outcomes,
    against_baseline,
    differences,
    outcomes_of,
    read_outcomes,
)
from conformance.report.outcome import exit_status, summarise
from conformance.run.model import RunResult

CONTRACT = load_contract()
DAY = "2026-11-27T00:00:00Z"
RESULT = RunResult((), "r", DAY, DAY, 0, "standard", "http://127.0.0.1", 0)

SCOPE = ("standard", "")


def outcomes(scope=SCOPE, seen=frozenset(), **rows):
    return Outcomes("run", scope, {("requirement", name): row for name, row in rows.items()}, {"a": frozenset(seen)})


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        ("passed", "failed", "worse"),
        ("passed", "warned", "worse"),
        ("warned", "failed", "worse"),
        ("passed", "not-judged", "worse"),
        ("observed", "not-exercised", "worse"),
        ("not-judged", "failed", "worse"),
        ("not-exercised", "warned", "worse"),
        ("failed", "warned", "better"),
        ("failed", "passed", "better"),
        ("warned", "passed", "better"),
        ("not-judged", "passed", "better"),
        ("failed", "not-judged", "changed"),
        ("failed", "error", "changed"),
        ("passed", "observed", "changed"),
        ("not-judged", "not-exercised", "changed"),
        ("", "failed", "new"),
        ("passed", "", "gone"),
    ],
)
def test_each_pair_of_outcomes_is_of_one_kind(before, now, kind):
    old, new = (outcomes(**({"a": value} if value else {})) for value in (before, now))
    assert differences(old, new) == [Change(kind, "requirement", "a", before, now)]


def test_what_was_not_asked_for_again_is_gone_and_not_worse():
    smoke = ("smoke", "")
    assert [row.kind for row in differences(outcomes(a="passed"), outcomes(smoke, a="not-exercised"))] == ["gone"]
    assert [row.kind for row in differences(outcomes(a="passed"), outcomes(smoke, a="failed"))] == ["worse"]


def test_equal_runs_do_not_differ_and_worse_comes_first():
    assert differences(outcomes(a="failed", b="passed"), outcomes(a="failed", b="passed")) == []
    kinds = [row.kind for row in differences(outcomes(a="failed", b="passed"), outcomes(a="passed", b="failed"))]
    assert kinds == ["worse", "better"]


def test_another_optional_behaviour_is_a_change():
    change = differences(outcomes(seen={"accepted (3)"}, a="observed"), outcomes(seen={"refused"}, a="observed"))
    assert change == [Change("changed", "requirement", "a", "accepted (3)", "refused")]


def written_run(folder, **changed):
    folder.mkdir()
    rows = {"x": "passed", "y": "warned", **changed}
    value = {
        "run": {"id": folder.name},
        "scope": {"depth": "standard", "selection": ""},
        "requirements": [{"id": name, "outcome": row, "observed": ["accepted (2)"]} for name, row in rows.items()],
        "cases": [],
    }
    (folder / "results.json").write_text(json.dumps(value))
    return str(folder)


def status_of(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["compare", *arguments])
    return ended.value.code


def test_the_command_exits_with_1_only_if_something_is_worse(tmp_path, capsys):
    old, new = written_run(tmp_path / "old"), written_run(tmp_path / "new", x="failed", z="failed")
    assert status_of(old, new) == 1
    assert capsys.readouterr().out.splitlines() == [
        "worse: requirement x: passed before, failed now",
        "new: requirement z: failed",
        "1 worse, 1 new",
    ]
    assert status_of(new, old, "--json") == 0
    assert [row["kind"] for row in json.loads(capsys.readouterr().out)] == ["better", "gone"]
    assert status_of(old, old) == 0
    assert capsys.readouterr().out == "no outcome changed\n"


@pytest.mark.parametrize(
    ("before", "worse", "status"), [({"x": "failed"}, 0, 0), ({}, 1, 1), ({"x": "failed", "y": "passed"}, 1, 1)]
)
def test_with_a_baseline_only_what_became_worse_fails(before, worse, status, tmp_path):
    baseline = read_outcomes(Path(written_run(tmp_path / "old", **before)), CONTRACT)
    now = read_outcomes(Path(written_run(tmp_path / "new", x="failed")), CONTRACT)
    changes = [change for change in differences(baseline, now) if change.kind == "worse"]
    assert len(changes) == worse
    summary = summarise(CONTRACT, replace(RESULT, waivers=()))
    failed = replace(summary, verdict="non-conformant", worse=tuple(changes))
    assert exit_status(failed, RESULT, require_complete=False, fail_on_warning=False) == status
    assert exit_status(replace(failed, worse=None), RESULT, require_complete=False, fail_on_warning=False) == 1


def test_the_first_line_of_a_run_with_a_baseline_says_what_changed(tmp_path):
    summary = summarise(CONTRACT, RESULT)
    same = against_baseline(summary, RESULT, outcomes_of(summary, RESULT))
    assert (same.worse, same.headline) == ((), f"{summary.headline}; since the run r: no outcome changed")
    old = outcomes_of(summary, RESULT)
    better = replace(old, rows={**old.rows, ("requirement", "code.pattern"): "passed"})
    (worse,) = against_baseline(summary, RESULT, better).worse
    assert worse.line() == "worse: requirement code.pattern: passed before, not-exercised now"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scope": {}}', '{"scope": 1, "requirements": [], "cases": 3}'])
def test_what_is_no_result_is_refused(tmp_path, capsys, text):
    (tmp_path / "results.json").write_text(text)
    assert status_of(str(tmp_path), str(tmp_path)) == 2
    assert f"{tmp_path}/results.json: cannot be read as the results of a run" in capsys.readouterr().err
    assert status_of(str(tmp_path / "no"), str(tmp_path)) == 2
