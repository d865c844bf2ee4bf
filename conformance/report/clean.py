"""Make any text safe to show in a report: remove secrets, escape control characters, and cut it, in this order."""

from __future__ import annotations

from conformance.redact import Redactor, visible

CUT = "…"
REDACTED_BYTES = 65_536
"""Bytes of a message that are redacted. Far fewer are shown, so that no part of a secret is."""


class Cleaner:
    """Prepares texts of a target to be shown. No other code does this."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def __call__(self, text: str, limit: int = 0) -> str:
        """`text` as a report may print it, cut after `limit` characters; 0 for no limit."""
        safe = visible(self.redactor(text))
        return f"{safe[:limit]}{CUT}" if 0 < limit < len(safe) else safe

    def line(self, text: str, limit: int) -> str:
        """`text` in one line, cut after `limit` characters."""
        return self(" ".join(text.split("\n")), limit)

    def content(self, body: bytes, limit: int) -> str:
        """The beginning of a message as text. If it is cut, its full length follows."""
        text = self.redactor.redact_bytes(body[:REDACTED_BYTES]).decode("utf-8", "backslashreplace")
        safe = self(text, limit)
        return f"{safe} ({len(body)} bytes in all)" if len(text) > limit or len(body) > REDACTED_BYTES else safe
