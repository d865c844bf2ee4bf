"""Write bodies as JSON text, member by member, to control every character. Must not decide what is right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from conformance.cases.model import TRIP
from conformance.cases.testdata import TestData

TRIP_TEXT = f'"{TRIP}"'
_NAMED = {'"': '\\"', "\\": "\\\\"}
# What a query language reads as a condition that every value meets.
OPERATOR = '{"$ne":""}'
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


def quoted(text: str) -> str:
    """A JSON string with the value `text`, escaped only where RFC 8259 section 7 demands; lone surrogates as escapes."""
    return '"' + _TO_ESCAPE.sub(_escaped, text) + '"'


def escape(text: str) -> str:
    r"""Every UTF-16 unit of `text` as a `\\u` escape, in lower-case digits and without quotes."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return _NAMED.get(character) or escape(character)


def plain(value: Decimal, decimals: int | None = None) -> str:
    """A number without exponent, with exactly `decimals` decimals where given. That must not round the value."""
    if decimals is not None:
        value = value.quantize(Decimal(1).scaleb(-decimals))
    return format(value, "f")


def with_exponent(value: Decimal, shift: int, zeros: int, letter: str) -> str:
    """A number with an exponent: `zeros` zeros after its digits, and a point `shift` digits before their end."""
    sign, digits, exponent = value.normalize().as_tuple()
    text = "".join(map(str, digits)) + "0" * zeros
    power = int(exponent) - zeros + shift
    text = text.rjust(shift + 1, "0")
    whole, fraction = (text[:-shift], "." + text[-shift:]) if shift else (text, "")
    mark = letter.rstrip("+") + ("+" if letter.endswith("+") and power >= 0 else "")
    return f"{'-' if sign else ''}{whole}{fraction}{mark}{power}"


def wrapped(good: str, name: str) -> list[str]:
    """The raw text of a good value, in arrays and objects out of which lenient readers take it."""
    keys = ("0", "value", "id", name)
    return [f"[{good}]", f"[{good},{good}]", *(f'{{"{key}":{good}}}' for key in keys), f"[[{good}]]"]


def near_names(name: str, *others: str) -> list[tuple[str, ...]]:
    """Names that lenient readers take for `name`, by body: snake case, capitals, and all further ones in one body.

    Those are other letter cases, hyphens, plural, a trailing blank, and `others`. What reads one of them finds it there.
    """
    snake = re.sub("([A-Z])", r"_\1", name).lower()
    further = (name[0].upper() + name[1:], name.lower(), snake.replace("_", "-"), name + "s", name + " ", *others)
    alone = [each for each in (snake, name.upper()) if each != name]
    return [*((each,) for each in alone), tuple(each for each in dict.fromkeys(further) if each not in (name, *alone))]


def members(*pairs: tuple[str, str | None]) -> str:
    """A compact JSON object of raw member texts; those that are None are left out. Names are written as they are."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in pairs if text is not None) + "}"


def amount_object(value: str | None, code: str | None) -> str:
    """The object `amount` from the raw texts of its members."""
    return members(("amount", value), ("code", code))


def body(*, store: str | None, trip: str | None = TRIP_TEXT, amount: str | None, extra: str | None = None) -> str:
    """A body in the usual order from raw member texts; None leaves a member out, `extra` adds one with its name."""
    text = members(("storeId", store), ("shoppingTripId", trip), ("amount", amount))
    if extra is None:
        return text
    return text[:-1] + ("," if len(text) > 2 else "") + extra + "}"


@dataclass(frozen=True, slots=True)
class Parts:
    """The raw texts of a good body. A case changes one of them."""

    store: str
    value: str
    code: str

    @property
    def amount(self) -> str:
        """The good object `amount`."""
        return amount_object(self.value, self.code)

    @property
    def good(self) -> str:
        """The good body."""
        return body(store=self.store, amount=self.amount)

    def with_store(self, text: str | None) -> str:
        """The good body, its `storeId` replaced."""
        return body(store=text, amount=self.amount)

    def with_trip(self, text: str | None) -> str:
        """The good body, its `shoppingTripId` replaced."""
        return body(store=self.store, trip=text, amount=self.amount)

    def with_amount(self, text: str | None) -> str:
        """The good body, its object `amount` replaced."""
        return body(store=self.store, amount=text)

    def with_value(self, text: str | None) -> str:
        """The good body, the number in its `amount` replaced."""
        return body(store=self.store, amount=amount_object(text, self.code))

    def with_code(self, text: str | None) -> str:
        """The good body, its `code` replaced."""
        return body(store=self.store, amount=amount_object(self.value, text))

    def renamed(self, member: str, names: tuple[str, ...]) -> str:
        """The good body, a member of its top level under other names."""
        text = {"storeId": self.store, "shoppingTripId": TRIP_TEXT, "amount": self.amount}[member]
        return self.good.replace(f'"{member}":{text}', ",".join(f'"{name}":{text}' for name in names), 1)

    def renamed_in_amount(self, member: str, names: tuple[str, ...]) -> str:
        """The good body, a member of its `amount` under other names."""
        inner = {"amount": self.value, "code": self.code}
        text = inner.pop(member)
        return self.with_amount(members(*inner.items(), *((name, text) for name in names)))

    def with_extra(self, text: str) -> str:
        """The good body and one more member, given as raw text with its name."""
        return body(store=self.store, amount=self.amount, extra=text)


def parts_of(data: TestData, store: str | None = None, currency: str | None = None) -> Parts:
    """The good body for a store and a currency; by default the first of each."""
    currency = currency or data.currency
    value = plain(data.amounts[currency])
    return Parts(quoted(data.store if store is None else store), value, quoted(currency))
