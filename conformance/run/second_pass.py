"""The second pass: every break of a one-shot case is sent once more, then generated bodies are made smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import RLock

from conformance.cases.model import Case, Expectation, Probe
from conformance.contract import Contract
from conformance.exchange.model import Exchange
from conformance.run.findings import confirmed, judge_probe
from conformance.run.ongoing import Ongoing
from conformance.run.sender import Sent
from conformance.run.shrink import Budget, smaller_probes

CONFIRMATIONS = 50
Send = Callable[[Case, int], Sent]
Broken = tuple[Case, int, frozenset[str]]


class SecondPass:
    """Works on what the first pass found. `time_limit` in seconds; `cleared` counts good 500s that went away."""

    def __init__(
        self,
        contract: Contract,
        time_limit: float,
        classify: Callable[[bytes], Expectation],
        ongoing: dict[str, Ongoing],
        lock: RLock,
        send: Send,
    ) -> None:
        self.contract, self.time_limit, self.classify = contract, time_limit, classify
        self.ongoing, self.lock, self.send = ongoing, lock, send
        self.cleared = 0
        self._still: dict[str, dict[int, frozenset[str]]] = {}
        self._budget = Budget()

    def confirm(self, case: Case, index: int, words: frozenset[str]) -> None:
        """Send a broken probe once more; what does not show again is marked unstable."""
        sent = self.send(case, index)
        judged = judge_probe(self.contract, case.probes[index], sent.exchange, self.time_limit)
        again = frozenset(one.requirement for one in judged if one.kind == "breaks")
        with self.lock:
            ongoing = self._noted(case, sent)
            first = {one.number: one for one in ongoing.evidence if one.probe == index}
            ongoing.judgements, cleared = confirmed(self.contract, ongoing.judgements, first, sent.exchange, judged)
            self.cleared += cleared
            if words & again:
                self._still.setdefault(case.id, {})[index] = words & again

    def generated(self, broken: Iterable[Broken]) -> list[Case]:
        """The generated cases with breaks that were confirmed."""
        cases = {case.id: case for case, _, _ in broken if case.strategy and case.id in self._still}
        return [cases[name] for name in sorted(cases)]

    def shrink(self, case: Case) -> None:
        """Look for smaller bodies that break the same; the finding then shows the smallest."""

        def breaks(probe: Probe) -> frozenset[str]:
            nonlocal case
            case = replace(case, probes=(*case.probes, probe))
            sent = self.send(case, len(case.probes) - 1)
            found = judge_probe(self.contract, probe, sent.exchange, self.time_limit)
            broken = [one for one in found if one.kind == "breaks"]
            with self.lock:
                ongoing = self._noted(case, sent)
                if broken:
                    seen[probe.body] = sent
                    ongoing.judgements += broken
            return frozenset(one.requirement for one in broken)

        seen: dict[bytes, Sent] = {}
        for smaller in smaller_probes(case, self._still[case.id], self.classify, breaks, self._budget):
            smallest = seen.get(smaller.probe.body)
            if smallest is not None:
                with self.lock:
                    self._put_first(self.ongoing[case.id], smallest.exchange)

    def _put_first(self, ongoing: Ongoing, exchange: Exchange) -> None:
        ongoing.evidence.insert(0, exchange)
        ongoing.judgements.sort(key=lambda one: one.exchange != exchange.number)

    def _noted(self, case: Case, sent: Sent) -> Ongoing:
        ongoing = self.ongoing[case.id]
        if sent.exchange.number is not None:
            ongoing.numbers.append(sent.exchange.number)
        if sent.charged != "no" and ongoing.charged != "yes":
            ongoing.charged = sent.charged
        return ongoing
