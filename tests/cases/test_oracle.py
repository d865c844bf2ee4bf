"""The oracle agrees with the tables, with an independent JSON Schema validator, and with the mock's own reading.

ORACLE_BODIES sets the number of bodies; the default is those of a standard run.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import jsonschema_rs
import pytest

from conformance.cases.build import EITHER_NAME, accept, either, reject, should_reject
from conformance.cases.generated import STRATEGIES, generated_cases
from conformance.cases.generated.cache import templates
from conformance.cases.model import JSON, TRIP, Expectation, fill_trip
from conformance.cases.oracle import classify
from conformance.contract.load import load_contract
from conformance.mock import reading
from tests.support.remembered import all_cases
from tests.support.testdata import MOCK

BODIES = int(os.environ.get("ORACLE_BODIES", "500"))
SEED = int(os.environ.get("ORACLE_SEED", "1"))
A_TRIP = "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11"
CONTRACT = load_contract()


def good(
    *, store: str = '"store-001"', trip: str = f'"{TRIP}"', value: str = "10.00", code: str = '"USD"', more: str = ""
) -> bytes:
    amount = f'{{"amount":{value},"code":{code}}}'
    text = f'{{"storeId":{store},"shoppingTripId":{trip},"amount":{amount}{more}}}'
    return text.encode("utf-8", "surrogateescape")


# --- single bodies, by hand --------------------------------------------------------------------------------------

SEVERAL = reject("body.several-faults", ())


def with_shared(expectation: Expectation, *shared: str) -> Expectation:
    return replace(expectation, shared=shared)


BY_HAND = [
    (good(), accept("capture.accepted")),
    (good(store='"store-002"'), accept("capture.accepted")),
    (good(store=f'"{"L" * 255}"'), accept("store-id.limits-included")),
    (good(store=f'"{"L" * 256}"'), reject("store-id.max-length")),
    (good(store='"store-999"'), reject("store-id.unknown")),
    (good(store='"store-77"'), either(None)),
    (good(store='""'), either("store-id.empty")),
    (good(store='"store-001\\n"'), reject("store-id.pattern")),
    (good(store='"store-٣"'), reject("store-id.pattern")),
    (good(store='"store-001\n"'), reject("body.not-json", ())),
    (good(store="true"), reject("store-id.type")),
    (good(store="null"), reject("store-id.not-null")),
    (good(store='"store-001\udcff"'), reject("body.invalid-utf-8", ())),
    (good(trip='""'), reject("trip-id.empty", EITHER_NAME)),
    (good(trip='"trip 1"'), reject("trip-id.pattern", EITHER_NAME)),
    (good(trip='"trip-1"'), either("trip-id.not-uuid")),
    (good(trip=f'"{TRIP.upper()}"'), accept("trip-id.upper-case")),
    (good(trip=f'"{reading.NO_TRIP}"'), reject("trip-id.unknown", ("UnknownShoppingTrip",))),
    (good(value='"10"'), reject("value.type")),
    (good(value="true"), reject("value.type")),
    (good(value="NaN"), reject("value.not-finite")),
    (good(value="0"), should_reject("value.zero")),
    (good(value="0e10"), either(None)),
    (good(value="-0"), either(None)),
    (good(value="-1"), should_reject("value.negative")),
    (good(value="1e1"), accept("value.spellings")),
    (good(value="10"), accept("value.spellings")),
    (good(value="19.99"), accept("value.accepted")),
    (good(value="2e1"), with_shared(accept("value.accepted"), "value.spellings")),
    (good(value="10.001"), either("value.beyond")),
    (good(value="10.010"), with_shared(accept("value.accepted"), "value.spellings")),
    (good(value="1e400"), either("value.beyond")),
    (good(value="0.01"), either("value.small")),
    (good(value="01"), reject("body.not-json", ())),
    (good(value="500", code='"JPY"'), accept("code.declared")),
    (good(code='"GBP"'), either("code.other")),
    (good(code='"usd"'), reject("code.pattern")),
    (good(code='"USDA"'), reject("code.max-length")),
    (good(code='"USD\\n"'), reject("code.pattern")),
    (good(more=',"note":1'), either("body.unknown-attribute")),
    (good(more=',"note":NaN'), should_reject("body.lenient", ())),
    (good(more=',"storeId":"store-001"'), either("body.duplicate-keys")),
    (good(more=',"storeId":1'), with_shared(either(None), "store-id.type")),
    (good(more=',"storeId":"store-002"'), either("body.duplicate-keys")),
    (
        good(store="1", more=',"storeId":null'),
        with_shared(SEVERAL, "store-id.not-null", "store-id.type", "answer.no-server-error"),
    ),
    (
        good(store="null", more=',"storeId":null'),
        with_shared(SEVERAL, "store-id.not-null", "answer.no-server-error"),
    ),
    (good(code='"usd","code":"EUR"'), with_shared(either(None), "code.pattern")),
    (
        good(code='"usd"', more=',"storeId":"store-002"'),
        with_shared(reject("code.pattern", ()), "answer.no-server-error", "body.duplicate-keys"),
    ),
    (good(value='"1","amount":true'), with_shared(SEVERAL, "value.type", "answer.no-server-error")),
    (good(store="1", value='"1","amount":true'), SEVERAL),
    (good(more=",") + b" ", should_reject("body.lenient", ())),
    (b"\xef\xbb\xbf" + good(), either("body.byte-order-mark")),
    (good().decode().encode("utf-16"), should_reject("body.lenient", ())),
    (b" " + good(), accept("body.equivalent")),
    (b"", reject("body.empty", ())),
    (b"[]", reject("body.not-object", ())),
    (b"NaN", reject("body.not-json", ())),
    (good() + b"\xff", reject("body.invalid-utf-8", ())),
    (good()[:-1] + b"\xff", reject("body.not-json", ())),
    (good(store="1", code='"usd"'), SEVERAL),
    (good(store="1", trip="1"), SEVERAL),
    (good(value="0", code='"usd"'), SEVERAL),
    (
        good(value="0", more=',"note":NaN'),
        with_shared(should_reject("body.lenient", ()), "answer.no-server-error", "value.zero"),
    ),
    (
        good(store="1", more=',"note":1'),
        with_shared(reject("store-id.type", ()), "answer.no-server-error", "body.unknown-attribute"),
    ),
    (good(store="1", value="500", code='"JPY"'), with_shared(reject("store-id.type"), "code.declared")),
    (b"{}", SEVERAL),
    (good(more=',"note":' + "[" * 100 + "]" * 100), either("body.extreme", frozenset({413}))),
]


def without_label(expectation: Expectation) -> Expectation:
    return replace(expectation, label="")


@pytest.mark.parametrize(("body", "expected"), BY_HAND)
def test_bodies_by_hand(body: bytes, expected: Expectation) -> None:
    assert without_label(classify(CONTRACT, MOCK, body)) == expected


# --- compared with the tables ------------------------------------------------------------------------------------

# Cases whose table knows more than the bytes show, or names one of several requirements.
TABLE_KNOWS = {
    "code-first-declared": "made for the first currency, which is that of the plain good body",
    "request-chunked": "about framing",
    "request-expect-continue": "about framing",
    "capture-repeated": "about the second request",
    "capture-repeated-at-once": "about both requests together",
    "capture-another": "about the second request",
    "provoked-500-others": "about what follows a provoked answer",
    "provoked-503-others": "about what follows a provoked answer",
    "capture-elsewhere": "about the second request and the third",
    "value-over-float32": "another value, and without decimals at that",
    "amount-flat": "an amount of a wrong type, and an unknown attribute",
    "amount-misspelt": "no amount, and an unknown attribute",
    "body-duplicate-keys": "values that differ, of which either may count",
    "independence-after-chunked": "about framing",
    "independence-interleaved": "about framing, in one of its requests",
    "trip-id-long-on-file": "a trip that is good for one capture",
    "value-negative": "a negative number that is too large as well",
    "value-spellings-fraction": "another value and another spelling at once",
    "value-fewer-decimals-usd": "another value, in another spelling at that",
    "body-deep-known": "a wrong type, and deep nesting",
    "body-deep-arrays": "no object, and deep nesting",
}
for name in ("negative", "decimals", "spellings", "fewer-decimals", "powers-of-ten", "small", "more-decimals"):
    for currency in ("eur", "jpy", "kwd"):
        TABLE_KNOWS[f"value-{name}-{currency}"] = "another currency and another value or spelling at once"
for member in ("store-id", "trip-id", "value", "code"):
    TABLE_KNOWS[f"{member}-misspelt-name"] = "a member missing, and an unknown attribute"


LARGE = 100_000
"""Bytes from which one body of a case is enough, since the oracle takes long to read it."""


def test_the_oracle_agrees_with_the_tables() -> None:
    different = Counter()
    for case in all_cases(CONTRACT, MOCK, "deep"):
        large = [probe for probe in case.probes if len(probe.body) > LARGE]
        for probe in (*(probe for probe in case.probes if probe not in large), *large[:1]):
            plain = (
                probe.method == "POST" and probe.path == "operation" and probe.provoke is None and probe.headers == JSON
            )
            if not plain or probe.expectation.nature == "observe" or case.theme == "pairs":
                continue  # the bodies of pairs come with other framings and connections
            classified = classify(CONTRACT, MOCK, probe.body)
            different[case.id] += without_label(classified) != without_label(probe.expectation)
    assert {case for case, count in different.items() if count} == set(TABLE_KNOWS)


# --- compared with a validator and the mock ----------------------------------------------------------------------


def validator() -> jsonschema_rs.Draft202012Validator:
    document = CONTRACT.openapi
    return jsonschema_rs.Draft202012Validator(
        {"$ref": "#/components/schemas/CaptureRequest", "components": document["components"]}
    )


def bodies(count: int, seed: int) -> Iterator[bytes]:
    """The generated bodies of a standard run, then those for this seed; each also with one random edit of its bytes."""
    chance = random.Random(seed)
    usual = [probe.body for case in generated_cases(CONTRACT, MOCK, "standard", 0) for probe in case.probes]
    for body in usual:
        yield body
        yield edited(chance, body)
    percent = min(count, 10_000) / 100
    wanted = {name: int(strategy.deep * percent) or None for name, strategy in STRATEGIES.items()}
    slow = {name: min(number or 0, 50) for name, number in wanted.items() if STRATEGIES[name].cost > 1 and number}
    yielded, round_ = 2 * len(usual), 0
    while yielded < count:
        for drawn in templates(CONTRACT, tuple((wanted | slow).items()), seed + round_).values():
            for template in drawn:
                body = template.fill(MOCK)
                yield body
                yield edited(chance, body)
                yielded += 2
        round_ += 1


def edited(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    more = bytes(chance.choices(b'{}[],:"\\/ \n\t0aNe-.+\xff\x00\xc3', k=chance.randrange(3)))
    return body[:at] + more + body[at + chance.randrange(3) :]


def strict(body: bytes) -> object:
    """The JSON in a body as Python reads it, with 1 for every number; ValueError if it is not JSON."""

    def constant(text: str) -> object:
        raise ValueError(text)

    def number(_text: str) -> int:
        return 1

    if body.startswith(b"\xef\xbb\xbf"):
        raise ValueError("byte order mark")
    return json.loads(body.decode("utf-8"), parse_float=number, parse_int=number, parse_constant=constant)


def has_duplicates(body: bytes) -> bool:
    duplicate = False

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal duplicate
        duplicate = duplicate or len(dict(items)) < len(items)
        return dict(items)

    try:
        json.loads(body.decode("utf-8", "surrogateescape"), object_pairs_hook=pairs, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return duplicate


def is_lenient(body: bytes) -> bool:
    """Whether a body is not JSON, but a lenient parser reads it as RFC 8259 allows (an approximation)."""
    try:
        text = body.decode(json.detect_encoding(body), "replace").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return False
    strings = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
    text = re.sub(rf"({strings})|(?://|#)[^\r\n]*|/\*.*?\*/", lambda match: match[1] or " ", text, flags=re.DOTALL)
    text = re.sub(
        r"'((?:[^'\\]|\\.)*)'", lambda match: '"' + match[1].replace('"', "_").replace("\\'", "_") + '"', text
    )
    text = re.sub(r",(\s*[}\]])", r"\1", text)
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def schema_says(check: jsonschema_rs.Draft202012Validator, body: bytes) -> str:
    try:
        document = strict(body)
    except RecursionError:
        return "too deep for the validator"
    except ValueError:
        return "no JSON"
    try:
        return "valid" if check.is_valid(document) else "invalid"
    except ValueError:
        return (
            "text that the validator cannot read"
            if "\\u" in body.decode("utf-8") or "\\U" in body.decode()
            else "invalid"
        )


def mock_says(body: bytes) -> str:
    try:
        reading.validate(reading.parse(fill_trip(body, A_TRIP)))
    except reading.Refused:
        return "refused"
    return "accepted"


def oracle_says(expectation: Expectation) -> str:
    if expectation.nature == "reject":
        return "refuse"
    return "accept" if expectation.nature == "accept" and 400 not in expectation.admits else "open"


def against_schema(body: bytes, expectation: Expectation, schema: str) -> str:
    """The rule that explains the results of oracle and validator; empty if they contradict each other."""
    oracle = oracle_says(expectation)
    if schema in {"too deep for the validator", "text that the validator cannot read"}:
        return schema
    if schema == "valid" and oracle == "refuse":
        document = strict(body)
        assert isinstance(document, dict)
        unknown_id = document["storeId"] == MOCK.unknown_store or document["shoppingTripId"] == MOCK.unknown_trip
        return "well-formed, but not on file" if unknown_id else ""
    if schema != "valid" and oracle == "open":
        if has_duplicates(body):
            return "a member named twice, of which a server may use either value"
        return "no JSON, but lenient parsers read it" if schema == "no JSON" and is_lenient(body) else ""
    return "agree" if (schema == "valid") != (oracle == "refuse") else ""


def against_mock(expectation: Expectation, mock: str) -> str:
    oracle = oracle_says(expectation)
    return "agree" if oracle == "open" or (oracle == "accept") == (mock == "accepted") else ""


def test_every_disagreement_is_explained() -> None:
    check, rules = validator(), Counter()
    for body in bodies(BODIES, SEED):
        expectation = classify(CONTRACT, MOCK, body)
        schema = schema_says(check, body)
        rule = against_schema(body, expectation, schema)
        assert rule, (body, expectation, schema)
        assert against_mock(expectation, mock_says(body)), (body, expectation)
        rules[f"{oracle_says(expectation)}: {rule}"] += 1
    assert sum(rules.values()) >= BODIES
    assert min(rules[f"{verdict}: agree"] for verdict in ("accept", "open", "refuse")) > BODIES // 100
    print(dict(rules))
