"""Cases that are judged over the whole run, since no single request can show them. They send nothing."""

from __future__ import annotations

from conformance.cases.model import Case
from conformance.judge.groups import Equals, judge_closes, judge_equals
from conformance.judge.model import Judgement, holds

EQUALS, CLOSES, STABILITY = "run-equal-answers", "run-announced-closes", "run-stable-answers"
INDEPENDENT = "answer.independent"
WHOLE_RUN = frozenset({EQUALS, CLOSES, STABILITY})


def whole_run_cases() -> list[Case]:
    """One case for each requirement that is judged over all exchanges of a run."""
    return [
        Case(EQUALS, "whole-run", "All plain good requests of the run, compared", (INDEPENDENT,), ()),
        Case(
            CLOSES, "whole-run", "Kept-alive connections closed right after an answer", ("answer.close-announced",), ()
        ),
        Case(
            STABILITY,
            "whole-run",
            "Answers with 500 that disappear when the request is repeated",
            ("server-error.stable",),
            (),
        ),
    ]


def whole_run_judgements(
    case: str, equals: Equals | None, closed_early: int, requests: int, cleared_500: int
) -> list[Judgement]:
    """The judgements of one of these cases; none where nothing can be decided.

    `equals`: all plain good requests, compared. `closed_early`: how many of `requests` found their connection
    closed. `cleared_500`: well-formed 500s that disappeared in a second sending; their own cases have the violations.
    """
    if case == EQUALS:
        return judge_equals(equals)
    if case == CLOSES:
        return judge_closes(closed_early, requests)
    return [holds("server-error.stable")] if requests and not cleared_500 else []
