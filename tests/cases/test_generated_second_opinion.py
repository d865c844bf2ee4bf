"""Schemathesis' own checks of answers compared with our judges: the table here says who is right where they differ."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

import requests
import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response

from conformance.cases.build import BAD_REQUEST, UNKNOWN_TRIP, accept, reject
from conformance.cases.model import JSON, Expectation, Probe
from conformance.contract.load import load_contract
from conformance.exchange.client import Client, Endpoint
from conformance.exchange.model import Answer, Exchange
from conformance.judge.exchange import judge_exchange
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer

CONTRACT = load_contract()
WHOLE = "ORACLE_BODIES" in os.environ
GOOD = b'{"storeId":"store-001","shoppingTripId":"5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11","amount":{"amount":10.00,"code":"USD"}}'
NO_TRIP = b"00000000-0000-0000-0000-000000000000"
REQUESTS: dict[str, tuple[bytes, tuple[tuple[str, str], ...], Expectation]] = {
    "good": (GOOD, (), accept("capture.accepted")),
    "bad": (GOOD.replace(b"store-001", b"store!"), (), reject("store-id.pattern", BAD_REQUEST)),
    "not JSON": (b"{", (), reject("body.not-json", ())),
    "unknown trip": (
        GOOD.replace(b"5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11", NO_TRIP),
        (),
        reject("trip-id.unknown", UNKNOWN_TRIP),
    ),
    **{
        str(status): (
            GOOD,
            (("X-Provoke", str(status)), ("X-Client", f"client-{status}")),
            Expectation("provoked", provoked=status),
        )
        for status in (429, 500, 503)
    },
}
# For each check of Schemathesis, the requirements that our judges check in its place.
OURS = {
    "status_code_conformance": ("answer.status-set",),
    "content_type_conformance": (".media-type",),
    "response_schema_conformance": (".json", ".object", ".error-msg", "unavailable.retry-after", ".seconds"),
    "response_headers_conformance": ("rate-limit.retry-after",),
}


load_all_checks()
CHECKS_BY_NAME = {name: [check for check in CHECKS.get_all() if check.__name__ == name] for name in OURS}


def answered(server: MockServer, fault: str) -> Iterator[tuple[str, Exchange]]:
    server.mock.use(*filter(None, [fault]))
    client = Client(Endpoint(server.url, timeout_s=5))
    for name, (body, more, _) in REQUESTS.items():
        yield name, client.send("POST", CONTRACT.path, (*JSON, *more), body, case=name, probe=0)
    client.close()


def ours(name: str, exchange: Exchange) -> set[str]:
    judgements = judge_exchange(CONTRACT, Probe(REQUESTS[name][2]), exchange)
    return {judgement.requirement for judgement in judgements if judgement.kind == "breaks"}


def theirs(operation, name: str, answer: Answer) -> set[str]:
    headers: dict[str, list[str]] = defaultdict(list)
    for field, value in answer.headers:
        headers[field.lower()].append(value)
    request = requests.Request("POST", "http://127.0.0.1/", data=REQUESTS[name][0]).prepare()
    response = Response(answer.status, headers, answer.body, request, elapsed=0.1, verify=False)
    case = operation.Case(body={}, media_type="application/json")
    failed = set()
    for check in OURS:
        try:
            case.validate_response(response, checks=CHECKS_BY_NAME[check])
        except (FailureGroup, Failure):
            failed.add(check)
    return failed


# (their check, who reports a failure, the requirement that we report): who is right.
DIFFERENCES = {
    ("content_type_conformance", "they", ""): (
        "we: a media type that ends in +json is JSON; the document names only one of them (benign difference)"
    ),
    ("response_schema_conformance", "we", ".json"): "we: NaN is not JSON, but the parser below their check accepts it",
    ("response_schema_conformance", "they", "answer.framing"): (
        "both: we report the framing of a truncated body before we read it, and only the first error"
    ),
    ("response_schema_conformance", "they", ".media-type"): (
        "both: without a media type they cannot read the body; we report the missing media type"
    ),
    ("status_code_conformance", "they", "success.exactly-200"): (
        "both: 201, 202 and 204 are not 200; we have a separate requirement for that"
    ),
}
ANSWERS = ("bad-request", "rate-limit", "server-error", "unavailable", "success", "answer")
NO_ANSWER = {"answer.in-time", "answer.connection"}
CHOSEN = [
    name
    for name, fault in FAULTS.items()
    if any(requirement_id.startswith(ANSWERS) for requirement_id in fault.breaks) and not fault.breaks & NO_ANSWER
]


def different(operation, server: MockServer, fault: str) -> Iterator[tuple[str, str, str]]:
    """The answers of one faulty server that only one of Schemathesis and our judges rejects."""
    for name, exchange in answered(server, fault):
        if exchange.answer is None:
            continue
        violated = ours(name, exchange)
        failed_here = {
            check
            for check, endings in OURS.items()
            if any(requirement_id.endswith(endings) for requirement_id in violated)
        }
        for check in failed_here ^ theirs(operation, name, exchange.answer):
            violated_ending = next(
                (
                    ending
                    for _, _, ending in DIFFERENCES
                    if ending and any(requirement_id.endswith(ending) for requirement_id in violated)
                ),
                "",
            )
            yield check, "we" if check in failed_here else "they", violated_ending


def test_every_difference_is_explained() -> None:
    """On the answers of every fifth server; `tox -e oracle` has all of them."""
    operation = schemathesis.openapi.from_path(CONTRACT.openapi_file)[CONTRACT.path]["POST"]
    differences: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    with MockServer() as server:
        for fault in ("", *CHOSEN, *BENIGN)[:: 1 if WHOLE else 5]:
            for difference in different(operation, server, fault):
                differences[difference].append(fault)
    unexplained = {found: faults for found, faults in differences.items() if found not in DIFFERENCES}
    assert unexplained == {}
    assert not WHOLE or set(differences) == set(DIFFERENCES)
    assert len(CHOSEN) > 60
