"""What goes wrong with both ids alike: characters, types, lengths, spellings. The two theme files say what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conformance.cases.body import escape, quoted
from conformance.cases.build import case, reject
from conformance.cases.model import Case
from conformance.cases.text import FOLDED, LETTERS, LOOKALIKES, TELLING, around, full_width, outside
from conformance.contract.load import StringRule

WRONG_TYPES = ("123", "0", "true", "[1e400]", "{}", "12.5", "false", "[]")


@dataclass(frozen=True, slots=True)
class IdField:
    """One of the two ids. `known` is a good value, `fixed` a literal of the same kind that no placeholder stands in.

    `put` makes the body with the raw text of the member, None to leave it out.
    """

    theme: str
    member: str
    rule: StringRule
    known: str
    fixed: str
    names: tuple[str, ...]
    put: Callable[[str | None], str]

    def rejects(self, slug: str, title: str, word: str, texts: Iterable[str | None]) -> Case:
        """A case of raw member texts that must all be refused under the requirement `<theme>.<word>`."""
        expectation = reject(f"{self.theme}.{word}", self.names)
        return case(f"{self.theme}-{slug}", self.theme, title, expectation, [self.put(text) for text in texts])

    def malformed(self, slug: str, title: str, values: Iterable[str]) -> Case:
        """A case of values that the pattern keeps out."""
        bad = [quoted(value) for value in values if not self.rule.matches(value)]
        return self.rejects(slug, title, "pattern", bad)


def malformed_cases(field: IdField) -> list[Case]:
    """Everything that both ids must refuse, cheap cases first."""
    return [*_presence(field), *_characters(field), *_scripts(field), *_spellings(field)]


def _presence(field: IdField) -> list[Case]:
    member = field.member
    array, wrapped = f"[{quoted(field.known)}]", f'{{"id":{quoted(field.known)}}}'
    return [
        field.rejects("missing", f"No {member}", "required", [None]),
        field.rejects("null", f"{member} null", "not-null", ["null"]),
        field.rejects("number", f"{member} a number", "type", ["123"]),
        field.rejects("wrong-type", f"{member} of every other type", "type", (*WRONG_TYPES[1:], array, wrapped)),
        field.malformed("bad-format", f"{member} INVALID@STORE#ID", ["INVALID@STORE#ID"]),
        field.malformed("trailing-line-feed", f"A good {member} and a line feed", [field.known + "\n"]),
    ]


def _characters(field: IdField) -> list[Case]:
    known, member = field.known, field.member
    half = len(known) // 2
    cases = [
        field.malformed(
            "every-ascii",
            f"{member} with each ASCII character outside the pattern in its middle",
            [known[:half] + character + known[half:] for character in outside(field.rule)],
        )
    ]
    for number, place in enumerate(("suffix", "prefix", "middle")):
        values = [around(known, text)[number] for text in TELLING.values()]
        cases.append(field.malformed(place, f"{member} with a character outside the pattern as {place}", values))
    blank = [" ", "  ", "\t", "\n", " " + known + " ", known + "\n\n", "\r\n" + known, known + " x"]
    cases.append(field.malformed("blanks", f"{member} of blanks, or between blanks", blank))
    return cases


def _scripts(field: IdField) -> list[Case]:
    known, fixed, member = field.known, field.fixed, field.member
    alike = [full_width(fixed), full_width(fixed[0]) + fixed[1:], fixed[:-1] + full_width(fixed[-1])]
    swaps = (("s", "ſ"), ("-", "\uff0d"), ("k", "\u212a"), ("0", "٠"), ("a", "а"), ("-", "\u2010"))
    folded = [fixed.replace(good, other, 1) for good, other in swaps if good in fixed]
    folded += [known + text for text in FOLDED.values()]
    escapes = [f'"{known}{escape(text)}"' for text in ("é", "٣", "Ａ", "\u2028", "🛒", "\0")]
    lone = [f'"{known}\\ud800"', f'"\\udc00{known}"', f'"{known}\\udead\\ud83d"']
    return [
        field.malformed("other-scripts", f"{member} with word characters of other scripts", _after(known, LETTERS)),
        field.malformed(
            "lookalikes", f"{member} with signs that look or fold like good ones", _after(known, LOOKALIKES)
        ),
        field.malformed(
            "folding", f"{member} that folding or NFKC makes good", [alike[0], *folded[:2], *alike[1:], *folded[2:]]
        ),
        field.rejects("escaped-characters", f"{member} with bad characters as escapes", "pattern", escapes),
        field.rejects("lone-surrogate", f"{member} with an escaped lone surrogate", "pattern", lone),
    ]


def _after(known: str, table: dict[str, str]) -> list[str]:
    return [known + text for text in table.values()]


def _spellings(field: IdField) -> list[Case]:
    known, fixed = field.known, field.fixed
    coded = [
        f"%{ord(fixed[0]):02X}{fixed[1:]}",
        f"&#{ord(fixed[0])};{fixed[1:]}",
        f"&#x{ord(fixed[0]):x};{fixed[1:]}",
        known + "%00",
        known + "%0A",
        known + "%20",
        known + "&nbsp;",
        "".join(f"\\u{ord(each):04x}" for each in fixed),
        f"{known}'--",
        f"{known}/../{known}",
        f'"{known}"',
        f"${{{known}}}",
    ]
    return [field.malformed("coded", f"{field.member} percent-encoded, HTML-escaped, quoted twice", coded)]


def over_length(field: IdField, base: str) -> list[Case]:
    """`base` padded beyond the limit: by one, and to lengths at which columns and buffers end."""
    limit, member = field.rule.max_length, field.member
    lengths = sorted({max(limit, 1000), max(limit, 10_000)} - {limit})
    one = quoted(base.ljust(limit + 1, "a"))
    rest = [quoted(base.ljust(length, "a")) for length in lengths]
    cases = [field.rejects("over-limit", f"{member} one character over the limit", "max-length", [one])]
    if rest:
        cases.append(field.rejects("far-over-limit", f"{member} far over the limit", "max-length", rest))
    return cases
