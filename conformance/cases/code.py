"""Cases about the currency code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.cases.body import OPERATOR, body, escape, members, near_names, parts_of, plain, quoted, wrapped
from conformance.cases.build import case, either, reject
from conformance.cases.model import Case
from conformance.cases.testdata import TestData
from conformance.cases.text import LETTERS, around, full_width, outside
from conformance.contract.load import Contract

THEME = "code"
# ISO 4217 as of this date. No verdict depends on these lists: the report only shows how the target answers.
LIST_DATE = "2026-01-01"
GROUPS: dict[str, tuple[str, ...]] = {
    "current": ("GBP", "ZWG", "XCG", "SLE", "CLF"),
    "zero-decimal": ("KRW", "CLP"),
    "three-decimal": ("BHD", "TND"),
    "withdrawn": ("HRK", "ANG", "ZWL", "SLL", "DEM"),
    "special": ("XXX", "XTS", "XAU"),
    "never-assigned": ("ZZZ", "QQQ"),
}


def code_cases(contract: Contract, data: TestData) -> list[Case]:
    """All of them, cheap ones first."""
    return [*_presence(data), *_pattern(contract, data), *_other(data)]


def _refused(data: TestData, slug: str, title: str, rule: str, texts: Iterable[str | None]) -> Case:
    parts = parts_of(data)
    bodies = [parts.with_code(text) for text in texts]
    return case(f"code-{slug}", THEME, title, reject(f"code.{rule}"), bodies)


def _presence(data: TestData) -> list[Case]:
    known = data.currency
    first, *others = wrapped(quoted(known), "code")
    types = [first, "true", OPERATOR, *others, "0", "[1e400]", "{}", "false", "[]"]
    parts = parts_of(data)
    names = near_names("code", "currency", "currencyCode", "currency_code")
    misspelt = [parts.renamed_in_amount("code", each) for each in names]
    misspelt.append(body(store=parts.store, amount=members(("amount", parts.value)), extra=f'"code":{parts.code}'))
    longer = [known + "A", known + known, known + known[-1] * 252, known * 400]
    return [
        _refused(data, "missing", "No code", "required", [None]),
        _refused(data, "null", "A code of null", "not-null", ["null"]),
        _refused(data, "number", "A number as code", "type", ["840"]),
        _refused(data, "wrong-type", "All other types as code", "type", types),
        case("code-misspelt-name", THEME, "The code under similar names", reject("code.required"), misspelt),
        _refused(data, "empty", "An empty code", "pattern", ['""']),
        _refused(data, "lower-case", "The code in lower case", "pattern", [quoted(known.lower())]),
        _refused(data, "too-long", "A code of four capitals", "max-length", [quoted(longer[0])]),
        _refused(data, "far-too-long", "A code of many capitals", "max-length", map(quoted, longer[1:])),
    ]


def _pattern(contract: Contract, data: TestData) -> list[Case]:
    known, rule = data.currency, contract.code
    digits = [known[:2] + "0", "840", known[:2] + "9", "1" + known[1:]]
    cased = [known.capitalize(), known[:2] + known[2].lower(), known[0].lower() + known[1:], known.lower().capitalize()]
    signs = ("\n", " ", "\0", "!", "\t", "\r\n", "\u00a0", "\u200b", "\u2028")
    added = [around(known, sign)[0] for sign in signs]
    added += [text for sign in signs[:4] for text in around(known, sign)[1:]]
    scripts = [known[:2] + text for text in LETTERS.values()]
    folded = [full_width(known), "ſ".join((known[0], known[2])), "ﬁ" + known[2], "\u212a" + known[1:]]
    folded += [
        full_width(known[0]) + known[1:],
        known[:2] + "ß",
        known[:2] + "ı",
        "U\u0405D",
        "ΑΒΓ",
        known[:2] + "\ud800",
    ]
    cases = {
        "short": ("A code of one or two capitals", [known[:1], known[:2]]),
        "trailing-line-feed": ("The code followed by a line feed", [known + "\n", known[:2] + "\n"]),
        "digits": ("Codes with a digit, and numeric ones", [*digits, "840"]),
        "letter-case": ("Codes partly in lower case", list(dict.fromkeys(cased))),
        "added": ("A good code with one more character", added),
        "every-ascii": (
            "Each ASCII character except letters and digits, in place of the last letter",
            _ascii(contract, known),
        ),
        "other-scripts": ("Capitals and digits of other scripts", scripts),
        "folding": ("Codes that folding or NFKC makes valid", folded),
        "blanks": ("Codes with blanks", ["   ", " ", "\t\t\t", known[:2] + " ", " " + known[1:]]),
        "quoted-twice": ("The code as JSON inside a string", [f'"{known}"', f"[{known}]"]),
        "symbols": ("Symbols and names in place of a code", ["$", "€", "US$", "us dollar", "%55SD", "&#85;SD"]),
    }
    found = []
    for slug, (title, values) in cases.items():
        bad = [quoted(value) for value in dict.fromkeys(values) if not rule.matches(value)]
        found.append(_refused(data, slug, title, "pattern", bad))
    escapes = [f'"{escape(known.lower())}"', f'"{known}\\u000a"', f'"{known[:2]}\\uff24"', f'"{known[:2]}\\ud83d"']
    found.append(_refused(data, "escaped", "Bad codes written as escapes", "pattern", escapes))
    return found


def _ascii(contract: Contract, known: str) -> list[str]:
    """Codes whose last character is outside the pattern; letters and digits have cases of their own."""
    signs = [sign for sign in outside(contract.code) if not contract.code.matches(known[:2] + sign)]
    return [known[:2] + sign for sign in signs if not sign.isalnum()]


def _other(data: TestData) -> list[Case]:
    """Well-formed codes that the profile does not declare, by groups of ISO 4217."""
    found = []
    value = plain(data.amounts[data.currency])
    for group, codes in GROUPS.items():
        rest = [code for code in codes if code not in data.currencies]
        parts = parts_of(data)
        title = f"Codes of ISO 4217, {group.replace('-', ' ')} (list of {LIST_DATE})"
        made = case(
            f"code-iso-{group}", THEME, title, either("code.other"), [parts.with_code(quoted(code)) for code in rest]
        )
        probes = [
            replace(probe, expectation=either("code.other", label=f"{group} {code} {value}"))
            for code, probe in zip(rest, made.probes, strict=True)
        ]
        found.append(replace(made, probes=tuple(probes)))
    return [each for each in found if each.probes]
