"""Cases about `storeId`."""

from __future__ import annotations

from functools import partial

from conformance.cases.body import parts_of, quoted
from conformance.cases.build import BAD_REQUEST, absent, case, either, reject
from conformance.cases.ids import IdField, malformed_cases, over_length
from conformance.cases.model import Case
from conformance.cases.testdata import TestData
from conformance.contract.load import Contract

THEME = "store-id"


def store_id_cases(contract: Contract, data: TestData) -> list[Case]:
    """All of them, cheap ones first."""
    parts = parts_of(data)
    known = data.store
    field = IdField(
        THEME,
        "storeId",
        contract.store_id,
        known,
        known,
        BAD_REQUEST,
        parts.with_store,
        partial(parts.renamed, "storeId"),
        ("store", "storeID", "store.id"),
    )
    return [*malformed_cases(field), *over_length(field, known, data.long_store), _unknown(data), *_open(field)]


def _unknown(data: TestData) -> Case:
    slug, title = "store-id-unknown", "A well-formed storeId of an unknown store"
    if data.unknown_store is None:
        return absent(slug, THEME, title, ("store-id.unknown",), "The profile has no unknown_store")
    text = parts_of(data).with_store(quoted(data.unknown_store))
    return case(slug, THEME, title, reject("store-id.unknown"), [text])


def _open(field: IdField) -> list[Case]:
    """What may be accepted or refused: the empty id, and well-formed ids that the profile does not mention."""
    known, limit = field.known, field.rule.max_length
    padded = [known.ljust(limit - 1, "a"), known.ljust(limit, "a")]
    unusual = [known + known, "-" + known, "_" + known, "0" + known, "-", known.swapcase()]
    return [
        case("store-id-empty", THEME, "An empty storeId", either("store-id.empty"), [field.put('""')]),
        _well_formed("store-id-at-limit", "A storeId at the length limit", [each[:limit] for each in padded], field),
        _well_formed("store-id-unusual", "A storeId of unusual but valid form", unusual, field),
    ]


def _well_formed(slug: str, title: str, values: list[str], field: IdField) -> Case:
    expectation = either(None, label="well-formed")
    texts = [field.put(quoted(value)) for value in values if field.rule.admits(value)]
    return case(slug, THEME, title, expectation, texts, ("answer.no-server-error",))
