"""Cases about deep nesting. They are sent last, since such a body may end the server.

A server may end after its answer only where it has kept the value, as an unknown attribute of a good body: these are sent
one at a time, so that the one that ended it is known even where it never comes back.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import parts_of
from conformance.cases.build import TOO_LARGE, case, either, reject
from conformance.cases.model import Case
from conformance.cases.testdata import TestData

THEME = "body"
LEVELS = (500, 1_000, 2_000, 5_000, 10_000, 20_000)
"""Parsers stop at different depths, and some fail only between the limit of one part and that of another."""
_OBJECTS, _ARRAYS = ('{"a":', "1", "}"), ("[", "", "]")


def nesting_cases(data: TestData, *, deep: bool) -> list[Case]:
    """Closed brackets in an unknown attribute, in a known one and as the whole body; then unclosed ones.

    Each place gets each number of levels, in turn as objects and as arrays; with `deep`, as both. Unclosed brackets are
    sent with the most levels only; with `deep`, with each.
    """
    parts = parts_of(data)
    unknown, known, whole = ([_nested(*each) for each in _steps(place, deep=deep)] for place in range(3))
    labels = [f"{levels:,} levels" for levels, _ in _steps(0, deep=deep)]
    unclosed = [
        _nested(levels, shape, closed=False)
        for levels in LEVELS
        if deep or levels == LEVELS[-1]
        for shape in (_ARRAYS, _OBJECTS)
    ]
    bodies = [
        text
        for nested in unclosed
        for text in (parts.with_extra(f'"note":{nested}')[:-1], f'{{"storeId":{nested}', nested)
    ]
    extreme, type_ = either("body.extreme", TOO_LARGE), reject("store-id.type", admits=TOO_LARGE)
    not_object, not_json = (reject(f"body.not-{what}", (), TOO_LARGE) for what in ("object", "json"))
    first = case(
        "body-deep",
        THEME,
        "Nested values in an unknown attribute",
        extreme,
        [parts.with_extra(f'"note":{text}') for text in unknown],
    )
    labelled = tuple(
        replace(probe, expectation=replace(extreme, label=label))
        for label, probe in zip(labels, first.probes, strict=True)
    )
    found = [
        replace(first, probes=labelled, scheduling="exclusive"),
        case("body-deep-known", THEME, "Nested values in a known attribute", type_, map(parts.with_store, known)),
        case("body-deep-arrays", THEME, "Nested arrays as the whole body", not_object, [text for text in whole if text[0] == "["]),
        case("body-deep-objects", THEME, "Nested objects as the whole body", reject("body.several-faults", (), TOO_LARGE), [text for text in whole if text[0] == "{"]),
        case("body-deep-unclosed", THEME, "Nested values, not closed", not_json, bodies),
    ]  # fmt: skip
    return [replace(each, last=True) for each in found]


def still_there_case() -> Case:
    """The last request of a run: it shows that the one before did not end the server."""
    title, wanted = "A body that is not JSON, after all others", reject("body.not-json", ())
    return replace(case("body-after-deep", THEME, title, wanted, [b"{"]), scheduling="exclusive", last=True)


def _steps(place: int, *, deep: bool) -> list[tuple[int, tuple[str, str, str]]]:
    """Levels and shapes for a place."""
    shapes = (_OBJECTS, _ARRAYS)
    return [
        (levels, shape)
        for number, levels in enumerate(LEVELS)
        for turn, shape in enumerate(shapes)
        if deep or (place + number) % 2 == turn
    ]


def _nested(levels: int, shape: tuple[str, str, str], *, closed: bool = True) -> str:
    start, inside, end = shape
    return start * levels + (inside + end * levels if closed else "")
