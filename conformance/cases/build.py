"""Functions that make expectations, probes and cases for the tables. Must not know any single case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.cases.model import Case, Expectation, Probe, fill_trip

BAD_REQUEST = ("BadRequestException",)
EITHER_NAME = ("BadRequestException", "UnknownShoppingTrip")
UNKNOWN_TRIP = ("UnknownShoppingTrip",)
TOO_LARGE = frozenset({413})
UNSUPPORTED = frozenset({415})
LENGTH_REQUIRED = frozenset({411})
OBSERVE = Expectation("observe")

_ANY_TRIP = "00000000-0000-4000-8000-000000000000"


def accept(requirement: str | None, admits: frozenset[int] = frozenset()) -> Expectation:
    """Must be answered with success."""
    return Expectation("accept", requirement, admits)


def reject(
    requirement: str | None, names: tuple[str, ...] = BAD_REQUEST, admits: frozenset[int] = frozenset()
) -> Expectation:
    """Must be answered with 400; `errorMsg` should contain one of `names`, if there are any."""
    return Expectation("reject", requirement, admits, names)


def should_reject(requirement: str, names: tuple[str, ...] = BAD_REQUEST) -> Expectation:
    """Should be answered with 400."""
    return Expectation("should-reject", requirement, names=names)


def either(requirement: str | None, admits: frozenset[int] = frozenset(), label: str = "") -> Expectation:
    """May be accepted or refused; `label` names this probe in the report, where the case has several."""
    return Expectation("either", requirement, admits, label=label)


def probe(expectation: Expectation, text: str | bytes, **more: Any) -> Probe:
    """A request with this body. It takes a fresh trip if it has the placeholder in any of the forms of `fill_trip`."""
    raw = text.encode() if isinstance(text, str) else text
    if "trip" not in more:
        more["trip"] = "fresh" if fill_trip(raw, _ANY_TRIP) != raw else "none"
    return Probe(expectation, raw, **more)


def case(
    slug: str,
    theme: str,
    title: str,
    expectation: Expectation,
    texts: Iterable[str | bytes],
    also: tuple[str, ...] = (),
    **more: Any,
) -> Case:
    """A one-shot case whose bodies all test the same thing. `also` are further requirements that it is made for."""
    main = (expectation.requirement,) if expectation.requirement else ()
    if expectation.names and expectation.names != UNKNOWN_TRIP:
        also = (*also, "bad-request.name")
    return Case(slug, theme, title, (*main, *also), tuple(probe(expectation, text, **more) for text in texts))


def absent(slug: str, theme: str, title: str, requirements: tuple[str, ...], reason: str) -> Case:
    """A case that cannot be sent, for a reason known before the run."""
    return Case(slug, theme, title, requirements, (), not_exercised=reason)
