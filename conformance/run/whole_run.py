"""Cases that no single request can show: what the run as a whole says. They send nothing of their own."""

from __future__ import annotations

from conformance.cases.model import Case

EQUALS, CLOSES, STABILITY = "run-equal-answers", "run-announced-closes", "run-stable-answers"


def whole_run_cases() -> list[Case]:
    """One case for each requirement that is judged over all exchanges of a run."""
    return [
        Case(EQUALS, "whole-run", "All plain good requests of the run compared", ("answer.independent",), ()),
        Case(
            CLOSES, "whole-run", "Kept-alive connections closed right after an answer", ("answer.close-announced",), ()
        ),
        Case(STABILITY, "whole-run", "Answers of 500 that a repetition clears", ("server-error.stable",), ()),
    ]
