"""A good answer of each status, with the changes that a test makes, and exchanges made from such answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conformance.cases.model import JSON, Expectation, Headers, Probe
from conformance.contract import load_contract
from conformance.exchange.model import Answer, Exchange, Request
from conformance.judge.exchange import judge_exchange

CONTRACT = load_contract()
NOW = 1_795_576_200.0  # Wed, 25 Nov 2026 03:10:00 GMT
DATE = {"Date": "Wed, 25 Nov 2026 03:09:30 GMT"}
ERR = b'{"errorMsg":"x"}'
REQUEST = Request("POST", CONTRACT.path, JSON, b"{}")
ACCEPT = Expectation("accept", "capture.accepted")
REJECT = Expectation("reject", "store-id.required")
SHOULD = Expectation("should-reject", "value.zero")
EITHER = Expectation("either", "code.other", label="ZZZ")
P429, P500, P503 = (Expectation("provoked", provoked=status) for status in (429, 500, 503))

_JSON = ("Content-Type", "application/json")
GOOD: dict[int, Answer] = {
    200: Answer(200, (), b""),
    400: Answer(400, (_JSON,), ERR),
    429: Answer(429, (_JSON, ("Retry-After", "600")), ERR),
    500: Answer(500, (_JSON,), ERR),
    503: Answer(503, (_JSON,), b'{"errorMsg":"x","retryAfter":"30"}'),
}
Changes = Mapping[str, str | Sequence[str] | None]


def answer(status: int, body: bytes | None = None, changes: Changes | None = None) -> Answer:
    """A good answer with another body or other header fields: None removes a field, a list makes several field lines.

    For a status that the contract does not list, the rest of the answer is that of a 200 or a 400.
    """
    good = GOOD.get(status) or replace(GOOD[200 if status < 300 else 400], status=status)
    return replace(good, headers=changed(good.headers, changes or {}), body=good.body if body is None else body)


def changed(headers: Headers, changes: Changes) -> Headers:
    fields = [(name, value) for name, value in headers if name not in changes]
    for name, value in changes.items():
        fields += [(name, line) for line in ([value] if isinstance(value, str) else value or ())]
    return tuple(fields)


def exchange(status: int, body: bytes | None = None, changes: Changes | None = None, **more) -> Exchange:
    """The exchange with such an answer, after half a second."""
    whole = answer(status, body, changes)
    return Exchange("case", 0, REQUEST, whole, sent_at=10.0, answered_at=10.5, wall_time=NOW - 30, **more)


def judged(expectation: Expectation, given: Exchange, *, time_limit: float | None = None, **probe):
    """The judgements on one exchange."""
    return judge_exchange(CONTRACT, Probe(expectation, **probe), given, time_limit)


def violated(expectation: Expectation, status: int, body: bytes | None = None, changes: Changes | None = None, **more):
    """The requirements that such an answer violates."""
    judgements = judged(expectation, exchange(status, body, changes), **more)
    assert all(judgement.requirement in CONTRACT.requirements for judgement in judgements)
    met, broken = of_kind(judgements, "holds"), set(of_kind(judgements, "breaks"))
    assert not broken & set(met)
    return broken


def of_kind(judgements, kind: str) -> list[str]:
    return [judgement.requirement for judgement in judgements if judgement.kind == kind]
