"""Look for traces of the inside of a server in an answer's body, by their shape. Must not judge anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from conformance.exchange.model import Answer
from conformance.judge.json_body import decoded_body
from conformance.judge.leak_shapes import SHAPES
from conformance.judge.model import Judgement, breaks, holds
from conformance.judge.shown import shown

_LIMIT = 200_000  # bytes that are looked at
_PATTERNS = tuple((kind, re.compile(shape)) for kind, shapes in SHAPES.items() for shape in shapes)
_ESCAPE = re.compile(r'\\(?:([nrt])|(["/\\])|u(00[0-7][0-9a-fA-F]))')
_CONTROLS = {"n": "\n", "r": "\n", "t": "\t"}


def judge_leak(answer: Answer) -> list[Judgement]:
    """Judge whether the body shows something of the server's inside; says nothing about an empty body."""
    body = decoded_body(answer)
    return [_judge_body(body[:_LIMIT])] if body else []


@lru_cache(16)
def _judge_body(body: bytes) -> Judgement:
    """Judge one body; most answers of a run have one of few."""
    for text in _readings(body.decode("utf-8", "replace")):
        for kind, pattern in _PATTERNS:
            match = pattern.search(text)
            if match is not None:
                received = f"{kind}: {shown(text[max(0, match.start() - 20) : match.end() + 40])}"
                return breaks("answer.no-leak", at="body", expected="nothing of the server's inside", received=received)
    return holds("answer.no-leak")


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and without the escapes of JSON; twice, since a string of it may hold JSON in turn."""
    yield text
    plain = _ESCAPE.sub(_unescaped, _ESCAPE.sub(_unescaped, text))
    if plain != text:
        yield plain


def _unescaped(match: re.Match[str]) -> str:
    control, mark, code = match.groups()
    return chr(int(code, 16)) if code else mark or _CONTROLS[control]
