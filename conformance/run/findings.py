"""From exchanges to judgements, the same for a run and for its record judged again. Pure: no lock, no socket, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from conformance.cases.model import Case, Expectation, Probe
from conformance.contract import Contract
from conformance.exchange.model import Exchange
from conformance.judge.exchange import judge_exchange
from conformance.judge.groups import judge_group
from conformance.judge.model import Judgement, breaks, resting_on


def judge_probe(contract: Contract, probe: Probe, exchange: Exchange, time_limit: float) -> list[Judgement]:
    """Judge one exchange of a probe; the judgements carry its number in the record. `time_limit` in seconds."""
    judged = judge_exchange(
        contract,
        probe.expectation,
        exchange,
        method=probe.method,
        on_path=probe.path == "operation",
        time_limit=time_limit,
    )
    return [resting_on(judgement, exchange.number) for judgement in judged]


def is_provoked(probe: Probe, exchange: Exchange) -> bool:
    """Whether the probe was answered as it was to be made to be."""
    return exchange.answer is not None and exchange.answer.status == probe.expectation.provoked


def counting(probe: Probe, exchanges: Sequence[Exchange]) -> Exchange:
    """Of all exchanges that one sending of a probe took, the one that counts: the last, and in a burst the last provoked."""
    return max(exchanges, key=lambda exchange: (is_provoked(probe, exchange), exchange.number or 0))


def judge_together(contract: Contract, case: Case, exchanges: Sequence[Exchange]) -> list[Judgement]:
    """Judge the exchanges of all probes of a case by its rule; the judgements carry numbers in the record."""
    return [
        one if one.exchange is None else replace(one, exchange=exchanges[one.exchange].number)
        for one in judge_group(contract, case, exchanges)
    ]


def distinct(new: Sequence[Judgement], old: Sequence[Judgement]) -> list[Judgement]:
    """Those of `new` that say more than `old`: each break, and each requirement that holds or behaviour once."""
    said = {(one.requirement, one.kind, one.behaviour) for one in old if one.kind != "breaks"}
    return [one for one in new if one.kind == "breaks" or (one.requirement, one.kind, one.behaviour) not in said]


def confirmed(
    contract: Contract,
    judgements: Sequence[Judgement],
    original: Exchange,
    exchange: Exchange,
    again: Sequence[Judgement],
) -> tuple[list[Judgement], int]:
    """The judgements of a case after a probe of it was sent once more, and how many good 500s that has cleared.

    `original`: the first exchange of that probe; `exchange`: the second, which was judged `again`. A break
    that did not show again is marked unstable; a good 500 that went away breaks the stability of answers instead.
    """
    still = broken_words(again)
    found, cleared = list(judgements), 0
    for position, one in enumerate(judgements if again else ()):
        if one.kind != "breaks" or one.requirement in still or one.exchange != original.number:
            continue
        if _is_good_500(contract, original):
            then = exchange.answer.status if exchange.answer else "no answer"
            expected, received = "no 500 that a repetition clears", f"500, then {then}"
            unstable = breaks("server-error.stable", at="status", expected=expected, received=received)
            found[position] = replace(unstable, exchange=one.exchange)
            cleared += 1
        else:
            found[position] = replace(one, unstable=(1, 2))
    return found, cleared


def broken_words(judgements: Iterable[Judgement], number: int | None = None) -> frozenset[str]:
    """The requirements that are broken; with a `number`, by the exchange of that number."""
    mine = (one for one in judgements if one.kind == "breaks" and number in (None, one.exchange))
    return frozenset(one.requirement for one in mine)


def unsure(judgements: Sequence[Judgement], numbers: set[int | None], sure: frozenset[str]) -> list[Judgement]:
    """The judgements of a case, marked where a break of these exchanges was seen once and never tried again.

    `sure`: the requirements of which another break of the case was confirmed.
    """
    return [
        replace(one, unstable=(1, 1))
        if one.kind == "breaks" and one.exchange in numbers and one.requirement not in sure
        else one
        for one in judgements
    ]


def _is_good_500(contract: Contract, exchange: Exchange) -> bool:
    """Whether the exchange is a 500 whose body is as the contract asks."""
    if exchange.answer is None or exchange.answer.status != 500:
        return False
    rows = judge_exchange(contract, Expectation("provoked", provoked=500), exchange)
    return not any(row.kind == "breaks" and row.requirement.startswith("server-error.") for row in rows)


def late_break(text: str) -> Judgement:
    """The break that bytes are which came after an answer that had seemed whole."""
    return breaks("answer.framing", at="after the answer", expected="nothing", received=text)
