"""How the faults of `amount` change an exchange."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeGuard

from conformance.mock.exchange import Crash, Inquiry
from conformance.mock.faults.model import Hook
from conformance.mock.faults.request import members
from conformance.mock.reading import CURRENCIES, Number, Refused

GOOD = Number("10.00")
CODE = re.compile(r"[A-Z]{3}", re.ASCII)


def amount_of(inquiry: Inquiry) -> dict[str, object]:
    """Give the members of the amount object; empty where amount is not an object."""
    amount = members(inquiry).get("amount")
    return amount if isinstance(amount, dict) else {}


def number(inquiry: Inquiry) -> Number:
    return inquiry.capture.value if inquiry.capture else GOOD


def code(inquiry: Inquiry) -> str:
    return inquiry.capture.code if inquiry.capture else ""


def decimal(inquiry: Inquiry) -> Decimal | None:
    """Give the value of an accepted number; None where it is too long to be ordinary."""
    text = number(inquiry).text
    if len(text) > 40 or re.search(r"[eE][+-]?[0-9]{4,}", text):
        return None
    return Decimal(text)


def refuse(test: Callable[[Inquiry], bool]) -> Hook:
    """Make a hook that refuses the requests for which `test` is true."""

    def accept(inquiry: Inquiry) -> None:
        if test(inquiry):
            raise Refused

    return accept


def crash(test: Callable[[Inquiry], bool]) -> Hook:
    def hook(inquiry: Inquiry) -> None:
        if test(inquiry):
            raise Crash

    return hook


def default(inquiry: Inquiry) -> dict[str, object]:
    del inquiry
    return {"amount": GOOD, "code": "USD"}


def amount_missing(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, dict):
        inquiry.document.setdefault("amount", default(inquiry))


def amount_null(inquiry: Inquiry) -> None:
    if members(inquiry).get("amount", 0) is None:
        members(inquiry)["amount"] = default(inquiry)


def amount_typed(*kinds: type) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        if isinstance(members(inquiry).get("amount"), kinds):
            members(inquiry)["amount"] = default(inquiry)

    return repair


def member_missing(key: str, default: object) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        if key not in amount and members(inquiry).get("amount") is amount:
            amount[key] = default

    return repair


def member(key: str, test: Callable[[object], bool], default: object) -> Hook:
    """Make a repair of a member that is present: a value for which `test` is true becomes `default`."""

    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        if key in amount and test(amount[key]):
            amount[key] = default

    return repair


def is_number_text(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*", value) is not None


def zero(value: object) -> bool:
    return isinstance(value, Number) and value.is_zero


def negative(value: object) -> TypeGuard[Number]:
    return isinstance(value, Number) and value.is_negative and not value.is_zero


def negative_yen(inquiry: Inquiry) -> None:
    amount = amount_of(inquiry)
    if amount.get("code") == "JPY" and negative(amount.get("amount")):
        amount["amount"] = GOOD


def constant(inquiry: Inquiry) -> bool:
    return re.search(rb'"amount"\s*:\s*-?(NaN|Infinity)\b', inquiry.body) is not None


def constant_accepted(inquiry: Inquiry) -> None:
    inquiry.body = re.sub(rb'("amount"\s*:\s*)-?(?:NaN|Infinity)\b', rb"\g<1>10.00", inquiry.body)


def cents_by_float(inquiry: Inquiry) -> bool:
    value = decimal(inquiry)
    if value is None or not ordinary(inquiry):
        return False
    cents = float(value) * 100
    return value * 100 == int(value * 100) and cents != int(cents)


def dollars_above(limit: str) -> Callable[[Inquiry], bool]:
    def test(inquiry: Inquiry) -> bool:
        value = decimal(inquiry)
        return code(inquiry) == "USD" and value is not None and value > Decimal(limit)

    return test


def many_significant(inquiry: Inquiry) -> bool:
    mantissa = re.split("[eE]", number(inquiry).text)[0]
    return len(mantissa.replace(".", "").strip("0")) > 15


def written(currency: str, pattern: str) -> Callable[[Inquiry], bool]:
    """Make a test: whether the accepted number in this currency is written like that."""
    return lambda inquiry: code(inquiry) == currency and re.fullmatch(pattern, number(inquiry).text) is not None


def from_on(currency: str, power: int) -> Callable[[Inquiry], bool]:
    """Make a test: whether at least this power of ten is charged in this currency."""

    def test(inquiry: Inquiry) -> bool:
        value = decimal(inquiry)
        return code(inquiry) == currency and value is not None and value >= Decimal(10) ** power

    return test


def trailing_zero(inquiry: Inquiry) -> bool:
    return code(inquiry) == "USD" and re.fullmatch(r"[0-9]+\.[0-9]{2,}0", number(inquiry).text) is not None


def exponent(inquiry: Inquiry) -> bool:
    return "e" in number(inquiry).text.lower() and ordinary(inquiry)


def tiny(inquiry: Inquiry) -> bool:
    value = decimal(inquiry)
    return value is not None and value < Decimal("0.001")


def ordinary(inquiry: Inquiry) -> bool:
    value = decimal(inquiry)
    return value is not None and value < Decimal("1e9")


def code_from(accepted_as: Callable[[str], str | None]) -> Hook:
    """Make a repair of a malformed code: `accepted_as` gives the code that it is accepted as, or None."""

    def repair(inquiry: Inquiry) -> None:
        code = amount_of(inquiry).get("code")
        if isinstance(code, str) and not CODE.fullmatch(code):
            accepted = accepted_as(code)
            if accepted is not None:
                amount_of(inquiry)["code"] = accepted

    return repair


def upper(code: str) -> str | None:
    folded = code.upper()
    return (folded if folded in CURRENCIES else "USD") if re.fullmatch("[A-Za-z]{3}", code) else None


def any_case(code: str) -> str | None:
    return "USD" if len(code) == 3 and not code.isascii() and re.fullmatch("[A-Z]{3}", plain(code)) else None


def plain(code: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKC", code).upper()


def digits(code: str) -> str | None:
    return "USD" if re.fullmatch("[A-Z0-9]{3}", code, re.ASCII) else None


def trimmed(code: str) -> str | None:
    return code.strip() if code != code.strip() and CODE.fullmatch(code.strip()) else None


def short(code: str) -> str | None:
    return "USD" if re.fullmatch("[A-Z]{1,2}", code) else None


def longer(code: str) -> str | None:
    return (
        code[:3]
        if re.fullmatch("[A-Z]{4,}", code) and code[:3] in CURRENCIES
        else "USD"
        if re.fullmatch("[A-Z]{4,}", code)
        else None
    )


def other_code(inquiry: Inquiry) -> bool:
    code = amount_of(inquiry).get("code")
    return isinstance(code, str) and CODE.fullmatch(code) is not None and code not in CURRENCIES


def unknown_code(inquiry: Inquiry) -> None:
    if other_code(inquiry):
        amount_of(inquiry)["code"] = "USD"


def huge(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, Number) and re.search(r"[eE]\+?[0-9]{3,}", value.text) is not None and value.is_positive


def many_digits(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, Number) and len(value.text) > 4300


def beyond_minor_units(inquiry: Inquiry) -> bool:
    value = decimal(inquiry)
    if value is None:
        return True
    places = {"JPY": 0, "KWD": 3}.get(code(inquiry), 2)
    exponent = value.normalize().as_tuple().exponent
    return len(value.as_tuple().digits) > 30 or (isinstance(exponent, int) and -exponent > places)
