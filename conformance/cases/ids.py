"""Wrong values that both ids must refuse: characters, types, lengths, spellings. Each theme file adds its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conformance.cases.body import OPERATOR, escape, near_names, quoted, wrapped
from conformance.cases.build import case, reject
from conformance.cases.model import Case
from conformance.cases.text import FOLDED, LETTERS, LOOKALIKES, OUTSIDERS, around, full_width, outside
from conformance.contract.load import StringRule

WRONG_TYPES = ("true", "0", "[1e400]", "{}", "1.5e400", "false", "[]")


@dataclass(frozen=True, slots=True)
class IdField:
    """One of the two ids. `known` is a good value; `fixed` is a literal of the same kind without a placeholder.

    `put` makes the body with the raw text of the member, None to leave it out; `rename` the one with other names;
    `others` are names that mean the same.
    """

    theme: str
    member: str
    rule: StringRule
    known: str
    fixed: str
    names: tuple[str, ...]
    put: Callable[[str | None], str]
    rename: Callable[[tuple[str, ...]], str]
    others: tuple[str, ...]

    def rejects(self, slug: str, title: str, rule: str, texts: Iterable[str | None]) -> Case:
        """A case of raw member texts that must all be refused under the requirement `<theme>.<rule>`."""
        return self.refused(slug, title, rule, [self.put(text) for text in texts])

    def refused(self, slug: str, title: str, rule: str, bodies: Iterable[str]) -> Case:
        """A case of bodies that must all be refused under the requirement `<theme>.<rule>`."""
        return case(f"{self.theme}-{slug}", self.theme, title, reject(f"{self.theme}.{rule}", self.names), bodies)

    def malformed(self, slug: str, title: str, values: Iterable[str]) -> Case:
        """A case of values that the pattern does not match."""
        bad = [quoted(value) for value in values if not self.rule.matches(value)]
        return self.rejects(slug, title, "pattern", bad)


def malformed_cases(field: IdField) -> list[Case]:
    """Everything that both ids must refuse, cheap cases first."""
    return [*_presence(field), *_characters(field), *_scripts(field), *_spellings(field)]


def _presence(field: IdField) -> list[Case]:
    member = field.member
    first, *others = wrapped(quoted(field.known), member)
    types = [first, WRONG_TYPES[0], OPERATOR, *others, *WRONG_TYPES[1:]]
    return [
        field.rejects("missing", f"No {member}", "required", [None]),
        field.rejects("null", f"A {member} of null", "not-null", ["null"]),
        field.rejects("number", f"A number as {member}", "type", ["123"]),
        field.rejects("wrong-type", f"All other types as {member}", "type", types),
        field.refused(
            "misspelt-name",
            f"The {member} under similar names",
            "required",
            map(field.rename, near_names(member, *field.others)),
        ),
        field.malformed("bad-format", f"The {member} INVALID@STORE#ID", ["INVALID@STORE#ID"]),
        field.malformed("trailing-line-feed", f"A good {member} followed by a line feed", [field.known + "\n"]),
    ]


def _characters(field: IdField) -> list[Case]:
    known, member = field.known, field.member
    half = len(known) // 2
    cases = [
        field.malformed(
            "every-ascii",
            f"A {member} with each ASCII character outside the pattern in its middle",
            [known[:half] + character + known[half:] for character in outside(field.rule)],
        )
    ]
    places = {"suffix": "at the end", "prefix": "at the start", "middle": "in the middle"}
    for number, (slug, place) in enumerate(places.items()):
        texts = [text for text in OUTSIDERS.values() if slug != "middle" or not (len(text) == 1 and text.isascii())]
        values = [around(known, text)[number] for text in texts]
        cases.append(field.malformed(slug, f"A {member} with a character outside the pattern {place}", values))
    blank = [" ", "\t", "\n", " " + known + " ", known + "\n\n", known + " x"]
    cases.append(field.malformed("blanks", f"A {member} of blanks, or between blanks", blank))
    return cases


def _scripts(field: IdField) -> list[Case]:
    known, fixed, member = field.known, field.fixed, field.member
    alike = [full_width(fixed), full_width(fixed[0]) + fixed[1:], fixed[:-1] + full_width(fixed[-1])]
    swaps = (("s", "ſ"), ("e", "é"), ("-", "\uff0d"), ("k", "\u212a"), ("0", "٠"), ("a", "а"), ("-", "\u2010"))
    folded = [fixed.replace(good, other, 1) for good, other in swaps if good in fixed]
    folded += [known + text for text in FOLDED.values()]
    escapes = [f'"{known}{escape(text)}"' for text in ("é", "٣", "Ａ", "\u2028", "🛒", "\0")]
    lone = ['"\\ud800"', f'"{known}\\ud800"', f'"\\udc00{known}"', f'"{known}\\udead\\ud83d"']
    return [
        field.malformed("other-scripts", f"A {member} with word characters of other scripts", _after(known, LETTERS)),
        field.malformed(
            "lookalikes", f"A {member} with characters that look or fold like good ones", _after(known, LOOKALIKES)
        ),
        field.malformed(
            "folding", f"A {member} that folding or NFKC makes valid", [alike[0], *folded[:3], *alike[1:], *folded[3:]]
        ),
        field.rejects("escaped-characters", f"A {member} with bad characters as escapes", "pattern", escapes),
        field.rejects("lone-surrogate", f"A {member} with an escaped lone surrogate", "pattern", lone),
    ]


def _after(known: str, table: dict[str, str]) -> list[str]:
    return [known + text for text in table.values()]


def _spellings(field: IdField) -> list[Case]:
    known, fixed = field.known, field.fixed
    coded = [
        f'"{known}"',
        f"{known},{known}",
        f"%{ord(fixed[0]):02X}{fixed[1:]}",
        f"&#{ord(fixed[0])};{fixed[1:]}",
        f"<b>{fixed}</b>",
        known + "%00",
        known + "%0A",
        known + "%20",
        known + "&nbsp;",
        "".join(f"\\u{ord(each):04x}" for each in fixed),
        f"{known}'--",
        f"{known}/../{known}",
        f"${{{known}}}",
    ]
    return [field.malformed("coded", f"A {field.member} percent-encoded, HTML-escaped, quoted twice", coded)]


def over_length(field: IdField, base: str, longest: str | None) -> list[Case]:
    """`base` padded beyond the limit: by one, and to typical lengths of columns and buffers.

    `longest`: a known id at the limit, where there is one. What cuts an id to its limit finds it in the first of these.
    """
    limit, member = field.rule.max_length, field.member
    lengths = sorted({max(limit, 1000), max(limit, 10_000)} - {limit})
    shortest = quoted((longest if longest and len(longest) == limit else base).ljust(limit + 1, "a"))
    rest = [quoted(base.ljust(length, "a")) for length in lengths]
    cases = [field.rejects("over-limit", f"A {member} one character over the limit", "max-length", [shortest])]
    if rest:
        cases.append(field.rejects("far-over-limit", f"A {member} far over the limit", "max-length", rest))
    return cases
