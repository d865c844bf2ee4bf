"""Whole runs over sockets against a mock server in this process, and their results."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.invented import INVENTED
from benchmarks.reader import EVERY_READ
from conformance.cases.model import Case
from conformance.mock.faults import EVERY, Fault
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.report.outcome import Summary, summarise
from conformance.run.model import RunResult
from conformance.run.result import judge_record, sound_record
from conformance.session import Run

SHELF: dict[str, Fault] = EVERY | INVENTED | EVERY_READ
"""All faults and benign differences by name, including those that readers of the contract invented."""
# The mock as a target whose rate limit is one window for all callers.
MOCK_PROFILE = Path(__file__).with_name("mock.toml")
"""The profile of the mock server, for runs by the command line."""

SHARED_WINDOW = """
[target]
name = "One window for all"
environment = "local"
url = "http://127.0.0.1"
[data]
stores = ["store-001"]
currencies = ["USD"]
trips.generate = "uuid4"
[provoke.429]
kind = "limiter"
scope = "run"
headers = { "X-Provoke" = "429" }
[limits]
max_wait_s = 5
"""


class Ran(NamedTuple):
    """A completed run."""

    run: Run
    result: RunResult
    summary: Summary

    @property
    def broken(self) -> frozenset[str]:
        """Requirements that failed or warned."""
        rows = self.summary.requirements
        return frozenset(row.requirement.id for row in rows if row.outcome in ("failed", "warned"))

    def broken_by(self, *, generated: bool) -> frozenset[str]:
        """Requirements that generated cases found violated, or that the cases of the tables did."""
        return self.broken & {
            judgement.requirement
            for case in self.result.cases
            for judgement in case.judgements
            if judgement.kind == "breaks" and bool(case.case.strategy) is generated
        }

    def judged_otherwise(self) -> list[str]:
        """The outcomes that differ when the record of the run is judged again."""
        again = judge_record(sound_record(self.run.out / "record.jsonl"), self.run.contract)
        if decisive(again) == decisive(self.result):
            return []
        live, offline = outcomes(self.summary), outcomes(summarise(self.run.contract, again))
        return [
            f"{key}: {live.get(key)}, judged again {offline.get(key)}"
            for key in live | offline
            if live.get(key) != offline.get(key)
        ]


def decisive(result: RunResult) -> tuple[object, ...]:
    """All that a summary is made from: of each case what decides its outcome, and the result without its cases."""
    cases = [
        (
            (each.case.id, each.case.requirements, each.case.not_exercised),
            (each.judgements, each.sent, each.reason, each.beforehand, each.error, each.blocked),
            [(sent.number, sent.status, sent.probe.expectation.requirement) for sent in each.evidence],
        )
        for each in result.cases
    ]
    return cases, replace(result, cases=())


def outcomes(summary: Summary) -> dict[str, object]:
    """The headline of a summary, and the outcome of each requirement and of each case."""
    values: dict[str, object] = {"headline": summary.headline}
    for row in summary.requirements:
        values[row.requirement.id] = (row.outcome, row.reason, row.unstable, row.elicited, row.observed)
    return values | {f"case {row.result.case.id}": (row.outcome, row.reason) for row in summary.cases}


def time_limit(*faults: str) -> float:
    """Seconds for an answer: few only for faults that exceed them, since a busy machine sometimes pauses."""
    return 1.0 if any("answer.in-time" in SHELF[name].breaks for name in faults) else 10.0


def planned(out: Path, url: str, *faults: str, **options: object) -> Run:
    """A run with the time limit and the profile that show these faults. Creates its folder."""
    run = copy(_plan(any(SHELF[name].scope == "run" for name in faults), frozenset(options.items())))
    target = run.profile.target.model_copy(update={"url": url})
    limits = run.profile.limits.model_copy(update={"timeout_s": time_limit(*faults)})
    run.profile = run.profile.model_copy(update={"target": target, "limits": limits})
    run.out, run.own_errors = out, []
    run.make_folder()
    return run


@cache
def _plan(shared: bool, options: frozenset[tuple[str, object]]) -> Run:
    """The plan of such runs, made once for a window of each caller and once for a window shared by all callers."""
    chosen = Options(target="http://127.0.0.1", **dict(options))  # type: ignore[arg-type]
    if not shared:
        return Run(chosen, builtin=True)
    with TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.toml"
        profile.write_text(SHARED_WINDOW, encoding="utf-8")
        return Run(replace(chosen, profile=profile))


def finished(run: Run) -> Ran:
    """A completed run with its result."""
    result = run.result()
    return Ran(run, result, summarise(run.contract, result))


def run_once(out: Path, *faults: str, only: Callable[[Case], bool] = bool, **options: object) -> Ran:
    """One run against a fresh mock server with these faults, of the cases for which `only` holds."""
    with MockServer(faults=[SHELF[name] for name in faults]) as server:
        run = planned(out, server.url, *faults, **options)
        run.execute([case for case in run.cases if only(case)])
    return finished(run)
