"""The state of one case while events come in, and its result. Must not send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from conformance.cases.model import Case, PlannedRequest, Probe, planned_requests
from conformance.exchange.event import Note, Purpose, Sent
from conformance.exchange.model import AUTHENTICATION, BUSY, Exchange
from conformance.judge.model import Judgement, breaks
from conformance.run.model import CaseResult
from conformance.run.outages import ENDED, is_lost

EVIDENCE = 4
"""Exchanges of a one-shot case kept as evidence, in addition to the first for each violated requirement."""


@dataclass(slots=True)
class Sending:
    """One planned request and its exchanges. `counts` is the exchange that counts; None until one is final.

    `lost`: an exchange without an answer that did not end the sending, since the server was gone; with its judgements.
    """

    purpose: Purpose
    number: int
    exchanges: int = 0
    judged: bool = False
    counts: Sent | None = None
    lost: tuple[Sent, list[Judgement]] | None = None

    def why_unjudged(self) -> str:
        """Why its answers allowed no decision, or not the one that the request was made for; empty where they did."""
        if self.counts is None:
            return ""
        missed = self.number == 0 and (self.stayed_refused or self._unprovoked)
        return self._reason() if missed or not self.judged else ""

    @property
    def stayed_refused(self) -> bool:
        """Whether the answer that counts is a 429 or 503 that was not provoked."""
        return (
            self.counts is not None and self.counts.status in BUSY and self.counts.status != self.counts.probe.provoke
        )

    @property
    def _unprovoked(self) -> bool:
        assert self.counts is not None
        wanted = self.counts.probe.expectation.provoked
        return wanted is not None and self.counts.status not in (wanted, None)

    def _reason(self) -> str:
        assert self.counts is not None
        exchange, status = self.counts.exchange, self.counts.status
        if exchange.failure is not None:
            return f"No connection: {exchange.failure.detail}"
        if status is None:
            return "No answer was received"
        if status in AUTHENTICATION:
            return f"The server answered {status}: a problem of configuration, not of the contract"
        if self.stayed_refused:
            return f"The server kept answering {status}"
        if self._unprovoked:
            tried = f" in {self.exchanges} requests" if self.counts.probe.times > 1 else ""
            wanted = self.counts.probe.expectation.provoked
            return f"The profile's way of triggering a {wanted} did not work{tried}: the server answered {status}"
        return f"The server answered {status}, which allows no decision here"


@dataclass(slots=True)
class CaseState:
    """What is known of one case. `confirmed`: by probe number, what the second sending violated again.

    `asks`: by probe number, all exchanges that ask whether a window is over. `before`: violations of requests that were
    sent before the run was cut off and are sent again.
    """

    case: Case
    judgements: list[Judgement] = field(default_factory=list)
    evidence: list[tuple[Sent, frozenset[str]]] = field(default_factory=list)
    smaller: list[Sent] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    first: dict[int, Sending] = field(default_factory=dict)
    confirmed: dict[int, frozenset[str]] = field(default_factory=dict)
    asks: dict[int, list[Sent]] = field(default_factory=dict)
    noted: Note | None = None
    error: str = ""
    _spans: list[tuple[float, float]] = field(default_factory=list)
    before: list[Judgement] = field(default_factory=list)
    _tried_again: set[int | None] = field(default_factory=set)
    _held: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def counting(self) -> dict[int, Sent]:
        """The exchange that counts, by probe number."""
        return {number: sending.counts for number, sending in self.first.items() if sending.counts is not None}

    def take_times(self, exchange: Exchange) -> None:
        """Add when an exchange began and ended."""
        if exchange.sent_at is not None and exchange.answered_at is not None:
            self._spans.append((exchange.sent_at, exchange.answered_at))

    @property
    def seconds(self) -> float:
        """How long the requests took; for a chain, from the first request to the last answer."""
        if self.case.scheduling == "one-shot":
            return sum(end - begin for begin, end in self._spans)
        return max((end for _, end in self._spans), default=0.0) - min((begin for begin, _ in self._spans), default=0.0)

    def take_note(self, note: Note) -> None:
        """Add why something was not sent, or that the suite failed."""
        if note.error:
            self.error = self.error or note.reason
        else:
            self.noted = self.noted or note

    def take(self, sent: Sent, judgements: Sequence[Judgement]) -> None:
        """Add an exchange of the first sending of a probe."""
        if sent.status in AUTHENTICATION:
            self.blocked.append(sent.status)
        self._judge(judgements)
        if sent.probe.wait:
            self.asks.setdefault(sent.exchange.probe, []).append(sent)
        chain, found = self.case.scheduling != "one-shot", violated(judgements)
        if found or (sent.final and (chain or not self.evidence)):
            self.evidence.append((sent, found))
        if not chain and len(self.evidence) > EVIDENCE:
            self.evidence = _selected(self.evidence)

    def take_smaller(self, sent: Sent, judgements: Sequence[Judgement]) -> None:
        """Add a smaller body for a known violation. Only its violations are kept."""
        found = [judgement for judgement in judgements if judgement.kind == "breaks"]
        self.judgements += found
        if found:
            self.smaller.append(sent)

    def take_second(self, sent: Sent, judgements: Sequence[Judgement], *, good_500: bool) -> int:
        """Add the second sending of a probe with a violation. What it does not violate again is marked unstable.

        `good_500`: the first answer was a well-formed 500. If it is not repeated, its violations are replaced by one of
        `server-error.stable`. Gives how many were replaced.
        """
        original, repeated, cleared = self.counting[sent.exchange.probe], violated(judgements), 0
        for position, judgement in enumerate(self.judgements if judgements else ()):
            if judgement.kind != "breaks" or judgement.requirement in repeated or judgement.exchange != original.number:
                continue
            if good_500:
                received = f"500, then {sent.status or 'no answer'}"
                unstable = breaks(
                    "server-error.stable",
                    at="status",
                    expected="no 500 that disappears when repeated",
                    received=received,
                )
                self.judgements[position] = replace(unstable, exchange=original.number)
                cleared += 1
            else:
                self.judgements[position] = replace(judgement, unstable=(1, 2))
        if is_lost(original.exchange) and sent.exchange.answer is not None:
            self._judge(judgements)
            self.evidence.append((sent, repeated))
        known = violated(judgement for judgement in self.judgements if judgement.exchange == original.number)
        self.confirmed[sent.exchange.probe] = known & repeated
        return cleared

    def take_end(self, number: int) -> None:
        """Add that the server was gone right after the answer to a probe, in its second sending too."""
        original = self.counting[number]
        found = breaks(
            ENDED,
            at="after the answer",
            expected="a server that goes on",
            received="no connection to the server any more, in both of two tries",
        )
        self.judgements.append(replace(found, exchange=original.number))
        self.evidence.append((original, frozenset({ENDED})))
        self.confirmed[number] |= {ENDED}

    def take_check(self, judgements: Sequence[Judgement]) -> None:
        """Add an answer that shows that the server is still there."""
        self._judge([judgement for judgement in judgements if judgement.kind == "breaks"])

    def cut_off(self) -> None:
        """The run was cut off: forget the requests of a chain or burst that is not complete, but not their violations."""
        again = self.case.scheduling != "one-shot" or any(each.purpose == "burst" for each in self.first.values())
        if again and self.noted is None and self.first and len(self.counting) < len(self.case.probes):
            self._begin_again()

    def _begin_again(self) -> None:
        self.before += [judgement for judgement in self.judgements if judgement.kind == "breaks"]
        self.evidence = [(sent, found) for sent, found in self.evidence if found]
        self.judgements, self.first, self.asks, self._held = [], {}, {}, set()

    def refused(self) -> list[int | None]:
        """The requests that stayed refused and were not yet tried again, by number; None for a whole chain."""
        if self.noted is not None or self.error:
            return []
        numbers = [number for number, sending in sorted(self.first.items()) if sending.stayed_refused]
        found: list[int | None] = [*numbers] if self.case.scheduling == "one-shot" else [None] if numbers else []
        return [each for each in found if each not in self._tried_again]

    def try_again(self, number: int | None) -> None:
        """Forget a request that stayed refused, but not what it violated; a chain begins again."""
        self._tried_again.add(number)
        if number is None:
            self._begin_again()
            return
        self.evidence = [(sent, found) for sent, found in self.evidence if found or sent.exchange.probe != number]
        del self.first[number]

    def pending(self, case: Case) -> list[PlannedRequest]:
        """The requests of the case, as planned now, that have no final answer yet. A chain is sent as a whole."""
        requests = list(planned_requests(case))
        if case.scheduling == "one-shot":
            answered = self.counting
            return [request for request in requests if request.number not in answered]
        over = self.noted is not None or self.error or len(self.counting) == len(requests)
        return [] if over else requests

    def _judge(self, judgements: Sequence[Judgement]) -> None:
        """Keep each violation, and once each requirement that holds and each behaviour."""
        for judgement in judgements:
            key = (judgement.requirement, judgement.kind, judgement.behaviour)
            if judgement.kind == "breaks" or key not in self._held:
                self._held.add(key)
                self.judgements.append(judgement)

    def may_be_repeated(self, number: int) -> bool:
        """Whether the request means the same when it is sent once more, without the others of its case."""
        chain = self.case.scheduling == "chain" or self.case.last
        return self.case.scheduling == "one-shot" or (chain and _stands_alone(self.counting[number].probe))

    def unconfirmed(self) -> list[tuple[PlannedRequest, frozenset[str]]]:
        """The probes that can be confirmed and were not sent a second time, with what they violated."""
        violations = [judgement for judgement in self.judgements if judgement.kind == "breaks"]
        found = []
        for number, sent in sorted(self.counting.items()) if violations else ():
            requirements = violated(judgement for judgement in violations if judgement.exchange == sent.number)
            if requirements and self.may_be_repeated(number) and number not in self.confirmed:
                found.append((PlannedRequest(self.case.id, number, self.case.probes[number]), requirements))
        return found

    def result(
        self, stop: str, group: Sequence[Judgement], charged: str, explained: frozenset[int | None] = frozenset()
    ) -> CaseResult:
        """The result so far. `stop`: why the run ended early. `group`: what its exchanges show together.

        `explained`: exchanges without an answer, since another request ended the server.
        """
        sent = len(self.counting)
        marked = [each for each in self._marked() if each.requirement != ENDED or each.exchange not in explained]
        judgements = [*marked, *group]
        shown = violated(judgements)
        judgements += [judgement for judgement in self.before if judgement.requirement not in shown]
        reason = self._reason(stop, judgements)
        noted = self.noted is not None and not self.error
        return CaseResult(
            self.case,
            tuple(judgements),
            self._shown(),
            tuple(self.numbers),
            sent,
            charged,  # type: ignore[arg-type]
            reason,
            noted and self.noted is not None and self.noted.beforehand,
            self.error,
            self.seconds,
            tuple(self.blocked),
        )

    def _reason(self, stop: str, judgements: Sequence[Judgement]) -> str:
        if self.noted is not None:
            return self.noted.reason
        if reason := next(filter(None, (self.first[number].why_unjudged() for number in sorted(self.first))), ""):
            return reason
        if stop and len(self.counting) < len(self.case.probes):
            return stop
        return "No answer allowed a decision" if self.counting and not judgements else ""

    def _marked(self) -> list[Judgement]:
        """The judgements in order. A violation that was not sent again is marked, unless another is confirmed."""
        unconfirmed = {self.counting[request.number].number for request, _ in self.unconfirmed()}
        confirmed = frozenset().union(*self.confirmed.values())
        order = {sent.number: -1 for sent in self._smallest()}
        order |= {sent.number: number for number, sent in self.counting.items()}
        ordered = sorted(self.judgements, key=lambda each: (order.get(each.exchange, 0), each.exchange or 0))
        return [
            replace(judgement, unstable=(1, 1))
            if judgement.kind == "breaks"
            and judgement.exchange in unconfirmed
            and judgement.requirement not in confirmed
            else judgement
            for judgement in ordered
        ]

    def _smallest(self) -> list[Sent]:
        """The smallest of the smaller bodies for each requirement that they violated."""
        bodies = {sent.number: sent.exchange.request.body for sent in self.smaller}
        size = {number: (len(body), body) for number, body in bodies.items()}
        best: dict[str, int | None] = {}
        for judgement in self.judgements:
            if judgement.exchange in size:
                known = best.get(judgement.requirement, judgement.exchange)
                best[judgement.requirement] = min(known, judgement.exchange, key=lambda number: size[number])
        return [sent for sent in self.smaller if sent.number in best.values()]

    def _shown(self) -> tuple[Sent, ...]:
        return (*self._smallest(), *(sent for sent, _ in sorted(self.evidence, key=_place)))


def violated(judgements: Iterable[Judgement]) -> frozenset[str]:
    """The requirements that are violated."""
    return frozenset(judgement.requirement for judgement in judgements if judgement.kind == "breaks")


def _stands_alone(probe: Probe) -> bool:
    """Whether a request of a chain means the same when it is sent without the others."""
    nature = probe.expectation.nature
    same_trip = (probe.trip == "same" and nature != "accept") or (probe.trip == "case" and nature != "reject")
    return not same_trip and probe.provoke is None and not probe.wait and not probe.equal


def _place(pair: tuple[Sent, frozenset[str]]) -> tuple[int, int]:
    return pair[0].exchange.probe, pair[0].number or 0


def _selected(evidence: Sequence[tuple[Sent, frozenset[str]]]) -> list[tuple[Sent, frozenset[str]]]:
    """The first few exchanges in the order of the probes, and the first for each violated requirement."""
    kept: list[tuple[Sent, frozenset[str]]] = []
    seen: set[str] = set()
    for sent, found in sorted(evidence, key=_place):
        if found - seen or len(kept) < EVIDENCE:
            kept.append((sent, found))
            seen |= found
    return kept
