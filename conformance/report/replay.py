"""Send a recorded case again, through the sender itself, and compare its result with the recorded one.

Windows, chains and bursts are sent as in the run, with fresh trips and under the money rules of the profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from conformance.cases.model import TRIP, Case, Probe, fill_trip
from conformance.errors import UsageError
from conformance.exchange.event import Sent
from conformance.exchange.record import Record
from conformance.judge.model import Judgement
from conformance.report.clean import Cleaner
from conformance.report.outcome import exit_status, summarise
from conformance.run.model import CaseResult, RunResult
from conformance.run.whole_run import INDEPENDENT, WHOLE_RUN
from conformance.session import Run

Word = Literal["better", "worse", "same", "different", "not judged"]
CUT = 300
"""Characters of what was received that a line shows."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a case compared with the recorded one, as a word and as lines; `status` is the exit status."""

    word: Word
    lines: tuple[str, ...]
    status: int


def recorded_case(run: Run, record: Record, case_id: str) -> Case:
    """The case as `run` plans it, with the recorded bodies. Raises `UsageError` where it cannot be sent alone."""
    if case_id in WHOLE_RUN:
        raise UsageError(f"CASE {case_id}: it is judged over all requests of a run; run the suite again")
    bodies = {
        event.exchange.probe: (event.exchange.request.body, event.exchange.trip)
        for event in record.events
        if isinstance(event, Sent) and event.exchange.case == case_id and event.purpose in ("first", "burst")
    }
    case = next((case for case in run.cases if case.id == case_id), None)
    if not bodies or case is None:
        sent = {event.exchange.case for event in record.events if isinstance(event, Sent)}
        near = get_close_matches(case_id, sent, 1)
        hint = f"; did you mean {near[0]}?" if near and near[0] != case_id else ""
        raise UsageError(
            f"CASE {case_id}: the record, or the plan for this target, has no request of such a case{hint}"
        )
    probes = [_as_recorded(probe, *bodies.get(number, (b"", None))) for number, probe in enumerate(case.probes)]
    return _with_reference(replace(case, probes=tuple(probes)), run.cases)


def _as_recorded(probe: Probe, body: bytes, trip: str | None) -> Probe:
    """The probe with the recorded body, should it differ from the planned one in more than the trip."""
    if not body or fill_trip(probe.body, trip or TRIP) == body:
        return probe
    return replace(probe, body=body.replace(trip.encode(), TRIP.encode()) if trip else body)


def _with_reference(case: Case, cases: Iterable[Case]) -> Case:
    """The case with one more good request in front, if its own are too few to be compared with each other."""
    if INDEPENDENT not in case.requirements or sum(probe.equal for probe in case.probes) > 1:
        return case
    good = next((probe for other in cases for probe in other.probes if probe.equal), None)
    return replace(case, probes=(replace(good, connection=-1), *case.probes)) if good is not None else case


def sent_again(run: Run, case: Case) -> RunResult:
    """Send the case, after the first request of every run. OSError if no record can be written."""
    run.make_folder()
    run.execute([case])
    return run.result()


def compared(run: Run, case: Case, before: RunResult, now: RunResult) -> Comparison:
    """Whether the case is better, worse or the same than in the recorded run, requirement by requirement."""
    clean = Cleaner(run.redactor)
    old, new = (_violations(_of(case, result)) for result in (before, now))
    summary = summarise(run.contract, now)
    status = exit_status(summary, now, require_complete=False, fail_on_warning=False)
    result = _of(case, now)
    if result is None or not (result.sent and result.judgements) or now.stop:
        reason = now.stop or (result.error or result.reason if result is not None else "")
        return Comparison("not judged", (clean.line(reason or "No response allowed a decision", CUT),), status)
    fixed, added = old.keys() - new.keys(), new.keys() - old.keys()
    word: Word = "different" if fixed and added else "better" if fixed else "worse" if added else "same"
    lines = [f"no longer violated: {requirement}" for requirement in sorted(fixed)]
    for requirement, judgement in sorted(new.items()):
        state = "now violated" if requirement in added else "still violated"
        text = f"{state}: {requirement} at {judgement.at}: expected {judgement.expected}, received {judgement.received}"
        lines.append(clean.line(text, CUT))
    return Comparison(word, tuple(lines or ["no requirement is violated, then and now"]), status)


def _of(case: Case, result: RunResult) -> CaseResult | None:
    return next((found for found in result.cases if found.case.id == case.id), None)


def _violations(result: CaseResult | None) -> dict[str, Judgement]:
    """The first violation of each requirement."""
    judgements = reversed(result.judgements) if result is not None else ()
    return {judgement.requirement: judgement for judgement in judgements if judgement.kind == "breaks"}
