"""What changed from one run to another, and which changes are worse. Reads results and records, and sends nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.report.bundle import Tampered, read_bundle
from conformance.report.outcome import KINDS, Change, Kind, Summary, summarise
from conformance.run.model import RunResult
from conformance.run.result import judge_record, sound_record

# Outcomes with a result. A run that has none for a requirement shows neither an improvement nor that it was met.
_GRADES = {"failed": 0, "warned": 1, "observed": 2, "passed": 2}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What two runs are compared by.

    `run`: its id. `scope`: depth and selection. `rows`: the outcome of each requirement and each case. `seen`: for each requirement, the
    behaviours that were observed.
    """

    run: str
    scope: tuple[str, str]
    rows: dict[tuple[str, str], str]
    seen: dict[str, frozenset[str]]


def outcomes_of(summary: Summary, result: RunResult) -> Outcomes:
    """The outcomes of a run that was just judged."""
    requirements = {("requirement", row.requirement.id): row.outcome for row in summary.requirements}
    cases = {("case", row.result.case.id): row.outcome for row in summary.cases}
    seen = {row.requirement.id: _behaviours(row.observed) for row in summary.requirements}
    return Outcomes(result.run_id, (result.depth, result.selection), {**requirements, **cases}, seen)


def read_outcomes(path: Path, contract: Contract) -> Outcomes:
    """The outcomes of a run: its folder, its `results.json`, its bundle, or its record, which is judged by `contract`.

    Raises `UsageError` where `path` is none of these.
    """
    if path.suffix == ".jsonl":
        result = judge_record(sound_record(path), contract)
        return outcomes_of(summarise(contract, result), result)
    file = path / "results.json" if path.is_dir() else path
    try:
        return _of_json(json.loads(read_bundle(file)["results.json"] if file.suffix == ".zip" else file.read_bytes()))
    except Tampered as error:
        raise UsageError(f"{file}: {error}; name a bundle as it was written") from error
    except FileNotFoundError as error:
        raise UsageError(
            f"{file}: does not exist; name the folder of a run, its results.json, its bundle or its record"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file}: cannot be read as the results of a run ({error}); restore the file") from error


def _of_json(value: Any) -> Outcomes:
    rows = {(kind, row["id"]): row["outcome"] for kind in ("requirement", "case") for row in value[f"{kind}s"]}
    seen = {row["id"]: _behaviours(row["observed"]) for row in value["requirements"]}
    return Outcomes(value["run"]["id"], (value["scope"]["depth"], value["scope"]["selection"]), rows, seen)


def _behaviours(observed: Iterable[str]) -> frozenset[str]:
    """Observed behaviours without the number of times that each was seen."""
    return frozenset(behaviour.rpartition(" (")[0] for behaviour in observed)


def differences(old: Outcomes, new: Outcomes) -> list[Change]:
    """All differences, the worse ones first; requirements before cases."""
    found = []
    for of, row_id in dict.fromkeys([*old.rows, *new.rows]):
        before, now = old.rows.get((of, row_id), ""), new.rows.get((of, row_id), "")
        if before != now:
            found.append(Change(_kind(before, now, same_scope=old.scope == new.scope), of, row_id, before, now))
    for requirement, behaviours in old.seen.items():
        now_seen = new.seen.get(requirement, frozenset())
        if behaviours and now_seen and behaviours != now_seen:
            change = Change("changed", "requirement", requirement, _listed(behaviours), _listed(now_seen))
            found.append(change)
    return sorted(found, key=lambda change: KINDS.index(change.kind))


def against_baseline(summary: Summary, result: RunResult, baseline: Outcomes) -> Summary:
    """The summary with what became worse since the run `baseline`: only that counts as a failure of this run."""
    changes = differences(baseline, outcomes_of(summary, result))
    worse = tuple(change for change in changes if change.kind == "worse")
    headline = f"{summary.headline}; since the run {baseline.run}: {counted(changes)}"
    return replace(summary, headline=headline, worse=worse)


def counted(changes: Iterable[Change]) -> str:
    """The number of changes of each kind."""
    counts = Counter(change.kind for change in changes)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "no outcome changed"


def _listed(behaviours: frozenset[str]) -> str:
    return ", ".join(sorted(behaviours))


def _kind(before: str, now: str, *, same_scope: bool) -> Kind:
    """How an outcome changed. What was met and is no longer tested is worse, unless less was asked for."""
    if not before or not now:
        return "gone" if before else "new"
    grade_before, grade_now = _GRADES.get(before), _GRADES.get(now)
    if grade_now is None:
        if grade_before is None or before in ("failed", "warned"):
            return "changed"
        return "worse" if same_scope else "gone"
    if grade_before is None:
        return "better" if grade_now == _GRADES["passed"] else "worse"
    if grade_now == grade_before:
        return "changed"
    return "better" if grade_now > grade_before else "worse"
