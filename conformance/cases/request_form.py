"""Cases about header fields and framing of the request: media types, charset, Accept, chunks, Expect."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from conformance.cases.body import parts_of, plain
from conformance.cases.build import LENGTH_REQUIRED, OBSERVE, UNSUPPORTED, absent, accept, case, either, probe, reject
from conformance.cases.model import Case, Expectation, Probe
from conformance.cases.testdata import TestData
from conformance.cases.value import spellings, why_not_accepted

THEME = "request"
_SAME_CHARSET = (
    "application/json; charset=utf-8",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json;Charset=Utf-8",
)
_BLANKS = ("application/json ; charset=utf-8", "application/json\t; charset=utf-8")
_OTHER_CHARSET = ("utf8", "iso-8859-1", "", "utf-16", "none")
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
    others = _typed(data, "media-type-charset-other", "Another charset parameter", charset, charsets)
    other, types = either("media-type.other", UNSUPPORTED), [*_OTHER_TYPES, None]
    refused = replace(reject("body.several-faults", (), UNSUPPORTED), shared=("answer.no-server-error",))
    return [
        replace(others, probes=(*others.probes, _wide(data, charset))),
        _typed(data, "media-type-other", "JSON with another media type, or none", other, types),
        case("media-type-none-refused", THEME, "An empty object without a media type", refused, ["{}"], headers=()),
    ]


def _wide(data: TestData, expectation: Expectation) -> Probe:
    """The good body in UTF-16, and labelled so."""
    headers = (("Content-Type", "application/json; charset=utf-16"),)
    body = parts_of(data).good.encode("utf-16")
    return probe(replace(expectation, label="UTF-16 in both"), body, headers=headers)


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


def repeated_cases(data: TestData) -> list[Case]:
    """The same capture twice on one connection, twice at the same moment, and other captures of the same trip."""
    parts, requirements = parts_of(data), ("capture.repeated",)
    first = probe(OBSERVE, parts.good, equal=True)
    second = probe(either("capture.repeated", label="second time"), parts.good, trip="same")
    at_once = probe(either("capture.repeated", label="at the same moment"), parts.good, trip="case")
    spelt = parts.good.replace(f":{parts.value},", f":{spellings(data.amounts[data.currency])[1]},")
    otherwise = either("capture.repeated", LENGTH_REQUIRED, "spelt otherwise, in chunks")
    otherwise = replace(otherwise, shared=("request.chunked",))
    third = replace(second, expectation=otherwise, body=spelt.encode(), framing="chunked", connection=1, trip="case")
    title, cased = (
        "The same capture twice, and in another spelling",
        [replace(each, trip="case") for each in (first, second)],
    )
    found = [
        Case("capture-repeated", THEME, title, requirements, (*cased, third), scheduling="chain"),
        Case(
            "capture-repeated-at-once",
            THEME,
            "The same capture twice at the same moment",
            requirements,
            (at_once, replace(at_once, connection=1)),
            scheduling="exclusive",
            together=True,
        ),
    ]
    if elsewhere := _elsewhere(data, second):
        title = "The same trip in another currency and at another store"
        found.append(Case("capture-elsewhere", THEME, title, requirements, (first, *elsewhere), scheduling="chain"))
    slug, title = "capture-another", "Another amount for the same trip"
    value = data.amounts[data.currency] + Decimal(11).scaleb(-data.minor_units[data.currency])
    if reason := why_not_accepted(data, data.currency, value):
        return [*found, absent(slug, THEME, title, requirements, reason)]
    another = either("capture.repeated", label="another amount")
    second = replace(second, expectation=another, body=parts.with_value(plain(value)).encode())
    return [*found, Case(slug, THEME, title, requirements, (first, second), scheduling="chain")]


def _elsewhere(data: TestData, second: Probe) -> list[Probe]:
    """Captures of the trip before them: in the second currency and at the second store, where there are any."""
    bodies = [("another currency", parts_of(data, currency=code).good) for code in data.currencies[1:2]]
    bodies += [("another store", parts_of(data, store=store).good) for store in data.stores[1:2]]
    return [
        replace(second, expectation=either("capture.repeated", label=label), body=text.encode())
        for label, text in bodies
    ]
