"""Read the text of a JSON body by RFC 8259, as written: numbers stay text, repeated names stay, depth costs no stack.

Besides JSON it reads what RFC 8259 section 9 lets a lenient parser take, and marks it. It must not judge what it reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias


class NotJson(ValueError):
    """Not even a lenient parser reads this text as JSON; the message names the character at which reading stopped."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class NotFinite:
    """A bare `NaN`, `Infinity` or `-Infinity`, which JSON does not have."""

    text: str


@dataclass(frozen=True, slots=True)
class InvalidText:
    """A string that contains bytes that are not UTF-8; U+DC80 to U+DCFF represent them in `text`."""

    text: str


@dataclass(slots=True, eq=False)
class Array:
    """An array, with its items in order."""

    items: list[Value] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Object:
    """An object, with its members in order, repeated names included."""

    members: list[tuple[str | InvalidText, Value]] = field(default_factory=list)

    def by_name(self) -> dict[str, Value]:
        """The members by name; of a repeated name, the last."""
        return {name: value for name, value in self.members if isinstance(name, str)}


Value: TypeAlias = "bool | str | Number | NotFinite | InvalidText | Array | Object | None"


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """What was read.

    `lenient`: the text has a comment, a trailing comma or single quotes, so it is not JSON. `bare`: it has a NaN or an
    infinity. `depth`: the most arrays and objects that are nested in each other. `escaped`: a string has a backslash.
    `spaced`: there are blanks between tokens. `repeated`: the first name that an object has twice.
    """

    value: Value
    lenient: bool
    bare: bool
    depth: int
    escaped: bool
    spaced: bool
    repeated: str | None


_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
    | (?P<single>'(?:[^'\\\x00-\x1f]|\\(?:["'\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<bare>NaN|-?Infinity)
    | (?P<word>true|false|null)
    | (?P<mark>[\[\]{}:,])
    | (?P<blank>[\ \t\n\r]+)
    | (?P<comment>(?://|\#)[^\n\r]*|/\*(?s:.*?)\*/)
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_INVALID = re.compile("[\udc80-\udcff]")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_Wanted = Literal["value", "first-value", "name", "first-name", "colon", "more", "end"]


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _LETTERS.get(match[2], match[2])


def _joined(match: re.Match[str]) -> str:
    return match[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _string(raw: str) -> str | InvalidText:
    text = raw[1:-1]
    broken = _INVALID.search(text) is not None
    if "\\" in text:
        text = _SURROGATES.sub(_joined, _ESCAPE.sub(_character, text)) if not broken else _ESCAPE.sub(_character, text)
    return InvalidText(text) if broken else text


class _Reader:
    """The state while reading a text: the arrays and objects that are open, and what may come next."""

    def __init__(self) -> None:
        self.wanted: _Wanted = "value"
        self.open: list[Array | Object] = []
        self.names: list[str | InvalidText] = []
        self.known: list[set[str | InvalidText] | None] = []  # from the second name of an object on
        self.repeated: str | None = None
        self.top: Value = None
        self.depth = 0
        self.lenient = self.bare = self.escaped = self.spaced = False

    def token(self, kind: str, raw: str) -> bool:
        """Take one token; False if it is not possible here."""
        if kind == "blank":
            self.spaced = True
            return True
        if kind == "comment":
            self.lenient = True
            return True
        if kind == "mark":
            return self._mark(raw)
        if kind in {"string", "single"}:
            self.lenient = self.lenient or kind == "single"
            self.escaped = self.escaped or "\\" in raw
            return self._text(_string(raw))
        if kind == "number":
            return self._value(Number(raw))
        self.bare = self.bare or kind == "bare"
        return self._value(NotFinite(raw) if kind == "bare" else _WORDS[raw])

    def _text(self, text: str | InvalidText) -> bool:
        if self.wanted in {"name", "first-name"}:
            self._note_repeated(text)
            self.names.append(text)
            self.wanted = "colon"
            return True
        return self._value(text)

    def _note_repeated(self, name: str | InvalidText) -> None:
        """Note the name if the object has it already. Most objects of deeply nested texts have one name and need no set."""
        assert isinstance(self.open[-1], Object)
        if not self.open[-1].members:
            return
        if (known := self.known[-1]) is None:
            known = self.known[-1] = {earlier for earlier, _ in self.open[-1].members}
        if name in known and isinstance(name, str):
            self.repeated = self.repeated or name
        known.add(name)

    def _value(self, value: Value) -> bool:
        if self.wanted not in {"value", "first-value"}:
            return False
        if not self.open:
            self.top = value
        elif isinstance(self.open[-1], Array):
            self.open[-1].items.append(value)
        else:
            self.open[-1].members.append((self.names.pop(), value))
        self.wanted = "more" if self.open else "end"
        return True

    def _mark(self, mark: str) -> bool:
        if mark in "[{":
            return self._begin(Array() if mark == "[" else Object())
        if mark in "]}":
            return self._finish(Array if mark == "]" else Object)
        if mark == ":" and self.wanted == "colon":
            self.wanted = "value"
            return True
        if mark == "," and self.wanted == "more":
            self.wanted = "value" if isinstance(self.open[-1], Array) else "name"
            return True
        return False

    def _begin(self, value: Array | Object) -> bool:
        if not self._value(value):
            return False
        self.open.append(value)
        self.known.append(None)
        self.depth = max(self.depth, len(self.open))
        self.wanted = "first-value" if isinstance(value, Array) else "first-name"
        return True

    def _finish(self, kind: type[Array | Object]) -> bool:
        if not self.open or not isinstance(self.open[-1], kind):
            return False
        trailing = self.wanted == "name" or (self.wanted == "value" and kind is Array)
        if not trailing and self.wanted not in {"more", "first-value", "first-name"}:
            return False
        self.lenient = self.lenient or trailing
        self.open.pop()
        self.known.pop()
        self.wanted = "more" if self.open else "end"
        return True


def read_json(text: str) -> Text:
    """Read `text` (bytes decoded with `surrogateescape`). Raises `NotJson` if no lenient parser could read it."""
    reader = _Reader()
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or not reader.token(match.lastgroup or "", match[0]):
            del reader  # which may be large, and which the error would keep
            raise NotJson(f"character {at}")
        at = match.end()
    if reader.wanted != "end":
        del reader
        raise NotJson(f"character {at}")
    return Text(reader.top, reader.lenient, reader.bare, reader.depth, reader.escaped, reader.spaced, reader.repeated)
