"""Judges traffic that another tool recorded, with the judges and the tally of a run. Sends nothing.

Each request to the operation becomes a case. What its body asks of the answer is decided by its bytes; whether a trip was
new is unknown, so that a refusal of a good body is allowed unless the profile says that its trips may be used again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from conformance.cases.build import LENGTH_REQUIRED, UNSUPPORTED, either
from conformance.cases.method_path import METHODS
from conformance.cases.model import TRIP, Case, Expectation, Probe
from conformance.cases.oracle import classify
from conformance.cases.testdata import TestData
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.exchange.event import Plan, Sent
from conformance.exchange.har_reading import NO_CONTENT_SENT, NO_RESPONSE, Entry, read_har
from conformance.exchange.model import Request, field_values
from conformance.profile import Profile
from conformance.run.model import Deselected, RunResult
from conformance.run.plan import data_of
from conformance.run.tally import Tally

DEPTH = "recorded traffic"
_NO_SERVER_ERROR = "answer.no-server-error"
_PLAIN_TYPE = re.compile(r'application/json(?:;[ \t]*charset="?utf-8"?)?', re.IGNORECASE)
_NEUTRAL_ACCEPT = frozenset({"*/*", "application/json"})
_NOT_ACCEPTABLE = frozenset({406})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Traffic:
    """The result, and for entries that were not judged, or only in part, the reasons with the numbers of the entries."""

    result: RunResult
    not_judged: dict[str, list[int]]
    in_part: dict[str, list[int]]


def judge_har(file: Path, contract: Contract, profile: Profile) -> Traffic:
    """Judge a HAR file. Raises `UsageError` where it cannot be read, or has no request to the operation of this server."""
    try:
        entries = read_har(file)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error
    return _judged(entries, contract, profile)


def _judged(entries: Sequence[Entry], contract: Contract, profile: Profile) -> Traffic:
    """Judge the entries. Raises `UsageError` where none is a request to the operation of the profile's server."""
    trips = profile.data.trips
    data = data_of(profile, any_uuid=trips.generate is not None, reusable=trips.reuse is not None)
    not_judged: dict[str, list[int]] = {}
    in_part: dict[str, list[int]] = {}
    judged: list[tuple[Entry, Case]] = []
    for entry in entries:
        if reason := _why_not(entry, contract, profile):
            not_judged.setdefault(reason, []).append(entry.number)
            continue
        judged.append((entry, _case(entry, contract, data, trips.reuse or ())))
        for unknown in entry.unknown:
            in_part.setdefault(unknown, []).append(entry.number)
    if not judged:
        reasons = (
            "; ".join(f"{reason}: {len(numbers)}" for reason, numbers in not_judged.items()) or "it has no entries"
        )
        raise UsageError(f"nothing to judge: no entry is a request to {profile.target.url}{contract.path} ({reasons})")
    tally = Tally(contract, profile.limits.timeout_s)
    tally.take(Plan(tuple(case for _, case in judged)))
    for entry, case in judged:
        tally.take(Sent(entry.exchange, case.probes[0], entry.number, "first", final=True))
    times = [entry.exchange.wall_time or 0.0 for entry, _ in judged]
    began, ended = (
        datetime.fromtimestamp(each, UTC).isoformat(timespec="seconds") for each in (min(times), max(times))
    )
    result = RunResult(
        # Nothing can be sent again, so what gave no result does not make the verdict inconclusive.
        cases=tuple(replace(each, beforehand=True) for each in tally.results("")),
        run_id="", started=began, ended=ended, seed=0, depth=DEPTH, url=profile.target.url, requests=len(judged),
        deselected=(Deselected("not recorded", tuple(contract.requirements)),),
        waivers=tuple(profile.waiver),
    )  # fmt: skip
    return Traffic(result, not_judged, in_part)


def _why_not(entry: Entry, contract: Contract, profile: Profile) -> str:
    """Why an entry is not judged; empty where it is."""
    url, target = urlsplit(entry.url), urlsplit(profile.target.url)
    origins = [(each.scheme, each.hostname, each.port or _PORTS.get(each.scheme)) for each in (url, target)]
    if origins[0] != origins[1]:
        return "another server than that of the profile"
    if url.path != target.path.rstrip("/") + contract.path:
        return "another path"
    if (method := entry.exchange.request.method) != "POST" and method not in METHODS:
        return "a method that the contract does not mention"
    return NO_RESPONSE if NO_RESPONSE in entry.unknown else ""


def _case(entry: Entry, contract: Contract, data: TestData, reusable: Sequence[str]) -> Case:
    request = entry.exchange.request
    requirements: tuple[str, ...]
    if request.method != "POST":
        expectation, requirements = Expectation("method", "method.not-allowed"), ("method.not-allowed", "method.allow")
    else:
        known = NO_CONTENT_SENT not in entry.unknown
        expectation = _expectation(request, contract, data, reusable) if known else either(None)
        requirements = (expectation.requirement or _NO_SERVER_ERROR,)
    probe = Probe(expectation, request.body, request.headers, request.method, trip="none")
    return Case(entry.exchange.case, "recorded", f"Entry {entry.number}: {request.method}", requirements, (probe,))


def _expectation(request: Request, contract: Contract, data: TestData, reusable: Sequence[str]) -> Expectation:
    """What the contract asks of the answer to a POST. Unusual header fields admit the refusals that are made for them."""
    admits: frozenset[int] = LENGTH_REQUIRED if field_values(request.headers, "Transfer-Encoding") else frozenset()
    types, accepts = (field_values(request.headers, name) for name in ("Content-Type", "Accept"))
    unusual: frozenset[int] = frozenset()
    if not all(part.strip() in _NEUTRAL_ACCEPT for value in accepts for part in value.split(",")):
        unusual |= _NOT_ACCEPTABLE
    if len(types) != 1 or not _PLAIN_TYPE.fullmatch(types[0]):
        unusual |= UNSUPPORTED
    if unusual:
        return either(None, admits | unusual)
    body = request.body
    for trip in reusable:
        known = rf'("shoppingTripId"[ \t\r\n]*:[ \t\r\n]*"){re.escape(trip)}"'.encode()
        body = re.sub(known, rb"\g<1>" + TRIP.encode() + b'"', body)
    expectation = classify(contract, data, body)
    return replace(expectation, admits=expectation.admits | admits)
