"""Faults in reading the amount: the object, its number, its currency code."""

from __future__ import annotations

from decimal import Decimal

from conformance.mock.faults import amount_hooks as hooks
from conformance.mock.faults.model import Fault
from conformance.mock.faults.request import members
from conformance.mock.reading import Number

FAULTS: list[Fault] = [
    Fault(
        "amount-missing", "A body without amount is served.", hooks.one("amount.required"), repair=hooks.amount_missing
    ),
    Fault("amount-null", "An amount of null is served.", hooks.one("amount.not-null"), repair=hooks.amount_null),
    Fault(
        "amount-any-type",
        "An amount of any other type is served.",
        hooks.one("amount.type"),
        repair=hooks.amount_typed(Number, str, bool, list),
    ),
    Fault(
        "amount-number",
        "A bare number in place of the amount object is served.",
        hooks.one("amount.type"),
        repair=hooks.amount_typed(Number),
    ),
    Fault(
        "amount-list",
        "An array in place of the amount object is served.",
        hooks.one("amount.type"),
        repair=hooks.amount_typed(list),
    ),
    Fault(
        "amount-type-crashes",
        "An amount that is no object causes a server error.",
        hooks.one("amount.type"),
        repair=hooks.crash(lambda inquiry: isinstance(members(inquiry).get("amount"), Number | str | bool | list)),
    ),
    Fault(
        "value-missing",
        "An amount without its number is served.",
        hooks.one("value.required"),
        repair=hooks.member_missing("amount", hooks.GOOD),
    ),
    Fault(
        "value-null",
        "A null in place of the number is served.",
        hooks.one("value.not-null"),
        repair=hooks.member("amount", lambda value: value is None, hooks.GOOD),
    ),
    Fault(
        "value-text",
        "A number written as a string is served.",
        hooks.one("value.type"),
        repair=hooks.member("amount", hooks.is_number_text, hooks.GOOD),
    ),
    Fault(
        "value-true",
        "true is taken as the number 1.",
        hooks.one("value.type"),
        repair=hooks.member("amount", lambda value: value is True, Number("1")),
    ),
    Fault(
        "value-boolean",
        "Either boolean is taken as a number.",
        hooks.one("value.type"),
        repair=hooks.member("amount", lambda value: isinstance(value, bool), hooks.GOOD),
    ),
    Fault(
        "value-list",
        "An array around the number is served.",
        hooks.one("value.type"),
        repair=hooks.member("amount", lambda value: isinstance(value, list), hooks.GOOD),
    ),
    Fault(
        "value-object",
        "An object in place of the number is served.",
        hooks.one("value.type"),
        repair=hooks.member("amount", lambda value: isinstance(value, dict), hooks.GOOD),
    ),
    Fault(
        "value-text-crashes",
        "A string in place of the number causes a server error.",
        hooks.one("value.type"),
        repair=hooks.crash(lambda inquiry: isinstance(hooks.amount_of(inquiry).get("amount"), str)),
    ),
    Fault(
        "value-constant-accepted",
        "NaN and the infinities are served.",
        hooks.one("value.not-finite"),
        receive=hooks.constant_accepted,
    ),
    Fault(
        "value-constant-crashes",
        "NaN and the infinities cause a server error.",
        hooks.one("value.not-finite"),
        receive=hooks.crash(hooks.constant),
    ),
    Fault(
        "value-zero",
        "An amount of zero is served.",
        hooks.one("value.zero"),
        repair=hooks.member("amount", hooks.zero, hooks.GOOD),
    ),
    Fault(
        "value-negative",
        "A negative amount is served.",
        hooks.one("value.negative"),
        repair=hooks.member("amount", hooks.negative, hooks.GOOD),
    ),
    Fault(
        "value-zero-exponent",
        "Zero with an exponent is served, other spellings of it are refused.",
        hooks.one("value.zero-spellings"),
        repair=hooks.member(
            "amount",
            lambda value: (
                hooks.zero(value) and isinstance(value, Number) and not value.is_negative and "e" in value.text.lower()
            ),
            hooks.GOOD,
        ),
    ),
    Fault(
        "value-negative-zero",
        "Zero with a minus sign is served, zero is refused.",
        hooks.one("value.negative-zero"),
        repair=hooks.member(
            "amount", lambda value: hooks.zero(value) and isinstance(value, Number) and value.is_negative, hooks.GOOD
        ),
    ),
    Fault(
        "value-float-cents",
        "19.99 or 0.29 are refused, since cents are counted in binary floating point.",
        hooks.one("value.accepted"),
        accept=hooks.refuse(hooks.cents_by_float),
    ),
    Fault(
        "value-above-20",
        "Amounts above 20 USD are refused.",
        hooks.one("value.accepted"),
        accept=hooks.refuse(hooks.dollars_above("20")),
    ),
    Fault(
        "value-exponent-refused",
        "A number with an exponent is refused.",
        hooks.one("value.spellings"),
        accept=hooks.refuse(hooks.exponent),
    ),
    Fault(
        "value-trailing-zero-refused",
        "A zero beyond the decimals of the currency is refused, as in 10.000.",
        hooks.one("value.spellings"),
        accept=hooks.refuse(hooks.trailing_zero),
    ),
    Fault(
        "value-exponent-crashes",
        "A number with an exponent causes a server error.",
        hooks.one("value.spellings"),
        accept=hooks.crash(lambda inquiry: hooks.exponent(inquiry) and not hooks.tiny(inquiry)),
    ),
    Fault(
        "value-huge-crashes",
        "A number beyond binary floating point causes a server error.",
        hooks.one("answer.no-server-error"),
        repair=hooks.crash(hooks.huge),
    ),
    Fault(
        "value-digits-crash",
        "A number of more than 4,300 digits causes a server error.",
        hooks.one("answer.no-server-error"),
        repair=hooks.crash(hooks.many_digits),
    ),
    Fault(
        "code-missing",
        "An amount without code is served.",
        hooks.one("code.required"),
        repair=hooks.member_missing("code", "USD"),
    ),
    Fault(
        "code-null",
        "A code of null is served.",
        hooks.one("code.not-null"),
        repair=hooks.member("code", lambda value: value is None, "USD"),
    ),
    Fault(
        "code-any-type",
        "A code that is no string is served.",
        hooks.one("code.type"),
        repair=hooks.member("code", lambda value: value is not None and not isinstance(value, str), "USD"),
    ),
    Fault(
        "code-lower-case",
        "A code in lower or mixed case is served.",
        hooks.one("code.pattern"),
        repair=hooks.code_from(hooks.upper),
    ),
    Fault(
        "code-full-width",
        "A code in full-width letters is served.",
        hooks.one("code.pattern"),
        repair=hooks.code_from(hooks.any_case),
    ),
    Fault(
        "code-digits", "A code with digits is served.", hooks.one("code.pattern"), repair=hooks.code_from(hooks.digits)
    ),
    Fault(
        "code-short",
        "A code of one or two capitals is served.",
        hooks.one("code.pattern"),
        repair=hooks.code_from(hooks.short),
    ),
    Fault(
        "code-empty",
        "An empty code is served.",
        hooks.one("code.pattern"),
        repair=hooks.member("code", lambda value: value == "", "USD"),
    ),
    Fault(
        "code-trimmed",
        "Blanks around a code are trimmed.",
        hooks.one("code.pattern"),
        repair=hooks.code_from(hooks.trimmed),
    ),
    Fault(
        "code-too-long",
        "A code of more than three capitals is served.",
        hooks.one("code.max-length"),
        repair=hooks.code_from(hooks.longer),
    ),
    Fault(
        "code-yen-refused",
        "A declared currency is refused.",
        hooks.one("code.declared"),
        accept=hooks.refuse(lambda inquiry: hooks.code(inquiry) == "JPY"),
    ),
    Fault(
        "code-yen-crashes",
        "A declared currency causes a server error.",
        hooks.one("code.declared", "answer.no-server-error"),
        accept=hooks.crash(lambda inquiry: hooks.code(inquiry) == "JPY"),
    ),
    Fault(
        "code-other-crashes",
        "A currency that is not supported causes a server error.",
        hooks.one("answer.no-server-error"),
        repair=hooks.crash(hooks.other_code),
    ),
]

BENIGN: list[Fault] = [
    Fault("code-other-accepted", "Every well-formed code is served.", benign=True, repair=hooks.unknown_code),
    Fault(
        "value-beyond-minor-units-refused",
        "More decimals than the currency has are refused.",
        benign=True,
        accept=hooks.refuse(hooks.beyond_minor_units),
    ),
    Fault(
        "value-huge-refused",
        "Values above a hundred million million are refused.",
        benign=True,
        accept=hooks.refuse(lambda inquiry: (value := hooks.decimal(inquiry)) is None or value > Decimal("1e14")),
    ),
    Fault(
        "value-tiny-refused",
        "Values below a hundredth are refused.",
        benign=True,
        accept=hooks.refuse(hooks.tiny),
    ),
]
