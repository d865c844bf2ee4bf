"""The result of a run from header, tally and footer: the same for a live run and for its record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.exchange.record import FORMAT, Record, Recorder, read_record
from conformance.profile import Waiver
from conformance.redact import Redactor
from conformance.run.model import Deselected, RunResult
from conformance.run.tally import Inconsistent, Tally

Json = Mapping[str, Any]
CUT_OFF = "the record is cut off after {} exchanges: it has no footer"


def run_result(header: Json, tally: Tally, footer: Json) -> RunResult:
    """The result that the report is made from. Without a footer, the record is cut off."""
    blocked = tally.stopped_by_opening()
    stop = blocked or (footer["stop"] if footer else CUT_OFF.format(tally.requests))
    interrupted = bool(footer.get("interrupted", False))
    deselected = tuple(Deselected(row["id"], tuple(row["requirements"])) for row in header["deselected"])
    left_out = {row.case for row in deselected}
    results = tally.results(stop or ("interrupted" if interrupted else ""))
    return RunResult(
        cases=tuple(result for result in results if result.case.id not in left_out),
        run_id=header["run"],
        started=header["started"],
        ended=footer.get("ended", header["started"]),
        seed=header["seed"],
        depth=header["depth"],
        url=header["profile"]["target"]["url"],
        requests=tally.requests,
        selection=header["selection"],
        interrupted=interrupted,
        stop=stop,
        usage=footer.get("usage", ""),
        errors=tuple(footer.get("errors", ())),
        ignored_environment=tuple(header["ignored_environment"]),
        captures=tally.captures(),
        totals=tally.totals(),
        deselected=deselected,
        other_limit=tally.limits.other_limit(),
        waivers=tuple(Waiver.model_validate(row, strict=False) for row in header["profile"].get("waiver", ())),
    )


def sound_record(path: Path | str) -> Record:
    """Read the record at `path`. Raises `UsageError` where it is not a record, or was changed."""
    try:
        record = read_record(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a record.jsonl") from error
    if record.broken:
        other = record.header.get("format", FORMAT) != FORMAT
        advice = (
            f"judge it with version {record.header.get('suite')}" if other else "judge the record as the run wrote it"
        )
        raise UsageError(f"{path}: {record.broken}; {advice}")
    return record


def resumable(folder: Path, redactor: Redactor) -> Recorder:
    """Open the record of a run that was cut off. Raises `UsageError` where there is nothing to go on with."""
    path = folder / "record.jsonl"
    try:
        if not path.stat().st_size:
            raise UsageError("the run was cut off before it began; remove the folder and run again")
        recorder = Recorder(path, None, redactor)
    except BlockingIOError:
        raise UsageError("another process writes this run; wait for its end") from None
    except OSError as error:
        raise UsageError(f"record.jsonl cannot be opened ({error.strerror}); name the folder of a run") from None
    record = recorder.so_far
    broken = record.broken and f"record.jsonl: {record.broken}; only a record as the run wrote it can go on"
    if (
        not broken
        and record.complete
        and not (record.footer["interrupted"] or record.footer["stop"] or record.footer["errors"])
    ):
        broken = "the run is complete; there is nothing to resume"
    if broken:
        recorder.close()
        raise UsageError(broken)
    return recorder


def judge_record(record: Record, contract: Contract, time_limit: float | None = None) -> RunResult:
    """Judge a sound record again. `time_limit`: seconds for one answer; None for the limit of the run.

    Raises `UsageError` where something needed is missing, or the events are not possible in this order.
    """
    try:
        limit = record.header["profile"]["limits"]["timeout_s"] if time_limit is None else time_limit
        tally = Tally(contract, float(limit))
        for event in record.events:
            tally.take(event)
        return run_result(record.header, tally, record.footer)
    except Inconsistent as error:
        raise UsageError(f"the record contradicts itself: {error}; judge the record as the run wrote it") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"the record lacks data that judging needs ({type(error).__name__}: {error})") from error
