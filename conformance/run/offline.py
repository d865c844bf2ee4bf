"""Judge a record again: from its lines to the result of its run, by the judges of today. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.cases.model import Case, Expectation, Probe
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.exchange.model import Exchange
from conformance.exchange.record import Record, read_record
from conformance.judge.groups import judge_closes, judge_equals
from conformance.judge.model import Judgement, holds
from conformance.profile import Profile
from conformance.run.findings import confirmed, distinct, judge_probe, judge_together, late_break
from conformance.run.model import CaseResult, RunResult
from conformance.run.whole_run import CLOSES, EQUALS, STABILITY

Json = dict[str, Any]
Told = tuple[Exchange, Json]
REFUSED = (429, 503)
LAST_ATTEMPT = 3
EVIDENCE = 4


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


def sound_record(path: Path | str) -> Record:
    """Read the record at `path`. Raises `UsageError` for what is no record, or was changed."""
    try:
        record = read_record(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a record.jsonl") from error
    if record.broken:
        raise UsageError(f"{path}: {record.broken}; judge the record as the run wrote it")
    return record


def judge_record(path: Path | str, contract: Contract, profile: Profile | None = None) -> RunResult:
    """Judge the record at `path`. The time limit is that of `profile`, or else the one that the run had.

    Raises `UsageError` for what is no sound record.
    """
    record = sound_record(path)
    try:
        return _Again(record, contract, profile).result()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: lacks what judging needs ({type(error).__name__}: {error})") from error


def changes(results: Path, requirements: Mapping[str, str], cases: Mapping[str, str]) -> list[str]:
    """In one line each, how the outcomes of today differ from those in the `results.json` of the run, where it is."""
    try:
        before = json.loads(results.read_text(encoding="utf-8"))
        told = {what: {row["id"]: row["outcome"] for row in before[what]} for what in ("requirements", "cases")}
    except FileNotFoundError:
        return [f"nothing to compare with: there is no {results.name} beside the record"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{results}: cannot be read ({error}); restore it, or move the record elsewhere") from error
    lines = [
        f"changed: {what} {word}: {old} in the run, {now[word]} today"
        for what, now in (("requirement", requirements), ("case", cases))
        for word, old in told[what + "s"].items()
        if now.get(word, old) != old
    ]
    lines += [
        f"new: requirement {word}: {requirements[word]}" for word in requirements if word not in told["requirements"]
    ]
    return lines or ["no outcome changed"]


@dataclass(slots=True)
class _Case:
    """What is found out about one case."""

    case: Case
    judgements: list[Judgement] = field(default_factory=list)
    evidence: list[Exchange] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    sent: int = 0

    def add(self, judgements: list[Judgement], exchanges: Sequence[Exchange]) -> None:
        """Keep what says more than is known; of the exchanges the first, and a few that break something."""
        self.judgements += distinct(judgements, self.judgements)
        broken = any(one.kind == "breaks" for one in judgements)
        for exchange in exchanges:
            if not self.evidence or (broken and len(self.evidence) < EVIDENCE and exchange not in self.evidence):
                self.evidence.append(exchange)


class _Again:
    """One record, judged case by case."""

    def __init__(self, record: Record, contract: Contract, profile: Profile | None) -> None:
        self.record, self.contract = record, contract
        limits = record.header["profile"].get("limits", {})
        self.time_limit: float = profile.limits.timeout_s if profile else limits["timeout_s"]
        self.cleared_500 = 0
        self.equals: list[tuple[str, Exchange]] = []
        self.late: dict[str, str] = {}
        self.cases = {row["id"]: _Case(_case(row)) for row in record.header["cases"]}
        self.told: dict[str, dict[int, list[list[Told]]]] = {}
        for exchange, beside in zip(record.exchanges, record.meta, strict=True):
            sendings = self.told.setdefault(exchange.case, {}).setdefault(exchange.probe, [])
            if exchange.attempt == 1:  # a sending begins; one after the first is the confirmation of a break
                sendings.append([])
            sendings[-1].append((exchange, beside))
            if "late" in beside:
                self.late.setdefault(*beside["late"])

    def result(self) -> RunResult:
        """The run as it would be told today."""
        header, footer, complete = self.record.header, self.record.footer, self.record.complete
        interrupted = footer.get("interrupted", False)
        stop = footer.get("stop") or ("the run was interrupted" if interrupted else "")
        if not complete:
            stop = f"the record is cut off after {len(self.record.exchanges)} exchanges: it has no footer"
        for identity, probes in self.told.items():
            self._judge_case(self.cases.get(identity) or _Case(_case({"id": identity})), probes)
        return RunResult(
            cases=tuple(self._case_result(one, stop) for one in self.cases.values()),
            run_id=header["run"],
            started=header["started"],
            ended=str(footer.get("ended", header["started"])),
            seed=header["seed"],
            depth=header["depth"],
            url=header["profile"]["target"]["url"],
            requests=footer.get("requests", len(self.record.exchanges)),
            selection=header["selection"],
            stop=stop,
            errors=tuple(footer.get("errors", ())),
        )

    def _judge_case(self, one: _Case, probes: dict[int, list[list[Told]]]) -> None:
        first = [(index, sendings[0]) for index, sendings in probes.items() if not _given_up(sendings[0])]
        known: dict[int, Probe] = {}
        group: dict[int, Exchange] = {}
        for index, sending in sorted(first, key=lambda pair: pair[1][-1][0].number or 0):
            judgements = [judgement for exchange, beside in sending for judgement in self._judge(exchange, beside)]
            exchange, beside = sending[-1]
            known[index], group[index] = _probe(exchange, beside), exchange
            one.sent += 1
            one.numbers += [each.number for each, _ in sending if each.number is not None]
            one.add(judgements, [exchange])
            if known[index].equal and exchange.answer is not None:
                self.equals.append((one.case.id, exchange))
        if one.case.rule and len(group) == len(one.case.probes):
            one.case = replace(one.case, probes=tuple(known[index] for index in sorted(known)))
            got = [group[index] for index in sorted(group)]
            one.add(judge_together(self.contract, one.case, got), got)
        for index, sendings in sorted(probes.items()):
            for sending in sendings[1:]:
                if not _given_up(sending):
                    self._confirm(one, index, *sending[-1])

    def _judge(self, exchange: Exchange, beside: Json) -> list[Judgement]:
        return judge_probe(self.contract, _probe(exchange, beside), exchange, self.time_limit)

    def _confirm(self, one: _Case, index: int, exchange: Exchange, beside: Json) -> None:
        originals = {each.number: each for each in one.evidence if each.probe == index}
        again = self._judge(exchange, beside)
        one.judgements, cleared = confirmed(self.contract, one.judgements, originals, exchange, again)
        self.cleared_500 += cleared
        one.numbers += [exchange.number] if exchange.number is not None else []

    def _case_result(self, one: _Case, stop: str) -> CaseResult:
        case, footer = one.case, self.record.footer
        told = footer.get("reasons", {}).get(case.id, {})
        beforehand = told.get("beforehand", False)
        if case.not_exercised:
            return CaseResult(case, reason=case.not_exercised, beforehand=True)
        if not footer.get("opened", True):  # not the target that was meant: nothing it did is a finding
            one.judgements = []
        elif case.id in (EQUALS, CLOSES, STABILITY):
            one.judgements = self._whole(case)
            one.sent = 1 if one.judgements else 0
        if case.id in self.late and one.judgements:
            one.judgements.append(late_break(self.late[case.id]))
        reason = told.get("reason", "")
        if not self.record.complete and not one.judgements:
            reason = stop
        return CaseResult(
            case, tuple(one.judgements), tuple(one.evidence), tuple(one.numbers), one.sent, "no", reason, beforehand,
            told.get("error", ""),
        )  # fmt: skip

    def _whole(self, case: Case) -> list[Judgement]:
        requests = self.record.footer.get("requests", len(self.record.exchanges))
        if case.id == EQUALS:
            return judge_equals(self.equals)
        if case.id == CLOSES:
            return judge_closes(sum(one.closed_early for one in self.record.exchanges), requests)
        return [holds("server-error.stable")] if requests and not self.cleared_500 else []


def _given_up(sending: list[Told]) -> bool:
    """Whether it was refused in passing and not sent again, since the run ended there: the run judged nothing of it."""
    exchange, beside = sending[-1]
    refused = exchange.answer is not None and exchange.answer.status in REFUSED and "provoke" not in beside
    return refused and exchange.attempt < LAST_ATTEMPT


def _case(row: Json) -> Case:
    """The case of a header's row; its probes are but counted until they are known."""
    probes = tuple(Probe(Expectation("observe")) for _ in range(row.get("probes", 0)))
    return Case(
        row["id"], row.get("theme", ""), row.get("title", ""), tuple(row.get("requirements", ())), probes,
        row.get("scheduling", "one-shot"), row.get("rule", ""), strategy=row.get("strategy", ""),
        not_exercised=row.get("not_exercised", ""),
    )  # fmt: skip


def _expectation(beside: Json) -> Expectation:
    told = beside["expectation"]
    return Expectation(
        told["nature"],
        told["requirement"],
        frozenset(told.get("admits", ())),
        tuple(told.get("names", ())),
        told.get("provoked"),
        told.get("label", ""),
    )


def _probe(exchange: Exchange, beside: Json) -> Probe:
    return Probe(
        _expectation(beside),
        exchange.request.body,
        method=exchange.request.method,
        path=beside["path"],
        provoke=beside.get("provoke"),
        wait=beside.get("wait", False),
        equal=beside.get("equal", False),
    )
