"""Faults in reading the amount: the object, its number, its currency code."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from conformance.mock.exchange import Crash, Inquiry
from conformance.mock.faults.model import Fault, Hook
from conformance.mock.faults.request import members
from conformance.mock.reading import CURRENCIES, Number, Refused

GOOD = Number("10.00")
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


def amount_of(inquiry: Inquiry) -> dict[str, object]:
    """Give the members of the amount object, or none where it is no object."""
    amount = members(inquiry).get("amount")
    return amount if isinstance(amount, dict) else {}


def _number(inquiry: Inquiry) -> Number:
    return inquiry.capture.value if inquiry.capture else GOOD


def _code(inquiry: Inquiry) -> str:
    return inquiry.capture.code if inquiry.capture else ""


def _decimal(inquiry: Inquiry) -> Decimal | None:
    """Give the value of an accepted number of ordinary size."""
    text = _number(inquiry).text
    if len(text) > 40 or re.search(r"[eE][+-]?[0-9]{4,}", text):
        return None
    return Decimal(text)


def refuse(test: Callable[[Inquiry], bool]) -> Hook:
    """Make a hook that refuses what `test` says."""

    def accept(inquiry: Inquiry) -> None:
        if test(inquiry):
            raise Refused

    return accept


def _crash(test: Callable[[Inquiry], bool]) -> Hook:
    def hook(inquiry: Inquiry) -> None:
        if test(inquiry):
            raise Crash

    return hook


def _default(inquiry: Inquiry) -> dict[str, object]:
    del inquiry
    return {"amount": GOOD, "code": "USD"}


def _amount_missing(inquiry: Inquiry) -> None:
    if isinstance(inquiry.document, dict):
        inquiry.document.setdefault("amount", _default(inquiry))


def _amount_null(inquiry: Inquiry) -> None:
    if members(inquiry).get("amount", 0) is None:
        members(inquiry)["amount"] = _default(inquiry)


def _amount_typed(*kinds: type) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        if isinstance(members(inquiry).get("amount"), kinds):
            members(inquiry)["amount"] = _default(inquiry)

    return repair


def _member_missing(key: str, default: object) -> Hook:
    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        if key not in amount and members(inquiry).get("amount") is amount:
            amount[key] = default

    return repair


def _member(key: str, test: Callable[[object], bool], default: object) -> Hook:
    """Make a repair of a member that is there: what `test` takes becomes `default`."""

    def repair(inquiry: Inquiry) -> None:
        amount = amount_of(inquiry)
        if key in amount and test(amount[key]):
            amount[key] = default

    return repair


def _is_number_text(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*", value) is not None


def _zero(value: object) -> bool:
    return isinstance(value, Number) and value.is_zero


def _negative(value: object) -> bool:
    return isinstance(value, Number) and value.is_negative and not value.is_zero


def _constant(inquiry: Inquiry) -> bool:
    return re.search(rb'"amount"\s*:\s*-?(NaN|Infinity)\b', inquiry.body) is not None


def _constant_accepted(inquiry: Inquiry) -> None:
    inquiry.body = re.sub(rb'("amount"\s*:\s*)-?(?:NaN|Infinity)\b', rb"\g<1>10.00", inquiry.body)


def _cents_by_float(inquiry: Inquiry) -> bool:
    value = _decimal(inquiry)
    if value is None or not _ordinary(inquiry):
        return False
    cents = float(value) * 100
    return value * 100 == int(value * 100) and cents != int(cents)


def _dollars_above(limit: str) -> Callable[[Inquiry], bool]:
    def test(inquiry: Inquiry) -> bool:
        value = _decimal(inquiry)
        return _code(inquiry) == "USD" and value is not None and value > Decimal(limit)

    return test


def _trailing_zero(inquiry: Inquiry) -> bool:
    return _code(inquiry) == "USD" and re.fullmatch(r"[0-9]+\.[0-9]{2,}0", _number(inquiry).text) is not None


def _whole_without_fraction(inquiry: Inquiry) -> bool:
    return _code(inquiry) != "JPY" and re.fullmatch(r"[0-9]+", _number(inquiry).text) is not None


def _exponent(inquiry: Inquiry) -> bool:
    return "e" in _number(inquiry).text.lower() and _ordinary(inquiry)


def _tiny(inquiry: Inquiry) -> bool:
    value = _decimal(inquiry)
    return value is not None and value < Decimal("0.001")


def _ordinary(inquiry: Inquiry) -> bool:
    value = _decimal(inquiry)
    return value is not None and value < Decimal("1e9")


def _code_from(takes: Callable[[str], str | None]) -> Hook:
    """Make a repair of a malformed code: `takes` gives the code that is understood, or None."""

    def repair(inquiry: Inquiry) -> None:
        code = amount_of(inquiry).get("code")
        if isinstance(code, str) and not _CODE.fullmatch(code):
            understood = takes(code)
            if understood is not None:
                amount_of(inquiry)["code"] = understood

    return repair


def _upper(code: str) -> str | None:
    folded = code.upper()
    return (folded if folded in CURRENCIES else "USD") if re.fullmatch("[A-Za-z]{3}", code) else None


def _any_case(code: str) -> str | None:
    return "USD" if len(code) == 3 and not code.isascii() and re.fullmatch("[A-Z]{3}", _plain(code)) else None


def _plain(code: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKC", code).upper()


def _digits(code: str) -> str | None:
    return "USD" if re.fullmatch("[A-Z0-9]{3}", code, re.ASCII) else None


def _trimmed(code: str) -> str | None:
    return code.strip() if code != code.strip() and _CODE.fullmatch(code.strip()) else None


def _short(code: str) -> str | None:
    return "USD" if re.fullmatch("[A-Z]{1,2}", code) else None


def _longer(code: str) -> str | None:
    return (
        code[:3]
        if re.fullmatch("[A-Z]{4,}", code) and code[:3] in CURRENCIES
        else "USD"
        if re.fullmatch("[A-Z]{4,}", code)
        else None
    )


def _other_code(inquiry: Inquiry) -> bool:
    code = amount_of(inquiry).get("code")
    return isinstance(code, str) and _CODE.fullmatch(code) is not None and code not in CURRENCIES


def _unknown_code(inquiry: Inquiry) -> None:
    if _other_code(inquiry):
        amount_of(inquiry)["code"] = "USD"


def _huge(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, Number) and re.search(r"[eE]\+?[0-9]{3,}", value.text) is not None and value.is_positive


def _many_digits(inquiry: Inquiry) -> bool:
    value = amount_of(inquiry).get("amount")
    return isinstance(value, Number) and len(value.text) > 4300


def _beyond_minor_units(inquiry: Inquiry) -> bool:
    value = _decimal(inquiry)
    if value is None:
        return True
    places = {"JPY": 0, "KWD": 3}.get(_code(inquiry), 2)
    exponent = value.normalize().as_tuple().exponent
    return len(value.as_tuple().digits) > 30 or (isinstance(exponent, int) and -exponent > places)


def _one(*names: str) -> frozenset[str]:
    return frozenset(names)


FAULTS: list[Fault] = [
    Fault("amount-missing", "A body without amount is served.", _one("amount.required"), repair=_amount_missing),
    Fault("amount-null", "An amount of null is served.", _one("amount.not-null"), repair=_amount_null),
    Fault(
        "amount-any-type",
        "An amount of any other type is served.",
        _one("amount.type"),
        repair=_amount_typed(Number, str, bool, list),
    ),
    Fault(
        "amount-number",
        "A bare number in place of the amount object is served.",
        _one("amount.type"),
        repair=_amount_typed(Number),
    ),
    Fault(
        "amount-list",
        "An array in place of the amount object is served.",
        _one("amount.type"),
        repair=_amount_typed(list),
    ),
    Fault(
        "amount-type-crashes",
        "An amount that is no object causes a server error.",
        _one("amount.type"),
        repair=_crash(lambda inquiry: isinstance(members(inquiry).get("amount"), Number | str | bool | list)),
    ),
    Fault(
        "value-missing",
        "An amount without its number is served.",
        _one("value.required"),
        repair=_member_missing("amount", GOOD),
    ),
    Fault(
        "value-null",
        "A null in place of the number is served.",
        _one("value.not-null"),
        repair=_member("amount", lambda value: value is None, GOOD),
    ),
    Fault(
        "value-text",
        "A number written as a string is served.",
        _one("value.type"),
        repair=_member("amount", _is_number_text, GOOD),
    ),
    Fault(
        "value-true",
        "true is taken as the number 1.",
        _one("value.type"),
        repair=_member("amount", lambda value: value is True, Number("1")),
    ),
    Fault(
        "value-boolean",
        "Either boolean is taken as a number.",
        _one("value.type"),
        repair=_member("amount", lambda value: isinstance(value, bool), GOOD),
    ),
    Fault(
        "value-list",
        "An array around the number is served.",
        _one("value.type"),
        repair=_member("amount", lambda value: isinstance(value, list), GOOD),
    ),
    Fault(
        "value-object",
        "An object in place of the number is served.",
        _one("value.type"),
        repair=_member("amount", lambda value: isinstance(value, dict), GOOD),
    ),
    Fault(
        "value-text-crashes",
        "A string in place of the number causes a server error.",
        _one("value.type"),
        repair=_crash(lambda inquiry: isinstance(amount_of(inquiry).get("amount"), str)),
    ),
    Fault(
        "value-constant-accepted",
        "NaN and the infinities are served.",
        _one("value.not-finite"),
        receive=_constant_accepted,
    ),
    Fault(
        "value-constant-crashes",
        "NaN and the infinities cause a server error.",
        _one("value.not-finite"),
        receive=_crash(_constant),
    ),
    Fault("value-zero", "An amount of zero is served.", _one("value.zero"), repair=_member("amount", _zero, GOOD)),
    Fault(
        "value-negative",
        "A negative amount is served.",
        _one("value.negative"),
        repair=_member("amount", _negative, GOOD),
    ),
    Fault(
        "value-zero-exponent",
        "Zero with an exponent is served, other spellings of it are refused.",
        _one("value.zero-spellings"),
        repair=_member(
            "amount",
            lambda value: (
                _zero(value) and isinstance(value, Number) and not value.is_negative and "e" in value.text.lower()
            ),
            GOOD,
        ),
    ),
    Fault(
        "value-negative-zero",
        "Zero with a minus sign is served, zero is refused.",
        _one("value.negative-zero"),
        repair=_member("amount", lambda value: _zero(value) and isinstance(value, Number) and value.is_negative, GOOD),
    ),
    Fault(
        "value-float-cents",
        "19.99 or 0.29 are refused, since cents are counted in binary floating point.",
        _one("value.accepted"),
        accept=refuse(_cents_by_float),
    ),
    Fault(
        "value-above-20",
        "Amounts above 20 USD are refused.",
        _one("value.accepted"),
        accept=refuse(_dollars_above("20")),
    ),
    Fault(
        "value-exponent-refused",
        "A number with an exponent is refused.",
        _one("value.spellings"),
        accept=refuse(_exponent),
    ),
    Fault(
        "value-trailing-zero-refused",
        "A zero beyond the decimals of the currency is refused, as in 10.000.",
        _one("value.spellings"),
        accept=refuse(_trailing_zero),
    ),
    Fault(
        "value-exponent-crashes",
        "A number with an exponent causes a server error.",
        _one("value.spellings"),
        accept=_crash(lambda inquiry: _exponent(inquiry) and not _tiny(inquiry)),
    ),
    Fault(
        "value-huge-crashes",
        "A number beyond binary floating point causes a server error.",
        _one("answer.no-server-error"),
        repair=_crash(_huge),
    ),
    Fault(
        "value-digits-crash",
        "A number of more than 4,300 digits causes a server error.",
        _one("answer.no-server-error"),
        repair=_crash(_many_digits),
    ),
    Fault(
        "code-missing",
        "An amount without code is served.",
        _one("code.required"),
        repair=_member_missing("code", "USD"),
    ),
    Fault(
        "code-null",
        "A code of null is served.",
        _one("code.not-null"),
        repair=_member("code", lambda value: value is None, "USD"),
    ),
    Fault(
        "code-any-type",
        "A code that is no string is served.",
        _one("code.type"),
        repair=_member("code", lambda value: value is not None and not isinstance(value, str), "USD"),
    ),
    Fault(
        "code-lower-case", "A code in lower or mixed case is served.", _one("code.pattern"), repair=_code_from(_upper)
    ),
    Fault(
        "code-full-width", "A code in full-width letters is served.", _one("code.pattern"), repair=_code_from(_any_case)
    ),
    Fault("code-digits", "A code with digits is served.", _one("code.pattern"), repair=_code_from(_digits)),
    Fault("code-short", "A code of one or two capitals is served.", _one("code.pattern"), repair=_code_from(_short)),
    Fault(
        "code-empty",
        "An empty code is served.",
        _one("code.pattern"),
        repair=_member("code", lambda value: value == "", "USD"),
    ),
    Fault("code-trimmed", "Blanks around a code are trimmed.", _one("code.pattern"), repair=_code_from(_trimmed)),
    Fault(
        "code-too-long",
        "A code of more than three capitals is served.",
        _one("code.max-length"),
        repair=_code_from(_longer),
    ),
    Fault(
        "code-yen-refused",
        "A declared currency is refused.",
        _one("code.declared"),
        accept=refuse(lambda inquiry: _code(inquiry) == "JPY"),
    ),
    Fault(
        "code-yen-crashes",
        "A declared currency causes a server error.",
        _one("code.declared"),
        accept=_crash(lambda inquiry: _code(inquiry) == "JPY"),
    ),
    Fault(
        "code-other-crashes",
        "A currency that is not supported causes a server error.",
        _one("answer.no-server-error"),
        repair=_crash(_other_code),
    ),
]

BENIGN: list[Fault] = [
    Fault("code-other-accepted", "Every well-formed code is served.", benign=True, repair=_unknown_code),
    Fault(
        "value-beyond-minor-units-refused",
        "More decimals than the currency has are refused.",
        benign=True,
        accept=refuse(_beyond_minor_units),
    ),
    Fault(
        "value-huge-refused",
        "Values above a hundred million million are refused.",
        benign=True,
        accept=refuse(lambda inquiry: (value := _decimal(inquiry)) is None or value > Decimal("1e14")),
    ),
    Fault(
        "value-tiny-refused",
        "Values below a hundredth are refused.",
        benign=True,
        accept=refuse(_tiny),
    ),
]
