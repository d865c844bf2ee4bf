"""Which cases a run is made of, and which of them are known beforehand not to fit. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from conformance.cases.generated import DEEP_REQUESTS, generated_cases
from conformance.cases.model import Case, Probe
from conformance.cases.tables import all_cases
from conformance.cases.testdata import Provoked, TestData
from conformance.contract import Contract
from conformance.profile import Profile
from conformance.run.opening import not_json_case
from conformance.run.whole_run import whole_run_cases
from conformance.send.money import cost_of
from conformance.send.sender import SAFE_METHODS

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


def data_of(profile: Profile, *, any_uuid: bool, reusable: bool) -> TestData:
    """What the cases need to know of the target."""
    data, codes = profile.data, tuple(profile.data.currencies)
    return TestData(
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
        provocations={
            status: Provoked(one.kind, one.scope, (one.burst.requests, one.burst.per_second) if one.burst else None)
            for status, one in profile.provoke.items()
        },
    )


def planned_cases(contract: Contract, profile: Profile, data: TestData, depth: str, seed: int) -> list[Case]:
    """Every case of the depth, in order; those that the profile's budget cannot bear say so.

    Generated cases take what the others leave of requests and money, and lose the bodies that do not fit.
    """
    cases = [not_json_case(), *all_cases(contract, data, depth)]
    most = profile.limits.max_requests if profile.limits.max_requests is not None else DEEP_REQUESTS
    left = max(0, most - sum(case.requests for case in cases))
    room = _Room(profile)
    cases = within_budget(contract, room, cases)
    made = generated_cases(contract, data, depth, seed, left, sent={body for case in cases for body in _good(case)})
    return [*cases, *fitting(room, made), *whole_run_cases()]


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
            requests += probe.times
            trips += probe.trip == "fresh"
            if probe.method not in SAFE_METHODS:
                currency, amount, _ = cost_of(probe.body, profile)
                charging += probe.times
                worst[currency] = worst.get(currency, Decimal(0)) + amount * probe.times
        for currency, amount in expected_captures(profile, case):
            captures += 1
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    return Cost(requests, trips, charging, captures, totals, worst)


def expected_captures(profile: Profile, case: Case) -> list[tuple[str, Decimal]]:
    """Currency and amount of every capture that a conforming target may start for the case."""
    return [
        cost_of(probe.body, profile)[:2]
        for probe in case.probes
        if probe.expectation.nature in CHARGING and probe.method == "POST" and not _for_the_limit(probe)
    ]


def _for_the_limit(probe: Probe) -> bool:
    """Whether it is one of a burst and what follows inside its window: no service may take that for a capture."""
    return probe.expectation.nature == "provoked" and probe.trip == "none"


class _Room:
    """What the budget of the profile leaves for more cases: requests, captures, and amounts by currency."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.requests = self.captures = 0
        self.spent: dict[str, Decimal] = {}
        totals = (profile.max_total_of(code) for code in profile.data.currencies)
        self._endless = {profile.limits.max_requests, profile.max_captures, *totals} == {None}

    def take(self, case: Case) -> str:
        """Take what the case may come to; where it does not fit, nothing is taken and the reason is given."""
        profile, most = self.profile, self.profile.limits.max_requests
        if self._endless:
            return ""
        if most is not None and self.requests + case.requests > most:
            return "beyond max_requests"
        wanted, after = expected_captures(profile, case), dict(self.spent)
        for currency, amount in wanted:
            after[currency] = after.get(currency, Decimal(0)) + amount
        limits = {currency: profile.max_total_of(currency) for currency, _ in wanted}
        over = any(limit is not None and after[currency] > limit for currency, limit in limits.items())
        if over or (profile.max_captures is not None and self.captures + len(wanted) > profile.max_captures):
            return "beyond the money budget"
        self.spent, self.captures = after, self.captures + len(wanted)
        self.requests += case.requests
        return ""


def within_budget(contract: Contract, room: _Room, cases: list[Case]) -> list[Case]:
    """Mark the cases that do not fit into requests and money, in plan order with those that speak for a MUST first."""
    refused: dict[str, str] = {}
    for case in sorted(cases, key=lambda case: not any(contract.level(word) == "MUST" for word in case.requirements)):
        if not case.not_exercised and (reason := room.take(case)):
            refused[case.id] = reason
    return [replace(case, not_exercised=refused[case.id]) if case.id in refused else case for case in cases]


def fitting(room: _Room, generated: list[Case]) -> list[Case]:
    """The generated cases without the bodies for which there is no room."""
    kept = [
        replace(case, probes=tuple(probe for probe in case.probes if not room.take(replace(case, probes=(probe,)))))
        for case in generated
    ]
    return [case if case.probes else replace(case, not_exercised="beyond the budget") for case in kept]
