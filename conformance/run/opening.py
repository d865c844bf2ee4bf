"""The opening step: whether a server answers, accepts the credentials, and fits URL and profile. Must not send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.cases.model import Case, Expectation, Probe
from conformance.cases.testdata import TestData
from conformance.exchange.model import AUTHENTICATION, Exchange

OPENING = "opening-not-json"


def not_json_case() -> Case:
    """The first request of a run: a body that is not JSON, which no service may accept as a capture."""
    probe = Probe(Expectation("reject", "body.not-json"), body=b"{", trip="none")
    return Case(OPENING, "opening", "A body that is only an opening brace", ("body.not-json",), (probe,))


def no_access(exchange: Exchange) -> str:
    """Why the run must stop after the answer to the body that is not JSON; empty where it need not."""
    if exchange.unsent and exchange.failure is not None:
        return f"no connection to the server: {exchange.failure.detail}"
    status = _status(exchange)
    if status in AUTHENTICATION:
        return f"authentication refused: the server answered {status} to {_sent(exchange)}; check [auth] of the profile"
    return ""


def wrong_target(first: Exchange, acceptances: Sequence[Exchange]) -> str:
    """Why the target cannot be judged with this profile, from the answers of the opening step; empty where it can."""
    if not acceptances:
        return ""
    statuses = [_status(exchange) for exchange in acceptances]
    shown = f"sent {_sent(acceptances[0])}, received {_received(acceptances[0])}"
    if all(status in AUTHENTICATION for status in statuses):
        return f"authentication refused: every capture of the opening step was answered with 401 or 403; {shown}; check [auth]"
    if all(status == 400 for status in statuses):
        return (
            f"wrong profile? every declared store and currency was answered with 400; {shown}; "
            "check data.stores, data.currencies and data.trips"
        )
    everything = [_status(first), *statuses]
    if all(status is not None and (status in (404, 405) or 300 <= status < 400) for status in everything):
        locations = list(first.answer.values("Location") if first.answer else [])
        where = f", Location: {locations[0]}" if locations else ""
        return f"wrong URL? {first.request.target} only answered with 404, 405 or redirections{where}; {shown}"
    return ""


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


def _received(exchange: Exchange) -> str:
    if exchange.answer is None:
        return exchange.failure.detail if exchange.failure else "nothing"
    return f"{exchange.answer.status} {exchange.answer.body.decode('utf-8', 'backslashreplace')}"
