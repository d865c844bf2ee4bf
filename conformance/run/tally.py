"""From events to results: the same fold for a live run and for its record.

How it works
- `take` gets the events of a run in the order of their record lines. A plan lists the cases.
- An exchange is judged at once, by the expectation of its probe, and added to its case by the purpose of its sending:
  first (or burst), confirm, check, shrink. "resend" continues a sending.
- Where the server ended, what got no answer is repeated alone, and what was answered just before. A request that does
  not get lost again beside one that does, or that ends the server again, was not the cause: its second answer counts.
- What only several exchanges show together (the rule of a case, equal requests, early closes) is judged in `results`,
  which may be called at any time.
- An event that is not possible after the earlier ones is refused as `Inconsistent`.
- A tally has no lock: during a run, `Journal` passes it one event at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NoReturn, TypeAlias

from conformance.cases.model import Case, Expectation, PlannedRequest, Probe
from conformance.contract import Contract
from conformance.exchange.contents import Contents
from conformance.exchange.event import Again, Event, Intent, Note, Plan, Resumed, Sent, Stray, charge_state, counting
from conformance.exchange.model import Exchange
from conformance.exchange.record import Recorder
from conformance.judge.exchange import judge_exchange, judge_late_bytes
from conformance.judge.groups import Equals, equals_of, judge_equals_of_case, judge_group
from conformance.judge.model import Judgement
from conformance.run.case_state import CaseState, Sending, violated
from conformance.run.limits import LimitsMet
from conformance.run.model import Capture, CaseResult
from conformance.run.opening import OPENING, is_suspect, no_access, no_server, wrong_target
from conformance.run.outages import ENDED, Outage, Outages, explains, is_lost, is_refused
from conformance.run.whole_run import EQUALS, INDEPENDENT, WHOLE_RUN, whole_run_judgements

_Charge: TypeAlias = tuple[int, Intent, Sent | None, Literal["captured", "unknown"]]
NO_SERVER_ERROR = "answer.no-server-error"
PROVOKED_500 = Probe(Expectation("provoked", provoked=500))


class Inconsistent(ValueError):
    """An event is not possible after the earlier ones; the message says why."""


def refuse(why: str) -> NoReturn:
    """Refuse an event, for this reason."""
    raise Inconsistent(why)


def _kind(status: int | None) -> str:
    """The class of the status: a request that is accepted, refused or met with a server error has different causes."""
    return f"{(status or 0) // 100}xx"


def _listed(cases: list[str]) -> str:
    names = list(dict.fromkeys(cases))
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")


class Tally:
    """The events so far. `time_limit`: seconds for one answer."""

    def __init__(self, contract: Contract, time_limit: float) -> None:
        self.contract, self.time_limit = contract, time_limit
        self.requests = 0
        self._cases: dict[str, CaseState] = {}
        self._sendings: dict[int, Sending] = {}
        self._intents: dict[int, tuple[Intent, Sent | None]] = {}
        self._violated: dict[int | None, frozenset[str]] = {}
        self._shared: dict[int | None, Sent] = {}
        self._alone: set[tuple[str, str]] = set()
        self._equal: list[Sent] = []
        self._late: dict[str, str] = {}
        self._closed_early = self._cleared_500 = 0
        self.limits = LimitsMet()
        self._outages = Outages()

    def take(self, event: Event) -> None:
        """Add the next event. Raises `Inconsistent`."""
        match event:
            case Plan():
                for case in event.cases:
                    self._cases.setdefault(case.id, CaseState(case)).case = case
            case Intent():
                self._state(event.case)
                assert event.number is not None
                self._intents[event.number] = (event, None)
            case Note():
                self._state(event.case).take_note(event)
            case Stray():
                self._state(event.case)
                self._late.setdefault(event.case, event.text)
            case Resumed():
                for state in self._cases.values():
                    state.cut_off()
            case Again():
                if event.probe not in self._state(event.case).refused():
                    refuse(f"what {event.case} tries again did not stay refused, or was already tried again")
                self._state(event.case).try_again(event.probe)
            case Sent():
                self._take_sent(event)

    def _state(self, case: str) -> CaseState:
        return self._cases.get(case) or refuse(f"no plan names the case {case!r}")

    def _take_sent(self, sent: Sent) -> None:
        exchange = sent.exchange
        state = self._state(exchange.case)
        sending = self._sending(state, sent)
        self._settle(sent)
        judgements = self._judged(sent)
        self._violated[sent.number] = violated(judgements)
        self._share(sent)
        self.requests += 1
        self._closed_early += exchange.closed_early and not self._outages.closed(exchange)
        self.limits.take(sent)
        state.take_times(exchange)
        state.numbers += [sent.number] if sent.number is not None else []
        sending.exchanges += 1
        sending.judged = sending.judged or bool(judgements)
        if sent.final:
            sending.counts = counting([sending.counts, sent]) if sending.counts else sent
        if sending.purpose != "check":
            self._outages.take(sent, first=sending.purpose in ("first", "burst"))
        if not sent.final and is_lost(exchange) and sending.purpose == "first":
            sending.lost = (sent, judgements)  # counts only where the server does not come back
        elif sending.purpose == "check":
            if sending.exchanges == 1 and is_refused(exchange):
                state.take_end(exchange.probe)
            state.take_check(judgements)
        elif sending.purpose == "shrink":
            state.take_smaller(sent, judgements)
        elif sending.purpose == "confirm" and sent.final:
            original = state.counting[exchange.probe]
            self._cleared_500 += state.take_second(sent, judgements, good_500=self._is_good_500(original.exchange))
        else:
            if sending.lost is not None and sent.final and exchange.unsent:
                state.take(*sending.lost)
            state.take(sent, judgements)
            if sent.final and sent.probe.equal and exchange.answer is not None:
                self._equal.append(sent)

    def _judged(self, sent: Sent) -> list[Judgement]:
        found = judge_exchange(self.contract, sent.probe, sent.exchange, self.time_limit)
        return [replace(each, exchange=sent.number) if each.kind == "breaks" else each for each in found]

    def _share(self, sent: Sent) -> None:
        """Note what a wrong answer violates: its own requirement alone, or possibly another one in its place."""
        if sent.probe.expectation.shared:
            self._shared[sent.number] = sent
        else:
            self._alone |= {(each, _kind(sent.status)) for each in self._violated[sent.number]}

    def _violated_alone(self, equals: Equals | None) -> set[tuple[str, str]]:
        """What is violated by its own cause alone, with the class of the status: in one exchange, or compared with others."""
        compared = [
            (INDEPENDENT, each.answer.status) for each in (equals.odd if equals else ()) if each.answer is not None
        ]
        for state in self._cases.values():
            if state.case.rule == "same-answer":
                sent = {sent.number: sent for sent in state.counting.values()}
                broken = (each for each in self._together(state) if each.kind == "breaks")
                compared += [(each.requirement, sent[each.exchange].status or 0) for each in broken]
        return self._alone | {(requirement, _kind(status)) for requirement, status in compared}

    def _attributed(self, judgement: Judgement, alone: set[tuple[str, str]]) -> Judgement:
        """A violation with several possible causes counts for one that a like answer violated alone, if any.

        Else for what a like answer violated that had fewer of these causes and no others.
        """
        sent = self._shared.get(judgement.exchange) if judgement.kind == "breaks" else None
        if sent is None or sent.status is None:
            return judgement
        expectation, kind = sent.probe.expectation, _kind(sent.status)
        if judgement.requirement not in (expectation.requirement, NO_SERVER_ERROR):
            return judgement
        causes = (judgement.requirement, *expectation.shared)
        found = next((each for each in causes if (each, kind) in alone), "") or self._of_fewer(causes, kind)
        if not found and kind == "5xx" and expectation.nature in ("reject", "should-reject"):
            found = self._good_like(alone)
        return replace(judgement, requirement=found or causes[0])

    def _of_fewer(self, causes: Sequence[str], kind: str) -> str:
        """What the answer to a good request violated whose conditions are the fewest of these; empty where there is none."""
        fewest, found = len(set(causes)), ""
        for sent in self._shared.values():
            expectation = sent.probe.expectation
            own = {expectation.requirement, *expectation.shared}
            if (
                expectation.requirement in self._violated[sent.number]
                and expectation.nature == "accept"
                and _kind(sent.status) == kind
                and own < set(causes)
                and len(own) < fewest
            ):
                fewest, found = len(own), expectation.requirement or ""
        return found

    def _good_like(self, alone: set[tuple[str, str]]) -> str:
        """What a good request violates whose conditions are those of all server errors that no condition alone explains.

        Then the conditions they have in common are the cause, and none of the defects beside them; empty elsewhere.
        """
        common: set[str] | None = None
        good: set[str] = set()
        for sent in self._shared.values():
            expectation = sent.probe.expectation
            violated = self._violated[sent.number] & {expectation.requirement, NO_SERVER_ERROR}
            unexplained = not any((each, "5xx") in alone for each in (*violated, *expectation.shared))
            if _kind(sent.status) == "5xx" and violated and unexplained:
                is_good = expectation.nature in ("accept", "either")
                conditions = {*expectation.shared, *(violated if is_good else ())}
                common = conditions if common is None else common & conditions
                good |= violated if is_good else set()
        return min(good) if common and len(common) > 1 and len(good) == 1 else ""

    def _sending(self, state: CaseState, sent: Sent) -> Sending:
        """The sending that the exchange belongs to: a new one, or one that it continues."""
        number, purpose = sent.exchange.probe, sent.purpose
        known = self._sendings.get(sent.sending)
        if known is not None:
            goes_on = purpose == "resend" and known.counts is None
            if known.number != number or not (goes_on or purpose == known.purpose == "burst"):
                refuse(f"an exchange of {state.case.id} does not continue its sending")
            return known
        planned, first = len(state.case.probes), state.first.get(number)
        fits = {
            "first": number < planned and (first is None or first.counts is None),
            "burst": number < planned and first is None,
            "confirm": number in state.counting and number not in state.confirmed,
            "check": number in state.confirmed,
            "shrink": number >= planned and any(state.confirmed.values()),
            "resend": False,
        }
        if not fits[purpose]:
            refuse(f"an exchange of {state.case.id} cannot have the purpose {purpose!r} here")
        new = self._sendings[sent.sending] = Sending(purpose, number)
        if purpose in ("first", "burst"):
            state.first[number] = new
        return new

    def _settle(self, sent: Sent) -> None:
        if sent.intent is None:
            return
        intent, settled = self._intents.get(sent.intent) or refuse(f"line {sent.intent} is not an intent")
        if settled is not None or intent.case != sent.exchange.case:
            refuse(f"an exchange of {sent.exchange.case} settles an intent that is not its own")
        self._intents[sent.intent] = (intent, sent)

    def _is_good_500(self, exchange: Exchange) -> bool:
        """Whether the exchange is a 500 with the error body of the contract."""
        if exchange.answer is None or exchange.answer.status != 500:
            return False
        found = judge_exchange(self.contract, PROVOKED_500, exchange)
        return not any(each.kind == "breaks" and each.requirement.startswith("server-error.") for each in found)

    # --- what the engine asks ------------------------------------------------------------------------------------

    @property
    def sendings(self) -> int:
        """The highest number of a sending."""
        return max(self._sendings, default=0)

    @property
    def confirmations(self) -> int:
        """How many requests were sent a second time, to confirm a violation."""
        return sum(len(state.confirmed) for state in self._cases.values())

    def pending(self, case: Case) -> list[PlannedRequest]:
        """The requests of a planned case that must still be sent."""
        return self._state(case.id).pending(case)

    def case(self, case: str) -> Case:
        """The case with this id, as planned last."""
        return self._state(case).case

    def refused(self) -> list[Again]:
        """What stayed refused and was not yet tried again."""
        return [Again(case, number) for case, state in sorted(self._cases.items()) for number in state.refused()]

    def spent(self) -> list[tuple[str, Decimal]]:
        """Currency and amount of each request that charged or may have."""
        return [(intent.currency, Decimal(intent.amount)) for _, intent, _, _ in self._charges()]

    def used_trips(self) -> frozenset[str]:
        """The trips that may be used up: a 400, or no connection, leaves a trip unused."""
        used = set()
        for intent, sent in self._intents.values():
            if sent is None or not (sent.exchange.unsent or sent.status == 400):
                used.add(intent.trip)
        return frozenset(used)

    def violated_by(self, sent: Sent) -> frozenset[str]:
        """The requirements that one exchange violated."""
        return self._violated.get(sent.number, frozenset())

    def answers(self, case: str) -> list[Exchange]:
        """The exchanges of a case that count, in the order of its probes."""
        return [sent.exchange for _, sent in sorted(self._state(case).counting.items())]

    def stopped_by_opening(self) -> str:
        """Why the target cannot be judged with this profile, from the opening step; empty where it can."""
        first, answers, planned = self._opening()
        if first is None:
            return ""
        wrong = wrong_target(first, answers) if len(answers) == planned else ""
        return no_access(first) or no_server(first, answers, planned) or wrong

    def suspects_no_server(self) -> bool:
        """Whether the first answer of the run leaves it open whether an HTTP server is there."""
        first, _, _ = self._opening()
        return first is not None and is_suspect(first)

    def _opening(self) -> tuple[Exchange | None, list[Exchange], int]:
        """The first exchange, those of the captures of the opening step, and how many of these are planned."""
        first = self.answers(OPENING) if OPENING in self._cases else []
        accepting = [state for state in self._cases.values() if state.case.accepts]
        answers = [exchange for state in accepting for exchange in self.answers(state.case.id)]
        return (first[0] if first else None), answers, len(accepting)

    def _charges(self) -> list[_Charge]:
        """What may have charged: number and intent, exchange, state. Nothing where no server was there to charge."""
        first, answers, planned = self._opening()
        if first is not None and no_server(first, answers, planned):
            return []
        rows: list[_Charge] = []
        for number, (intent, sent) in self._intents.items():
            state = charge_state(sent.exchange) if sent is not None else "unknown"
            if state != "released":
                rows.append((number, intent, sent, state))
        return rows

    def accepted(self) -> list[tuple[str, str]]:
        """Store and currency of every acceptance case that was answered with success, in order."""
        return [
            state.case.accepts
            for state in self._cases.values()
            if state.case.accepts and any(sent.success for sent in state.counting.values())
        ]

    def to_confirm(self) -> list[PlannedRequest]:
        """The requests to send a second time: one for each requirement, one for each case and requirement, the rest."""
        unconfirmed = [pair for _, state in sorted(self._cases.items()) for pair in state.unconfirmed()]
        seen: set[str] = set()
        seen_pairs: set[tuple[str, str]] = set()
        ranked: list[tuple[int, PlannedRequest]] = []
        for request, requirements in unconfirmed:
            pairs = {(request.case_id, requirement) for requirement in requirements}
            ranked.append((0 if requirements - seen else 1 if pairs - seen_pairs else 2, request))
            seen |= requirements
            seen_pairs |= pairs
        return [request for _, request in sorted(ranked, key=lambda pair: pair[0])]

    def lost(self) -> list[PlannedRequest]:
        """The requests without an answer that are to be sent a second time."""
        return [each for each in self.to_confirm() if is_lost(self._state(each.case_id).counting[each.number].exchange)]

    def suspected(self) -> list[list[PlannedRequest]]:
        """For each outage that nothing explains: the requests after whose answer the server may have ended."""
        causes = self._ending()
        outages = [each for each in self._outages.found if not any(map(each.is_explained_by, causes))]
        return [self._suspects(outage) for outage in outages]

    def _suspects(self, outage: Outage) -> list[PlannedRequest]:
        found = []
        for sent in outage.suspects():
            state, number = self._state(sent.exchange.case), sent.exchange.probe
            if number in state.counting and number not in state.confirmed and state.may_be_repeated(number):
                found.append(PlannedRequest(sent.exchange.case, number, state.case.probes[number]))
        return found

    def ended_by(self, request: PlannedRequest) -> bool:
        """Whether the server ended after this request each time it was sent."""
        return ENDED in self._state(request.case_id).confirmed.get(request.number, ())

    def likely_end(self) -> str:
        """What the server was last seen to do, where it is gone."""
        outage = self._outages.last
        if outage is None:
            return ""
        lost = [
            state.case.id
            for state in self._cases.values()
            for sending in state.first.values()
            if (sending.lost and sending.counts and sending.counts.exchange.unsent)
            or (sending.counts and is_lost(sending.counts.exchange) and sending.number not in state.confirmed)
        ]
        if lost:
            return f"it ended during a request of {_listed(lost)}"
        return f"it answered a request of {_listed([sent.exchange.case for sent in outage.suspects(soon=0.0)])} last"

    def _ending(self) -> list[Exchange]:
        """The exchanges of the requests that ended the server each time they were sent."""
        ending = [
            state.first[number]
            for state in self._cases.values()
            for number, violated in state.confirmed.items()
            if ENDED in violated
        ]
        sent = [each for sending in ending for each in (sending.counts, sending.lost and sending.lost[0])]
        return [each.exchange for each in sent if each is not None]

    def _explained(self) -> frozenset[int | None]:
        """The exchanges without an answer, since another request ended the server."""
        causes = self._ending()
        return frozenset(
            state.counting[number].number
            for state in self._cases.values()
            if causes
            for number, sent in state.counting.items()
            if is_lost(sent.exchange)
            and (number in state.confirmed or not state.may_be_repeated(number))
            and ENDED not in state.confirmed.get(number, ())
            and any(explains(cause, sent.exchange) for cause in causes)
        )

    def confirmed(self) -> list[tuple[Case, dict[int, Probe], dict[int, frozenset[str]]]]:
        """The generated cases with a confirmed violation: case, probes by number, violated requirements by number."""
        found = []
        for _, state in sorted(self._cases.items()):
            confirmed = {number: requirements for number, requirements in state.confirmed.items() if requirements}
            if state.case.strategy and confirmed:
                probes = {number: state.case.probes[number] for number in state.counting}
                found.append((state.case, probes, confirmed))
        return found

    # --- what the report gets ------------------------------------------------------------------------------------

    def captures(self) -> tuple[Capture, ...]:
        """What was captured, or may have been. An intent without an exchange may have charged."""
        found = []
        for number, intent, sent, state in self._charges():
            when = datetime.fromtimestamp(intent.wall_time, UTC).isoformat(timespec="seconds")
            line = number if sent is None or sent.number is None else sent.number
            amount = intent.amount if intent.known else f"{intent.amount} (size unknown)"
            found.append(Capture(line, intent.trip, amount, intent.currency, when, state))
        return tuple(found)

    def totals(self) -> dict[str, Decimal]:
        """Amounts that were captured, or may have been, in major units by currency."""
        totals: dict[str, Decimal] = {}
        for _, intent, _, _ in self._charges():
            totals[intent.currency] = totals.get(intent.currency, Decimal(0)) + Decimal(intent.amount)
        return totals

    def results(self, stop: str) -> tuple[CaseResult, ...]:
        """The cases in the order of their plan. `stop`: why the run ended early; empty where it did not."""
        blocked = self.stopped_by_opening()
        charged = self._charged()
        equals = equals_of([sent.exchange for sent in self._equal])
        explained = self._explained()
        alone = self._violated_alone(equals)
        return tuple(
            self._whole_run(state.case, blocked, equals)
            if state.case.id in WHOLE_RUN
            else self._attribute(
                self._result(state, stop, blocked, charged.get(state.case.id, "no"), equals, explained), alone
            )
            for state in self._cases.values()
        )

    def _attribute(self, result: CaseResult, alone: set[tuple[str, str]]) -> CaseResult:
        return replace(result, judgements=tuple(self._attributed(each, alone) for each in result.judgements))

    def _result(
        self,
        state: CaseState,
        stop: str,
        blocked: str,
        charged: Literal["no", "yes", "unknown"],
        equals: Equals | None,
        explained: frozenset[int | None],
    ) -> CaseResult:
        case = state.case
        if case.not_exercised:
            return CaseResult(case, reason=case.not_exercised, beforehand=True)
        if blocked:  # wrong target, URL or profile: its answers are not findings
            return replace(state.result(blocked, (), charged), judgements=(), reason=blocked)
        group = self._together(state)
        if INDEPENDENT in case.requirements:
            group += judge_equals_of_case(equals, case.id)
        if late := self._late.get(case.id):
            methods = {sent.probe.method for sent in state.counting.values()}
            group.append(judge_late_bytes("POST" if "POST" in methods else min(methods), late))
        return state.result(stop, group, charged, explained)

    def _together(self, state: CaseState) -> list[Judgement]:
        """What the exchanges of a case show together, by its rule; nothing where some of them are missing."""
        case, counting = state.case, state.counting
        if not case.rule or (case.rule != "window" and len(counting) < len(case.probes)):
            return []
        sent = [counting[number] for number in sorted(counting)]
        sent_case = replace(case, probes=tuple(event.probe for event in sent))
        exchanges = [each.exchange for event in sent for each in state.asks.get(event.exchange.probe, [event])]
        return judge_group(self.contract, sent_case, exchanges, self.limits.forms)

    def _whole_run(self, case: Case, blocked: str, equals: Equals | None) -> CaseResult:
        """One of the cases that are judged over the whole run."""
        if blocked:
            return CaseResult(case, reason=blocked)
        judgements = whole_run_judgements(case.id, equals, self._closed_early, self.requests, self._cleared_500)
        numbers = {judgement.exchange for judgement in judgements if judgement.kind == "breaks"}
        few = sum(probe.equal for state in self._cases.values() for probe in state.case.probes) < 2
        return CaseResult(
            case,
            tuple(judgements),
            tuple(sent for sent in self._equal if sent.number in numbers)[:3],
            sent=1 if judgements else 0,
            reason="" if judgements else "No two responses could be compared",
            beforehand=case.id == EQUALS and few and not judgements,
        )

    def _charged(self) -> dict[str, Literal["no", "yes", "unknown"]]:
        """Whether each case charged; "yes" where any of its requests did."""
        found: dict[str, Literal["no", "yes", "unknown"]] = {}
        for _, intent, _, state in self._charges():
            if state == "captured":
                found[intent.case] = "yes"
            else:
                found.setdefault(intent.case, "unknown")
        return found


class Journal:
    """Writes each event to the record and passes it to the tally, in one step under one lock, so that both agree."""

    def __init__(self, recorder: Recorder, tally: Tally) -> None:
        self.recorder, self.tally, self._contents = recorder, tally, Contents()
        self._lock = threading.Lock()

    def plan(self, cases: Sequence[Case]) -> None:
        """Add which cases are to be sent."""
        with self._lock:
            self._take(Plan(tuple(cases)))

    def resumed(self, started: str) -> None:
        """Add that the run goes on after it was cut off."""
        with self._lock:
            self._take(Resumed(started))

    def note(self, note: Note) -> None:
        """Add why a case was not sent, or that the suite failed in it."""
        with self._lock:
            self._take(note)

    def stray(self, event: Stray) -> None:
        """Add that bytes came after an answer."""
        with self._lock:
            self._take(event)

    def intent(self, event: Intent) -> int:
        """Add that a request that may charge is about to be sent; gives the number of its line."""
        with self._lock:
            number = self.recorder.write(event)
            self.tally.take(replace(event, number=number))
        return number

    def sent(self, event: Sent) -> Sent:
        """Add an exchange; gives it with the number of its line."""
        with self._lock:
            kept = self._contents.kept(event.exchange)
            if kept is not event.exchange:
                event = replace(event, exchange=kept)
            number = self.recorder.write(event)
            numbered = replace(event, exchange=replace(event.exchange, number=number))
            self.tally.take(numbered)
        return numbered

    def again(self, event: Again) -> Case:
        """Add that something that stayed refused is tried again; gives its case."""
        with self._lock:
            self._take(event)
            return self.tally.case(event.case)

    def _take(self, event: Plan | Stray | Note | Resumed | Again) -> None:
        self.recorder.write(event)
        self.tally.take(event)
