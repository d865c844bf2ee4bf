"""Read the body of an answer strictly: content coding, UTF-8, RFC 8259. Must not judge.

Not `json.loads`: that accepts NaN, and fails at deep nesting and at numbers of many digits, which are valid JSON.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from conformance.json_text import NotJson, Text, read_json

from .model import Answer
from .wire import CONTENT_CAP


class NotJsonError(ValueError):
    """The bytes are not a JSON text; the message says why."""


def codings(answer: Answer) -> list[str]:
    """Give the content codings of the answer in lower case, without identity."""
    listed = [part.strip().lower() for value in answer.values("Content-Encoding") for part in value.split(",")]
    return [coding for coding in listed if coding not in {"", "identity"}]


def decoded_body(answer: Answer) -> bytes:
    """Give the body without gzip or deflate; unchanged where the coding is another, unpacking fails or it was cut."""
    plain = _unpacked(answer)
    return answer.body if plain is None else plain


def falsely_coded(answer: Answer) -> bool:
    """Whether the body is labelled with gzip or deflate and cannot be unpacked (RFC 9110 section 8.4)."""
    return _unpacked(answer) is None


def is_cut(answer: Answer) -> bool:
    """Whether the suite kept only the beginning of the content."""
    return max(len(answer.body), len(decoded_body(answer))) >= CONTENT_CAP


def _unpacked(answer: Answer) -> bytes | None:
    listed = codings(answer)
    if len(listed) != 1 or listed[0] not in {"gzip", "x-gzip", "deflate"} or not answer.body or answer.cut:
        return answer.body
    try:
        unpacker = zlib.decompressobj(47)
        plain = unpacker.decompress(answer.body, CONTENT_CAP)
    except zlib.error:
        return None
    if not (unpacker.eof or unpacker.unconsumed_tail or len(answer.body) >= CONTENT_CAP):
        return None
    return plain + unpacker.unused_data


def parse_json(body: bytes) -> Text:
    """Parse strictly. Short bodies are cached, since most answers share a few of them. Raises `NotJsonError`."""
    return (_cached if len(body) < CACHED else _parse)(body)


def _parse(body: bytes) -> Text:
    if body.startswith(b"\xef\xbb\xbf"):
        raise NotJsonError("a byte order mark")
    try:
        text = read_json(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NotJsonError(f"not UTF-8 at byte {error.start}") from None
    except NotJson as error:
        raise NotJsonError(f"not JSON from {error} on") from None
    if text.lenient:
        raise NotJsonError("a comment, a trailing comma or single quotes")
    if text.bare:
        raise NotJsonError("NaN or an infinity")
    return text


CACHED = 16_384
"""Bytes below which a body is cached: as values, a long one may take a hundred times its length."""
_cached = lru_cache(16)(_parse)
