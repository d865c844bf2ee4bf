"""Cases about `shoppingTripId`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.cases.body import parts_of, quoted
from conformance.cases.build import EITHER_NAME, UNKNOWN_TRIP, absent, accept, case, either, reject
from conformance.cases.ids import IdField, malformed_cases, over_length
from conformance.cases.model import TRIP, Case
from conformance.cases.testdata import TestData
from conformance.contract.load import Contract

THEME = "trip-id"
# A constant UUID. Where every UUID is a trip, a server that folds a malformed spelling of it accepts it.
FIXED = "5ca1ab1e-0ddb-4a11-8a5e-51deca5ab1e5"


def trip_id_cases(contract: Contract, data: TestData) -> list[Case]:
    """All of them, cheap ones first."""
    parts, member = parts_of(data), "shoppingTripId"
    rename = partial(parts.renamed, member)
    others = ("trip", "tripId", "shoppingTripID")
    field = IdField(THEME, member, contract.trip_id, TRIP, FIXED, EITHER_NAME, parts.with_trip, rename, others)
    # A trip that is not a UUID may have any length, so a padded placeholder would have an unknown length.
    base = TRIP if data.any_uuid else "a"
    return [
        *malformed_cases(field),
        field.rejects("empty", "An empty shoppingTripId", "empty", ['""']),
        *over_length(field, base, data.long_trip),
        _unknown(data),
        *_upper_case(data),
        *_not_uuid(field),
        *_surplus_uuid(field),
    ]


def _unknown(data: TestData) -> Case:
    slug, title = "trip-id-unknown", "A well-formed shoppingTripId of an unknown trip"
    requirements = ("trip-id.unknown", "trip-id.unknown-name")
    if data.unknown_trip is None:
        return absent(slug, THEME, title, requirements, "The profile has no unknown_trip")
    text = parts_of(data).with_trip(quoted(data.unknown_trip))
    return case(slug, THEME, title, reject("trip-id.unknown", UNKNOWN_TRIP), [text], requirements[1:])


def _upper_case(data: TestData) -> list[Case]:
    text = parts_of(data).with_trip(quoted(TRIP.upper()))
    slug, title = "trip-id-upper-case", "The trip's UUID in upper case"
    seen, slug_seen = "trip-id.upper-case-seen", "trip-id-upper-case-seen"
    if data.any_uuid:
        reason = "Every UUID is a trip here, so trip-id.upper-case is tested instead"
        return [
            case(slug, THEME, title, accept("trip-id.upper-case"), [text]),
            absent(slug_seen, THEME, title, (seen,), reason),
        ]
    reason = "The profile does not say that every UUID is a trip"
    return [
        absent(slug, THEME, title, ("trip-id.upper-case",), reason),
        case(slug_seen, THEME, title, either(seen), [text]),
    ]


def _not_uuid(field: IdField) -> list[Case]:
    limit = field.rule.max_length
    base = FIXED[: limit - 1]
    edges = [base.ljust(limit - 1, "a"), base.ljust(limit, "a")]
    values = ["0", "-", "trip-1", FIXED + FIXED, FIXED.replace("-", ""), FIXED[:-1], FIXED + "0", "g" + FIXED[1:]]
    return [
        _seen("trip-id-not-uuid", "Well-formed ids that are not a UUID", values, field),
        _seen("trip-id-at-limit", "A shoppingTripId at the length limit", edges, field),
    ]


def _seen(slug: str, title: str, values: list[str], field: IdField) -> Case:
    texts = [(value, field.put(quoted(value))) for value in values if field.rule.admits(value)]
    seen = case(slug, THEME, title, either("trip-id.not-uuid"), [text for _, text in texts])
    probes = [
        replace(
            probe,
            expectation=either("trip-id.not-uuid", label=value if len(value) < 40 else f"{len(value)} characters"),
        )
        for (value, _), probe in zip(texts, seen.probes, strict=True)
    ]
    return replace(seen, probes=tuple(probes))


def _surplus_uuid(field: IdField) -> list[Case]:
    """Spellings of a UUID that many libraries accept and the pattern does not."""
    values = ["{" + TRIP + "}", "urn:uuid:" + TRIP, "(" + TRIP + ")"]
    return [field.malformed("uuid-spellings", "Other spellings of a UUID, outside the pattern", values)]
