"""What is known of a case while it is being sent. Must not send or judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.cases.model import Case, Probe
from conformance.exchange.model import Exchange
from conformance.judge.model import Judgement
from conformance.run.findings import distinct, is_provoked
from conformance.run.model import CaseResult
from conformance.run.sender import Sent

EVIDENCE = 4
"""Exchanges of a one-shot case that are kept to be shown."""


@dataclass
class Ongoing:
    """What is known so far of one case; the engine guards it by its lock."""

    case: Case
    judgements: list[Judgement] = field(default_factory=list)
    evidence: list[Exchange] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    sent: int = 0
    charged: str = "no"
    reason: str = ""
    beforehand: bool = False
    error: str = ""

    def add(self, judgements: Sequence[Judgement], exchanges: Sequence[Exchange]) -> None:
        """Keep judgements that say more than is known; of the exchanges the first, a few that break something, and
        those of chains all.
        """
        broken = any(judgement.kind == "breaks" for judgement in judgements)
        self.judgements += distinct(judgements, self.judgements)
        for exchange in exchanges:
            telling = (broken and len(self.evidence) < EVIDENCE) or self.case.scheduling != "one-shot"
            if not self.evidence or (telling and exchange not in self.evidence):
                self.evidence.append(exchange)

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


def missed(probe: Probe, sent: Sent) -> bool:
    """Whether the probe did not get to what it is for: it stayed refused, or was not answered as it was to be made to."""
    unprovoked = probe.expectation.provoked is not None and not is_provoked(probe, sent.exchange)
    return sent.stayed_refused or (unprovoked and sent.exchange.answer is not None)


def why_not_judged(probe: Probe, sent: Sent) -> str:
    """The reason why nothing was said of an exchange, or nothing of what its probe is for."""
    exchange = sent.exchange
    if exchange.failure is not None:
        return f"no connection: {exchange.failure.detail}"
    if exchange.answer is None:
        return "no answer"
    status = exchange.answer.status
    if status in (401, 403, 407):
        return f"answered {status}: a matter of configuration, not of the contract"
    if sent.stayed_refused:
        return f"stayed refused with {status}"
    if probe.expectation.provoked is not None:
        asked = f" in {len(sent.in_passing) + 1} requests" if probe.times > 1 else ""
        return f"the profile's means did not provoke a {probe.expectation.provoked}{asked}: answered {status}"
    return f"answered {status}, which leaves nothing to judge here"
