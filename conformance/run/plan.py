"""Which cases a run is made of, and which of them are known beforehand not to fit. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from conformance.cases.generated import DEEP_REQUESTS, generated_cases
from conformance.cases.model import Case, Probe
from conformance.cases.subject import Provoked, Subject
from conformance.cases.tables import all_cases
from conformance.contract import Contract
from conformance.profile import Profile
from conformance.run.money import cost_of
from conformance.run.opening import not_json_case
from conformance.run.whole_run import whole_run_cases

SAFE_METHODS = frozenset({"GET", "HEAD"})
CHARGING = frozenset({"accept", "either", "observe", "provoked"})


@dataclass(frozen=True, slots=True)
class Cost:
    """What a plan may come to.

    `captures` and `totals` (major units by currency) are what a conforming target captures; `charging` are the requests
    that may charge at all, and `worst` what they come to.
    """

    requests: int
    trips: int
    charging: int
    captures: int
    totals: dict[str, Decimal]
    worst: dict[str, Decimal]


def subject_of(profile: Profile, *, any_uuid: bool, reusable: bool) -> Subject:
    """What the cases need to know of the target."""
    data, codes = profile.data, tuple(profile.data.currencies)
    return Subject(
        stores=tuple(data.stores),
        currencies=codes,
        amounts={code: profile.amount_of(code) for code in codes},
        max_amounts={code: profile.max_amount_of(code) for code in codes},
        minor_units={code: profile.minor_units(code) for code in codes},
        unknown_store=data.unknown_store,
        unknown_trip=data.unknown_trip,
        long_store=data.long_store,
        short_store=data.short_store,
        long_trip=data.long_trip,
        any_uuid=any_uuid,
        reusable_trips=reusable,
        provocations={status: Provoked(one.kind, one.scope) for status, one in profile.provoke.items()},
    )


def planned_cases(contract: Contract, profile: Profile, subject: Subject, depth: str, seed: int) -> list[Case]:
    """Every case of the depth, in order; those that the profile's budget cannot bear say so.

    Generated cases take what the others leave of requests and money, and lose the bodies that do not fit.
    """
    cases = [not_json_case(), *all_cases(contract, subject, depth)]
    most = profile.limits.max_requests if profile.limits.max_requests is not None else DEEP_REQUESTS
    room = max(0, most - sum(len(case.probes) for case in cases))
    cases = within_budget(contract, profile, cases)
    made = generated_cases(contract, subject, depth, seed, room, sent={body for case in cases for body in _good(case)})
    return [*cases, *fitting(profile, cases, made), *whole_run_cases()]


def _good(case: Case) -> list[bytes]:
    """Bodies of the case that are to be accepted."""
    return [probe.body for probe in case.probes if probe.expectation.nature == "accept"]


def cost_of_plan(profile: Profile, cases: Iterable[Case]) -> Cost:
    """Add up what the cases may come to in the worst case."""
    requests = trips = captures = charging = 0
    totals: dict[str, Decimal] = {}
    worst: dict[str, Decimal] = {}
    for case in cases:
        if case.not_exercised:
            continue
        for probe in case.probes:
            requests += 1
            trips += probe.trip == "fresh"
            if probe.method not in SAFE_METHODS:
                currency, amount, _ = cost_of(probe.body, profile)
                charging += 1
                worst[currency] = worst.get(currency, Decimal(0)) + amount
        for currency, amount in expected_captures(profile, case):
            captures += 1
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    return Cost(requests, trips, charging, captures, totals, worst)


def expected_captures(profile: Profile, case: Case) -> list[tuple[str, Decimal]]:
    """Currency and amount of every capture that a conforming target may start for the case."""
    return [
        cost_of(probe.body, profile)[:2]
        for probe in case.probes
        if probe.expectation.nature in CHARGING and probe.method == "POST"
    ]


def fitting(profile: Profile, before: list[Case], generated: list[Case]) -> list[Case]:
    """The generated cases without the bodies for which the cases before them leave no requests or no money."""
    if profile.limits.max_requests is None and profile.max_captures is None:
        return generated
    cost = cost_of_plan(profile, before)
    captures, totals = cost.captures, dict(cost.totals)
    most = profile.limits.max_requests
    room = None if most is None else most - cost.requests

    def fits(case: Case, probe: Probe) -> bool:
        nonlocal captures, room
        if room is not None and room <= 0:
            return False
        expected = expected_captures(profile, replace(case, probes=(probe,)))
        for currency, amount in expected:
            limit = profile.max_total_of(currency)
            total = totals.get(currency, Decimal(0)) + amount
            if (limit is not None and total > limit) or captures == profile.max_captures:
                return False
            captures, totals[currency] = captures + 1, total
        room = None if room is None else room - 1
        return True

    kept = [replace(case, probes=tuple(probe for probe in case.probes if fits(case, probe))) for case in generated]
    return [case if case.probes else replace(case, not_exercised="beyond the budget") for case in kept]


def within_budget(contract: Contract, profile: Profile, cases: list[Case]) -> list[Case]:
    """Mark the cases that do not fit into requests and money, in plan order with those that speak for a MUST first."""
    most, captures_left = profile.limits.max_requests, profile.max_captures
    if most is None and captures_left is None:
        return cases
    limits = {code: profile.max_total_of(code) for code in profile.data.currencies}
    spent: dict[str, Decimal] = {}
    captures = requests = 0
    refused: dict[str, str] = {}
    ordered = sorted(cases, key=lambda case: not any(contract.level(word) == "MUST" for word in case.requirements))
    for case in ordered:
        if case.not_exercised:
            continue
        if most is not None and requests + len(case.probes) > most:
            refused[case.id] = "beyond max_requests"
            continue
        wanted = expected_captures(profile, case)
        after = dict(spent)
        for currency, amount in wanted:
            after[currency] = after.get(currency, Decimal(0)) + amount
        over = any((limit := limits.get(code)) is not None and total > limit for code, total in after.items())
        if over or (captures_left is not None and captures + len(wanted) > captures_left):
            refused[case.id] = "beyond the money budget"
            continue
        spent, captures, requests = after, captures + len(wanted), requests + len(case.probes)
    return [replace(case, not_exercised=refused[case.id]) if case.id in refused else case for case in cases]
