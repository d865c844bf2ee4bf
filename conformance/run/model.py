"""What a run has found, handed from the engine to the report: frozen values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from conformance.cases.model import Case
from conformance.exchange.event import Sent
from conformance.judge.model import Judgement

Outcome = Literal["passed", "failed", "warned", "observed", "not-judged", "not-exercised", "error"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one selected case.

    `judgements` are all of its exchanges' and of its group rule; `evidence` holds the exchanges worth showing (those of
    breaks, at least the first). `numbers` are the record numbers of its exchanges. `reason` says why nothing was sent
    or judged; `beforehand` whether that was known before the run. `error` is the suite's own fault.
    """

    case: Case
    judgements: tuple[Judgement, ...] = ()
    evidence: tuple[Sent, ...] = ()
    numbers: tuple[int, ...] = ()
    sent: int = 0
    charged: Literal["no", "yes", "unknown"] = "no"
    reason: str = ""
    beforehand: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture that was initiated ("captured"), or that may have been ("unknown"), for finance to reverse."""

    number: int
    trip: str
    amount: str
    currency: str
    time: str
    state: Literal["captured", "unknown"]


@dataclass(frozen=True, slots=True)
class Deselected:
    """A case of the plan that the selection left out, and the requirements that it is made for."""

    case: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything the report is made from. `deselected` are the cases of the plan that the selection left out.

    `stop` is why the run could not judge (opening step, network, budget): message for people; empty where it could.
    `usage` is what the user gave and turned out wrong while sending, such as trips that ran out.
    `started`, `ended`: ISO 8601 in UTC. `totals`: captured and unknown amounts per currency.
    """

    cases: tuple[CaseResult, ...]
    run_id: str
    started: str
    ended: str
    seed: int
    depth: str
    url: str
    requests: int
    selection: str = ""
    interrupted: bool = False
    stop: str = ""
    usage: str = ""
    errors: tuple[str, ...] = ()
    ignored_environment: tuple[str, ...] = ()
    captures: tuple[Capture, ...] = ()
    totals: dict[str, Decimal] = field(default_factory=dict)
    deselected: tuple[Deselected, ...] = ()
