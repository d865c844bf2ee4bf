"""The result of a run, from which the report is made: frozen values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from conformance.cases.model import Case
from conformance.exchange.event import Sent
from conformance.judge.model import Judgement
from conformance.profile import Waiver
from conformance.run.limits import OtherLimit

Outcome = Literal["passed", "failed", "warned", "observed", "not-judged", "not-exercised", "error"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one selected case.

    `judgements` are those of its exchanges and of its group rule; `evidence` holds the exchanges to show (those with a
    violation, and at least the first). `numbers` are the record lines of its exchanges. `reason`: why nothing was sent
    or judged; `beforehand`: that was known before the run. `error`: how the suite itself failed. `seconds`: how long its
    requests took; for a chain, from its first request to its last answer.
    `blocked`: the statuses of the requests that were answered 401, 403 or 407.
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
    seconds: float = 0.0
    blocked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture that was made ("captured"), or that may have been made ("unknown"), for finance to reverse."""

    number: int
    trip: str
    amount: str
    currency: str
    time: str
    state: Literal["captured", "unknown"]


@dataclass(frozen=True, slots=True)
class Deselected:
    """A case of the plan that was not selected, and the requirements that it is made for."""

    case: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything that the report is made from. `deselected`: the cases of the plan that were not selected.

    `stop`: why the run ended early (opening step, network, busy server), for people; empty where it did not.
    `usage`: what the user gave and turned out to be wrong during the run, such as too few trips.
    `other_limit`: a rate limit that the run met without provoking it.
    `started`, `ended`: ISO 8601 in UTC. `totals`: captured and unknown amounts by currency.
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
    other_limit: OtherLimit | None = None
    waivers: tuple[Waiver, ...] = ()
