"""What a record holds beside the exchanges, so that they can be judged again. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.cases.model import Case, Probe
from conformance.run.model import CaseResult, RunResult

Json = dict[str, Any]


def described(case: Case) -> Json:
    """What the header of a record says of a selected case."""
    return {
        "id": case.id,
        "theme": case.theme,
        "title": case.title,
        "requirements": list(case.requirements),
        "scheduling": case.scheduling,
        "rule": case.rule,
        "probes": len(case.probes),
        "strategy": case.strategy,
        "not_exercised": case.not_exercised,
    }


def meta(probe: Probe, late: tuple[str, str] | None = None) -> Json:
    """What must stand beside an exchange so that it can be judged again; what is as usual is left out.

    `late`: case and words, where bytes were found after an answer that had seemed whole.
    """
    wanted = probe.expectation
    told: Json = {"nature": wanted.nature, "requirement": wanted.requirement}
    told |= {"admits": sorted(wanted.admits)} if wanted.admits else {}
    told |= {name: getattr(wanted, name) for name in ("names", "provoked", "label") if getattr(wanted, name)}
    out: Json = {"expectation": told, "path": probe.path}
    out |= {name: getattr(probe, name) for name in ("equal", "wait", "provoke") if getattr(probe, name)}
    out |= {"times": probe.times} if probe.times > 1 else {}
    return out | {"late": late} if late else out


def closing(run: RunResult, results: Iterable[CaseResult], *, opened: bool) -> Json:
    """What the footer of a record says: what no exchange shows, above all why something was not sent.

    `opened`: the opening step let the run go on.
    """
    reasons = {
        one.case.id: {"reason": one.reason, "beforehand": one.beforehand, "error": one.error}
        for one in results
        if (one.reason or one.error) and not one.case.not_exercised
    }
    return {
        "ended": run.ended,
        "requests": run.requests,
        "interrupted": run.interrupted,
        "stop": run.stop,
        "opened": opened,
        "errors": run.errors,
        "reasons": reasons,
    }
