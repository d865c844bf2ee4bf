"""The cases of a run, and which of them exceed a budget. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from conformance.cases.generated import DEEP_REQUESTS, generated_cases
from conformance.cases.model import Case
from conformance.cases.tables import all_cases
from conformance.cases.testdata import Provoked, TestData
from conformance.contract import Contract
from conformance.profile import Profile
from conformance.run.opening import not_json_case
from conformance.run.whole_run import whole_run_cases
from conformance.send.money import cost_of
from conformance.send.sender import SAFE_METHODS

REFUSED = frozenset({"reject", "should-reject"})
CHARGING = frozenset({"accept", "either", "observe", "provoked"})


@dataclass(frozen=True, slots=True)
class Cost:
    """What a plan may cost.

    `captures` and `totals` (major units by currency): what a conformant target captures. `charging`: the requests that
    may charge at all, and `worst`: their amounts. `trips`: those that a conformant target uses up; if every UUID is a
    trip, one for each request.
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
            status: Provoked(
                way.kind,
                way.scope,
                (way.burst.requests, way.burst.per_second) if way.burst else None,
                switched=bool(way.before or way.after),
            )
            for status, way in profile.provoke.items()
        },
    )


def planned_cases(contract: Contract, profile: Profile, data: TestData, depth: str, seed: int) -> list[Case]:
    """Every case of the depth, in order. Those that exceed a budget of the profile are marked as not exercised.

    Generated cases get the requests and the money that the others leave, without the bodies that exceed them.
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
    """Add up what the cases may cost."""
    requests = trips = captures = charging = 0
    any_uuid = profile.data.trips.generate is not None
    totals: dict[str, Decimal] = {}
    worst: dict[str, Decimal] = {}
    for case in cases:
        if case.not_exercised:
            continue
        for probe in case.probes:
            requests += probe.times
            trips += probe.times * (probe.trip == "fresh" and (any_uuid or probe.expectation.nature not in REFUSED))
            if probe.method not in SAFE_METHODS:
                currency, amount, _ = cost_of(probe.body, profile)
                charging += probe.times
                worst[currency] = worst.get(currency, Decimal(0)) + amount * probe.times
        trips += any(probe.trip == "case" for probe in case.probes)
        for currency, amount in expected_captures(profile, case):
            captures += 1
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    trips += 0 if any_uuid else profile.limits.concurrency  # a trip that was refused is used again by the next request
    return Cost(requests, trips, charging, captures, totals, worst)


def expected_captures(profile: Profile, case: Case) -> list[tuple[str, Decimal]]:
    """Currency and amount of every capture that a conformant target may make for the case."""
    return [
        cost_of(probe.body, profile)[:2]
        for probe in case.probes
        if probe.expectation.nature in CHARGING and probe.method == "POST" and not probe.captures_nothing
        for _ in range(probe.times)
    ]


class _Room:
    """What the budget of the profile leaves for more cases: requests, captures, and amounts by currency."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.requests = self.captures = 0
        self.spent: dict[str, Decimal] = {}
        totals = (profile.max_total_of(code) for code in profile.data.currencies)
        self._endless = {profile.limits.max_requests, profile.max_captures, *totals} == {None}

    def take(self, case: Case) -> str:
        """Take what the case may cost. Where that exceeds a budget, take nothing and give the reason."""
        profile, most = self.profile, self.profile.limits.max_requests
        if self._endless:
            return ""
        if most is not None and self.requests + case.requests > most:
            return "Exceeds max_requests"
        wanted, after = expected_captures(profile, case), dict(self.spent)
        for currency, amount in wanted:
            after[currency] = after.get(currency, Decimal(0)) + amount
        limits = {currency: profile.max_total_of(currency) for currency, _ in wanted}
        over = any(limit is not None and after[currency] > limit for currency, limit in limits.items())
        if over or (profile.max_captures is not None and self.captures + len(wanted) > profile.max_captures):
            return "Exceeds the money budget"
        self.spent, self.captures = after, self.captures + len(wanted)
        self.requests += case.requests
        return ""


def within_budget(contract: Contract, room: _Room, cases: list[Case]) -> list[Case]:
    """Mark the cases that exceed requests or money. Cases for a MUST come first, then the order of the plan decides."""

    def optional(case: Case) -> bool:
        return not any(contract.level(requirement) == "MUST" for requirement in case.requirements)

    refused: dict[str, str] = {}
    for case in sorted(cases, key=optional):
        if not case.not_exercised and (reason := room.take(case)):
            refused[case.id] = reason
    return [replace(case, not_exercised=refused[case.id]) if case.id in refused else case for case in cases]


def fitting(room: _Room, generated: list[Case]) -> list[Case]:
    """The generated cases without the bodies that exceed a budget."""
    kept = [
        replace(case, probes=tuple(probe for probe in case.probes if not room.take(replace(case, probes=(probe,)))))
        for case in generated
    ]
    return [
        case if case.probes else replace(case, not_exercised="Exceeds the limits on requests or money") for case in kept
    ]
