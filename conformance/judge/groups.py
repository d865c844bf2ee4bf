"""Judge several exchanges together: those of a case, and those of a whole run. Pure: no socket, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType

from conformance.cases.model import Case
from conformance.contract.load import Contract
from conformance.exchange.model import AUTHENTICATION, BUSY, Exchange
from conformance.exchange.retry_after import (
    LimitForm,
    announced_delay,
    end_of_window,
    form_of_limit,
    is_by_own_clock,
    read_retry_after,
)
from conformance.judge.error_body import PREFIXES, judge_error_body
from conformance.judge.model import Judgement, breaks, holds, observed
from conformance.judge.text import text_of

_UNRELATED = AUTHENTICATION | BUSY  # statuses that depend on other things than the request
# Only fields that describe the answer are compared. All others may differ between equal requests: framing and
# connection (Content-Length, Keep-Alive), what proxies add (Via, Age), cookies, request ids, quotas.
_COMPARED = frozenset({"content-type", "content-encoding", "retry-after", "location", "allow", "www-authenticate"})

Key = tuple[object, ...]
Others = Mapping[LimitForm | None, float]
"""The forms of 429s to requests that should not provoke one, with the longest delay of each."""


def judge_group(
    contract: Contract, case: Case, exchanges: Sequence[Exchange], others: Others = MappingProxyType({})
) -> list[Judgement]:
    """Judge the exchanges of one case together, by its rule. Empty for a case without a rule."""
    if case.rule == "same-answer":
        return _judge_same_answer(contract, case, exchanges)
    if case.rule == "window":
        return _judge_window(case, exchanges, others)
    return []


def _status(exchange: Exchange) -> int | None:
    """Give the status; None where there is none, or it does not depend on the request."""
    answer = exchange.answer
    if answer is None or exchange.defects or answer.status in _UNRELATED:
        return None
    return answer.status


def _judge_same_answer(contract: Contract, case: Case, exchanges: Sequence[Exchange]) -> list[Judgement]:
    last = {exchange.probe: index for index, exchange in enumerate(exchanges)}
    reference = _status(exchanges[last[0]]) if 0 in last else None
    if reference is None:
        return []
    found = []
    for number, index in sorted(last.items()):
        if number == 0 or number >= len(case.probes):
            continue
        expectation, status = case.probes[number].expectation, _status(exchanges[index])
        requirement = expectation.requirement or ("method.head" if expectation.nature == "head" else None)
        if status is None or requirement is None or requirement not in contract.requirements:
            continue
        if status == reference or status in expectation.admits:
            judgement = holds(requirement)
        else:
            expected = f"{reference}, the status of the first request"
            judgement = breaks(requirement, at="status", expected=expected, received=str(status))
        found.append(replace(judgement, exchange=exchanges[index].number))
    return found


def _judge_window(case: Case, exchanges: Sequence[Exchange], others: Others) -> list[Judgement]:
    """Judge a provoked limit over time, by the monotonic clock and the end that the last 429 announced.

    A 429 in another form than those of the window comes from another rate limit, and decides nothing here.
    """
    usable = [each for each in exchanges if each.answer is not None and not each.defects]
    usable = [each for each in usable if each.probe < len(case.probes)]
    inside = [each for each in usable if not case.probes[each.probe].wait]
    refused = [each for each in inside if form_of_limit(each) is not None]
    after = [each for each in usable if case.probes[each.probe].wait]
    requirement = case.probes[after[0].probe].expectation.requirement if after else None
    forms = {form_of_limit(each) for each in refused}
    own, last = forms - others.keys(), None
    later = [each for each in after if form_of_limit(each) not in {None, *others}]
    if refused and not own and len({form_of_limit(each) for each in later}) == 1:
        # Another limit refused what should have opened the window: the first of these requests opened it.
        last, own = later[0], {form_of_limit(later[0])}
        after = after[after.index(last) + 1 :]
    own = own or forms
    found: list[Judgement] = []
    for exchange in refused:
        if form_of_limit(exchange) not in own:
            continue
        end = end_of_window(last) if last is not None else None
        if last is not None and end is not None and exchange.sent_at is not None and exchange.sent_at < end:
            found += [replace(each, exchange=exchange.number) for each in _judge_within(last, exchange, end, others)]
        last = exchange
    if requirement is not None and last is not None:
        found += _judge_end(requirement, last, after, own, others)
    return found


def _judge_end(
    requirement: str, last: Exchange, after: Sequence[Exchange], own: AbstractSet[LimitForm | None], others: Others
) -> list[Judgement]:
    """Judge the requests after the end of a window that `last` announced first; each 429 announces a new end.

    It is a violation where the window refuses twice after an announced end, or once where it was not possible to ask
    again. Where the run met another limit, only a 429 in a form of the window's `own` is certain to be the window's; in
    a form that both have, the last two must be refused. An end that is known by the suite's clock alone proves nothing.
    """
    refused: list[tuple[Exchange, float]] = []
    served: Exchange | None = None
    end = end_of_window(last)
    for exchange in after:
        if end is None or exchange.sent_at is None or exchange.sent_at < end:
            continue
        if form_of_limit(exchange) is None:
            served = exchange
            break
        if last.answer is None or not is_by_own_clock(last.answer):
            refused.append((exchange, end))
        if (later := end_of_window(exchange)) is not None:
            end, last = later, exchange
    certain = [pair for pair in refused if not others or form_of_limit(pair[0]) in own - others.keys()]
    doubtful = [pair for pair in refused[-2:] if form_of_limit(pair[0]) in own]
    asked_once = len(certain) == len(refused) == 1
    if len(certain) > 1 or (served is None and (asked_once or len(doubtful) > 1)):
        exchange, end = certain[1] if len(certain) > 1 else refused[-1]
        assert exchange.sent_at is not None
        received = f"429, {exchange.sent_at - end:.2f} s after the end"
        judgement = breaks(requirement, at="status", expected="no 429 after the announced end", received=received)
        return [replace(judgement, exchange=exchange.number)]
    if served is None or served.answer is None or served.answer.status in _UNRELATED:
        return []
    return [replace(holds(requirement), exchange=served.number)]


def _judge_within(last: Exchange, exchange: Exchange, end: float, others: Others) -> list[Judgement]:
    new_end, answer = end_of_window(exchange), exchange.answer
    if answer is None or last.answer is None or answer.status != 429 or new_end is None:
        return []
    old, new = announced_delay(last.answer, last.wall_time), announced_delay(answer, exchange.wall_time)
    behaviour = "the same delay again" if old == new else "a different delay"
    found = [observed("rate-limit.repeated", behaviour)]
    shorter = old is not None and new is not None and new <= old
    slack = 1 + (exchange.elapsed or 0.0) + (last.elapsed or 0.0)
    if shorter or new_end <= end + slack or _same_date(last, exchange):
        return [*found, holds("rate-limit.not-growing")]
    if old is not None and old <= others.get(form_of_limit(last), -1.0):  # another limit announces this as well
        return found
    expected, received = "the same end of the window", f"an end {new_end - end:.1f} s later"
    return [*found, breaks("rate-limit.not-growing", at="header Retry-After", expected=expected, received=received)]


def _same_date(last: Exchange, exchange: Exchange) -> bool:
    """Whether both announce a date, the second at most one second later. Their Date fields may be out of date."""
    old, new = (
        read_retry_after(each.answer.values("Retry-After"), each.wall_time).moment if each.answer else None
        for each in (last, exchange)
    )
    return old is not None and new is not None and new <= old + 1


@dataclass(frozen=True, slots=True)
class Equals:
    """Answers to requests that differ only in their trip: those that can be compared, and those unlike most of them."""

    compared: tuple[Exchange, ...]
    odd: tuple[Exchange, ...]


def equals_of(exchanges: Sequence[Exchange]) -> Equals | None:
    """Compare answers to requests that differ only in their trip.

    None where fewer than two can be compared, or where most are not a success, which other requirements judge.
    """
    keyed = [(exchange, key) for exchange in exchanges if (key := _key(exchange)) is not None]
    if len(keyed) < 2:
        return None
    counts = Counter(key for _, key in keyed)
    usual = max(counts, key=lambda key: (counts[key], key[0] == 200))
    if usual[0] != 200:
        return None
    odd = tuple(exchange for exchange, key in keyed if key != usual)
    return Equals(tuple(exchange for exchange, _ in keyed), odd)


def judge_equals(equals: Equals | None) -> list[Judgement]:
    """Judge all equal requests of a run together."""
    if equals is None:
        return []
    if not equals.odd:
        return [holds("answer.independent")]
    exchange = equals.odd[0]
    received = (
        f"{len(equals.odd)} of {len(equals.compared)} differ; the first is {_shown(exchange)} in case {exchange.case}"
    )
    violation = breaks("answer.independent", at="answers to equal requests", expected="all equal", received=received)
    return [replace(violation, exchange=exchange.number)]


def judge_equals_of_case(equals: Equals | None, case: str) -> list[Judgement]:
    """Judge the equal requests of one case by those of the whole run."""
    if equals is None or all(exchange.case != case for exchange in equals.compared):
        return []
    odd = [exchange for exchange in equals.odd if exchange.case == case]
    if not odd:
        return [holds("answer.independent")]
    expected = "the answer that equal requests of the run got"
    violation = breaks(
        "answer.independent", at="answer to the good request", expected=expected, received=_shown(odd[0])
    )
    return [replace(violation, exchange=odd[0].number)]


def _key(exchange: Exchange) -> Key | None:
    answer = exchange.answer
    if answer is None:
        return None if exchange.failure is None or exchange.unsent else (exchange.failure.kind,)
    if answer.status in _UNRELATED:
        return None
    if exchange.defects:
        return ("defective",)
    names = sorted({name.lower() for name, _ in answer.headers} & _COMPARED)
    violated: list[str] = []
    if answer.status in PREFIXES:
        violated = [judgement.requirement for judgement in judge_error_body(answer)[0] if judgement.kind == "breaks"]
    return (answer.status, *names, bool(answer.body), *violated)


def _shown(exchange: Exchange) -> str:
    answer = exchange.answer
    if answer is None:
        return exchange.failure.kind if exchange.failure is not None else "no answer"
    if exchange.defects:
        return text_of(exchange.defects[0])
    return f"{answer.status}, body {text_of(answer.body)}" if answer.body else f"{answer.status} without a body"


def judge_closes(closed_early: int, requests: int) -> list[Judgement]:
    """Judge connections found closed within a second of their last answer: a single one may be chance."""
    if requests == 0:
        return []
    if closed_early < 2:
        return [holds("answer.close-announced")]
    expected, received = "Connection: close before closing", f"{closed_early} closed early in {requests} requests"
    return [breaks("answer.close-announced", at="connection", expected=expected, received=received)]
