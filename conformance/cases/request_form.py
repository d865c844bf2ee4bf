"""Cases about header fields and framing of the request: media types, charset, Accept, chunks, Expect."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import parts_of
from conformance.cases.build import LENGTH_REQUIRED, OBSERVE, UNSUPPORTED, accept, case, either, probe
from conformance.cases.model import Case, Expectation
from conformance.cases.testdata import TestData

THEME = "request"
_SAME_CHARSET = (
    "application/json; charset=utf-8",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json;Charset=Utf-8",
)
_BLANKS = ("application/json ; charset=utf-8", "application/json\t; charset=utf-8")
_OTHER_CHARSET = ("utf8", "iso-8859-1", "us-ascii", "utf-16", "none")
_OTHER_TYPES = (
    "text/plain",
    "json",
    "application/json, application/json",
    "application/json;",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/octet-stream",
    "application/problem+json",
    "*/*",
    "multipart/form-data; boundary=x",
    "",
)


def request_form_cases(data: TestData) -> list[Case]:
    """All of them; those that must be served come first."""
    return [*_media_types(data), *_framing(data), *_neutral(data), *_other_types(data)]


def _typed(data: TestData, slug: str, title: str, expectation: Expectation, values: list[str | None]) -> Case:
    """A case of the good body with each of these media types (None: no Content-Type), each with a label."""
    good = parts_of(data).good
    shown = ["none" if value is None else value or "empty" for value in values]
    probes = tuple(
        probe(
            replace(expectation, label=label) if expectation.nature == "either" else expectation,
            good,
            headers=() if value is None else (("Content-Type", value),),
        )
        for value, label in zip(values, shown, strict=True)
    )
    return Case(slug, THEME, title, (expectation.requirement or "",), probes)


def _media_types(data: TestData) -> list[Case]:
    blank = accept("media-type.blank", UNSUPPORTED)
    cased: list[str | None] = ["Application/JSON", "APPLICATION/JSON", "application/Json; charset=utf-8"]
    return [
        _typed(data, "media-type-charset", "A charset of utf-8", accept("media-type.charset"), list(_SAME_CHARSET)),
        _typed(data, "media-type-blank", "A blank before the semicolon", blank, list(_BLANKS)),
        _typed(data, "media-type-case", "The media type in another letter case", accept("media-type.case"), cased),
    ]


def _other_types(data: TestData) -> list[Case]:
    charset = either("media-type.charset-other", UNSUPPORTED)
    charsets: list[str | None] = [f"application/json; charset={value}" for value in _OTHER_CHARSET]
    other, types = either("media-type.other", UNSUPPORTED), [*_OTHER_TYPES, None]
    return [
        _typed(data, "media-type-charset-other", "Another charset parameter", charset, charsets),
        _typed(data, "media-type-other", "JSON with another media type, or none", other, types),
    ]


def _framing(data: TestData) -> list[Case]:
    good = parts_of(data).good
    chunked, waiting = accept("request.chunked", LENGTH_REQUIRED), accept("request.expect-continue", frozenset({417}))
    return [
        case("request-chunked", THEME, "The body sent in chunks", chunked, [good], framing="chunked"),
        case("request-expect-continue", THEME, "Expect: 100-continue", waiting, [good], framing="expect"),
    ]


def _neutral(data: TestData) -> list[Case]:
    """A good and a bad request, each with every neutral form of Accept."""
    parts = parts_of(data)
    found = []
    for slug, title, text in (
        ("accept-neutral", "Accept missing, */* or application/json", parts.good),
        ("accept-neutral-refused", "The same forms of Accept with a body to be refused", parts.with_code(None)),
    ):
        later = replace(OBSERVE, requirement="accept.neutral")
        probes = (probe(OBSERVE, text), probe(later, text, accept=None), probe(later, text, accept="*/*"))
        found.append(Case(slug, THEME, title, ("accept.neutral",), probes, scheduling="chain", rule="same-answer"))
    return found


def repeated_case(data: TestData) -> Case:
    """The same capture twice, on one connection."""
    good = parts_of(data).good
    first = probe(OBSERVE, good, equal=True)
    second = probe(either("capture.repeated", label="second time"), good, trip="same")
    title = "The same capture twice"
    return Case("capture-repeated", THEME, title, ("capture.repeated",), (first, second), scheduling="chain")
