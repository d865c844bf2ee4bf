"""Captures that must succeed: every declared store and currency, and ids at the limits. The opening step of a run."""

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
        one = case(slug, THEME, title, accept("capture.accepted"), [text], also, equal=number == 1)
        found.append(replace(one, accepts=(store, data.currency)))
    for currency in data.currencies[1:]:
        text = parts_of(data, currency=currency).good
        slug, title = f"accept-currency-{currency.lower()}", f"A plain capture in {currency}"
        one = case(slug, THEME, title, accept("code.declared"), [text])
        found.append(replace(one, accepts=(data.store, currency)))
    return found


def first_currency_case(data: TestData) -> Case:
    """The first currency again, for the requirement about currencies (the acceptance cases speak of stores there)."""
    title = f"A capture in {data.currency}, the first declared currency"
    text = parts_of(data).good
    return case("code-first-declared", "code", title, accept("code.declared"), [text], equal=True)


def limit_cases(data: TestData) -> list[Case]:
    """Ids on file that are as long or as short as the limits allow."""
    parts = parts_of(data)
    found = []
    for slug, title, requirement, key, text in (
        ("store-id-long-on-file", "A long storeId that is on file", "store-id.limits-included", "long_store", "store"),
        (
            "store-id-short-on-file",
            "A short storeId that is on file",
            "store-id.limits-included",
            "short_store",
            "store",
        ),
        (
            "trip-id-long-on-file",
            "A long shoppingTripId that is on file",
            "trip-id.limits-included",
            "long_trip",
            "trip",
        ),
    ):
        value: str | None = getattr(data, key)
        theme = "store-id" if text == "store" else "trip-id"
        if value is None:
            found.append(absent(slug, theme, title, (requirement,), f"the profile names no {key}"))
            continue
        body = parts.with_store(quoted(value)) if text == "store" else parts.with_trip(quoted(value))
        found.append(case(slug, theme, title, accept(requirement), [body]))
    return found
