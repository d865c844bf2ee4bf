"""The opening step: whether a server answers, accepts the credentials, and fits URL and profile. Must not send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.cases.model import Case, Expectation, Probe
from conformance.cases.testdata import TestData
from conformance.exchange.model import AUTHENTICATION, Exchange
from conformance.exchange.not_http import is_not_http, is_page_of_proxy, likely_cause
from conformance.exchange.retry_after import moment_of
from conformance.judge.text import text_of

OPENING = "opening-not-json"
ENOUGH = 2
"""How many captures are tried where the first request of a run got no answer from an HTTP server."""
CLOCK_S = 300
"""Seconds that a clock may be wrong; AWS refuses signatures that are older."""


def not_json_case() -> Case:
    """The first request of a run: a body that is not JSON, which no service may accept as a capture."""
    probe = Probe(Expectation("reject", "body.not-json"), body=b"{", trip="none")
    return Case(OPENING, "opening", "A body that is only an opening brace", ("body.not-json",), (probe,))


def no_access(exchange: Exchange) -> str:
    """Why the run must stop after the answer to the body that is not JSON; empty where it need not."""
    if exchange.unsent and exchange.failure is not None:
        detail = exchange.failure.detail
        why = f"{likely_cause(exchange)} ({detail})" if exchange.failure.kind == "tls" else detail
        return f"no connection to the server: {why}"
    status = _status(exchange)
    if status == 407:
        return "authentication refused: the proxy answered 407; check the user and password in target.proxy"
    if status in AUTHENTICATION:
        refused = f"authentication refused: the server answered {status} to {_sent(exchange)}"
        return f"{refused}; {_clock(exchange)}check [auth] of the profile"
    return ""


def no_server(first: Exchange, acceptances: Sequence[Exchange], planned: int) -> str:
    """Why there is no HTTP server to judge; empty where there is one, or where too little was sent to tell.

    `planned`: how many captures the opening step has. A single drop could be the server's answer to a body that is not
    JSON, so that captures are tried, unless none was selected and what arrived is certainly not HTTP.
    """
    enough = len(acceptances) >= min(ENOUGH, planned) if planned else is_not_http(first) and bool(first.raw)
    if not enough:
        return ""
    if all(is_not_http(exchange) for exchange in (first, *acceptances)):
        return f"no HTTP server at this address: {likely_cause(first)} Sent {_sent(first)}, received {received(first)}"
    if planned and all(is_page_of_proxy(exchange) for exchange in (first, *acceptances)):
        return f"the proxy does not reach the server: its own answer to every request is {received(first)}"
    return ""


def is_suspect(first: Exchange) -> bool:
    """Whether the first answer of a run may come from something else than the server."""
    return is_not_http(first) or is_page_of_proxy(first)


def wrong_target(first: Exchange, acceptances: Sequence[Exchange]) -> str:
    """Why the target cannot be judged with this profile, from the answers of the opening step; empty where it can."""
    if not acceptances:
        return ""
    statuses = [_status(exchange) for exchange in acceptances]
    shown = f"sent {_sent(acceptances[0])}, received {received(acceptances[0])}"
    if all(status in AUTHENTICATION for status in statuses):
        return f"authentication refused: every capture of the opening step was answered with 401 or 403; {shown}; {_clock(acceptances[0])}check [auth]"
    if all(status == 400 for status in statuses):
        if "https" in received(first).lower():
            return f"wrong URL? does target.url need https://? {shown}"
        return (
            f"wrong profile? every declared store and currency was answered with 400; {shown}; "
            "check data.stores, data.currencies and data.trips"
        )
    everything = [_status(first), *statuses]
    if all(status is not None and (status in (404, 405) or 300 <= status < 400) for status in everything):
        locations = list(first.answer.values("Location") if first.answer else [])
        where = f", Location: {text_of(locations[0])}" if locations else ""
        return f"wrong URL? {first.request.target} only answered with 404, 405 or redirections{where}; {shown}"
    return ""


def clock_offset(exchange: Exchange) -> float | None:
    """Seconds that this machine's clock is ahead of the server's, by the Date of its answer; None where unknown."""
    server = moment_of(exchange.answer, None) if exchange.answer is not None else None
    if server is None or exchange.wall_time is None:
        return None
    return exchange.wall_time + (exchange.elapsed or 0.0) - server


def _clock(exchange: Exchange) -> str:
    """A remark for a clock that is so wrong that a signature or token of this machine may not be valid."""
    offset = clock_offset(exchange)
    if offset is None or abs(offset) <= CLOCK_S:
        return ""
    direction = "ahead of" if offset > 0 else "behind"
    return f"the clock of this machine is {abs(offset) / 60:.0f} minutes {direction} the server's: set it; "


def narrowed(data: TestData, accepted: Sequence[tuple[str, str]]) -> TestData:
    """The data with only the accepted stores and currencies, in the order seen. Every probe is built on them."""
    if not accepted:
        return data
    stores = dict.fromkeys(store for store, _ in accepted)
    currencies = dict.fromkeys(currency for _, currency in accepted)
    return replace(data, stores=tuple(stores), currencies=tuple(currencies))


def _status(exchange: Exchange) -> int | None:
    return exchange.answer.status if exchange.answer is not None else None


def _sent(exchange: Exchange) -> str:
    body = exchange.request.body.decode("utf-8", "backslashreplace")
    return f"{exchange.request.method} {exchange.request.target} {body}"


def received(exchange: Exchange) -> str:
    """The status and body of the answer as text, or why there is none."""
    if exchange.answer is None:
        return exchange.failure.detail if exchange.failure else "nothing"
    return f"{exchange.answer.status} {text_of(exchange.answer.body)}"
