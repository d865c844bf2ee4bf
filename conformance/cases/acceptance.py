"""Captures that must succeed: every declared store and currency (the opening step of a run), and ids at the limits."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import parts_of, quoted
from conformance.cases.build import absent, accept, case
from conformance.cases.model import Case
from conformance.cases.testdata import TestData

THEME = "acceptance"
_SUCCESS = ("success.exactly-200", "success.empty-body", "success.not-coded", "success.content-type")


def acceptance_cases(data: TestData) -> list[Case]:
    """Each store with the first currency, each other currency with the first store."""
    found = []
    for number, store in enumerate(data.stores, 1):
        text = parts_of(data, store=store).good
        title = f"A plain capture at declared store {number}"
        also = _SUCCESS if number == 1 else ()
        slug = f"accept-store-{number}"
        made = case(slug, THEME, title, accept("capture.accepted"), [text], also, equal=number == 1)
        found.append(replace(made, accepts=(store, data.currency)))
    for currency in data.currencies[1:]:
        text = parts_of(data, currency=currency).good
        slug, title = f"accept-currency-{currency.lower()}", f"A plain capture in {currency}"
        made = case(slug, THEME, title, accept("code.declared"), [text])
        found.append(replace(made, accepts=(data.store, currency)))
    return found


def first_currency_case(data: TestData) -> Case:
    """A capture in the first currency, for the requirement about currencies; its acceptance case tests the stores."""
    title = f"A capture in {data.currency}, the first declared currency"
    text = parts_of(data).good
    return case("code-first-declared", "code", title, accept("code.declared"), [text], equal=True)


def limit_cases(data: TestData) -> list[Case]:
    """Known ids of maximum or minimum length."""
    parts = parts_of(data)
    found = []
    for slug, title, requirement, key, member in (
        (
            "store-id-long-on-file",
            "A known storeId of maximum length",
            "store-id.limits-included",
            "long_store",
            "store",
        ),
        (
            "store-id-short-on-file",
            "A known storeId of minimum length",
            "store-id.limits-included",
            "short_store",
            "store",
        ),
        (
            "trip-id-long-on-file",
            "A known shoppingTripId of maximum length",
            "trip-id.limits-included",
            "long_trip",
            "trip",
        ),
    ):
        value: str | None = getattr(data, key)
        theme = "store-id" if member == "store" else "trip-id"
        if value is None:
            found.append(absent(slug, theme, title, (requirement,), f"The profile has no {key}"))
            continue
        body = parts.with_store(quoted(value)) if member == "store" else parts.with_trip(quoted(value))
        found.append(case(slug, theme, title, accept(requirement), [body]))
    return found
