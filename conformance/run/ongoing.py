"""What is known of a case while its exchanges come in, and what can be told from them. Sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from conformance.cases.model import Case, Expectation
from conformance.contract import Contract
from conformance.exchange.model import Exchange
from conformance.judge.exchange import judge_exchange
from conformance.judge.model import Judgement, breaks
from conformance.run.model import CaseResult
from conformance.run.sender import Sent


@dataclass
class Ongoing:
    """What is known so far of one case; guarded by the engine's lock."""

    case: Case
    judgements: list[Judgement] = field(default_factory=list)
    evidence: list[Exchange] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    sent: int = 0
    left: int = 0
    charged: str = "no"
    reason: str = ""
    beforehand: bool = False
    error: str = ""

    def result(self) -> CaseResult:
        """The case as it stands."""
        reason = self.reason or ("" if self.judgements or not self.sent else "nothing could be said of the answer")
        return CaseResult(
            self.case,
            tuple(self.judgements),
            tuple(self.evidence),
            tuple(self.numbers),
            self.sent,
            self.charged,  # type: ignore[arg-type]
            reason,
            self.beforehand,
            self.error,
        )


def confirm(contract: Contract, ongoing: Ongoing, index: int, again: Exchange, judged: list[Judgement]) -> int:
    """Mark the breaks of probe `index` that a second sending, judged as told, did not show again.

    Gives the number of well-formed 500s that it cleared: they break the statement on stability instead of their own.
    """
    still = {judgement.requirement for judgement in judged if judgement.kind == "breaks"}
    first = {one.number: one for one in ongoing.evidence if one.probe == index}
    cleared = 0
    for position, judgement in enumerate(ongoing.judgements if judged else ()):
        if judgement.kind != "breaks" or judgement.exchange not in first or judgement.requirement in still:
            continue
        if not _well_formed_500(contract, first[judgement.exchange]):
            ongoing.judgements[position] = replace(judgement, unstable=(1, 2))
            continue
        cleared += 1
        found = breaks(
            "server-error.stable",
            at="status",
            expected="no 500 that a repetition clears",
            received=f"500, then {again.answer.status if again.answer else 'no answer'}",
        )
        ongoing.judgements[position] = replace(found, exchange=judgement.exchange)
    return cleared


def _well_formed_500(contract: Contract, exchange: Exchange) -> bool:
    """Whether the exchange is a 500 whose body is as the contract asks."""
    if exchange.answer is None or exchange.answer.status != 500:
        return False
    rows = judge_exchange(contract, Expectation("provoked", provoked=500), exchange)
    return not any(row.kind == "breaks" and row.requirement.startswith("server-error.") for row in rows)


def why_not_judged(exchange: Exchange, sent: Sent) -> str:
    """The reason why nothing was said of an exchange."""
    if exchange.failure is not None:
        return f"no connection: {exchange.failure.detail}"
    if exchange.answer is None:
        return "no answer"
    status = exchange.answer.status
    if status in (401, 403, 407):
        return f"answered {status}: a matter of configuration, not of the contract"
    if sent.stayed_refused:
        return f"stayed refused with {status}"
    return f"answered {status}, which leaves nothing to judge here"


def probe_store(case: Case) -> str:
    """The store of an acceptance case."""
    return _member(case, "storeId")


def probe_currency(case: Case) -> str:
    """The currency of an acceptance case."""
    return _member(case, "code")


def _member(case: Case, name: str) -> str:
    text = case.probes[0].body.decode()
    return text.split(f'"{name}":"', 1)[1].split('"', 1)[0]


def distinct(new: list[Judgement], old: list[Judgement]) -> list[Judgement]:
    """Those of `new` that say more than `old`: each break, and each requirement that holds or behaviour once."""
    said = {
        (judgement.requirement, judgement.kind, judgement.behaviour) for judgement in old if judgement.kind != "breaks"
    }
    return [
        judgement
        for judgement in new
        if judgement.kind == "breaks" or (judgement.requirement, judgement.kind, judgement.behaviour) not in said
    ]
