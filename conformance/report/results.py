"""`results.json`: the run for machines. Changes only add; the integer `schema` counts what does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.judge.model import Judgement
from conformance.report.clean import Cleaner
from conformance.report.outcome import CaseRow, RequirementRow, Summary
from conformance.run.model import RunResult

SCHEMA = 1
MOST = 4_000
"""Characters of one text that the file holds."""


def results_json(
    contract: Contract, profile: dict[str, Any], result: RunResult, summary: Summary, status: int
) -> dict[str, Any]:
    """The value of `results.json`; `profile` is the redacted one. Texts of the target stand in it as they came."""
    return {
        "schema": SCHEMA,
        "suite": __version__,
        "verdict": summary.verdict,
        "headline": summary.headline,
        "complete": summary.complete,
        "exit_status": status,
        "interrupted": result.interrupted,
        "errors": list(result.errors),
        "scope": {
            "depth": result.depth,
            "selection": result.selection,
            "deselected": len(result.deselected),
            "stop": result.stop,
        },
        "counts": {"requirements": dict(summary.counts), "cases": dict(summary.case_counts)},
        "run": {
            "id": result.run_id,
            "start": result.started,
            "end": result.ended,
            "seed": result.seed,
            "depth": result.depth,
            "target": result.url,
            "operator": profile.get("target", {}).get("operator"),
            "profile": profile,
            "spec_digest": contract.digest,
            "requests": result.requests,
            "ignored_environment": list(result.ignored_environment),
        },
        "requirements": [_requirement(row) for row in summary.requirements],
        "cases": [_case(row) for row in summary.cases],
        "test_plan": [asdict(row) for row in summary.test_plan],
        "money": {
            "totals": {code: str(total) for code, total in result.totals.items()},
            "captures": [asdict(capture) for capture in result.captures],
        },
        "waivers": [],
    }


def written(value: dict[str, Any], clean: Cleaner) -> str:
    """`value` as JSON in ASCII, one requirement, case, test-plan case and capture a line; each text passes `clean`."""
    lines = []
    for key, member in value.items():
        lines.append(f"{json.dumps(key)}: {_lines(_cleaned(member, clean))}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _requirement(row: RequirementRow) -> dict[str, Any]:
    return {
        "id": row.requirement.id,
        "level": row.requirement.level,
        "statement": row.requirement.statement,
        "source": {"place": row.requirement.place.title, "further": row.requirement.source},
        "outcome": row.outcome,
        "reason": row.reason,
        "elicited": row.elicited,
        "observed": list(row.observed),
        "unstable": row.unstable,
        "waived": False,
        "cases": list(row.cases),
        "judged": row.judged,
        "unjudged": row.unjudged,
    }


def _case(row: CaseRow) -> dict[str, Any]:
    """One case. What holds is only named; what breaks says where, and on which line of the record it rests."""
    result = row.result
    said: dict[str, list[Any]] = {"breaks": [], "observed": [], "holds": []}
    for one in result.judgements:
        said[one.kind].append(_judgement(one))
    return {
        "id": result.case.id,
        "title": result.case.title,
        "requirements": list(result.case.requirements),
        "outcome": row.outcome,
        "reason": row.reason,
        "judgements": said,
        "exchanges": list(result.numbers),
        "charged": result.charged,
    }


def _judgement(one: Judgement) -> str | dict[str, Any]:
    match one.kind:
        case "holds":
            return one.requirement
        case "observed":
            return {"requirement": one.requirement, "behaviour": one.behaviour}
        case _:
            return {
                "requirement": one.requirement,
                "at": one.at,
                "expected": one.expected,
                "received": one.received,
                "exchange": one.exchange,
                "unstable": list(one.unstable) if one.unstable else None,
            }


def _cleaned(value: Any, clean: Cleaner) -> Any:
    """`value` with each text in it cleaned; plain words, which most are, need no look."""
    if isinstance(value, str):
        return value if value.isidentifier() and value.isascii() and len(value) < 8 else clean(value, MOST)
    if isinstance(value, dict):
        return {clean(key): _cleaned(inner, clean) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(inner, clean) for inner in value]
    return value


def _lines(value: Any) -> str:
    """A list of objects with each on a line of its own; everything else on one."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f" {json.dumps(item)}" for item in value) + "\n]"
    return json.dumps(value)


def changes(results: Path, requirements: Mapping[str, str], cases: Mapping[str, str]) -> list[str]:
    """In one line each, how the outcomes of today differ from those in the `results.json` of the run, where it is.

    Raises `UsageError` where that file cannot be read.
    """
    try:
        before = json.loads(results.read_text(encoding="utf-8"))
        known = {what: {row["id"]: row["outcome"] for row in before[what]} for what in ("requirements", "cases")}
    except FileNotFoundError:
        return [f"nothing to compare with: there is no {results.name} beside the record"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{results}: cannot be read ({error}); restore it, or move the record elsewhere") from error
    lines = [
        f"changed: {what} {identity}: {old} in the run, {today[identity]} today"
        for what, today in (("requirement", requirements), ("case", cases))
        for identity, old in known[what + "s"].items()
        if today.get(identity, old) != old
    ]
    lines += [
        f"new: requirement {one}: {requirements[one]}" for one in requirements if one not in known["requirements"]
    ]
    return lines or ["no outcome changed"]
