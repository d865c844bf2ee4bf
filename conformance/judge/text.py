"""What was received, as text up to a generous limit. The report redacts, escapes and shortens it."""

from __future__ import annotations

MOST = 16_384
"""Characters of one text that a judgement keeps; a report shows far less."""


def text_of(value: bytes | str) -> str:
    """`value` as text; bytes that are not UTF-8 as escapes."""
    return value[:MOST].decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value[:MOST]
