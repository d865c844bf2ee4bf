"""Targets that answer wrongly everywhere, as hooks of the mock: for runs that call it directly."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.runs import Ran, finished
from conformance.cases.model import Case
from conformance.mock.exchange import Inquiry, Reply, error, raw_error
from conformance.mock.faults.model import Fault
from conformance.mock.server import Mock
from conformance.options import Depth, Options
from conformance.session import Run
from tests.support.direct import SimulatedClock, on_mock

Change = Callable[[Inquiry], Reply | None]


def everywhere(name: str, change: Change) -> Fault:
    """A fault that replaces every answer for which `change` gives another one."""

    def hook(inquiry: Inquiry) -> None:
        inquiry.reply = change(inquiry) or inquiry.reply

    return Fault(name, name, answer=hook, other=hook)


def instead_of(*statuses: int, by: Callable[[], Reply]) -> Change:
    """Replaces the answers with these statuses, or all answers."""
    return lambda inquiry: (
        by() if not statuses or (inquiry.reply is not None and inquiry.reply.status in statuses) else None
    )


def only_from(count: int, change: Change) -> Change:
    """Acts from request number `count` on."""
    return lambda inquiry: change(inquiry) if inquiry.count("every request") >= count else None


def unprocessable() -> Reply:
    """The validation error of a framework."""
    return raw_error(422, b'{"detail": [{"loc": ["body"], "msg": "Field required"}]}')


def busy(status: int, seconds: int) -> Reply:
    """A refusal that asks to wait."""
    answer = error(status, "Busy", **({"retryAfter": str(seconds)} if status == 503 else {}))
    answer.put("retry-after", str(seconds))
    return answer


def run_of(
    out: Path, *faults: str | Fault, only: Callable[[Case], bool] | None = None, profile: str = "", depth: Depth
) -> Ran:
    """A run that calls a mock with these faults directly. `only`: the selected cases. `profile`: its text."""
    clock = SimulatedClock()
    run = copy(_plan(profile, depth))
    run.out = out
    run.options = replace(run.options, selection="chosen" if only else "")
    run.make_folder()
    mock = Mock(faults, hang_s=30.0, clock=clock.now)
    run.execute([case for case in run.cases if only is None or only(case)], machinery=on_mock(mock, clock))
    return finished(run)


@cache
def _plan(profile: str, depth: Depth) -> Run:
    """The plan of such a run, made once for each profile and depth."""
    file = Path(mkdtemp()) / "profile.toml"
    file.write_text(profile, encoding="utf-8")
    return Run(Options(target="http://127.0.0.1", profile=file if profile else None, depth=depth), builtin=not profile)
