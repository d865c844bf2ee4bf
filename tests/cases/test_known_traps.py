"""Bodies that real services and test suites got wrong: how the oracle classifies them, and that the tables send them."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from conformance.cases.model import TRIP
from conformance.cases.oracle import classify
from conformance.contract import load_contract
from tests.support.remembered import all_cases
from tests.support.testdata import MOCK

CONTRACT = load_contract()
GOOD = f'{{"storeId":"{MOCK.stores[0]}","shoppingTripId":"{TRIP}","amount":{{"amount":10.00,"code":"USD"}}}}'


def store(text: str) -> str:
    return GOOD.replace(MOCK.stores[0], text)


def value(text: str) -> str:
    return GOOD.replace("10.00", text)


def code(text: str) -> str:
    return GOOD.replace("USD", text)


def more(text: str) -> str:
    return GOOD[:-1] + f",{text}}}"


KNOWN = MOCK.stores[0]
REFUSED = {
    "a line feed after the store": (store(rf"{KNOWN}\n"), "store-id.pattern"),
    "carriage return and line feed": (store(rf"{KNOWN}\r\n"), "store-id.pattern"),
    "a line feed before it": (store(rf"\n{KNOWN}"), "store-id.pattern"),
    "a line separator after it": (store(rf"{KNOWN}\u2028"), "store-id.pattern"),
    "two line feeds": (store(rf"{KNOWN}\n\n"), "store-id.pattern"),
    "a line feed after the trip": (GOOD.replace(TRIP, rf"{TRIP}\n"), "trip-id.pattern"),
    "a line feed after the code": (code(r"USD\n"), "code.pattern"),
    "NUL in the store": (store(r"a\u0000b"), "store-id.pattern"),
    "a number as text": (value('"10.00"'), "value.type"),
    "NaN as text": (value('"NaN"'), "value.type"),
    "true": (value("true"), "value.type"),
    "false": (value("false"), "value.type"),
    "null": (value("null"), "value.not-null"),
    "a list": (value("[10]"), "value.type"),
    "an object": (value("{}"), "value.type"),
    "NaN": (value("NaN"), "value.not-finite"),
    "Infinity": (value("Infinity"), "value.not-finite"),
    "minus Infinity": (value("-Infinity"), "value.not-finite"),
}
ADMITTED = {
    "NUL in an unknown attribute": more(r'"note":"a\u0000b"'),
    "NUL in the name of one": more(r'"\u0000":1'),
    "an unknown attribute": more('"extra":1'),
    "an empty store": store(""),
    "a trip that is no UUID": GOOD.replace(TRIP, "trip-1"),
    **{
        f"the code {code_name}": code(code_name)
        for code_name in ["ZWG", "XCG", "SLE", "VED", "HRK", "ANG", "ZWL", "SLL", "CUC", "XXX", "XTS", "XAU", "ZZZ"]
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_bodies_that_must_be_refused(name):
    body, requirement = REFUSED[name]
    expectation = classify(CONTRACT, MOCK, body.encode())
    assert expectation.nature == "reject"
    assert expectation.requirement in (requirement, None) if "code" in name else expectation.requirement == requirement


@pytest.mark.parametrize("name", ADMITTED)
def test_bodies_that_look_wrong_and_may_be_accepted(name):
    assert classify(CONTRACT, MOCK, ADMITTED[name].encode()).nature == "either"


def test_zero_and_invalid_json():
    assert classify(CONTRACT, MOCK, value("0").encode()).nature == "should-reject"
    assert classify(CONTRACT, MOCK, more('"note":NaN').encode()).nature == "should-reject"
    assert classify(CONTRACT, MOCK, store("a\0b").encode()).nature == "reject"


def test_the_tables_send_these_kinds():
    sent = {probe.body for case in all_cases(CONTRACT, MOCK, "deep") for probe in case.probes}
    stores = set()
    for body in sent:
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            stores.add(str(json.loads(body)["storeId"]))
    assert {f"{KNOWN}{tail}" for tail in ("\n", "\r\n", "\u2028")} <= stores
    for text in ('"NaN"', "true", "false", "null", "NaN", "Infinity", "-Infinity"):
        assert any(f'"amount":{text},"code"'.encode() in body for body in sent), text
    for code_name in ("XCG", "SLE", "XTS", "ZZZ"):
        assert any(f'"code":"{code_name}"'.encode() in body for body in sent), code_name
