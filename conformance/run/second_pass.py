"""The second pass: every break of a one-shot case is sent once more, then generated bodies are made smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import RLock

from conformance.cases.model import Case, Expectation, Probe
from conformance.contract import Contract
from conformance.exchange.model import Exchange
from conformance.run.findings import broken_words, confirmed, judge_probe, unsure
from conformance.run.ongoing import Ongoing
from conformance.run.sender import Sent
from conformance.run.shrink import Budget, smaller_probes

CONFIRMATIONS = 50
Send = Callable[[Case, int], Sent]
Broken = tuple[Case, int, Exchange, frozenset[str]]


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

    def ordered(self, broken: Iterable[Broken]) -> list[Broken]:
        """The order in which to send once more: for each case and requirement one, then the others."""
        first: list[Broken] = []
        rest: list[Broken] = []
        said: set[tuple[str, str]] = set()
        for one in sorted(broken, key=lambda one: (one[0].id, one[1])):
            mine = {(one[0].id, word) for word in one[3]}
            (rest if mine <= said else first).append(one)
            said |= mine
        return [*first, *rest]

    def leave(self, broken: Iterable[Broken]) -> None:
        """Mark the breaks that are not sent once more, where no other of their case and requirement was confirmed."""
        numbers: dict[str, set[int | None]] = {}
        for case, _, exchange, _ in broken:
            numbers.setdefault(case.id, set()).add(exchange.number)
        with self.lock:
            for name, mine in numbers.items():
                sure = frozenset().union(*self._still.get(name, {}).values())
                self.ongoing[name].judgements = unsure(self.ongoing[name].judgements, mine, sure)

    def confirm(self, case: Case, index: int, first: Exchange, words: frozenset[str]) -> None:
        """Send a broken probe once more; what does not show again is marked unstable."""
        sent = self.send(case, index)
        judged = judge_probe(self.contract, case.probes[index], sent.exchange, self.time_limit)
        again = broken_words(judged)
        with self.lock:
            ongoing = self._noted(case, sent)
            ongoing.judgements, cleared = confirmed(self.contract, ongoing.judgements, first, sent.exchange, judged)
            self.cleared += cleared
            if words & again:
                self._still.setdefault(case.id, {})[index] = words & again

    def generated(self, broken: Iterable[Broken]) -> list[Case]:
        """The generated cases with breaks that were confirmed."""
        cases = {case.id: case for case, *_ in broken if case.strategy and case.id in self._still}
        return [cases[name] for name in sorted(cases)]

    def shrink(self, case: Case) -> None:
        """Look for smaller bodies that break the same; the finding then shows the smallest."""

        def breaks(probe: Probe) -> frozenset[str]:
            nonlocal case
            case = replace(case, probes=(*case.probes, probe))
            sent = self.send(case, len(case.probes) - 1)
            found = judge_probe(self.contract, probe, sent.exchange, self.time_limit)
            with self.lock:
                ongoing = self._noted(case, sent)
                seen[probe.body] = sent
                ongoing.judgements += [one for one in found if one.kind == "breaks"]
            return broken_words(found)

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
