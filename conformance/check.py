"""Whether a run can start: name, connection, certificate, authentication, clock and limits. Sends one harmless request.

With `capture`, it also sends one capture for each declared store, from the money budget. Nothing is judged or recorded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal
from urllib.parse import urlsplit

from conformance.cases.acceptance import acceptance_cases
from conformance.cases.model import planned_requests
from conformance.contract import Contract
from conformance.exchange.client import Client
from conformance.exchange.endpoint import Endpoint, addresses
from conformance.exchange.event import Intent, Sent, Stray
from conformance.exchange.model import AUTHENTICATION, BUSY, Exchange
from conformance.exchange.not_http import likely_cause
from conformance.profile import Profile, without_user
from conformance.redact import Redactor
from conformance.run.opening import CLOCK_S, clock_offset, no_access, not_json_case, received
from conformance.run.plan import data_of
from conformance.send import NoCredentials, Unsent
from conformance.send.auth import Credentials, credentials_of
from conformance.send.money import Ledger
from conformance.send.pace import Halted, Pace
from conformance.send.sender import Sender
from conformance.send.trips import TripSource
from conformance.session import endpoint_of

LIMIT_S = 1.8
"""Seconds for the look-up and the answer together, so that a check ends within two seconds."""
SOON_DAYS = 14
"""Days before the end of a certificate from which the check mentions it."""
NOTED_CLOCK_S = 30
"""Seconds by which the clock may differ before the check mentions it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check. `status`: the exit status that a run would have for this reason; 0 where it can start."""

    level: Literal["ok", "note", "fix"]
    subject: str
    text: str
    status: int = 0


def check(contract: Contract, profile: Profile, environ: Mapping[str, str], *, capture: bool) -> Iterator[Finding]:
    """The lines of the check, each as soon as it is known. Ends early where the rest cannot be checked.

    Raises `UsageError` where the profile turns out to be wrong.
    """
    until, redactor = time.monotonic() + LIMIT_S, Redactor(profile.secrets())
    credentials = credentials_of(profile, environ, redactor)
    endpoint = endpoint_of(profile, environ, credentials.fields)
    if profile.short_secret:
        yield Finding("note", "secrets", profile.short_secret)
    findings = [_name(profile, until)]
    yield findings[0]
    if findings[0].status == 0:
        limit = max(0.1, min(profile.limits.timeout_s, until - time.monotonic()))
        for finding in _first_request(contract, profile, credentials, replace(endpoint, timeout_s=limit)):
            findings.append(finding)
            yield replace(finding, text=redactor(finding.text))
    yield _limits(profile)
    if capture and not any(finding.status for finding in findings):
        for finding in _captures(contract, profile, credentials, endpoint):
            yield replace(finding, text=redactor(finding.text))


def _name(profile: Profile, until: float) -> Finding:
    """Whether the name of the server, or of the proxy on the way to it, is known."""
    parts = urlsplit(profile.target.proxy or profile.target.url)
    host = parts.hostname or ""
    try:
        found = addresses(host, parts.port or 443, until - time.monotonic())
    except (OSError, UnicodeError) as error:
        late = isinstance(error, TimeoutError)
        what = "was not found in time" if late else "is not known"
        subject = "target.proxy" if profile.target.proxy else "target.url"
        return Finding("fix", "name", f"{host} {what}; check {subject}, DNS and VPN", 3)
    return Finding("ok", "name", f"{host} is {found[0]}")


def _first_request(
    contract: Contract, profile: Profile, credentials: Credentials, endpoint: Endpoint
) -> Iterator[Finding]:
    """What the answer to a body that is not JSON shows."""
    try:
        credentials.prepare()
    except NoCredentials as why:
        yield Finding("fix", "authentication", str(why), 3)
        return
    probe, client = not_json_case().probes[0], Client(endpoint)
    try:
        exchange = client.send(
            probe.method, contract.path, probe.headers, probe.body, case="check", probe=0, accept=probe.accept
        )
    finally:
        client.close()
    yield from _connection(profile, endpoint, exchange, client.certificate_end)
    if exchange.answer is not None:
        yield _authentication(exchange, profile.auth.kind)
        yield _clock(exchange)


def _connection(profile: Profile, endpoint: Endpoint, exchange: Exchange, ends: float | None) -> Iterator[Finding]:
    if ends is not None:
        days = (ends - time.time()) / 86_400
        level: Literal["ok", "note"] = "note" if days < SOON_DAYS else "ok"
        yield Finding(level, "TLS", f"the certificate ends in {days:.0f} days{'; renew it' * (days < SOON_DAYS)}")
    if exchange.failure is not None:
        detail = no_access(exchange) or f"{exchange.failure.detail}: {likely_cause(exchange)}"
        if exchange.failure.kind == "timeout":
            detail = f"{exchange.failure.detail} of {endpoint.timeout_s:.1f} s; check host, port, firewall and VPN"
        yield Finding("fix", "TLS" if exchange.failure.kind == "tls" else "connection", detail, 3)
    elif profile.target.proxy:
        yield Finding("ok", "proxy", f"reached through {without_user(profile.target.proxy)}")


def _authentication(exchange: Exchange, kind: str) -> Finding:
    """What the status means for a run. A 400 shows that the request reached the service itself."""
    assert exchange.answer is not None
    status = exchange.answer.status
    if status in AUTHENTICATION:
        return Finding("fix", "authentication", no_access(exchange), 3)
    if status in (404, 405) or 300 <= status < 400:
        where = ", ".join(exchange.answer.values("Location"))
        moved = f" and points to {where}" if where else ""
        target = exchange.request.target
        return Finding("fix", "URL", f"the server answered {status} to POST {target}{moved}; check target.url", 3)
    if status in BUSY:
        return Finding("fix", "authentication", f"the server answered {status}; try again later", 3)
    if status != 400:
        return Finding(
            "fix",
            "authentication",
            f"a body that is not JSON must get 400; the server answered {received(exchange)}",
            1,
        )
    return Finding("ok", "authentication", f"{kind}: a body that is not JSON got its 400")


def _clock(exchange: Exchange) -> Finding:
    offset = clock_offset(exchange)
    if offset is None:
        return Finding("note", "clock", "the answer has no Date, so the clocks cannot be compared")
    if abs(offset) <= NOTED_CLOCK_S:
        return Finding("ok", "clock", "less than 30 s from the server's")
    direction = "ahead of" if offset > 0 else "behind"
    text = f"the clock of this machine is {abs(offset):.0f} s {direction} the server's"
    return Finding(
        "note", "clock", f"{text}; set it" if abs(offset) < CLOCK_S else f"{text}; signatures may be refused"
    )


def _limits(profile: Profile) -> Finding:
    limits = profile.limits
    rate = f"{limits.requests_per_second:g} requests a second" if limits.requests_per_second else "no limit of the rate"
    most = f"at most {profile.max_captures} charges" if profile.max_captures is not None else "no limit of charges"
    totals = [
        f"{total} {code}" for code in profile.data.currencies if (total := profile.max_total_of(code)) is not None
    ]
    money = ", ".join([most, *totals])
    return Finding(
        "ok", "limits", f"{money}; {rate}, {limits.concurrency} at a time; waits up to {limits.max_wait_s:g} s"
    )


class _Emit:
    """Numbers the events of the captures, and shows none of them."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def intent(self, event: Intent) -> int:  # noqa: ARG002
        """The number of the intent."""
        return next(self._numbers)

    def sent(self, event: Sent) -> Sent:
        """The event with its number."""
        return replace(event, exchange=replace(event.exchange, number=next(self._numbers)))

    def stray(self, _: Stray) -> None:
        """Nothing: a check judges no framing."""


def _captures(contract: Contract, profile: Profile, credentials: Credentials, endpoint: Endpoint) -> Iterator[Finding]:
    """One capture for each declared store, in the first currency."""
    trips = TripSource(profile, contract)
    data = data_of(profile, any_uuid=trips.any_uuid, reusable=trips.reusable)
    pace = Pace(profile.limits.requests_per_second, 1)
    sender = Sender(
        contract.path, profile, lambda: Client(endpoint), pace, Ledger(profile), trips, _Emit(), credentials
    )
    try:
        for case in acceptance_cases(data):
            if case.accepts is None or case.accepts[1] != data.currency:
                continue
            try:
                sent = sender.send(None, next(iter(planned_requests(case))))
            except (Unsent, Halted) as why:
                yield Finding("fix", "capture", f"{case.accepts[0]}: not sent: {str(why) or pace.reason}", 3)
                continue
            yield _capture(profile, sent, case.accepts[0])
    finally:
        sender.connections.close_all()
        trips.close()


def _capture(profile: Profile, sent: Sent, store: str) -> Finding:
    code, exchange = profile.data.currencies[0], sent.exchange
    what = f"{profile.amount_of(code)} {code} at {store} for trip {exchange.trip}"
    if sent.status == 200:
        used = ""
        if profile.data.trips.file is not None:
            used = "; this trip is noted as used"
        return Finding("ok", "capture", f"charged {what}{used}")
    if sent.status is None or sent.status >= 500:
        may = "it is not known whether this charged"
        return Finding("fix", "capture", f"{what}: received {received(exchange)}; {may}", 3)
    hint = "check data.stores, data.currencies and data.trips" if sent.status == 400 else "see the answer"
    return Finding("fix", "capture", f"{what}: received {received(exchange)}; {hint}", 3)
