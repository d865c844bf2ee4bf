"""Cases about the body as JSON text: equivalent texts, texts that are not JSON, and what RFC 8259 leaves open."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import TRIP_TEXT, Parts, amount_object, body, escape, members, parts_of, quoted
from conformance.cases.build import TOO_LARGE, accept, case, either, probe, reject, should_reject
from conformance.cases.model import TRIP, Case, Expectation
from conformance.cases.testdata import TestData
from conformance.contract.load import Contract

THEME = "body"
LARGE = 3_000_000
"""Bytes: more than the default limits of common frameworks and proxies, which are 100 KB, 1 MB and 2.5 MB."""
_MARK = b"\xef\xbb\xbf"


def body_form_cases(contract: Contract, data: TestData, *, deep: bool) -> list[Case]:
    """All of them, cheap ones first; with `deep` also those of many megabytes."""
    parts = parts_of(data)
    return [
        *_no_object(parts),
        *_not_json(contract, parts),
        *_broken_bytes(parts),
        *_same(parts, data),
        *_lenient(parts),
        *_open(parts),
        *([_many_blanks(parts)] if deep else []),
    ]


def _no_object(parts: Parts) -> list[Case]:
    good = parts.good
    tops = [quoted(good), f"[{good}]", f"[{good},{good}]", "null", "[1e400]", "[]", "true", "12", '""']
    tops += [f"[{parts.store},{TRIP_TEXT},{parts.amount}]"]
    tops += [f'[["storeId",{parts.store}],["shoppingTripId",{TRIP_TEXT}],["amount",{parts.amount}]]']
    several = reject("body.several-faults", ())
    both = [
        parts.with_amount(amount_object("0", '"usd"')),
        parts.with_amount(amount_object("-1", None)),
        parts.with_code('"usd"').replace(",", ",/* a */", 1),
        body(store=None, amount=amount_object("0", parts.code)),
    ]
    twice = [
        ('{"storeId":1,' + parts.with_store("null")[1:], ("store-id.not-null", "store-id.type")),
        ('{"storeId":"a b",' + parts.with_store('"a c"')[1:], ("store-id.pattern",)),
        (parts.with_code('"usd","code":"eur"'), ("code.pattern",)),
        (parts.with_value('"1","amount":true'), ("value.type",)),
        (parts.with_amount('[],"amount":null'), ("amount.not-null", "amount.type")),
        (parts.with_trip('"","shoppingTripId":"a b"'), ("trip-id.empty", "trip-id.pattern")),
        (
            parts.with_amount(f'{{"amount":{parts.value}}},"amount":{{"code":{parts.code}}}'),
            ("code.required", "value.required"),
        ),
    ]
    wrong_twice = tuple(
        probe(replace(several, shared=(*causes, "answer.no-server-error")), text) for text, causes in twice
    )
    return [
        case("body-empty", THEME, "No content", reject("body.empty", ()), [b""]),
        case("body-not-object", THEME, "JSON whose top level is not an object", reject("body.not-object", ()), tops),
        case("body-empty-object", THEME, "An empty object", several, ["{}"]),
        case("body-empty-amount", THEME, "An empty amount object", several, [parts.with_amount("{}")]),
        case("body-nulls", THEME, "All members null", several, [_NULLS, parts.with_amount(_NULL_AMOUNT)]),
        case("body-two-faults", THEME, "Two members that must each be refused", several, _two_faults(parts)),
        case("body-must-and-should", THEME, "One fault that must and one that should be refused", several, both),
        Case("body-wrong-twice", THEME, "A member given twice, both times wrong", _SEVERAL, wrong_twice),
    ]


_SEVERAL = ("body.several-faults",)
_NULLS = '{"storeId":null,"shoppingTripId":null,"amount":null}'
_NULL_AMOUNT = '{"amount":null,"code":null}'


def _two_faults(parts: Parts) -> list[str]:
    """Two or more members that are missing, null, of a wrong type or malformed: each member with each other one."""
    bad_store, bad_trip = '"INVALID@STORE#ID"', '"a b"'
    return [
        parts.with_amount(amount_object('"10"', '"usd"')),
        body(store="7", trip="7", amount="7"),
        body(store=None, trip=None, amount=parts.amount),
        body(store="null", trip=TRIP_TEXT, amount=None),
        body(store=bad_store, trip=bad_trip, amount=parts.amount),
        body(store=parts.store, trip="7", amount="[]"),
        parts.with_amount(amount_object(None, "null")),
        body(store="7", trip=TRIP_TEXT, amount=amount_object(parts.value, '"usd"')),
        body(store=parts.store, trip="null", amount=amount_object("true", parts.code)),
        body(store=bad_store, trip=TRIP_TEXT, amount=amount_object("null", parts.code)),
        body(store=parts.store, trip='""', amount=amount_object(parts.value, None)),
        body(store='""', trip=bad_trip, amount=amount_object('""', '""')),
    ]


def _not_json(contract: Contract, parts: Parts) -> list[Case]:
    good = parts.good
    bad = reject("body.not-json", ())
    also = (*contract.of_theme("bad-request", ("bad-request.name",)), "answer.status-set")
    cut = [
        good[:-1],
        good[:-2],
        good[: len(good) // 2],
        good[:12],
        '{"storeId":',
        '{"storeId":"',
        '{"storeId"',
        "{",
        "[",
    ]
    more = [good + "}", good + good, good + "x", good + ",", good + "\0", good + "]", good + ";"]
    before = ["x" + good, ")]}',\n" + good, "\x1e" + good, f"capture({good})", f"capture={good}", "," + good]
    misspelt = [
        good.replace(":", "=", 1),
        good.replace(",", " ", 1),
        good.replace(",", ",,", 1),
        good.replace("{", "{,", 1),
        good.replace(":", "::", 1),
        good.replace(":", " ", 1),
        good.replace('"storeId"', "storeId", 1),
        good.replace('"amount":{', '"amount":(', 1),
        parts.with_extra('"note":undefined'),
        parts.with_extra('"note":True'),
        parts.with_extra('"note":None'),
        parts.with_extra('"note"'),
        parts.with_extra('"note":"\\x41"'),
        parts.with_extra('"note":"\\u12"'),
        parts.with_extra('"note":"\\q"'),
        parts.with_extra('"note":"a\\\nb"'),
        parts.with_extra(f'"note":"{chr(0x201D)}'),
    ]
    controls = [parts.with_extra(f'"note":"a{sign}b"') for sign in ("\n", "\t")]
    controls += [parts.with_store(f'{parts.store[:-1]}{sign}"') for sign in ("\0", "\n", "\t", "\r", "\x01", "\x1f")]
    controls += [
        parts.with_code(f'{parts.code[:-1]}\n"'),
        parts.with_trip(f'"{TRIP}\n"'),
        parts.with_extra('"note":"a\0b"'),
    ]
    blanks = [
        good.replace(",", f",{sign}", 1) for sign in ("\f", "\v", "\u00a0", "\u0085", "\u2028", "\u3000", "\ufeff")
    ]
    store, code = parts.store.strip('"'), parts.code.strip('"')
    foreign: list[str | bytes] = [
        f"storeId={store}&shoppingTripId={TRIP}&amount[amount]={parts.value}&amount[code]={code}",
        f"<capture><storeId>{store}</storeId><shoppingTripId>{TRIP}</shoppingTripId><amount>1</amount></capture>",
        f"storeId: {store}\nshoppingTripId: {TRIP}\namount: {{amount: {parts.value}, code: {code}}}\n",
        "not json",
        " ",
        b"\x00",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    ]
    return [
        case("body-not-json", THEME, "Content that is not JSON", bad, ["not json"], also),
        case("body-cut-off", THEME, "Truncated JSON", bad, cut, ("answer.no-leak",)),
        case("body-trailing-data", THEME, "JSON with trailing data", bad, more),
        case("body-leading-data", THEME, "JSON after other data", bad, before),
        case("body-misspelt", THEME, "Malformed JSON", bad, misspelt),
        case("body-other-blanks", THEME, "Blanks that JSON does not have, between tokens", bad, blanks),
        case("body-control-characters", THEME, "Raw control characters in strings", bad, controls),
        case("body-foreign-form", THEME, "Formats other than JSON", bad, foreign),
    ]


def _broken_bytes(parts: Parts) -> list[Case]:
    """Bytes that are not UTF-8, in strings of known members."""
    store: list[str | bytes] = [
        parts.with_store(f'{parts.store[:-1]}|"').encode().replace(b"|", raw, 1)
        for raw in (b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\x80")
    ]
    letter = ord(parts.store[-2])  # the store's last character, for the two-byte form that UTF-8 forbids
    overlong = (
        parts.with_store(f'{parts.store[:-2]}|"')
        .encode()
        .replace(b"|", bytes((0xC0 | letter >> 6, 0x80 | letter & 0x3F)), 1)
    )
    rest: list[str | bytes] = [
        parts.with_trip(f'"{TRIP}|"').encode().replace(b"|", b"\xff"),
        parts.with_code(f'{parts.code[:-1]}|"').encode().replace(b"|", b"\xff"),
        parts.with_code('"|"').encode().replace(b"|", b"\xed\xa0\x80"),
    ]
    title = "Bytes that are not UTF-8 in a known attribute"
    return [case("body-invalid-utf-8", THEME, title, reject("body.invalid-utf-8", ()), [overlong, *store, *rest])]


def _same(parts: Parts, data: TestData) -> list[Case]:
    """Other texts for the same JSON."""
    same = accept("body.equivalent")
    good = parts.good
    turned = members(("code", parts.code), ("amount", parts.value))
    orders = [
        members(("amount", parts.amount), ("shoppingTripId", TRIP_TEXT), ("storeId", parts.store)),
        members(("shoppingTripId", TRIP_TEXT), ("amount", turned), ("storeId", parts.store)),
    ]
    spread = good.replace(",", " ,\n  ").replace(":", " : ").replace("{", "{\n  ").replace("}", "\n}")
    blanks = [spread, spread.replace("\n", "\r\n"), spread.replace("  ", "\t"), f"\r\n\t {good} \t\r\n", good + "\n"]
    blanks.append(" " * 65_536 + good)
    first = data.store[0]
    escapes = [
        parts.with_code(f'"\\u{ord(data.currency[0]):04x}{data.currency[1:]}"'),
        parts.with_code(f'"{escape(data.currency).upper().replace("U", "u")}"'),
        parts.with_store(f'"{escape(first)}{data.store[1:]}"'),
        parts.with_store(f'"{escape(data.store).upper().replace("U", "u")}"'),
        parts.with_trip(f'"{escape(TRIP)}"'),
    ]
    keys = [
        good.replace('"storeId"', '"\\u0073toreId"'),
        good.replace('"shoppingTripId"', f'"{escape("shoppingTripId")}"'),
        good.replace('"amount"', '"\\u0061mount"'),
        good.replace('"code"', '"cod\\u0065"'),
    ]
    reordered = members(("amount", turned), ("shoppingTripId", TRIP_TEXT), ("storeId", f'"{escape(data.store)}"'))
    together = [reordered, reordered.replace(",", "\r\n\t, ").replace('"storeId"', '"\\u0073toreId"')]
    return [
        case("body-order", THEME, "Members in another order", same, orders),
        case("body-blanks", THEME, "Whitespace between tokens", same, blanks),
        case("body-escapes", THEME, "Escapes in strings", same, escapes),
        case("body-escaped-keys", THEME, "Escapes in member names", same, keys),
        case("body-order-and-escapes", THEME, "Members in another order, with escapes and blanks", same, together),
    ]


def _lenient(parts: Parts) -> list[Case]:
    """What RFC 8259 section 9 lets a parser accept, although it is not JSON."""
    bad: Expectation = should_reject("body.lenient", ())
    good = parts.good
    wide = [good.encode(coding) for coding in ("utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be")]
    comments = [good.replace(",", ",/* a */", 1), "// a\n" + good, good + "/* a */", good.replace("{", "{ // a\n", 1)]
    commas = [good[:-1] + ",}", good[:-2] + ",}}", parts.with_extra('"note":[1,]')]
    unknown = [parts.with_extra(f'"note":{text}') for text in ("NaN", "Infinity", "-Infinity", "[NaN]")]
    raw = [
        parts.with_extra('"note":"|"').encode().replace(b"|", each)
        for each in (b"\xff", b"\xc1\x81", b"\xed\xa0\x80", b"\xe9")
    ]
    return [
        case("body-wide-coding", THEME, "UTF-16 and UTF-32", bad, wide),
        case("body-comments", THEME, "Comments", bad, comments),
        case("body-trailing-commas", THEME, "Trailing commas", bad, commas),
        case(
            "body-single-quotes",
            THEME,
            "Single quotes",
            bad,
            [good.replace('"', "'"), good.replace('"storeId"', "'storeId'")],
        ),
        case("body-nan-unknown", THEME, "NaN in an unknown attribute", bad, unknown),
        case("body-raw-bytes-unknown", THEME, "Bytes that are not UTF-8 in an unknown attribute", bad, raw),
    ]


def _open(parts: Parts) -> list[Case]:
    """What may be accepted or refused, but must not cause a server error."""
    good = parts.good
    attribute, twice = either("body.unknown-attribute"), either("body.duplicate-keys")
    values = ("true", "1", "null", '{"a":[1]}', "[]", "false", '""', "{}", "1.5", "-0")
    names = ("", "0", "constructor", "hasOwnProperty", "id", "é", "a" * 2_000)
    types = ("@type", "$type", "@class", "class", "$ref", "$where", "a.b", "a[b]")
    many = ",".join(f'"note{number}":0' for number in range(1_000)) + f',"notes":[{"0," * 2_000}0]'
    extras = [",".join(f'"note{number}":{text}' for number, text in enumerate(values))]
    extras += [",".join(f'"{name}":1' for name in names), ",".join(f'"{name}":"note"' for name in types)]
    extras += ['"__proto__":{"a":1}', many]
    nested = good[:-2] + ',"note":"x"}}'
    odd = [
        '"note":"a\\u0000b"',
        '"\\u0000":1',
        '"note":"\\ud800"',
        f'"note":1e400,"more":{"9" * 400}',
        '"note":"\\u2028🛒\\/\\b\\f\\n\\r\\t\\"\\\\"',
    ]
    doubles = [
        parts.with_extra(f'"storeId":{parts.store}'),
        parts.with_extra('"storeId":null'),
        parts.with_extra(f'"shoppingTripId":{TRIP_TEXT}'),
        good[:-2] + f',"code":{parts.code}}}}}',
        good[:-2] + f',"amount":{parts.value}}}}}',
        '{"storeId":1,' + good[1:],
    ]
    marked = [_MARK + good.encode()]
    large = [parts.with_extra(f'"note":"{"a" * LARGE}"')]
    return [
        case(
            "body-unknown-attribute",
            THEME,
            "An attribute that the contract does not define",
            attribute,
            [parts.with_extra('"note":"x"')],
            _NO_SERVER_ERROR,
        ),
        case(
            "body-unknown-attributes",
            THEME,
            "Unknown attributes of every type",
            attribute,
            [*_rest(parts, extras), nested],
        ),
        case(
            "body-odd-attributes",
            THEME,
            "Unknown attributes with NUL, surrogates and huge numbers",
            attribute,
            _rest(parts, odd),
        ),
        case("body-duplicate-keys", THEME, "A member that occurs twice", twice, doubles),
        case("body-byte-order-mark", THEME, "A leading byte order mark", either("body.byte-order-mark"), marked),
        case("body-large", THEME, "An unknown attribute of 3 MB", _extreme("3 MB"), large),
    ]


_NO_SERVER_ERROR = ("answer.no-server-error",)


def _extreme(label: str) -> Expectation:
    return either("body.extreme", TOO_LARGE, label)


def _many_blanks(parts: Parts) -> Case:
    bodies = [" " * 12 * 1024 * 1024 + parts.good]
    return case("body-many-blanks", THEME, "12 MiB of leading blanks", _extreme("12 MiB of blanks"), bodies)


def _rest(parts: Parts, extras: list[str]) -> list[str]:
    return [parts.with_extra(text) for text in extras]
