"""Run the selected cases: opening step, first pass, exclusive cases, confirmation, and what the whole run shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, TypeVar

from conformance.cases.model import Case, Expectation
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.exchange.client import Client
from conformance.exchange.model import Exchange
from conformance.judge.model import Judgement
from conformance.judge.retry_after import end_of_window
from conformance.profile import Profile
from conformance.run.findings import broken_words, judge_probe, judge_together, late_break
from conformance.run.gate import Halted
from conformance.run.model import CaseResult
from conformance.run.ongoing import Ongoing, missed, why_not_judged
from conformance.run.opening import (
    ACCEPTANCE,
    not_json_case,
    probe_currency,
    probe_store,
    refused_at_the_door,
    wrong_target,
)
from conformance.run.progress import Progress
from conformance.run.second_pass import CONFIRMATIONS, Broken, SecondPass
from conformance.run.sender import Sender, Sent, Unsent, new_unique
from conformance.run.whole_run import EQUALS, WHOLE_RUN, whole_run_judgements

LOST_IN_A_ROW = 5
INTERRUPTED = "interrupted"
GRACE_S = 1.0
T = TypeVar("T")


class Engine:
    """Sends every case once and judges it; results are complete when `run` returns, interrupted or not."""

    def __init__(
        self,
        contract: Contract,
        profile: Profile,
        sender: Sender,
        progress: Progress,
        classify: Callable[[bytes], Expectation],
    ) -> None:
        self.contract, self.profile, self.sender, self.progress = contract, profile, sender, progress
        self.classify = classify
        self.results: dict[str, CaseResult] = {}
        self.stop = ""
        self.usage = ""
        self.interrupted = False
        self.errors: list[str] = []
        self._ongoing: dict[str, Ongoing] = {}
        self._equals: list[tuple[str, Exchange]] = []
        self._broken: list[Broken] = []
        self._lock = threading.RLock()
        self._local = threading.local()
        self._futures: list[Future[Any]] = []
        self._cut_off = False
        self._lost_in_a_row = 0
        self._cleared_500 = 0

    def run(
        self, cases: Sequence[Case], rebuild: Callable[[list[tuple[str, str]]], dict[str, Case] | None] | None = None
    ) -> None:
        """Send and judge `cases`. `rebuild` gives the cases anew, by id, for the accepted (store, currency) pairs."""
        sendable = [case for case in cases if not case.not_exercised and case.probes]
        for case in cases:
            if case.not_exercised:
                self.results[case.id] = CaseResult(case, reason=case.not_exercised, beforehand=True)
        for case in sendable:
            self._ongoing[case.id] = Ongoing(case)
        self.progress.start(sum(len(case.probes) for case in sendable))
        pool = ThreadPoolExecutor(self.profile.limits.concurrency, "sender")
        chains = ThreadPoolExecutor(max(2, self.profile.limits.concurrency), "chain")
        try:
            self._all(sendable, pool, chains, rebuild)
        except KeyboardInterrupt:
            self.interrupted = True
            self.sender.gate.halt(INTERRUPTED)
        except Halted:
            pass
        finally:
            pool.shutdown(wait=not self.interrupted, cancel_futures=True)
            chains.shutdown(wait=not self.interrupted, cancel_futures=True)
            if self.interrupted:
                self._drain()
            self.sender.close()
            self.progress.stop()
            self._finish(cases)

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> Future[T]:
        future = pool.submit(work, *arguments)
        self._futures.append(future)
        return future

    def _drain(self) -> None:
        """After an interruption: give what is in flight a moment, then cut it off and count it as unknown."""
        wait([future for future in self._futures if future.running()], GRACE_S)
        self._cut_off = True
        self.sender.abort()
        wait([future for future in self._futures if future.running()], GRACE_S)
        self.sender.abandon()

    def _all(
        self,
        cases: list[Case],
        pool: ThreadPoolExecutor,
        chains: ThreadPoolExecutor,
        rebuild: Callable[[list[tuple[str, str]]], dict[str, Case] | None] | None,
    ) -> None:
        opening = [case for case in cases if case.theme == ACCEPTANCE]
        accepted = self._open(opening, pool)
        if self.stop:
            raise Halted
        rest = [case for case in cases if case.theme != ACCEPTANCE and case.id != "opening-not-json"]
        if rebuild is not None and accepted:
            rest = self._rebuilt(rest, rebuild(accepted))
        chained = [case for case in rest if case.scheduling == "chain"]
        chained.sort(key=lambda case: not any(probe.wait for probe in case.probes))
        futures = [self._submit(chains, self._guarded, self._chain, case) for case in chained]
        futures += [
            self._submit(pool, self._guarded, self._one, case, index)
            for case in rest
            if case.scheduling == "one-shot"
            for index in range(len(case.probes))
        ]
        _wait(futures)
        for case in rest:
            if case.scheduling == "exclusive":
                _wait([self._submit(chains, self._guarded, self._chain, case)])
        self._confirm(pool)

    def _rebuilt(self, cases: list[Case], again: dict[str, Case] | None) -> list[Case]:
        """The cases as built on what was accepted; those about a refused store or currency are not sent."""
        if again is None:
            return cases
        kept = [again[case.id] for case in cases if case.id in again]
        for case in cases:
            if case.id not in again:
                self._ongoing[case.id].reason = "what it builds on was not accepted in the opening step"
                self._ongoing[case.id].beforehand = True
        for case in kept:
            self._ongoing[case.id].case = case
        return kept

    def _open(self, opening: list[Case], pool: ThreadPoolExecutor) -> list[tuple[str, str]]:
        """The opening step; sets `stop` where the target cannot be judged, and gives the accepted pairs in order."""
        first = not_json_case()
        self._ongoing[first.id] = Ongoing(first)
        exchange = self._opening_exchange(first, pool)
        self.stop = refused_at_the_door(exchange) if exchange is not None else self.sender.gate.reason
        if self.stop:
            return []
        exchanges = list(
            zip(opening, _results([self._submit(pool, self._opening, case) for case in opening]), strict=True)
        )
        received = [exchange for _, exchange in exchanges if exchange is not None]
        if exchange is not None:
            self.stop = wrong_target(exchange, received)
        return [
            (probe_store(case), probe_currency(case))
            for case, answered in exchanges
            if answered is not None and answered.answer is not None and 200 <= answered.answer.status < 300
        ]

    def _opening_exchange(self, case: Case, pool: ThreadPoolExecutor) -> Exchange | None:
        return _results([self._submit(pool, self._opening, case)])[0]

    def _opening(self, case: Case) -> Exchange | None:
        self._guarded(self._one, case, 0)
        evidence = self._ongoing[case.id].evidence
        return evidence[0] if evidence else None

    def _client(self) -> Client:
        """The sending thread's own client."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self.sender.client()
        return client

    def _guarded(self, work: Callable[..., None], case: Case, *arguments: Any) -> None:
        """Do `work`; our own crash becomes an error of the case, never a finding about the target."""
        try:
            work(case, *arguments)
        except Halted:
            pass
        except Unsent as why:
            with self._lock:
                self._ongoing[case.id].reason = str(why)
        except UsageError as error:
            self.usage = self.usage or str(error)
            self.sender.gate.halt(str(error))
        except OSError as error:
            self.errors.append(f"{case.id}: {error}")
            self.sender.gate.halt(f"a file could not be written: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours
            if self._cut_off:
                return
            with self._lock:
                self._ongoing[case.id].error = f"{type(error).__name__}: {error}"
                self.errors.append(f"{case.id}: {type(error).__name__}: {error}")

    def _one(self, case: Case, index: int) -> None:
        sent = self.sender.send(self._client(), case, index, unique=new_unique(case))
        self._take(case, index, sent)

    def _chain(self, case: Case) -> None:
        """Send a case's probes in order, each connection of it on a client of its own."""
        unique = new_unique(case)
        numbers = sorted({probe.connection for probe in case.probes})
        exchanges: list[Exchange | None] = [None] * len(case.probes)

        def along(number: int) -> None:
            client = self.sender.client()
            try:
                self._along(case, number, client, unique, exchanges)
            finally:
                client.close()

        if case.together:
            with ThreadPoolExecutor(len(numbers)) as threads:
                for future in [threads.submit(along, number) for number in numbers]:
                    future.result()
        else:
            for number in numbers:
                along(number)
        got = [exchange for exchange in exchanges if exchange is not None]
        if case.rule and len(got) == len(exchanges):
            self._add(case, judge_together(self.contract, case, got), got)

    def _along(self, case: Case, number: int, client: Client, unique: str, exchanges: list[Exchange | None]) -> None:
        trip = None
        last: Exchange | None = None
        for index, probe in enumerate(case.probes):
            if probe.connection != number:
                continue
            if probe.wait and not self._sit_out(case, last):
                return
            sent = self.sender.send(client, case, index, unique=unique, trip=trip if probe.trip == "same" else None)
            trip = sent.exchange.trip
            exchanges[index] = sent.exchange
            if sent.exchange.answer is not None and sent.exchange.answer.status == 429:
                last = sent.exchange
            self._take(case, index, sent)

    def _sit_out(self, case: Case, last: Exchange | None) -> bool:
        """Wait for the end that the last 429 announced; False, with the reason noted, where it is none or too far."""
        if last is None:
            return False
        end = end_of_window(last)
        limit = self.profile.limits.max_wait_s
        if end is None or end - time.monotonic() > limit:
            announced = "no readable end" if end is None else f"an end in {end - time.monotonic():.0f} s"
            with self._lock:
                ongoing = self._ongoing[case.id]
                ongoing.beforehand = True
                ongoing.reason = f"the window has {announced}, beyond max_wait_s = {limit:g}"
            return False
        self.sender.recorder.flush()
        self.sender.gate.sleep_until(end)
        return True

    def _take(self, case: Case, index: int, sent: Sent) -> None:
        """Judge what one probe led to and keep what is worth keeping; nothing where we cut it off ourselves."""
        if self._cut_off:
            raise Halted
        probe, exchange = case.probes[index], sent.exchange
        judgements = [
            judgement for other in sent.in_passing for judgement in self._judge(case, index, other)
        ] + self._judge(case, index, exchange)
        if probe.equal and exchange.answer is not None:
            with self._lock:
                self._equals.append((case.id, exchange))
        with self._lock:
            ongoing = self._ongoing[case.id]
            ongoing.sent += 1
            if sent.charged != "no" and ongoing.charged != "yes":
                ongoing.charged = sent.charged
            ongoing.numbers += [other.number for other in (*sent.in_passing, exchange) if other.number is not None]
            if not ongoing.reason and (not judgements or (index == 0 and missed(probe, sent))):
                ongoing.reason = why_not_judged(probe, sent)
            self._count_lost(exchange)
        self._add(case, judgements, [exchange])
        broken = broken_words(judgements)
        if broken and case.scheduling == "one-shot":
            with self._lock:
                self._broken.append((case, index, exchange, broken))
        self.progress.advance(1, 1 if broken else 0)

    def _count_lost(self, exchange: Exchange) -> None:
        self._lost_in_a_row = self._lost_in_a_row + 1 if exchange.unsent else 0
        if self._lost_in_a_row >= LOST_IN_A_ROW and exchange.failure is not None:
            self.sender.gate.halt(f"the target is gone: {exchange.failure.detail}")

    def _judge(self, case: Case, index: int, exchange: Exchange) -> list[Judgement]:
        return judge_probe(self.contract, case.probes[index], exchange, self.profile.limits.timeout_s)

    def _add(self, case: Case, judgements: list[Judgement], exchanges: list[Exchange]) -> None:
        with self._lock:
            self._ongoing[case.id].add(judgements, exchanges)

    def _confirm(self, pool: ThreadPoolExecutor) -> None:
        """Send each break of a one-shot case once more, then look for smaller bodies of generated ones."""
        second = SecondPass(
            self.contract, self.profile.limits.timeout_s, self.classify, self._ongoing, self._lock,
            lambda case, index: self.sender.send(self._client(), case, index, unique=new_unique(case)),
        )  # fmt: skip
        ordered = second.ordered(self._broken)
        found, left = ordered[:CONFIRMATIONS], ordered[CONFIRMATIONS:]
        for one in found:
            _wait([self._submit(pool, self._guarded, second.confirm, *one)])
        for case in second.generated(found):
            _wait([self._submit(pool, self._guarded, second.shrink, case)])
        second.leave(left)
        self._cleared_500 = second.cleared

    def _finish(self, cases: Sequence[Case]) -> None:
        """Turn what is known into results, what the whole run shows included."""
        reason = self.stop or self.sender.gate.reason
        for ongoing in self._ongoing.values():
            if self.stop:  # a wrong target, URL or profile: no finding is made of its answers
                ongoing.judgements, ongoing.reason = [], self.stop
            if ongoing.sent < len(ongoing.case.probes) and reason and not ongoing.reason:
                ongoing.reason = reason
            self.results[ongoing.case.id] = ongoing.result()
        for identity, text in () if self.stop else self.sender.late_defects.items():
            if (result := self.results.get(identity)) is not None:
                self.results[identity] = replace(result, judgements=(*result.judgements, late_break(text)))
        for case in cases:
            if case.id in WHOLE_RUN:
                few = sum(probe.equal for other in cases for probe in other.probes) < 2
                self.results[case.id] = self._whole(case, beforehand=case.id == EQUALS and few)

    def _whole(self, case: Case, *, beforehand: bool) -> CaseResult:
        if self.stop:
            return CaseResult(case, reason=self.stop)
        sender = self.sender
        judgements = whole_run_judgements(
            case.id, self._equals, sender.closed_early, sender.requests, self._cleared_500
        )
        numbers = {judgement.exchange for judgement in judgements if judgement.kind == "breaks"}
        return CaseResult(
            case,
            tuple(judgements),
            tuple(exchange for _, exchange in self._equals if exchange.number in numbers)[:3],
            sent=1 if judgements else 0,
            reason="" if judgements else "nothing to compare",
            beforehand=beforehand and not judgements,
        )


def _wait(futures: list[Future[None]]) -> None:
    """Wait for all, in steps, so that an interruption gets through."""
    left = set(futures)
    while left:
        _, left = wait(left, timeout=0.5)


def _results(futures: list[Future[Exchange | None]]) -> list[Exchange | None]:
    left: set[Future[Exchange | None]] = set(futures)
    while left:
        _, left = wait(left, timeout=0.5)
    return [future.result() for future in futures]
