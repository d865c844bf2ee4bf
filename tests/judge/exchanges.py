"""Exchanges made by hand for the tests of the judges, and what a judge says of them."""

from conformance.cases.model import Expectation
from conformance.contract.load import load_contract
from conformance.exchange.model import Answer, Exchange, Request
from conformance.judge.exchange import judge_exchange

CONTRACT = load_contract()
NOW = 1_795_576_200.0  # Wed, 25 Nov 2026 03:10:00 GMT
DATE = ("Date", "Wed, 25 Nov 2026 03:09:30 GMT")
JSON = ("Content-Type", "application/json")
ERR = b'{"errorMsg":"x"}'
REQUEST = Request("POST", CONTRACT.path, (), b"{}")
ACCEPT = Expectation("accept", "capture.accepted")
REJECT = Expectation("reject", "store-id.required")
SHOULD = Expectation("should-reject", "value.zero")
EITHER = Expectation("either", "code.other", label="ZZZ")
P429, P500, P503 = (Expectation("provoked", provoked=status) for status in (429, 500, 503))


def exchange(status, body=b"", headers=(JSON,), **more):
    return Exchange(
        "case", 0, REQUEST, Answer(status, headers, body), sent_at=10.0, answered_at=10.5, wall_time=NOW - 30, **more
    )


def broken(expectation, status, body=b"", headers=(JSON,), **more):
    found = judge_exchange(CONTRACT, expectation, exchange(status, body, headers), **more)
    assert all(each.requirement in CONTRACT.requirements for each in found)
    assert not {e.requirement for e in found if e.kind == "breaks"} & {
        e.requirement for e in found if e.kind == "holds"
    }
    return {each.requirement for each in found if each.kind == "breaks"}


def words(found, kind):
    return [each.requirement for each in found if each.kind == kind]
