"""Hypothesis strategies for bodies, by kind of fault. Imports Hypothesis, which is slow to load.

Strategies are built once and combined by functions: building them in each draw takes longer than drawing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations

from hypothesis import strategies as st

from conformance.cases.body import members, quoted
from conformance.cases.code import GROUPS
from conformance.cases.generated.parts import (
    AMOUNT,
    CODE,
    MASK_BITS,
    STORE,
    Field,
    Texts,
    fields,
    good_body,
    json_values,
    outsiders,
    partly_escaped,
    short_texts,
)
from conformance.cases.generated.template import CLOSE, OPEN, Template, token
from conformance.cases.model import TRIP
from conformance.contract.load import Contract

Templates = st.SearchStrategy[Template]
_DEPTHS = (2, 10, 63, 64, 65, 100, 513, 1001)
_MISSPELT = (
    "+{}", "0{}", "{}.", ".5", "{}e", "{}e+", "{}.e1", "0x10", "1_000", "1,5", "1 0", "--1", "- 1", "{}f", "{}d", "{}L",
    "NaN", "Infinity", "-Infinity", "inf", "nan", "１", "٣", "1e1.5", "1e 1", "00", "-01", "1.2.3", "1/2", "$1", "½",
)  # fmt: skip
_POWERS = ("", "", "", "e0", "e-3", "E2", "e15", "e308", "e309", "e400", "e-400", "e99999")
_WHOLE = (9, 999, 10**9, 10**18)
_EDGES = (1, 2, 3, 63, 64, 65, 127, 128, 129, 1000, 4096, 10_000)
_MANY = (16, 17, 18, 20, 39, 100, 309, 400, 4301, 5000)
_CODINGS = ("utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_MEMBERS = ("storeId", "shoppingTripId", "amount")
_MASKS = st.integers(1, 2**MASK_BITS - 1)


def strategies(contract: Contract) -> dict[str, Templates]:
    """All of them, by name."""
    texts = {
        "pattern-edges": st.one_of([_pattern(field) for field in fields(contract)]),
        "boundary-lengths": st.one_of([_lengths(field) for field in fields(contract)]),
        "currency-codes": _codes(),
        "number-spellings": _numbers(),
    }
    return {
        **{name: text.map(Template) for name, text in texts.items()},
        "json-spellings": _json(),
        "named-mutations": _mutations(contract).map(Template),
    }


def _pick(*texts: str) -> Texts:
    return st.sampled_from(texts)


def _made(make: Callable[..., str], *parts: st.SearchStrategy[object]) -> Texts:
    """Texts made by a function from drawn arguments."""
    return st.tuples(*parts).map(lambda drawn: make(*drawn))


# --- the three strings -------------------------------------------------------------------------------------------


def _pattern(field: Field) -> Texts:
    """A good value with characters that the pattern does not match: at an end, in the middle, or in place of a part."""
    first, second = field.halves
    shapes = [lambda wrong: field.good + wrong, lambda wrong: wrong + field.good, lambda wrong: first + wrong + second]
    if field.name == "code":
        shapes += [lambda wrong: token("code-part", 0, 2) + wrong, lambda wrong: wrong + token("code-part", 1, 3)]
        shapes += [lambda wrong: wrong, lambda wrong: first + wrong]
    else:
        shapes.append(lambda wrong: wrong + field.good + wrong)

    def make(wrong: str, shape: Callable[[str], str], mask: int) -> str:
        value = shape(wrong)
        return field.put(partly_escaped(value, mask) if mask else quoted(value))

    return _made(make, outsiders(field.rule), st.sampled_from(shapes), st.one_of(st.just(0), st.just(0), _MASKS))


def _lengths(field: Field) -> Texts:
    """A value whose length is a typical limit of a field, a column or a buffer."""
    limit = field.rule.max_length
    close = [limit - 1, limit, limit + 1, limit + 2, 2 * limit, 2 * limit + 1]
    lengths = [each for each in (*close, *close, *_EDGES) if each > 0]
    admitted = [chr(code) for code in range(128) if field.rule.matches(chr(code) * min(limit, 3))]

    def make(length: int, character: str, known: int, wrong: str) -> str:
        return field.holding((field.to(length, character) if known else token("times", length, character)) + wrong)

    wrong = _pick("", "", "", "", "\n", "é", "🛒", " ")
    return _made(make, st.sampled_from(lengths), st.sampled_from(admitted), st.integers(0, 2), wrong)


def _codes() -> Texts:
    """Codes: declared ones, those of ISO 4217, random capitals, mixed case, with a digit, of other lengths."""
    listed = st.sampled_from([code for group in GROUPS.values() for code in group])
    capitals = st.characters(min_codepoint=65, max_codepoint=90)
    three = st.text(capitals, min_size=3, max_size=3)
    part = _pick(*(token("code-part", *ends) for ends in ((0, 1), (1, 3), (0, 2), (2, 3))))
    odd = _pick(*"0123456789@[`{/:-_. $€£¥", "é", "Ｕ", "ſ", "\u212a", "Ⅳ", "²", "À", "\n", "\0", "٣", "ß", "İ")
    cased = st.text("ul", min_size=3, max_size=3).filter(lambda text: "l" in text)
    swapped = _made(lambda code, mask: "".join(_swap(code, mask)), st.one_of(listed, three), st.integers(1, 7))
    declared = st.integers(0, 3).map(
        lambda number: good_body(value=token("amount", number), code=f'"{token("code", number)}"')
    )
    values = st.one_of(
        st.one_of(listed, three),
        st.one_of(cased.map(lambda text: token("code-cased", text)), swapped),
        st.one_of(st.tuples(part, odd).map("".join), st.tuples(odd, part).map("".join)),
        st.one_of(
            st.text(capitals, max_size=6), three.map("{}\n".format), st.text(capitals, max_size=9).map(CODE.__add__)
        ),
    )
    return st.one_of(declared, values.map(lambda value: good_body(code=quoted(value))))


def _swap(code: str, mask: int) -> list[str]:
    return [each.lower() if mask >> place & 1 else each for place, each in enumerate(code)]


# --- numbers and JSON --------------------------------------------------------------------------------------------


def _numbers() -> Texts:
    """Numbers: the good one in other spellings, others close to it, and what JSON does not accept as a number."""
    digits = st.text("0123456789", min_size=1, max_size=12)
    inside = st.one_of(st.just(AMOUNT), digits, _pick("1e1", " 1", "1 ", "0x10", "1,00", "NaN", ""))
    shapes = _pick('"{}"', "[{}]", '["{}"]', '{{"amount":{}}}')
    long = st.tuples(st.sampled_from(_MANY), st.sampled_from("123456789"))
    whole = st.sampled_from(_WHOLE).flatmap(lambda most: st.integers(0, most))
    values = st.one_of(
        _made(lambda shift, zeros, letter: token("spelling", shift, zeros, letter), st.integers(0, 6), st.integers(0, 5), _pick("e", "E", "e+")),
        st.integers(1, 5000).map(lambda units: token("amount", 0, units)),
        st.sampled_from(_MISSPELT).map(lambda shape: shape.format(AMOUNT)),
        _made(
            lambda sign, whole, fraction, power: f"{sign}{whole}{fraction}{power}",
            _pick("", "", "-"), whole, st.one_of(st.just(""), digits.map(".".__add__)), st.sampled_from(_POWERS),
        ),
        _made(lambda shape, text: shape.format(text), shapes, inside),
        _made(lambda shape, long: shape.format(token("times", *long)), _pick("{}", "0.{}", "1.{}", "-{}"), long),
    )  # fmt: skip
    return values.map(lambda value: good_body(value=value))


def _json() -> Templates:
    """The good body, or one with an unknown attribute, in unusual spellings."""
    blanks = st.lists(st.text(" \t\r\n", max_size=2), min_size=8, max_size=8)
    orders = st.sampled_from(_orders())
    names = st.one_of(short_texts(), _pick("note", "id", "amount", "code", "__proto__", ""))
    brackets = st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
    doubled = _pick(
        f'"storeId":{quoted(STORE)}', f'"shoppingTripId":{quoted(TRIP)}', '"storeId":null', '"note":1,"note":1'
    )
    texts = st.one_of(
        _made(_spread, orders, blanks),
        _made(_escaped, _pick(*_MEMBERS, "code"), _MASKS, st.one_of(st.just(0), _MASKS)),
        _made(lambda name, value: good_body(extra=f"{quoted(name)}:{value}"), names, json_values()),
        _made(_nested, st.sampled_from(_DEPTHS), brackets, _pick("1", '"a"', "null", "true")),
        _made(lambda double, more: good_body(extra=double + more), doubled, _pick("", ',"note":1')),
        _made(_raw, st.binary(min_size=1, max_size=3), _pick("store", "trip", "code", "extra", "extra")),
        _lenient(),
        _lenient(),
    )
    wide = st.tuples(st.sampled_from(_CODINGS), _pick("", "\ufeff"), st.one_of(st.just(good_body()), orders))
    return st.one_of(
        texts.map(Template),
        texts.map(Template),
        wide.map(lambda drawn: Template(drawn[1] * (drawn[0] != "utf-8-sig") + drawn[2], drawn[0])),
    )


def _orders() -> list[str]:
    amounts = [members(*pairs) for pairs in permutations((("amount", AMOUNT), ("code", quoted(CODE))))]
    return [
        members(*pairs)
        for amount in amounts
        for pairs in permutations((("storeId", quoted(STORE)), ("shoppingTripId", quoted(TRIP)), ("amount", amount)))
    ]


def _spread(text: str, blanks: list[str]) -> str:
    """Put blanks between tokens."""
    around = {mark: blanks[place] + mark + blanks[place + 4] for place, mark in enumerate(":,{}")}
    return "".join(around.get(character, character) for character in text)


def _escaped(name: str, mask: int, other: int) -> str:
    """Escapes in the name of a member, and in values."""
    good = good_body(store=partly_escaped(STORE, other), trip=partly_escaped(TRIP, other))
    return good.replace(f'"{name}"', partly_escaped(name, mask), 1)


def _nested(depth: int, brackets: tuple[str, str], inner: str) -> str:
    opened, closed = (token("times", depth, bracket) for bracket in brackets)
    return good_body(extra=f'"note":{opened}{inner}{closed}')


def _raw(raw: bytes, member: str) -> str:
    """Any bytes within a string, UTF-8 or not."""
    text = raw.decode("utf-8", "surrogateescape")
    good = {"store": STORE, "trip": TRIP, "code": CODE, "extra": "a"}[member]
    value = f'"{good}{text}"'
    return good_body(**{member: f'"note":{value}' if member == "extra" else value})


def _lenient() -> Texts:
    """What is not JSON, although some parsers accept it."""
    good = good_body()
    comments = _made(
        lambda shape, note: shape.format(note),
        _pick("/*{}*/", "//{}\n", "#{}\n", "<!--{}-->"),
        st.text("abc ", max_size=3),
    )
    more = _pick("}", "x", ",", "\0", " null", "{}", good, ";", "\n\n1", "]", "\u00a0", "\ufeff", "[]", "//")
    places = st.sampled_from(
        [place.start() for place in re.finditer(r"[{},:]|$", good) if _outside(good, place.start())]
    )
    notes = _pick(
        "NaN", "Infinity", "-Infinity", "[1,]", "01", "True", "[NaN]", '{"a":NaN}', "'a'", "undefined", "\\u0031"
    )
    others = _pick("storeId", "'storeId'", "`storeId`", '"storeId" ', '"storeId":')
    return st.one_of(
        _made(lambda text, at: good[:at] + text + good[at:], st.one_of(comments, more), places),
        _pick(good[:-1] + ",}", good[:-2] + ",}}", good.replace('"', "'")),
        others.map(lambda name: good.replace('"storeId"', name)),
        _made(lambda name, note: good_body(extra=f'"{name}":{note}'), _pick("note", "b", ""), notes),
        st.one_of(more.map(good.__add__), more.map(lambda text: text + good)),
    )


def _outside(text: str, at: int) -> bool:
    """Whether a place lies outside tokens."""
    return text.count(OPEN, 0, at) == text.count(CLOSE, 0, at)


# --- a good body with one change ---------------------------------------------------------------------------------


def _mutations(contract: Contract) -> Texts:
    """The good body with one change, to a member or to its text."""
    good = good_body()
    field = st.sampled_from(fields(contract))
    values = json_values()
    shapes = _pick("[{}]", '{{"id":{}}}', "[[{}]]", '{{"value":{}}}', '{{"0":{}}}', "[null,{}]", "[{},null]")
    nothing = st.sampled_from([None, "null", '""', "0", "true", '"null"', '"undefined"', '" "', '"None"', "[]", "{}"])
    tops = _pick(f"[{good}]", quoted(good), f'{{"data":{good}}}', "", f"[{good},{good}]", f'{{"body":{quoted(good)}}}')
    names = [(name, other) for name in (*_MEMBERS, "code") for other in _other_names(name)]
    places = st.sampled_from([place for place in range(len(good)) if _outside(good, place)])
    signs = _pick(*'{}[],:"\\/ \n\t\0', "0", "a", "-", "é", "\udcff", "\udc80")
    return st.one_of(
        st.one_of(values.map(lambda text: good_body(value=text)), values.map(_with_amount)),
        _made(lambda target, value: target.put(value), field, values),
        _made(lambda target, shape: target.put(shape.format(quoted(target.good))), field, shapes),
        st.sampled_from(names).map(lambda pair: good.replace(f'"{pair[0]}"', f'"{pair[1]}"', 1)),
        st.one_of(_made(lambda target, text: target.put(text), field, nothing), nothing.map(_with_amount), nothing.map(lambda text: good_body(value=text))),
        _known(),
        st.one_of(values, tops, tops),
        _made(lambda at, way, sign: _edited(good, at, way, sign), places, st.integers(0, 5), signs),
        _made(lambda at, way, sign: _edited(good, at, way, sign), places, st.integers(2, 5), signs),
    )  # fmt: skip


def _known() -> Texts:
    """Other data of the profile: more stores, ids at the length limits, unknown ids."""
    stores = _pick(token("store", 1), token("unknown-store"), token("long-store"), token("short-store"))
    trips = _pick(token("unknown-trip"), TRIP.upper())
    return st.one_of(
        stores.map(lambda text: good_body(store=quoted(text))),
        trips.map(lambda text: good_body(trip=quoted(text))),
    )


def _with_amount(text: str | None) -> str:
    return members(("storeId", quoted(STORE)), ("shoppingTripId", quoted(TRIP)), ("amount", text))


def _other_names(name: str) -> list[str]:
    snake = re.sub("([A-Z])", r"_\1", name).lower()
    near = [name.lower(), name.upper(), name.capitalize(), name + " ", " " + name, name + "s", name[:-1], snake]
    return [each for each in (*near, name + "\\u0000", name[0] + "\u200b" + name[1:], "") if each != name]


def _edited(good: str, at: int, way: int, sign: str) -> str:
    """Cut, lengthen or change the text at one place; tokens stay whole."""
    end = good.index(CLOSE, at) + 1 if good[at] == OPEN else at + 1
    ways = (
        good[:at],
        good[at:],
        good[:at] + good[end:],
        good[:at] + sign + good[at:],
        good[:at] + sign + good[end:],
        good[:at] + good[at:end] * 2 + good[end:],
    )
    return ways[way]
