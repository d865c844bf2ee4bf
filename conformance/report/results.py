"""`results.json`: the run for machines. New versions only add members; any other change increases `schema`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from conformance import __version__
from conformance.contract import Contract
from conformance.judge.model import Judgement
from conformance.report.causes import Cause, common_causes
from conformance.report.clean import Cleaner
from conformance.report.outcome import CaseRow, Coverage, RequirementRow, Summary
from conformance.run.model import RunResult

SCHEMA = 1
TEXT_LIMIT = 4_000
"""Characters after which a text in the file is cut."""


def results_json(
    contract: Contract, profile: dict[str, Any], result: RunResult, summary: Summary, status: int
) -> dict[str, Any]:
    """The value of `results.json`, before its texts are cleaned. `profile` is already redacted."""
    return {
        "schema": SCHEMA,
        "suite": __version__,
        "verdict": summary.verdict,
        "headline": summary.headline,
        "colour": summary.colour,
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
            "other_limit": asdict(result.other_limit) if result.other_limit else None,
        },
        "causes": [_cause(cause) for cause in common_causes(summary)],
        "requirements": [_requirement(row) for row in summary.requirements],
        "cases": [_case(row) for row in summary.cases],
        "test_plan": [asdict(row) for row in summary.test_plan],
        "money": {
            "totals": {code: str(total) for code, total in result.totals.items()},
            "captures": [asdict(capture) for capture in result.captures],
        },
        "waivers": [
            {**row.waiver.model_dump(mode="json", exclude_none=True), "state": row.state} for row in summary.waivers
        ],
    }


def written(value: dict[str, Any], clean: Cleaner) -> str:
    """`value` as JSON in ASCII, with each text cleaned. Each requirement, case, test-plan case and capture is one line."""
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
        "waived": row.waived,
        "cases": list(row.cases),
        "judged": row.judged,
        "unjudged": row.unjudged,
        "blocked": row.coverage.blocked,
        "coverage": _coverage(row.coverage),
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "cases": coverage.cases,
        "sent": coverage.sent,
        "judged": coverage.judged,
        "left_out": [{"reason": reason, "cases": count} for reason, count in coverage.left_out],
        "undecided": [{"reason": reason, "cases": count} for reason, count in coverage.undecided],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "form": str(cause.form),
        "why": cause.why,
        "cases": list(cause.cases),
        "violated": list(cause.violated),
        "sent_for": list(cause.sent_for),
    }


def _case(row: CaseRow) -> dict[str, Any]:
    """One case. Met requirements are only named; violations have a place and the line of the record that shows them."""
    result = row.result
    by_kind: dict[str, list[Any]] = {"breaks": [], "observed": [], "holds": []}
    for judgement in result.judgements:
        by_kind[judgement.kind].append(_judgement(judgement))
    return {
        "id": result.case.id,
        "title": result.case.title,
        "requirements": list(result.case.requirements),
        "outcome": row.outcome,
        "waived": row.waived,
        "reason": row.reason,
        "judgements": by_kind,
        "exchanges": list(result.numbers),
        "charged": result.charged,
    }


def _judgement(judgement: Judgement) -> str | dict[str, Any]:
    match judgement.kind:
        case "holds":
            return judgement.requirement
        case "observed":
            return {"requirement": judgement.requirement, "behaviour": judgement.behaviour}
        case _:
            return {
                "requirement": judgement.requirement,
                "at": judgement.at,
                "expected": judgement.expected,
                "received": judgement.received,
                "exchange": judgement.exchange,
                "unstable": list(judgement.unstable) if judgement.unstable else None,
            }


def _cleaned(value: Any, clean: Cleaner) -> Any:
    """`value` with each text in it cleaned. Short ASCII identifiers are too short for a secret and need no cleaning."""
    if isinstance(value, str):
        return value if value.isidentifier() and value.isascii() and len(value) < 8 else clean(value, TEXT_LIMIT)
    if isinstance(value, dict):
        return {clean(key): _cleaned(inner, clean) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(inner, clean) for inner in value]
    return value


def _lines(value: Any) -> str:
    """A list of objects with one object per line; any other value on one line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f" {json.dumps(item)}" for item in value) + "\n]"
    return json.dumps(value)
