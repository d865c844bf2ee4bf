"""Look for internals of a server in an answer's body, by their shape. Must not judge anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from conformance.exchange.content import decoded_body
from conformance.exchange.model import Answer
from conformance.judge.leak_shapes import SHAPES
from conformance.judge.model import Judgement, breaks, holds
from conformance.judge.text import text_of

_LIMIT = 200_000  # bytes that are searched
NEAR = 60  # characters before a match that are shown as context
_ESCAPE = re.compile(r'\\(?:([nrt])|(["/\\])|u(00[0-7][0-9a-fA-F]))')
_CONTROLS = {"n": "\n", "r": "\n", "t": "\t"}


def judge_leak(answer: Answer) -> list[Judgement]:
    """Judge whether the body reveals internals of the server. No judgement on an empty body."""
    body = decoded_body(answer)
    return [_judge_body(body[:_LIMIT])] if body else []


@lru_cache(16)
def _judge_body(body: bytes) -> Judgement:
    """Judge one body. Cached, since most answers of a run share a few bodies."""
    for text in _readings(body.decode("utf-8", "replace")):
        for kind, pattern in _patterns():
            match = pattern.search(text)
            if match is not None:
                received = f"{kind}: {text_of(text[_beginning(text, match.start()) :])}"
                return breaks("answer.no-leak", at="body", expected="no internals of the server", received=received)
    return holds("answer.no-leak")


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """All shapes, compiled when the first body is judged."""
    return tuple((kind, re.compile(shape)) for kind, shapes in SHAPES.items() for shape in shapes)


def _beginning(text: str, at: int) -> int:
    """Where the shown text begins: at the match's line or, if that is far before, after a blank or a quote.

    Never within a word, since its first half could be part of a secret.
    """
    line = text.rfind("\n", 0, at) + 1
    near = max(text.rfind(mark, 0, max(0, at - NEAR)) for mark in ' "')
    return line if at - line <= 2 * NEAR else max(line, near + 1)


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and with JSON escapes decoded twice, since a string in it may contain JSON itself."""
    yield text
    plain = _ESCAPE.sub(_unescaped, _ESCAPE.sub(_unescaped, text))
    if plain != text:
        yield plain


def _unescaped(match: re.Match[str]) -> str:
    control, mark, code = match.groups()
    return chr(int(code, 16)) if code else mark or _CONTROLS[control]
