"""Cases about the object `amount`."""

from __future__ import annotations

from conformance.cases.body import OPERATOR, TRIP_TEXT, Parts, members, near_names, parts_of, quoted, wrapped
from conformance.cases.build import case, reject
from conformance.cases.model import Case
from conformance.cases.testdata import TestData

THEME = "amount"


def amount_cases(data: TestData) -> list[Case]:
    """All of them, cheap ones first."""
    parts = parts_of(data)
    text = quoted(parts.amount)
    several = reject("body.several-faults", ())
    wrong = [quoted(parts.value), "true", "false", '""', quoted(f"{parts.value} {data.currency}"), "0"]
    around = wrapped(parts.amount, "amount")
    lists = [f"[{parts.value},{parts.code}]", f"[{parts.value}]"]
    arrays = [*(text for text in around if text.startswith("[")), "[]", "[1e400]", *lists]
    # Servers that repeat a wrong value in their refusal cannot write these two.
    unwritable = ('{"note":1e400}', '{"\\ud800":1}')
    objects = [parts.with_amount(text) for text in (*around, OPERATOR, *unwritable) if text.startswith("{")]
    misspelt = [parts.renamed("amount", names) for names in near_names("amount", "money", "total", "price")]
    return [
        _refused("missing", "No amount object", "required", [parts.with_amount(None)]),
        _refused("null", "An amount of null", "not-null", [parts.with_amount("null")]),
        _refused("number", "A number as amount", "type", [parts.with_amount(parts.value)]),
        _refused(
            "wrong-type", "A string, boolean or zero as amount", "type", [parts.with_amount(each) for each in wrong]
        ),
        _refused("array", "An array as amount", "type", [parts.with_amount(each) for each in arrays]),
        _refused("stringified", "The amount object, written as a string", "type", [parts.with_amount(text)]),
        _refused("flat", "The members of amount at the top level", "type", [_flat(parts)]),
        _refused("misspelt", "The amount object under another spelling of its name", "required", misspelt),
        case("amount-wrapped", THEME, "The amount object inside an object", several, objects),
    ]


def _refused(slug: str, title: str, rule: str, texts: list[str]) -> Case:
    return case(f"amount-{slug}", THEME, title, reject(f"amount.{rule}"), texts)


def _flat(parts: Parts) -> str:
    return members(
        ("storeId", parts.store), ("shoppingTripId", TRIP_TEXT), ("amount", parts.value), ("code", parts.code)
    )
