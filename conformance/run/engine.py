"""The order of sending. Never judges.

Opening step, first pass, exclusive cases, what may end the server, what stayed refused, confirmation, smaller bodies.

How it works
- `run` stays in the calling thread and gives work to two pools. One pool of `concurrency` threads sends one-shot cases
  on shared clients. Another pool sends chains, which may wait long; each connection of a chain has its own client.
  `Pace` limits the requests in flight over both pools, and `Connections` the open connections.
- Every sending becomes events in the `Journal`. The engine asks the tally what to send next, and only when nothing is
  in flight.
- What got no answer is confirmed alone, one request after the other, and what was answered just before the server was gone:
  the request that ends the server again is the cause.
- `_lock` guards the counters that end a run early, and the speed.
- A thread that gets `Halted` ends its work. A usage error or a full disk ends the run; any other exception becomes an
  error of its case.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import count, zip_longest
from math import inf
from typing import Any

from conformance.cases.model import Case, Expectation, PlannedRequest, Probe, planned_requests
from conformance.errors import UsageError, own_limit
from conformance.exchange.client import Client
from conformance.exchange.event import Note, Purpose, Sent
from conformance.exchange.model import BUSY
from conformance.exchange.retry_after import end_of_window, form_of_limit
from conformance.profile import Limits
from conformance.run.opening import ENOUGH, OPENING
from conformance.run.progress import Progress
from conformance.run.shrink import Budget, search_smaller
from conformance.run.speed import Speed, is_silent
from conformance.run.tally import Journal
from conformance.send import Unsent
from conformance.send.pace import Halted
from conformance.send.provocation import new_unique
from conformance.send.sender import Sender

TRIED_AGAIN = 50
"""Requests and chains of a run that stayed refused and are tried again at its end."""
CONFIRMATIONS = 50
"""Requests of a run that may be sent a second time, to confirm a violation."""
LOST_IN_A_ROW = 5
REFUSED_IN_A_ROW = 5
APART_S = 0.01
"""Seconds between an answer and the next request, where the request before may have ended the server."""
FIRST_S = 3.0
"""How long the first request of a run may take before the captures of the opening step are sent beside it."""
CHECK_S = (0.05, 0.25)
"""Seconds before each check that the server is still there."""
STILL_THERE = Probe(Expectation("observe"), body=b"{", trip="none")
SILENT_IN_A_ROW = 10
INTERRUPTED = "interrupted"
GRACE_S = 1.0
SWITCH_OFF_S = 20.0
"""The most seconds that an interrupted run waits until the profile's `after` call was made."""
INTERRUPTION_S = 0.1
"""Seconds after which an interruption is noticed."""
Rebuild = Callable[[list[tuple[str, str]]], dict[str, Case] | None]
Pools = Callable[[int, str], Executor]
"""Makes an executor with that many threads; tests replace it by one that works in the calling thread."""


class Engine:
    """Sends every case once. The results are complete when `run` returns, also after an interruption."""

    def __init__(
        self,
        limits: Limits,
        sender: Sender,
        journal: Journal,
        progress: Progress,
        classify: Callable[[bytes], Expectation],
        pools: Pools = ThreadPoolExecutor,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.limits, self.sender, self.journal, self.progress = limits, sender, journal, progress
        self.classify, self.pools, self._is_interrupted = classify, pools, is_interrupted
        self.usage = ""
        self.interrupted = False
        self.errors: list[str] = []
        self._lock = threading.Lock()
        self._futures: list[Future[None]] = []
        self._cut_off = False
        self._lost = self._refused = self._silent = self._endless = 0
        self._speed = Speed(0, limits, 0.0)

    @property
    def stop(self) -> str:
        """Why the run ended early; empty where it did not."""
        reason, left_on = self.sender.pace.reason, self.sender.left_on
        return self.journal.tally.stopped_by_opening() or (reason if left_on in reason else f"{reason}; {left_on}")

    def run(self, cases: Sequence[Case], rebuild: Rebuild | None = None) -> None:
        """Send `cases`. `rebuild` makes the cases again, by id, for the accepted pairs of store and currency."""
        sendable = [case for case in cases if not case.not_exercised and case.probes]
        self.journal.plan(cases)
        total = sum(len(case.probes) for case in sendable)
        self._speed = Speed(total, self.limits, self.sender.pace.clock.now())
        self.progress.start(total)
        pool = self.pools(self.limits.concurrency, "sender")
        chains = self.pools(max(2, self.limits.concurrency), "chain")
        try:
            self._all(sendable, pool, chains, rebuild)
        except KeyboardInterrupt:
            self.interrupted = True
            self.sender.pace.halt(INTERRUPTED)
        except Halted:
            pass
        except Exception as error:  # noqa: BLE001 - any exception here is ours; what was judged is still reported
            self.interrupted = self._is_interrupted()
            limit = own_limit(error) or f"{type(error).__name__}: {error}"
            self.errors.append(limit)
            self.sender.pace.halt(limit)
        finally:
            for each in (pool, chains):
                each.shutdown(wait=not self.interrupted, cancel_futures=True)
            if self.interrupted:
                self._drain()
            self.sender.connections.close_all()
            self.progress.stop()

    def _drain(self) -> None:
        """After an interruption: give the requests in flight a moment to end, then cut them off."""
        wait([future for future in self._futures if future.running()], GRACE_S)
        self._cut_off = True
        self.sender.connections.abort()
        wait([future for future in self._futures if future.running()], GRACE_S)
        self.sender.off.wait(SWITCH_OFF_S)

    def _all(self, cases: list[Case], pool: Executor, chains: Executor, rebuild: Rebuild | None) -> None:
        opening = [case for case in cases if case.id == OPENING]
        accepting = [case for case in cases if case.accepts]
        first = self._send_each(pool, self._pending(opening), at_most=FIRST_S)
        self._check_opening()
        suspect = ENOUGH if self.journal.tally.suspects_no_server() else 0
        for step in (accepting[:suspect], accepting[suspect:]):
            self._send_each(pool, self._pending(step))
            self._check_opening()
        self._wait(first)
        if accepting and self._silent > len(accepting):  # not one answer so far
            self._halt_silent(self._silent)
        self._check_opening()
        rest = [case for case in cases if case.id != OPENING and not case.accepts]
        rest = self._rebuilt(rest, rebuild)
        chained = [case for case in rest if case.scheduling == "chain"]
        chained.sort(key=lambda case: not any(probe.wait for probe in case.probes))
        pending = self.journal.tally.pending
        one_shot = [case for case in rest if case.scheduling == "one-shot"]
        waiting = [self._submit(chains, self._chain, case.id, case) for case in chained if pending(case)]
        self._send_each(pool, self._pending(case for case in one_shot if not case.last))
        self._wait(waiting)
        self._exclusives(chains, [case for case in rest if not case.last])
        self._send_each(pool, self._pending(case for case in one_shot if case.last))
        self._exclusives(chains, [case for case in rest if case.last])
        self._try_again(pool, chains)
        tally = self.journal.tally
        self._repeat_lost(pool)
        self._send_each(pool, tally.to_confirm()[: max(0, CONFIRMATIONS - tally.confirmations)], "confirm")
        budget = Budget()
        for case, probes, confirmed in tally.confirmed():
            self._wait([self._submit(pool, self._shrink, case.id, case, probes, confirmed, budget)])

    def _try_again(self, pool: Executor, chains: Executor) -> None:
        """Send what stayed refused once more, one at a time, as long as one more refusal would not end the run."""
        self._refused = 0
        for event in self.journal.tally.refused()[:TRIED_AGAIN]:
            if self.sender.pace.halted or self._refused >= REFUSED_IN_A_ROW - 1:
                return
            case = self.journal.again(event)
            if event.probe is not None:
                request = PlannedRequest(case.id, event.probe, case.probes[event.probe])
                self._wait([self._submit(pool, self._send_one_shot, case.id, request, "first")])
            else:
                alone = self._exclusive if case.scheduling == "exclusive" else self._chain
                self._wait([self._submit(chains, alone, case.id, case)])

    def _exclusives(self, pool: Executor, cases: Iterable[Case]) -> None:
        for case in cases:
            if case.scheduling == "exclusive" and self.journal.tally.pending(case):
                self._wait([self._submit(pool, self._exclusive, case.id, case)])

    def _repeat_lost(self, pool: Executor) -> None:
        """Send alone what got no answer; where that ends no server, what was answered just before it was gone."""
        tally = self.journal.tally
        for request in tally.lost()[:CONFIRMATIONS]:
            self._wait([self._submit(pool, self._send_one_shot, request.case_id, request, "confirm")])
        for suspects in tally.suspected():
            for request in suspects[: max(0, CONFIRMATIONS - tally.confirmations)]:
                self._wait([self._submit(pool, self._repeat_suspect, request.case_id, request)])
                if tally.ended_by(request):
                    break

    def _repeat_suspect(self, request: PlannedRequest) -> None:
        """Send a request again and look whether the server is still there."""
        self._send_one_shot(request, "confirm")
        check = replace(request, probe=STILL_THERE)
        for seconds in CHECK_S:
            self.sender.pace.sleep_until(self.sender.pace.clock.now() + seconds)
            client = self.sender.connections.own()
            try:
                self.sender.send(client, check, purpose="check")
            finally:
                self.sender.connections.release(client)
            if self.journal.tally.ended_by(request):
                return

    def _wait(self, futures: Iterable[Future[None]], at_most: float = inf) -> set[Future[None]]:
        """Wait in short steps; gives those not done in time. Raises KeyboardInterrupt where the run was interrupted."""
        left, until = set(futures), time.monotonic() + at_most
        while left and time.monotonic() < until:
            _, left = wait(left, timeout=INTERRUPTION_S)
            if self._is_interrupted():
                raise KeyboardInterrupt
        return left

    def _pending(self, cases: Iterable[Case]) -> list[PlannedRequest]:
        return [request for case in cases for request in self.journal.tally.pending(case)]

    def _check_opening(self) -> None:
        """Raise `Halted` where the opening step shows that the target cannot be judged."""
        if self.stop:
            raise Halted

    def _rebuilt(self, cases: list[Case], rebuild: Rebuild | None) -> list[Case]:
        """The cases built for what was accepted; those about a refused store or currency are not sent."""
        accepted = self.journal.tally.accepted()
        rebuilt = rebuild(accepted) if rebuild is not None and accepted else None
        if rebuilt is None:
            return cases
        for case in cases:
            if case.id not in rebuilt:
                reason = "A store or currency that it needs was not accepted in the opening step"
                self.journal.note(Note(case.id, reason, beforehand=True))
        kept = [rebuilt[case.id] for case in cases if case.id in rebuilt]
        self.journal.plan(kept)
        return [case for case in kept if not case.not_exercised and case.probes]

    def _send_each(
        self,
        pool: Executor,
        requests: Iterable[PlannedRequest],
        purpose: Purpose = "first",
        at_most: float = inf,
    ) -> set[Future[None]]:
        """Send all of these on the pool and wait for them. Each thread takes the next request as soon as it can.

        `at_most`: how long all are waited for. Gives what is not done then.
        """
        left = deque(requests)

        def send_next() -> None:
            while not self.sender.pace.halted:
                try:
                    request = left.popleft()
                except IndexError:
                    return
                self._guarded(self._send_one_shot, request.case_id, request, purpose)

        threads = min(self.limits.concurrency, len(left))
        futures = [pool.submit(send_next) for _ in range(threads)]
        self._futures += futures
        return self._wait(futures, at_most)

    def _submit(self, pool: Executor, work: Callable[..., None], case: str, *arguments: Any) -> Future[None]:
        future = pool.submit(self._guarded, work, case, *arguments)
        self._futures.append(future)
        return future

    def _guarded(self, work: Callable[..., None], case: str, *arguments: Any) -> None:
        """Do `work`. A crash of ours becomes an error of the case, never a finding about the target."""
        try:
            work(*arguments)
        except Halted:
            pass
        except Unsent as why:
            self.journal.note(Note(case, str(why)))
        except UsageError as error:
            self.usage = self.usage or str(error)
            self.sender.pace.halt(str(error))
        except Exception as error:  # noqa: BLE001 - any exception here is ours
            if not self._cut_off:
                self._fail(case, error)

    def _fail(self, where: str, error: Exception) -> None:
        """Add an error of the suite itself. A limit of its machine or a file that cannot be written ends the run."""
        limit = own_limit(error)
        if limit or isinstance(error, OSError):
            self.errors.append(f"{where}: {limit}: {error}" if limit else f"{where}: {error}")
            self.sender.pace.halt(limit or f"a file could not be written: {error}")
        else:
            self.errors.append(f"{where}: {type(error).__name__}: {error}")
            self.journal.note(Note(where, f"{type(error).__name__}: {error}", error=True))

    def _send_one_shot(self, request: PlannedRequest, purpose: Purpose) -> None:
        try:
            sent = self.sender.send(None, request, purpose=purpose, unique=new_unique([request.probe]))
        except Unsent:
            if purpose == "first":
                raise
        else:
            self._count(sent)

    def _exclusive(self, case: Case) -> None:
        """Send a case while nothing else is in flight. What the profile switches on for it is off when it ends."""
        status = next((probe.provoke for probe in case.probes if probe.provoke is not None), None)
        unique = new_unique(case.probes)
        with self.sender.switched(status, unique) if status is not None else nullcontext():
            self._chain(case, unique)
        for request in planned_requests(case):
            if request.probe.settles:
                sent = self.sender.send(None, request)
                self._count(sent)
                if sent.provoked:
                    self.sender.pace.halt(f"the server still answers {sent.status} after that was provoked ({case.id})")

    def _chain(self, case: Case, unique: str = "") -> None:
        """Send the probes of a case in order, each of its connections with its own client."""
        unique = unique or new_unique(case.probes)
        numbers = sorted({probe.connection for probe in case.probes})
        shared = self.sender.trips.shared() if any(probe.trip == "case" for probe in case.probes) else None

        def send_connection(number: int) -> None:
            client = self.sender.connections.own()
            try:
                self._send_connection(case, number, client, unique, shared)
            finally:
                self.sender.connections.release(client)

        if not case.together:
            for number in numbers:
                send_connection(number)
            return
        with self.pools(len(numbers), "connection") as threads:
            for future in [threads.submit(send_connection, number) for number in numbers]:
                future.result()

    def _send_connection(self, case: Case, connection: int, client: Client, unique: str, shared: str | None) -> None:
        trip: str | None = None
        first: Sent | None = None
        window: Sent | None = None
        requests = [request for request in planned_requests(case) if request.probe.connection == connection]
        requests = [request for request in requests if not request.probe.settles]
        for request, following in zip_longest(requests, requests[1:]):
            probe = request.probe
            if probe.wait and not self._wait_for_end(case, window):
                return
            if pause := APART_S if case.last else probe.idle:
                self.sender.pace.sleep_until(self.sender.pace.clock.now() + pause)
            if probe.later and first is not None:
                self._wait_inside(first, probe.later)
            keep = following is not None and not following.probe.wait
            same = {"same": trip, "case": shared}.get(probe.trip)
            sent = self.sender.send(client, request, unique=unique, trip=same, keep=keep)
            trip = sent.exchange.trip
            first = first or (sent if sent.status == 429 else None)
            if sent.status == 429 and not self._is_of_another_limit(sent, window):
                window = sent
            self._count(sent)

    def _is_of_another_limit(self, sent: Sent, window: Sent | None) -> bool:
        """Whether a 429 inside a window is that of a limit which the run met elsewhere; then that is obeyed too."""
        if window is None:
            return False
        form = form_of_limit(sent.exchange)
        other = form != form_of_limit(window.exchange) and form in self.journal.tally.limits.forms
        end = end_of_window(sent.exchange)
        if other and end is not None and end - self.sender.pace.clock.now() <= self.limits.max_wait_s:
            self.sender.pace.pause_until(end)
        return other

    def _wait_inside(self, first: Sent, seconds: float) -> None:
        """Wait until `seconds` after the first 429, where its window lasts twice as long."""
        end, answered = end_of_window(first.exchange), first.exchange.answered_at
        if end is not None and answered is not None and end - answered >= 2 * seconds:
            self.sender.pace.sleep_until(answered + seconds)

    def _wait_for_end(self, case: Case, window: Sent | None) -> bool:
        """Wait for the end that the last 429 announced; False, with a note, where it is unknown or too late."""
        if window is None:
            return False
        end, now, limit = end_of_window(window.exchange), self.sender.pace.clock.now(), self.limits.max_wait_s
        if end is None or end - now > limit:
            reason = (
                "Retry-After could not be read, so the end of the window is unknown"
                if end is None
                else f"The window ends in {end - now:.0f} s, later than max_wait_s = {limit:g} allows to wait"
            )
            self.journal.note(Note(case.id, reason, beforehand=True))
            return False
        self.progress.waiting(f"{case.id}: waiting {max(0.0, end - now):.1f} s for the end of its rate-limit window")
        self.sender.pace.sleep_until(end)
        return True

    def _count(self, sent: Sent) -> None:
        """Count a final answer, and end the run where the server is gone or stays busy."""
        self.progress.advance(1, 1 if self.journal.tally.violated_by(sent) else 0)
        refused = sent.status in BUSY and sent.status != sent.probe.provoke
        with self._lock:
            self._lost = self._lost + 1 if sent.exchange.unsent else 0
            self._refused = self._refused + 1 if refused else 0
            if sent.purpose not in ("confirm", "shrink"):  # which repeat what was silent
                silent = is_silent(sent.exchange)
                self._silent = self._silent + 1 if silent else 0
                if sent.success:  # refusals in between do not show that a success ever ends
                    self._endless = self._endless + 1 if silent else 0
            lost = self._lost >= LOST_IN_A_ROW or self.sender.gone
            stays_busy = self._refused >= REFUSED_IN_A_ROW
            stays_silent = max(self._silent, self._endless) >= SILENT_IN_A_ROW
            slow = self._speed.take(sent.exchange, self.sender.pace.clock.now())
        if slow:
            self.progress.waiting(slow)
        if lost and sent.exchange.failure is not None:
            likely = self.journal.tally.likely_end()
            detail = sent.exchange.failure.detail
            self.sender.pace.halt(f"the server is no longer reachable: {detail}{likely and f'; {likely}'}")
        if stays_busy:
            self.sender.pace.halt(f"the server kept answering {sent.status} ({REFUSED_IN_A_ROW} cases in a row)")
        if stays_silent:
            self._halt_silent(SILENT_IN_A_ROW)

    def _halt_silent(self, requests: int) -> None:
        """End the run, and what is in flight: it would only outlast the time limit too."""
        self.sender.pace.halt(
            f"the server gave no answer within {self.limits.timeout_s:g} s ({requests} requests in a row)"
        )
        self.sender.connections.abort()

    def _shrink(
        self, case: Case, probes: dict[int, Probe], confirmed: dict[int, frozenset[str]], budget: Budget
    ) -> None:
        """Send smaller bodies for what a generated case violated, as long as the budgets allow."""
        numbers = count(len(case.probes))

        def violates(probe: Probe) -> frozenset[str]:
            request = PlannedRequest(case.id, next(numbers), probe)
            sent = self.sender.send(None, request, purpose="shrink")
            self._count(sent)
            return self.journal.tally.violated_by(sent)

        with suppress(Unsent):
            search_smaller(probes, confirmed, self.classify, violates, budget)
