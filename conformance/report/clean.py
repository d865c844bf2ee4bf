"""Make any text fit for a report: without secrets, with nothing in it that does something, and cut, in this order."""

from __future__ import annotations

from conformance.redact import Redactor, visible

CUT = "…"
LOOKED_AT = 65_536
"""Bytes of a message that are redacted; what is shown of it ends long before, so that no secret is shown in part."""


class Cleaner:
    """The one place where texts of a target are prepared to be shown."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self.redactor = Redactor(secrets)

    def __call__(self, text: str, most: int = 0) -> str:
        """`text` as a report may print it, of at most so many characters; 0 for all of it."""
        shown = visible(self.redactor(text))
        return f"{shown[:most]}{CUT}" if 0 < most < len(shown) else shown

    def line(self, text: str, most: int) -> str:
        """`text` in one line."""
        return self(" ".join(text.split("\n")), most)

    def content(self, body: bytes, most: int) -> str:
        """The beginning of a message as text; where it is cut, its full length follows."""
        text = self.redactor.redact_bytes(body[:LOOKED_AT]).decode("utf-8", "backslashreplace")
        shown = self(text, most)
        return f"{shown} ({len(body)} bytes in all)" if len(text) > most or len(body) > LOOKED_AT else shown
