"""A wrong status under several conditions counts for a condition that alone gets the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cases.model import Case
from conformance.cases.pairs import THEME
from tests.support.runs import run_directly


def of_pairs(case: Case) -> bool:
    return case.theme == THEME


def with_chunks_alone(case: Case) -> bool:
    return case.theme == THEME or case.id == "request-chunked"


def test_two_conditions_that_fail_a_good_body_explain_each_defect_beside_them(tmp_path: Path) -> None:
    ran = run_directly(tmp_path / "run", "chunked-over-4k-crashes", only=of_pairs)
    assert ran.broken == {"answer.no-server-error"}
    assert ran.judged_otherwise() == []


@pytest.mark.parametrize("only", [of_pairs, with_chunks_alone])
def test_a_condition_alone_explains_its_combinations(only, tmp_path: Path) -> None:
    ran = run_directly(tmp_path / "run", "chunked-crashes", only=only)
    assert "request.chunked" in ran.broken
    assert (len(ran.broken) == 1) is (only is with_chunks_alone)
    assert ran.judged_otherwise() == []
