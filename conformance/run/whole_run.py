"""Cases that no single request can show: what the run as a whole says. They send nothing of their own."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.cases.model import Case
from conformance.exchange.model import Exchange
from conformance.judge.groups import judge_closes, judge_equals
from conformance.judge.model import Judgement, holds

EQUALS, CLOSES, STABILITY = "run-equal-answers", "run-announced-closes", "run-stable-answers"
WHOLE_RUN = frozenset({EQUALS, CLOSES, STABILITY})


def whole_run_cases() -> list[Case]:
    """One case for each requirement that is judged over all exchanges of a run."""
    return [
        Case(EQUALS, "whole-run", "All plain good requests of the run compared", ("answer.independent",), ()),
        Case(
            CLOSES, "whole-run", "Kept-alive connections closed right after an answer", ("answer.close-announced",), ()
        ),
        Case(STABILITY, "whole-run", "Answers of 500 that a repetition clears", ("server-error.stable",), ()),
    ]


def whole_run_judgements(
    case: str, equals: Sequence[Exchange], closed_early: int, requests: int, cleared_500: int
) -> list[Judgement]:
    """What the run says of one of these cases; nothing where there was nothing to go on.

    `equals`: the exchanges of all plain good requests. `closed_early` of `requests` found their connection closed;
    `cleared_500`: well-formed 500s that a second sending cleared, each of which is a violation of its own.
    """
    if case == EQUALS:
        return judge_equals(equals)
    if case == CLOSES:
        return judge_closes(closed_early, requests)
    return [holds("server-error.stable")] if requests and not cleared_500 else []
