"""Hide secrets and make foreign text harmless to show. Pure: must not read the environment or a file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from conformance.exchange.model import Headers

SECRET_HEADERS = frozenset(
    [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-amz-security-token",
    ]
)
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff{_BIDI}]")


def visible(text: str) -> str:
    """`text` with control characters (tab and line feed excepted), surrogates, non-characters and bidi marks escaped."""

    def escape(match: re.Match[str]) -> str:
        point = ord(match[0])
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"

    return _UNSAFE.sub(escape, text)


def _base64_core(secret: bytes, shift: int) -> str:
    """The part of a base64 text that depends on `secret` alone, when it begins `shift` bytes into a group of three."""
    encoded = base64.b64encode(b"\0" * shift + secret).decode()
    first = (0, 2, 3)[shift]
    last = (len(secret) + shift) * 8 // 6
    return encoded[first:last]


def encodings(secret: str) -> set[str]:
    """Every form in which `secret` may occur in a text; never the empty string."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {secret, quote(raw, safe=""), quote(raw), quote_plus(raw), raw.decode("latin-1"), raw.hex()}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], visible(secret)}
    forms |= {json.dumps(secret)[1:-1].replace("/", "\\/"), "".join(f"\\u{ord(char):04x}" for char in secret)}
    for shift in range(3):
        core = _base64_core(raw, shift)
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return {form for form in forms if form}


class Redactor:
    """Replaces secrets by stars of the same length in bytes of UTF-8."""

    __slots__ = ("_pattern",)

    def __init__(self, secrets: tuple[str, ...]) -> None:
        forms = {form for secret in secrets if secret for form in encodings(secret)}
        longest = sorted(forms, key=lambda form: (-len(form), form))
        alternatives = "|".join(re.escape(form) for form in longest)
        # Hexadecimal and percent forms come in either case of their digits, hence no heed to case.
        self._pattern: re.Pattern[str] | None = re.compile(alternatives, re.IGNORECASE) if forms else None

    def __call__(self, text: str) -> str:
        """`text` without any secret."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: "*" * len(match[0].encode("utf-8", "surrogatepass")), text)

    def redact_headers(self, headers: Headers) -> Headers:
        """`headers` without secrets, by value, and by name where the field is known to carry one."""
        return redact_headers(headers, self)


def redact_headers(headers: Headers, redactor: Callable[[str], str] = lambda text: text) -> Headers:
    """`headers` with the values of secret-bearing fields starred, the others passed through `redactor`."""
    return tuple(
        (name, "*" * len(value) if name.lower() in SECRET_HEADERS else redactor(value)) for name, value in headers
    )
