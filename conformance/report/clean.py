"""Make any text fit for a report: no secret in it, nor a piece of one before a cut, and nothing that does something."""

from __future__ import annotations

from conformance.report.redact import Redactor, encodings, visible

CUT = "…"
"""Stands where the suite cut a text short, be it a judge or the report."""
PIECE = 4
"""Characters of a secret before a cut that are still hidden."""


class Cleaner:
    """Redacts, then makes visible: in this order, since what is made visible no longer looks like the secret."""

    __slots__ = ("_forms", "redactor")

    def __init__(self, secrets: tuple[str, ...]) -> None:
        told = {form for secret in secrets for form in (secret, *_as_judges_show(secret)) if form}
        self.redactor = Redactor(tuple(sorted(told)))
        self._forms = sorted({form.lower() for secret in told for form in encodings(secret)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` as a report may print it."""
        return visible(self.hidden(text))

    def hidden(self, text: str) -> str:
        """`text` with stars for every secret and for the beginning of one that a cut left over."""
        text = self.redactor(text)
        if not self._forms or CUT not in text:
            return text
        *parts, last = text.split(CUT)
        return CUT.join([*(self._without_piece(part) for part in parts), last])

    def cut(self, content: bytes, limit: int) -> str:
        """The first `limit` bytes of `content` as text, without secrets; a mark and the full length where it is cut."""
        text = self.hidden(content[:limit].decode("utf-8", "backslashreplace") + (CUT if len(content) > limit else ""))
        return f"{text} ({len(content)} bytes in all)" if len(content) > limit else text

    def _without_piece(self, part: str) -> str:
        tail = part.lower()
        longest = max((_overlap(tail, form) for form in self._forms), default=0)
        return part[: len(part) - longest] + "*" * longest if longest else part


def _overlap(text: str, form: str) -> int:
    """How many characters at the end of `text` are the beginning of `form`; 0 below `PIECE`."""
    for length in range(min(len(form), len(text)), PIECE - 1, -1):
        if text.endswith(form[:length]):
            return length
    return 0


def _as_judges_show(secret: str) -> tuple[str, str]:
    r"""`secret` with everything but printable ASCII as `\\x` escapes of its characters, and of its bytes."""
    return tuple(
        "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in text)
        for text in (secret, secret.encode("utf-8", "surrogatepass").decode("latin-1"))
    )  # type: ignore[return-value]
