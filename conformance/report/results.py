"""`results.json`: the run for machines. Changes only add; the integer `schema` counts what does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from conformance import __version__
from conformance.contract import Contract
from conformance.judge.model import Judgement
from conformance.report.outcome import Summary
from conformance.report.redact import visible
from conformance.run.model import RunResult

SCHEMA = 1


def results_json(
    contract: Contract,
    profile: dict[str, Any],
    result: RunResult,
    summary: Summary,
    status: int,
) -> dict[str, Any]:
    """The value of `results.json`; texts of the target are made visible, secrets are the caller's to redact."""
    return {
        "schema": SCHEMA,
        "suite": __version__,
        "verdict": summary.verdict,
        "complete": summary.complete,
        "exit_status": status,
        "interrupted": result.interrupted,
        "errors": [visible(error) for error in result.errors],
        "scope": {"depth": result.depth, "selection": result.selection, "stop": visible(result.stop)},
        "counts": dict(summary.counts),
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
        "requirements": [
            {
                "id": row.requirement.id,
                "level": row.requirement.level,
                "statement": row.requirement.statement,
                "source": {"place": row.requirement.place.title, "further": row.requirement.source},
                "outcome": row.outcome,
                "reason": visible(row.reason),
                "elicited": row.elicited,
                "observed": [visible(text) for text in row.observed],
                "unstable": row.unstable,
                "waived": False,
                "cases": list(row.cases),
                "unjudged": row.unjudged,
            }
            for row in summary.requirements
        ],
        "cases": [
            {
                "id": row.result.case.id,
                "requirements": list(row.result.case.requirements),
                "outcome": row.outcome,
                "reason": visible(row.reason),
                "judgements": [_judgement(one) for one in row.result.judgements],
                "exchanges": list(row.result.numbers),
                "charged": row.result.charged,
            }
            for row in summary.cases
        ],
        "money": {
            "totals": {code: str(total) for code, total in result.totals.items()},
            "captures": [asdict(capture) for capture in result.captures],
        },
        "waivers": [],
        "test_plan": [asdict(row) for row in summary.test_plan],
    }


def _judgement(one: Judgement) -> dict[str, Any]:
    return {key: visible(value) if isinstance(value, str) else value for key, value in asdict(one).items()}
