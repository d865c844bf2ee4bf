"""Waivers: what they cover, when they are out of date, and what they change in verdict and status."""

from dataclasses import replace
from datetime import date

import pytest

from conformance.contract import load_contract
from conformance.profile import Waiver
from conformance.report.outcome import exit_status, summarise
from tests.support.runs import run_directly

CONTRACT = load_contract()
LATER, EARLIER = date(2999, 1, 1), date(2000, 1, 1)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A run of few cases on a mock that accepts currency codes in lower case."""
    theme = ("code-", "store-")
    return run_directly(
        tmp_path_factory.mktemp("faulty"), "code-lower-case", only=lambda case: case.id.startswith(theme)
    ).result


def waiver(expires=LATER, **subject):
    return Waiver(reason="agreed", owner="Payments team", expires=expires, **subject)


def judged(result, *waivers, **changes):
    changed = replace(result, waivers=waivers, **{"deselected": (), **changes})
    summary = summarise(CONTRACT, changed)
    return summary, exit_status(summary, changed, require_complete=False, fail_on_warning=False)


def outcomes(summary):
    row = next(row for row in summary.requirements if row.requirement.id == "code.pattern")
    return row.outcome, row.waived


def test_without_a_waiver_the_violation_decides(faulty):
    summary, status = judged(faulty)
    assert (summary.verdict, status, outcomes(summary), summary.waivers) == (
        "non-conformant",
        1,
        ("failed", False),
        (),
    )


def test_a_waived_violation_stays_failed_and_is_not_counted(faulty):
    summary, status = judged(faulty, waiver(requirement="code.pattern"))
    assert (summary.verdict, status, outcomes(summary)) == ("conformant", 0, ("failed", True))
    assert "1 violation waived" in summary.headline
    assert [(row.state, row.line()) for row in summary.waivers] == [
        ("applied", "Waived until 2999-01-01: requirement code.pattern: agreed (Payments team)")
    ]
    assert {row.waived for row in summary.cases if row.outcome == "failed"} == {True}
    assert {row.waived for row in summary.test_plan if row.outcome == "failed"} == {True}
    assert not any(row.waived for row in summary.test_plan if row.outcome != "failed")


def test_a_waiver_of_a_case_covers_only_what_that_case_shows(faulty):
    cases = [row.result.case.id for row in judged(faulty)[0].cases if row.outcome == "failed"]
    summary, status = judged(faulty, waiver(case=cases[0]))
    assert (status, outcomes(summary)) == ((0, ("failed", True)) if len(cases) == 1 else (1, ("failed", False)))
    summary, status = judged(faulty, *(waiver(case=case) for case in cases))
    assert (status, outcomes(summary)) == (0, ("failed", True))


def test_an_expired_waiver_covers_nothing_and_ends_with_status_2(faulty):
    summary, status = judged(faulty, waiver(EARLIER, requirement="code.pattern"))
    assert (summary.verdict, status, outcomes(summary)) == ("non-conformant", 2, ("failed", False))
    assert summary.waivers[0].line().startswith("The waiver of requirement code.pattern expired on 2000-01-01")


def test_a_waiver_is_valid_on_its_last_day(faulty):
    today = date.fromisoformat(faulty.started[:10])
    assert judged(faulty, waiver(today, requirement="code.pattern"))[1] == 0


def test_a_waiver_of_what_is_met_is_stale_unless_less_was_asked_for(faulty):
    met = waiver(requirement="store-id.pattern")
    summary, status = judged(faulty, met, waiver(requirement="code.pattern"))
    assert ([row.state for row in summary.waivers], status) == (["stale", "applied"], 2)
    for changes in ({"selection": "code or store"}, {"depth": "smoke"}):
        summary, status = judged(faulty, met, waiver(requirement="code.pattern"), **changes)
        assert ([row.state for row in summary.waivers], status) == (["not-needed", "applied"], 0)


def test_a_waiver_of_what_was_not_tested_is_not_needed(faulty):
    summary, _ = judged(faulty, waiver(requirement="rate-limit.grammar"), waiver(case="no-such-case"))
    assert [row.state for row in summary.waivers] == ["not-needed", "not-needed"]
