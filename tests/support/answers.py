"""A good answer of each status, and the same with what a test changes in it; exchanges made by hand around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conformance.cases.model import Expectation, Headers, Probe
from conformance.contract import load_contract
from conformance.exchange.model import Answer, Exchange, Request
from conformance.judge.exchange import judge_exchange

CONTRACT = load_contract()
NOW = 1_795_576_200.0  # Wed, 25 Nov 2026 03:10:00 GMT
DATE = {"Date": "Wed, 25 Nov 2026 03:09:30 GMT"}
ERR = b'{"errorMsg":"x"}'
REQUEST = Request("POST", CONTRACT.path, (), b"{}")
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
    """A good answer but for its body and for header fields: None takes one away, a list gives several field lines.

    A status that the contract does not list is answered like a 200 or a 400.
    """
    good = GOOD.get(status) or replace(GOOD[200 if status < 300 else 400], status=status)
    return replace(good, headers=changed(good.headers, changes or {}), body=good.body if body is None else body)


def changed(headers: Headers, changes: Changes) -> Headers:
    kept = [(name, value) for name, value in headers if name not in changes]
    for name, value in changes.items():
        kept += [(name, one) for one in ([value] if isinstance(value, str) else value or ())]
    return tuple(kept)


def exchange(status: int, body: bytes | None = None, changes: Changes | None = None, **more) -> Exchange:
    """The exchange with such an answer, after half a second."""
    whole = answer(status, body, changes)
    return Exchange("case", 0, REQUEST, whole, sent_at=10.0, answered_at=10.5, wall_time=NOW - 30, **more)


def judged(expectation: Expectation, made: Exchange, *, time_limit: float | None = None, **probe):
    """What the judge of one exchange says of it."""
    return judge_exchange(CONTRACT, Probe(expectation, **probe), made, time_limit)


def violated(expectation: Expectation, status: int, body: bytes | None = None, changes: Changes | None = None, **more):
    """The requirements that such an answer violates."""
    found = judged(expectation, exchange(status, body, changes), **more)
    assert all(each.requirement in CONTRACT.requirements for each in found)
    held = {each.requirement for each in found if each.kind == "holds"}
    breaks = {each.requirement for each in found if each.kind == "breaks"}
    assert not breaks & held
    return breaks


def of_kind(found, kind: str) -> list[str]:
    return [each.requirement for each in found if each.kind == kind]
