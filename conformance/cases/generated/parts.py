"""Parts of a good body with tokens, and strategies for texts in it. Imports Hypothesis, which is slow to load."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from conformance.cases.body import amount_object, escape, quoted
from conformance.cases.body import body as whole
from conformance.cases.generated.template import CLOSE, OPEN, half, token
from conformance.cases.model import TRIP, escaped
from conformance.cases.text import FOLDED, LETTERS, LOOKALIKES, OUTSIDERS
from conformance.contract.load import Contract, StringRule

STORE, CODE, AMOUNT = token("store"), token("code"), token("amount")
MASK_BITS = 16
SEPARATORS = ". :/@+~,;|*#'\n"  # what a careless pattern accepts most often
Texts = st.SearchStrategy[str]


@dataclass(frozen=True, slots=True)
class Field:
    """One of the three strings: its name, its rule, a good value and the two halves of that."""

    name: str
    rule: StringRule
    good: str
    halves: tuple[str, str]

    def put(self, text: str | None) -> str:
        """The good body with another raw JSON text for this member; None leaves it out."""
        return good_body(**{self.name: text})

    def holding(self, text: str) -> str:
        """The good body with the value `text` for this member."""
        return self.put(quoted(text))

    def to(self, length: int, character: str) -> str:
        """A value of exactly this length that begins like the good one."""
        if self.name == "code":
            return token("code-part", 0, length) + token("times", max(0, length - 3), character)
        return token(f"{self.name}-to", length, character)


def fields(contract: Contract) -> tuple[Field, Field, Field]:
    """The three strings of a body."""
    halves = (token("store-half", 0), token("store-half", 1))
    code = (token("code-part", 0, 1), token("code-part", 1, 3))
    return (
        Field("store", contract.store_id, STORE, halves),
        Field("trip", contract.trip_id, TRIP, (half(TRIP, 0), half(TRIP, 1))),
        Field("code", contract.code, CODE, code),
    )


def good_body(
    store: str | None = quoted(STORE),
    trip: str | None = quoted(TRIP),
    value: str | None = AMOUNT,
    code: str | None = quoted(CODE),
    extra: str | None = None,
) -> str:
    """The good body, or one with raw texts in the place of its members."""
    return whole(store=store, trip=trip, amount=amount_object(value, code), extra=extra)


def outsiders(rule: StringRule) -> Texts:
    """One to three characters, the first of which the rule's pattern does not match."""
    admitted = "".join(chr(code) for code in range(128) if rule.matches(chr(code)) or rule.matches(chr(code) * 3))
    listed = [text for table in (OUTSIDERS, LETTERS, FOLDED, LOOKALIKES) for text in table.values()]
    outsider = st.one_of(
        st.sampled_from([sign for sign in SEPARATORS if sign not in admitted]),
        st.sampled_from([chr(code) for code in range(128) if chr(code) not in admitted]),
        st.sampled_from(listed),
        st.characters(categories=["L", "N", "M"], exclude_characters=admitted),
        st.characters(categories=["P", "S", "Z", "C"], exclude_characters=OPEN + CLOSE + admitted),
    )
    more = st.one_of(outsider, st.sampled_from(admitted))
    pair, triple = st.tuples(outsider, more), st.tuples(outsider, more, outsider)
    return st.one_of(outsider, outsider, pair.map("".join), triple.map("".join))


def partly_escaped(text: str, mask: int) -> str:
    """The raw JSON string for `text`, with needless escapes for the characters whose bit is set in `mask`.

    Tokens stay whole; the trip's placeholder is escaped as a whole or not at all.
    """
    pieces = []
    for number, character in enumerate(_atoms(text)):
        chosen = mask >> number % MASK_BITS & 1
        if character == TRIP:
            pieces.append(escaped(TRIP) if mask & 1 else TRIP)
        elif len(character) > 1:
            pieces.append(character)
        elif chosen:
            digits = escape(character)
            pieces.append(digits.upper().replace("U", "u") if mask & 2 else digits)
        else:
            pieces.append(quoted(character)[1:-1])
    return f'"{"".join(pieces)}"'


def _atoms(text: str) -> list[str]:
    """Characters of `text`; a token, and the trip's placeholder, stay whole."""
    atoms: list[str] = []
    at = 0
    while at < len(text):
        end = at + len(TRIP) if text.startswith(TRIP, at) else at + 1
        if text[at] == OPEN:
            end = text.index(CLOSE, at) + 1
        atoms.append(text[at:end])
        at = end
    return atoms


def json_values() -> Texts:
    """Raw texts of small JSON values."""
    scalars = st.one_of(
        st.sampled_from(["null", "true", "false", "0", "-1", "1e400", "1.5", '""', '"a"', "[]", "{}", '"\\u0000"']),
        st.one_of(st.integers(-999, 999), st.integers(-(10**20), 10**20)).map(str),
        short_texts().map(quoted),
    )
    names = st.one_of(st.sampled_from(["a", "id", "amount", "code", "storeId", "__proto__", ""]), short_texts())

    def deeper(inner: Texts) -> Texts:
        pairs = st.tuples(names, inner).map(lambda pair: f"{quoted(pair[0])}:{pair[1]}")
        arrays = st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        objects = st.lists(pairs, max_size=3, unique_by=lambda pair: pair.split(":")[0])
        return st.one_of(arrays, objects.map(lambda items: "{" + ",".join(items) + "}"))

    return st.recursive(scalars, deeper, max_leaves=5)


def short_texts() -> Texts:
    """Short texts of any characters, including lone surrogates."""
    allowed = st.characters(exclude_characters=OPEN + CLOSE, exclude_categories=["Cs"])
    lone = st.characters(categories=["Cs"])
    return st.text(
        st.one_of(st.characters(max_codepoint=0x7F), st.characters(max_codepoint=0xFF), allowed, lone), max_size=8
    )


__all__ = [
    "AMOUNT",
    "CODE",
    "MASK_BITS",
    "STORE",
    "Field",
    "Texts",
    "fields",
    "good_body",
    "json_values",
    "outsiders",
    "partly_escaped",
]
