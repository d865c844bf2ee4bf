"""The cases that an expression of `-k` selects: words, and, or, not, parentheses. Must not send."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches

from conformance.cases.model import Case
from conformance.errors import UsageError

Selects = Callable[[Case], bool]
_TOKEN = re.compile(r"[()]|[^\s()]+")


class _Parser:
    """Parses one expression. A word is part of the id of a case; a word with a dot is the id of a requirement."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = [(match[0], match.start() + 1) for match in _TOKEN.finditer(expression)]
        self.words: list[str] = []
        self._next = 0

    def parse(self) -> Selects:
        found = self._any_of()
        if self._next < len(self.tokens):
            self._fail("and, or")
        return found

    def _token(self) -> str:
        return self.tokens[self._next][0] if self._next < len(self.tokens) else ""

    def _accept(self, token: str) -> bool:
        accepted = self._token() == token
        self._next += accepted
        return accepted

    def _any_of(self) -> Selects:
        parts = [self._all_of()]
        while self._accept("or"):
            parts.append(self._all_of())
        return lambda case: any(part(case) for part in parts)

    def _all_of(self) -> Selects:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        return lambda case: all(part(case) for part in parts)

    def _one(self) -> Selects:
        if self._accept("not"):
            inner = self._one()
            return lambda case: not inner(case)
        if self._accept("("):
            inner = self._any_of()
            if not self._accept(")"):
                self._fail("a closing parenthesis")
            return inner
        word = self._token()
        if word in ("", ")", "and", "or"):
            self._fail("a word")
        self._next += 1
        self.words.append(word)
        return lambda case: matches(word, case)

    def _fail(self, expected: str) -> None:
        found, place = self.tokens[self._next] if self._next < len(self.tokens) else ("the end", 0)
        where = f"{found!r} at character {place}" if place else found
        raise UsageError(
            f"-k {self.expression!r}: found {where} where {expected} is expected; for example -k 'store-id or code.pattern'"
        )


def matches(word: str, case: Case) -> bool:
    """Whether a case has the word in its id, or, for a word with a dot, was made for that requirement."""
    return word in case.requirements if "." in word else word.lower() in case.id.lower()


def selected(expression: str, cases: Sequence[Case], requirement_ids: Iterable[str]) -> list[Case]:
    """The selected cases, all of them if the expression is empty. `UsageError` if it is malformed or selects none."""
    if not expression.strip():
        return list(cases)
    parser = _Parser(expression)
    selects = parser.parse()
    if not (found := [case for case in cases if selects(case)]):
        unmatched = [word for word in parser.words if not any(matches(word, case) for case in cases)]
        hints = [_hint(word, cases, [*requirement_ids]) for word in unmatched]
        raise UsageError(f"-k {expression!r} matches no case; {'; '.join(hints) or 'no case fits all of it'}")
    return found


def _hint(word: str, cases: Sequence[Case], requirement_ids: Collection[str]) -> str:
    if word in requirement_ids:
        return f"no case of this depth is made for {word}: it is decided by the responses to other cases"
    names = requirement_ids if "." in word else [case.id for case in cases]
    similar = get_close_matches(word, names, 2)
    return (
        f"{word}: did you mean {' or '.join(similar)}?"
        if similar
        else f"{word}: `capture-conformance list` shows all ids"
    )
