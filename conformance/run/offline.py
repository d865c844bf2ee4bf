"""Judge a record again: from its lines to the result of its run, by the judges of today. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.cases.model import Case, Expectation, Probe
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.exchange.model import Exchange
from conformance.exchange.record import Record, read_record
from conformance.judge.model import Judgement
from conformance.profile import Profile
from conformance.run.findings import (
    broken_words,
    confirmed,
    counting,
    is_provoked,
    judge_probe,
    judge_together,
    late_break,
    unsure,
)
from conformance.run.model import CaseResult, RunResult
from conformance.run.ongoing import Ongoing
from conformance.run.second_pass import CONFIRMATIONS
from conformance.run.sender import RESENDS
from conformance.run.whole_run import WHOLE_RUN, whole_run_judgements

Json = dict[str, Any]
Told = tuple[Exchange, Probe]
REFUSED = (429, 503)


def sound_record(path: Path | str) -> Record:
    """Read the record at `path`. Raises `UsageError` for what is no record, or was changed."""
    try:
        record = read_record(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a record.jsonl") from error
    if record.broken:
        raise UsageError(f"{path}: {record.broken}; judge the record as the run wrote it")
    return record


def judge_record(record: Record, contract: Contract, profile: Profile | None = None) -> RunResult:
    """Judge a sound record. The time limit is that of `profile`, or else the one that the run had.

    Raises `UsageError` where it lacks what judging needs.
    """
    try:
        again = _Again(record, contract, profile)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"the record lacks what judging needs ({type(error).__name__}: {error})") from error
    return again.result()


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


class _Again:
    """One record, judged case by case. All reading is done when it is made; KeyError and the like for what is missing."""

    def __init__(self, record: Record, contract: Contract, profile: Profile | None) -> None:
        self.record, self.contract = record, contract
        header, footer = record.header, record.footer
        self.time_limit = float(profile.limits.timeout_s if profile else header["profile"]["limits"]["timeout_s"])
        self.requests: int = footer.get("requests", len(record.exchanges))
        self.run = RunResult(
            cases=(),
            run_id=header["run"],
            started=header["started"],
            ended=str(footer.get("ended") or header["started"]),
            seed=header["seed"],
            depth=header["depth"],
            url=header["profile"]["target"]["url"],
            requests=self.requests,
            selection=header["selection"],
            stop=_stop(record),
            errors=tuple(footer.get("errors", ())),
        )
        self.cleared_500 = self.confirmed = 0
        self.left: list[tuple[Ongoing, set[int | None], frozenset[str]]] = []
        self.equals: list[tuple[str, Exchange]] = []
        self.late: dict[str, str] = {}
        self.cases = {row["id"]: Ongoing(_case(row)) for row in header["cases"]}
        self.told: dict[str, dict[int, list[list[Told]]]] = {}
        for exchange, beside in zip(record.exchanges, record.meta, strict=True):
            sendings = self.told.setdefault(exchange.case, {}).setdefault(exchange.probe, [])
            if exchange.attempt == 1:  # a sending begins; one after the first is the confirmation of a break
                sendings.append([])
            sendings[-1].append((exchange, _probe(exchange, beside)))
            if "late" in beside:
                self.late.setdefault(*beside["late"])

    def result(self) -> RunResult:
        """The run as it would be told today."""
        for identity, probes in self.told.items():
            self._judge_case(self.cases.get(identity) or Ongoing(_case({"id": identity})), probes)
        if self.confirmed >= CONFIRMATIONS:  # with less, none was left out
            for one, numbers, sure in self.left:
                one.judgements = unsure(one.judgements, numbers, sure)
        return replace(self.run, cases=tuple(self._case_result(one) for one in self.cases.values()))

    def _judge_case(self, one: Ongoing, probes: dict[int, list[list[Told]]]) -> None:
        planned = len(one.case.probes)
        first = {index: sendings[0] for index, sendings in probes.items() if not _given_up(sendings[0])}
        for sending in sorted(first.values(), key=lambda sending: sending[-1][0].number or 0):
            exchange, probe = _counting(sending)
            found = [judgement for told in sending for judgement in self._judge(*told)]
            if 0 < planned <= exchange.probe:  # a smaller body for a finding, which shows nothing else
                found = [judgement for judgement in found if judgement.kind == "breaks"]
            else:
                one.sent += 1
            one.add(found, [exchange])
            one.numbers += [each.number for each, _ in sending if each.number is not None]
            if probe.equal and exchange.answer is not None:
                self.equals.append((one.case.id, exchange))
        if one.case.rule and len(first) == len(one.case.probes):
            last = [_counting(first[index]) for index in sorted(first)]
            one.case = replace(one.case, probes=tuple(probe for _, probe in last))
            got = [exchange for exchange, _ in last]
            one.add(judge_together(self.contract, one.case, got), got)
        again = {
            index: sendings[1][-1]
            for index, sendings in sorted(probes.items())
            if index in first and len(sendings) > 1 and not _given_up(sendings[1])
        }
        sure: frozenset[str] = frozenset()
        for index, told in again.items():
            sure |= self._confirm(one, first[index][-1][0], *told)
        self.confirmed += len(again)
        if one.case.scheduling == "one-shot":
            numbers = {first[index][-1][0].number for index in first if index < planned and index not in again}
            self.left.append((one, numbers, sure))

    def _judge(self, exchange: Exchange, probe: Probe) -> list[Judgement]:
        return judge_probe(self.contract, probe, exchange, self.time_limit)

    def _confirm(self, one: Ongoing, original: Exchange, exchange: Exchange, probe: Probe) -> frozenset[str]:
        """Take in the second sending of a probe; gives what it broke again."""
        words, again = broken_words(one.judgements, original.number), self._judge(exchange, probe)
        one.judgements, cleared = confirmed(self.contract, one.judgements, original, exchange, again)
        self.cleared_500 += cleared
        one.numbers += [exchange.number] if exchange.number is not None else []
        return words & broken_words(again)

    def _case_result(self, one: Ongoing) -> CaseResult:
        case, footer = one.case, self.record.footer
        told = footer.get("reasons", {}).get(case.id, {})
        beforehand = told.get("beforehand", False)
        if case.not_exercised:
            return CaseResult(case, reason=case.not_exercised, beforehand=True)
        if not footer.get("opened", True):  # not the target that was meant: nothing it did is a finding
            one.judgements = []
        elif case.id in WHOLE_RUN:
            one.judgements = whole_run_judgements(
                case.id,
                self.equals,
                sum(each.closed_early for each in self.record.exchanges),
                self.requests,
                self.cleared_500,
            )
            one.sent = 1 if one.judgements else 0
        if case.id in self.late and one.judgements:
            one.judgements.append(late_break(self.late[case.id]))
        reason = told.get("reason", "")
        if not self.record.complete and not one.judgements:
            reason = self.run.stop
        return CaseResult(
            case, tuple(one.judgements), tuple(one.evidence), tuple(one.numbers), one.sent, "no", reason, beforehand,
            told.get("error", ""),
        )  # fmt: skip


def _stop(record: Record) -> str:
    """Why the run could not judge everything."""
    if not record.complete:
        return f"the record is cut off after {len(record.exchanges)} exchanges: it has no footer"
    interrupted = "the run was interrupted" if record.footer.get("interrupted") else ""
    return record.footer.get("stop") or interrupted


def _counting(sending: list[Told]) -> Told:
    """The exchange that counts of a sending, with its probe."""
    probe = sending[-1][1]
    return counting(probe, [exchange for exchange, _ in sending]), probe


def _given_up(sending: list[Told]) -> bool:
    """Whether the run ended in the midst of it, refused in passing or cut off: nothing was judged of it then."""
    exchange, probe = sending[-1]
    if probe.times > 1:  # a burst
        ended = any(is_provoked(probe, one) or one.answer is None for one, _ in sending)
        return not ended and len(sending) < probe.times
    if exchange.failure is not None and exchange.failure.kind == "aborted":
        return True
    status = exchange.answer.status if exchange.answer is not None else None
    return status in REFUSED and status != probe.provoke and exchange.attempt <= RESENDS


def _case(row: Json) -> Case:
    """The case of a header's row; its probes are but counted until they are known."""
    probes = tuple(Probe(Expectation("observe")) for _ in range(row.get("probes", 0)))
    return Case(
        row["id"], row.get("theme", ""), row.get("title", ""), tuple(row.get("requirements", ())), probes,
        row.get("scheduling", "one-shot"), row.get("rule", ""), strategy=row.get("strategy", ""),
        not_exercised=row.get("not_exercised", ""),
    )  # fmt: skip


def _probe(exchange: Exchange, beside: Json) -> Probe:
    told = beside["expectation"]
    expectation = Expectation(
        told["nature"],
        told["requirement"],
        frozenset(told.get("admits", ())),
        tuple(told.get("names", ())),
        told.get("provoked"),
        told.get("label", ""),
    )
    return Probe(
        expectation,
        exchange.request.body,
        method=exchange.request.method,
        path=beside["path"],
        provoke=beside.get("provoke"),
        wait=beside.get("wait", False),
        equal=beside.get("equal", False),
        times=beside.get("times", 1),
    )
