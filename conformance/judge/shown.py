"""Make bytes or text of a target fit to be shown: short, one line, printable ASCII. Must not judge."""

from __future__ import annotations


def shown(value: bytes | str, limit: int = 120) -> str:
    """Give `value` with everything but printable ASCII escaped, cut to `limit` characters, with its full length."""
    head = value[:limit]
    text = head.decode("latin-1") if isinstance(head, bytes) else head
    escaped = "".join(_escape(character) for character in text)
    if len(value) <= limit and len(escaped) <= limit:
        return escaped
    unit = "bytes" if isinstance(value, bytes) else "characters"
    return f"{escaped[:limit]}… ({len(value)} {unit})"


def _escape(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
