"""Inputs that once showed what the suite did not: each is sent in a standard run, with what must become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.cases.model import TRIP, Case, Probe
from conformance.contract.load import load_contract
from tests.support.blind import RESPONSES, Place, places, reported
from tests.support.remembered import all_cases
from tests.support.testdata import MOCK

GOOD = f'{{"storeId":"store-001","shoppingTripId":"{TRIP}","amount":{{"amount":10.00,"code":"USD"}}}}'
YEN, DINAR = (GOOD.replace('10.00,"code":"USD"', each) for each in ('500,"code":"JPY"', '1.000,"code":"KWD"'))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return all_cases(load_contract(), MOCK, "standard")


def sent(cases: list[Case], body: str, **more: str) -> list[Probe]:
    """The probes with this body, and with these further properties."""
    return [
        probe
        for case in cases
        for probe in case.probes
        if probe.body == body.encode() and all(getattr(probe, name) == value for name, value in more.items())
    ]


def value(text: str, good: str = GOOD) -> str:
    return good.replace(":10.00,", f":{text},").replace(":500,", f":{text},").replace(":1.000,", f":{text},")


def member(name: str, text: str) -> str:
    good = {"storeId": '"store-001"', "shoppingTripId": f'"{TRIP}"', "code": '"USD"'}[name]
    return GOOD.replace(f'"{name}":{good}', f'"{name}":{text}')


ACCEPTED = {
    "a yen with a point": value("500.0", YEN),
    "a yen with an exponent": value("5e2", YEN),
    "a dollar with one decimal": value("11.5"),
    "a dinar with one decimal": value("2.5", DINAR),
    "a whole dinar": value("2", DINAR),
    "ten thousand dollars": value("10000.00"),
    "ten thousand yen": value("10000", YEN),
    "a negative exponent": value("100e-1"),
    "64 KB of blanks": " " * 65_536 + GOOD,
}
REFUSED = {
    **{f"{name} in a list": member(name, f"[{text}]") for name, text in (
        ("storeId", '"store-001"'), ("shoppingTripId", f'"{TRIP}"'), ("code", '"USD"'))},
    **{f"the number {text}": value(text) for text in ("00", "-", "-00.0", "0x10", "1_000", "1e", "1,5")},
    **{f"the text {text}": value(f'"{text}"') for text in ("1e400", "-1e400")},
    "a lone surrogate": member("storeId", '"\\ud800"'),
    "a blank before the code": member("code", '" USD"'),
    "a fourth letter": member("code", '"USDA"'),
    "a Cyrillic letter": member("code", '"U\u0405D"'),
    "20,000 arrays": "[" * 20_000 + "]" * 20_000,
    "an operator": member("storeId", '{"$ne":""}'),
    "an empty object": "{}",
    "an empty amount": GOOD.replace('{"amount":10.00,"code":"USD"}', "{}"),
    "nulls": '{"storeId":null,"shoppingTripId":null,"amount":null}',
}  # fmt: skip
EITHER = {
    "a fraction of a yen": value("500.5", YEN),
    "2^53 + 1": value("9007199254740993"),
    "5,000 arrays in an unknown attribute": GOOD[:-1] + ',"note":' + "[" * 5_000 + "]" * 5_000 + "}",
}


@pytest.mark.parametrize(
    ("nature", "name"),
    [
        (nature, name)
        for nature, table in (("accept", ACCEPTED), ("reject", REFUSED), ("either", EITHER))
        for name in table
    ],
)
def test_the_input_is_sent_and_decided(cases: list[Case], nature: str, name: str) -> None:
    body = {"accept": ACCEPTED, "reject": REFUSED, "either": EITHER}[nature][name]
    assert nature in {probe.expectation.nature for probe in sent(cases, body)}


def test_content_that_is_not_json_is_sent_in_chunks(cases: list[Case]) -> None:
    chunked = [probe for case in cases for probe in case.probes if probe.framing == "chunked"]
    assert "body.not-json" in {probe.expectation.requirement for probe in chunked}


def test_a_wrong_trip_is_sent_with_each_further_currency(cases: list[Case]) -> None:
    probes = [probe for case in cases for probe in case.probes]
    unknown = [json.loads(each.body) for each in probes if each.expectation.requirement == "trip-id.unknown"]
    assert {body["amount"]["code"] for body in unknown} == set(MOCK.currencies)


def is_body(text: str) -> Callable[[Place], bool]:
    return lambda place: place.probe.body == text.encode()


WRONG = {
    "a server error to -0": (is_body(value("-0")), "500", "answer.no-server-error"),
    "a 422 to -0": (is_body(value("-0")), "422", "answer.status-set"),
    "a 422 to any Accept": (lambda place: place.probe.accept == "*/*", "422", "answer.status-set"),
    "content in chunks that is not JSON, accepted": (
        lambda place: place.probe.framing == "chunked" and place.probe.expectation.requirement == "body.not-json",
        "empty 200", "body.not-json"),
    "a long code in chunks, accepted": (
        lambda place: place.probe.framing == "chunked" and place.probe.expectation.requirement == "code.max-length",
        "empty 200", "code.max-length"),
    "a malformed store named twice, accepted": (
        lambda place: place.case.id == "body-wrong-twice", "empty 200", "body.several-faults"),
    "a server error to UTF-16 labelled so": (
        lambda place: "utf-16" in str(place.probe.headers).lower(), "500", "answer.no-server-error"),
    "a server error to two wrong members": (
        lambda place: place.case.id == "body-two-faults", "500", "body.several-faults"),
    "an empty object, accepted": (is_body("{}"), "empty 200", "body.several-faults"),
    "a 502 among good captures": (lambda place: place.probe.equal, "502 page", "answer.status-set"),
    "a corrected request, refused": (
        lambda place: place.probe.equal and place.probe.trip == "case" and place.case.theme == "independence",
        "400", "answer.independent"),
    "HTML in a 415 to text/plain": (
        lambda place: ("Content-Type", "text/plain") in place.probe.headers, "415", ""),
    "a million bytes, then a reset": (lambda place: len(place.probe.body) >= 1_000_000, "reset", ""),
    "content of HEAD that comes late": (lambda place: place.probe.method == "HEAD", "stray bytes", "method.framing"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_to_it_is_reported(cases: list[Case], name: str) -> None:
    chosen, answer, requirement = WRONG[name]
    found = [place for place in places(cases) if chosen(place)]
    assert found
    for place in found:
        violated = reported(place, RESPONSES[answer])
        assert requirement in violated if requirement else not violated


def test_stray_bytes_after_an_error_that_disappears_are_reported(cases: list[Case]) -> None:
    place = next(place for place in places(cases) if place.column == "refuse")
    cleared = replace(RESPONSES["500 cleared"], late="5 stray bytes")
    assert reported(place, cleared) == {"server-error.stable", "answer.framing"}


def test_12_mib_of_leading_blanks_are_sent_in_a_deep_run() -> None:
    deep = all_cases(load_contract(), MOCK, "deep")
    assert sent(deep, " " * 12 * 2**20 + GOOD)
