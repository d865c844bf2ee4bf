"""Cases about the number `amount.amount`. Amounts to be accepted stay within what the profile allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from conformance.cases.body import OPERATOR, near_names, parts_of, plain, quoted, wrapped
from conformance.cases.build import OBSERVE, absent, accept, case, either, probe, reject, should_reject
from conformance.cases.model import Case, Expectation
from conformance.cases.testdata import TestData

THEME = "value"
_FRACTION = Decimal("0.5252525252")
_WIDE = Decimal(10) ** 12
_POWERS = (1, 2, 3, 4, 5, 6, 7, 9, 12)
MOST_DIGITS = 15  # the most significant digits that an amount to be accepted may have: those a double holds


def value_cases(data: TestData) -> list[Case]:
    """All of them, cheap ones first."""
    return [
        *_presence(data),
        *_not_numbers(data),
        _misspelt_name(data),
        _zero_spellings(data),
        *accepted_values(data),
        *_open(data, data.currency),
    ]


def currency_value_cases(data: TestData) -> list[Case]:
    """For every currency the values that the first currency gets, and larger ones: the most expensive cases."""
    others = data.currencies[1:]
    found = [_negative(data, currency) for currency in others]
    found += [_spelt(data, currency, f"-{currency.lower()}") for currency in others]
    found += [each for currency in data.currencies for each in (_coarser(data, currency), _decades(data, currency))]
    return found + [each for currency in others for each in _open(data, currency)[:2]]


def _cases(
    data: TestData,
    slug: str,
    title: str,
    expectation: Expectation,
    texts: Iterable[str | None],
    currency: str | None = None,
) -> Case:
    parts = parts_of(data, currency=currency)
    return case(f"value-{slug}", THEME, title, expectation, [parts.with_value(text) for text in texts])


def _presence(data: TestData) -> list[Case]:
    good = plain(data.amounts[data.currency])
    strings = ["10", "1e400", f"{good} {data.currency}", " ", f"{good}\0", f"{good} ", "NaN", "10,00", quoted(good)]
    strings += ["0x10", "-1e400", "Infinity", f"${good}", "١٠"]
    first, *others = wrapped(good, "amount")
    return [
        _cases(data, "missing", "No number in amount", reject("value.required"), [None]),
        _cases(data, "null", "A null as the number", reject("value.not-null"), ["null"]),
        _cases(data, "string", "The number, written as a string", reject("value.type"), [quoted(good)]),
        _cases(data, "empty-string", "An empty string as the number", reject("value.type"), ['""']),
        _cases(data, "boolean", "A boolean as the number", reject("value.type"), ["true", "false"]),
        _cases(data, "numeric-strings", "Strings that look like numbers", reject("value.type"), map(quoted, strings)),
        _cases(
            data,
            "structured",
            "An array or object as the number",
            reject("value.type"),
            [first, OPERATOR, *others, "[]", "{}"],
        ),
        _cases(data, "zero", "An amount of 0", should_reject("value.zero"), ["0"]),
        _cases(
            data,
            "negative",
            "A negative amount",
            should_reject("value.negative"),
            [f"-{good}", "-1", "-0.01", "-1e400", "-" + "9" * 400],
        ),
    ]


def _negative(data: TestData, currency: str) -> Case:
    slug, title = f"negative-{currency.lower()}", f"A negative amount in {currency}"
    texts = [f"-{plain(data.amounts[currency])}"]
    return _cases(data, slug, title, should_reject("value.negative"), texts, currency)


def _not_numbers(data: TestData) -> list[Case]:
    bare = ["NaN", "Infinity", "-Infinity"]
    good = plain(data.amounts[data.currency])
    malformed = [
        f"0{good}",
        f"+{good}",
        ".5",
        "1.",
        "0x10",
        "1_000",
        "1e",
        "1,5",
        "00",
        "-",
        "-00.0",
        "--1",
        "1e1.5",
        "1e+",
        "1.e1",
        f"{good}.0",
        "10f",
        "10n",
        "0b11",
        f"${good}",
        "１",
    ]
    return [
        _cases(data, "not-finite", "NaN and infinities", reject("value.not-finite"), bare),
        _cases(data, "misspelt", "Malformed numbers", reject("body.not-json", ()), malformed),
    ]


def _misspelt_name(data: TestData) -> Case:
    names = near_names("amount", "value", "total", "price")
    bodies = [parts_of(data).renamed_in_amount("amount", each) for each in names]
    title = "The number under similar names"
    return case("value-misspelt-name", THEME, title, reject("value.required"), bodies)


def _zero_spellings(data: TestData) -> Case:
    parts = parts_of(data)
    probes = [probe(should_reject("value.zero"), parts.with_value("0"))]
    for text, requirement in (
        ("0.00", "value.zero-spellings"),
        ("0e10", "value.zero-spellings"),
        ("0.0E-3", "value.zero-spellings"),
        ("-0", "value.negative-zero"),
        ("-0.0", "value.negative-zero"),
    ):
        probes.append(probe(replace(OBSERVE, requirement=requirement), parts.with_value(text)))
    title, made_for = "Zero in every spelling", ("value.zero-spellings", "value.negative-zero", "value.zero")
    return Case("value-zero-spellings", THEME, title, made_for, tuple(probes), scheduling="chain", rule="same-answer")


def spellings(value: Decimal) -> list[str]:
    """JSON texts of one positive number, with and without fraction and exponent."""
    shortest = value.normalize()
    _, digits, exponent = shortest.as_tuple()
    number = "".join(map(str, digits))
    power = int(exponent)
    short = format(shortest, "f")
    padded = short + ("0" if "." in short else ".0")
    zeros = "0" * max(1, MOST_DIGITS + 1 - len(padded))
    found = [short, padded, padded + zeros, f"{number}e{power}", f"{number}.0E{power:+d}", f"{number}00e{power - 2}"]
    found += [f"{number}E{'-' if power < 0 else '+'}0{abs(power)}", f"0.{number}e{power + len(number)}"]
    return list(dict.fromkeys(found))


def accepted_values(data: TestData) -> list[Case]:
    """Values between the profile's `amount` and `max_amount` in whole minor units, and spellings of `amount`."""
    first = data.currency
    found = [_spelt(data, first, ""), _spelt_fraction(data)]
    found += [_exact(data, currency) for currency in data.currencies]
    found.append(_binary_fraction(data))
    for slug, value, title in (
        ("0-29", "0.29", "0.29, which binary floating point rounds down"),
        ("19-99", "19.99", "19.99, which binary floating point rounds down"),
        ("max-amount", plain(data.max_amounts[first]), "The profile's max_amount"),
        ("over-int32", "21474836.48", "More minor units than 2^31"),
        ("over-uint32", "42949672.97", "More minor units than 2^32"),
        ("over-float32", "16777217", "2^24 + 1, which single precision cannot represent"),
        ("fifteen-digits", "9999999999999.99", "15 significant digits"),
        ("over-double", "90071992547409.93", "More minor units than 2^53"),
    ):
        found.append(_accepted(data, slug, title, Decimal(value)))
    return found


def _spelt(data: TestData, currency: str, suffix: str) -> Case:
    title = f"The profile's amount in {currency} in every JSON spelling"
    usual = plain(data.amounts[currency])  # that of every other case
    texts = [text for text in spellings(data.amounts[currency]) if text != usual]
    return _cases(data, f"spellings{suffix}", title, accept("value.spellings"), texts, currency)


def _spelt_fraction(data: TestData) -> Case:
    """One minor unit above the amount: a number whose spellings with exponents need a minus sign."""
    value = _next_value(data, data.currency)
    slug, title = "spellings-fraction", "A value with all decimals of its currency in every JSON spelling"
    if reason := why_not_accepted(data, data.currency, value):
        return absent(f"value-{slug}", THEME, title, ("value.spellings",), reason)
    return _cases(data, slug, title, accept("value.spellings"), spellings(value))


def _coarser(data: TestData, currency: str) -> Case:
    """Values with every smaller number of decimals than the currency has, down to whole numbers, written so."""
    amount, units = data.amounts[currency], data.minor_units[currency]
    whole = amount.to_integral_value(ROUND_FLOOR) + 1
    values = [
        whole,
        *(whole + _FRACTION.quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR) for digits in range(1, units)),
    ]
    kept = [value for value in values if not why_not_accepted(data, currency, value)]
    slug, title = f"value-fewer-decimals-{currency.lower()}", f"Values in {currency} with fewer decimals than it has"
    if not kept:
        return absent(slug, THEME, title, ("value.accepted",), why_not_accepted(data, currency, whole))
    expectation = accept("value.accepted")
    return _cases(data, slug.removeprefix("value-"), title, expectation, map(plain, kept), currency)


def _decades(data: TestData, currency: str) -> Case:
    """The powers of ten between amount and max_amount, odd ones less a minor unit, with all decimals."""
    powers = [value for power in _POWERS if (value := Decimal(10) ** power) > data.amounts[currency]]
    kept = [value for value in powers if not why_not_accepted(data, currency, value)]
    slug, title = f"value-powers-of-ten-{currency.lower()}", f"Powers of ten in {currency}, up to max_amount"
    if not kept:
        return absent(slug, THEME, title, ("value.accepted",), why_not_accepted(data, currency, powers[0]))
    units = data.minor_units[currency]
    unit = Decimal(1).scaleb(-units)
    texts = [plain(value - unit * (value.adjusted() % 2), units) for value in kept]
    return _cases(data, slug.removeprefix("value-"), title, accept("value.accepted"), texts, currency)


def why_not_accepted(data: TestData, currency: str, value: Decimal) -> str:
    """Why the target is free to refuse `value`; empty where it must accept it."""
    least, most = data.amounts[currency], data.max_amounts[currency]
    _, digits, exponent = value.normalize().as_tuple()
    if value < least:
        return f"{value} is less than the profile's amount of {plain(least)} {currency}"
    if value > most:
        return f"{value} is more than the max_amount of {plain(most)} {currency}"
    if -int(exponent) > data.minor_units[currency]:
        return f"{value} has more decimals than {currency}"
    if len(digits) > MOST_DIGITS:
        return f"{value} has more than {MOST_DIGITS} significant digits"
    return ""


def _accepted(data: TestData, slug: str, title: str, value: Decimal) -> Case:
    reason = why_not_accepted(data, data.currency, value)
    if reason:
        return absent(f"value-{slug}", THEME, title, ("value.accepted",), reason)
    return _cases(data, slug, title, accept("value.accepted"), [plain(value)])


def _exact(data: TestData, currency: str) -> Case:
    """One minor unit above the amount where the profile allows it, written with all decimals of the currency.

    In a further currency it is a value that loses a minor unit in binary, where there is one.
    """
    decimals, value = data.minor_units[currency], data.amounts[currency]
    above = _next_value(data, currency)
    value = value if why_not_accepted(data, currency, above) else above
    if currency != data.currency:
        value = next(iter(_losing(data, currency)), value)
    slug, title = f"value-decimals-{currency.lower()}", f"An amount in {currency} with {decimals} decimals"
    reason = why_not_accepted(data, currency, value)
    if reason:
        return absent(slug, THEME, title, ("value.accepted",), reason)
    text = parts_of(data, currency=currency).with_value(plain(value, decimals))
    return case(slug, THEME, title, accept("value.accepted"), [text])


def _next_value(data: TestData, currency: str) -> Decimal:
    """One minor unit above the amount."""
    return data.amounts[currency] + Decimal(1).scaleb(-data.minor_units[currency])


def _losing(data: TestData, currency: str) -> list[Decimal]:
    """The first values above the amount that lose a minor unit when a double is scaled and truncated; at most three."""
    decimals, value = data.minor_units[currency], data.amounts[currency]
    found: list[Decimal] = []
    for _ in range(2000):
        value += Decimal(1).scaleb(-decimals)
        if why_not_accepted(data, currency, value) or len(found) == 3:
            break
        if int(float(value) * 10**decimals) != int(value.scaleb(decimals)):
            found.append(value)
    return found


def _binary_fraction(data: TestData) -> Case:
    """Values that lose a minor unit when a double is scaled and truncated."""
    currency = data.currency
    found = [plain(value) for value in _losing(data, currency)]
    title = "Values that lose a minor unit when a double is truncated"
    if not found:
        reason = f"No such value lies between amount and max_amount of {currency}"
        return absent("value-binary-fraction", THEME, title, ("value.accepted",), reason)
    return _cases(data, "binary-fraction", title, accept("value.accepted"), found)


def _open(data: TestData, currency: str) -> list[Case]:
    """Numbers that may be accepted or refused; those of other currencies than the first have its code in their id."""
    suffix = "" if currency == data.currency else f"-{currency.lower()}"
    decimals, amount = data.minor_units[currency], data.amounts[currency]
    unit = Decimal(1).scaleb(-decimals)
    finer = plain(amount, decimals) + ("" if decimals else ".")
    title, requirements = "A value below the profile's amount", ("value.small",)
    if unit < amount:
        expectation = either("value.small", label=f"{plain(unit)}{suffix}")
        small = _cases(data, f"small{suffix}", title, expectation, [plain(unit)], currency)
    else:
        small = absent(
            f"value-small{suffix}", THEME, title, requirements, f"The profile's amount is the smallest of {currency}"
        )
    beyond = either("value.beyond", label=f"more decimals{suffix}")
    many = replace(beyond, label="many digits")
    huge = replace(beyond, label="huge exponent")
    fine = [finer + "5", finer + "0000000001", f"{finer}{'0' * 16}1"]
    more = "More decimals than the currency has"
    # It is charged where it is accepted, so it is sent only where such amounts may be.
    wide = ["9007199254740993"] if data.max_amounts[currency] >= _WIDE else []
    return [
        small,
        _cases(data, f"more-decimals{suffix}", more, beyond, fine if not suffix else fine[:1], currency),
        _cases(
            data,
            "tiny",
            "Numbers close to zero",
            replace(beyond, label="close to zero"),
            ["1e-400", "5e-324", "1e-99999999999"],
        ),
        _cases(data, "huge-exponent", "Numbers too large for floating point", huge, ["1e400", "1e309", "1e99999"]),
        _cases(
            data,
            "400-digits",
            "Numbers of 16 and of 400 digits",
            many,
            [*wide, "9" * 400, finer + "0" * 397 + "1"],
        ),
        _cases(data, "5000-digits", "Numbers of 5,000 digits", many, ["9" * 5000, finer + "0" * 4997 + "1"]),
    ]
