"""Hide secrets and make text of a target safe to show. Pure: must not read the environment or a file."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

Headers = tuple[tuple[str, str], ...]
CREDENTIAL_FIELDS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token", "x-amz-security-token"}
)
SECRET_HEADERS = CREDENTIAL_FIELDS | {"set-cookie"}
_SECRET_LINES = re.compile(rb"(?im)^((?:%s)[ \t]*:[ \t]*)([^\r\n]+)" % "|".join(SECRET_HEADERS).encode())
_SIGNATURE = re.compile("[0-9a-fA-F]{64,}")
_SIGNATURE_BYTES = re.compile(_SIGNATURE.pattern.encode())
SIGNATURE_LENGTH = 64
SHORTEST_SECRET = 8
"""Characters from which a secret is hidden anywhere. A shorter one occurs by chance, and is hidden only as a value."""
_ALONE = r"(?:(?<![^\n])|(?<=[\"'=:&])|(?<=[:=] )|(?<=Bearer )|(?<=Basic ))(?:%s)(?=[\"'&;,\r\n]|\Z)"
"""A whole value: in quotes, after the name of a field or parameter, after a scheme of authentication, or a whole line."""
_MEMBERS = (
    r'("(?:NAMES)"\s*:\s*")((?:[^"\\]|\\.)*)("|\Z)',
    r'(\\"(?:NAMES)\\"\s*:\s*\\")(.*?)(\\"|\Z)',
    r'(\\?"(?:NAMES)\\?"\s*:\s*)([^"\\\s,\]}\[{]+)()',
)
"""A member with a text, in JSON and in JSON within a text, and one with a number; the value may be cut off."""
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff{_BIDI}]")


def visible(text: str) -> str:
    """`text` with control characters (tab and line feed excepted), surrogates, non-characters and bidi marks escaped."""

    def escape(match: re.Match[str]) -> str:
        point = ord(match[0])
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"

    return _UNSAFE.sub(escape, text)


def as_json(value: Any) -> bytes:
    """A value as JSON in UTF-8, on one line without blanks. The characters that `visible` escapes are escaped as in JSON."""
    text = _encode(value)
    if not text.isascii() or "\x7f" in text:
        text = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text.encode()


_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, ensure_ascii=False).encode


def _base64_core(secret: bytes, shift: int) -> str:
    """The part of a base64 text that depends only on `secret`, if the secret starts `shift` bytes into a group of three."""
    encoded = base64.b64encode(b"\0" * shift + secret).decode()
    first = (0, 2, 3)[shift]
    last = (len(secret) + shift) * 8 // 6
    return encoded[first:last]


def encodings(secret: str) -> set[str]:
    """All forms in which `secret` may occur in a text, without the empty string."""
    raw = secret.encode("utf-8", "surrogatepass")
    plain, escaped = json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]
    forms = {
        secret,
        plain,
        escaped,
        raw.decode("latin-1"),
        visible(secret),
        "".join(f"\\u{ord(c):04x}" for c in secret),
    }
    forms |= {form.replace("/", "\\/") for form in (plain, escaped)}
    forms |= {quote(raw, safe=""), quote(raw), quote_plus(raw), raw.hex(), "".join(f"%{byte:02X}" for byte in raw)}
    for shift in range(3):
        core = _base64_core(raw, shift)
        forms |= {core, core.replace("+", "-").replace("/", "_"), quote(core, safe=""), core.replace("/", "\\/")}
    return {form for form in forms if form}


def _byte_encodings(secret: str) -> set[bytes]:
    """All forms in which `secret` may occur in bytes."""
    forms = {form.encode("utf-8", "surrogatepass") for form in encodings(secret)}
    wide = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    forms |= {secret.encode(coding, "surrogatepass") for coding in wide}
    return forms | ({secret.encode("latin-1")} if all(ord(char) < 0x100 for char in secret) else set())


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


class Redactor:
    """Replaces each secret by as many stars as it has bytes (in UTF-8, for a text)."""

    __slots__ = (
        "_alone",
        "_alone_bytes",
        "_attributes",
        "_bytes",
        "_bytes_pattern",
        "_lock",
        "_secrets",
        "_signatures",
        "_texts",
        "_texts_pattern",
    )

    def __init__(self, secrets: tuple[str, ...], attributes: Iterable[str] = ()) -> None:
        """`attributes`: names of JSON members whose text or number is hidden."""
        names = "|".join(map(re.escape, attributes))
        self._attributes = tuple(
            re.compile(pattern.replace("NAMES", names).encode("utf-8", "surrogatepass"), re.IGNORECASE | re.DOTALL)
            for pattern in (_MEMBERS if names else ())
        )
        self._lock = threading.Lock()
        self._signatures: set[str] = set()
        self._use(tuple(secret for secret in secrets if secret))

    def learn(self, *secrets: str) -> None:
        """Replace these secrets too, from now on. May be called while other threads redact."""
        with self._lock:
            if new := tuple(secret for secret in dict.fromkeys(secrets) if secret not in self._secrets):
                self._use(self._secrets + new)

    def learn_signature(self, signature: str) -> None:
        """Replace this signature of one request too: 64 hexadecimal digits. Quick, however many there are."""
        self._signatures.add(signature)

    def _use(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets
        short = sorted((secret for secret in secrets if len(secret) < SHORTEST_SECRET), key=len, reverse=True)
        alone = _ALONE % "|".join(map(re.escape, short)) if short else ""
        self._alone = re.compile(alone) if short else None
        self._alone_bytes = re.compile(alone.encode("utf-8", "surrogatepass")) if short else None
        secrets = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)
        texts = sorted({form for secret in secrets for form in encodings(secret)}, key=lambda form: (-len(form), form))
        raw = sorted(
            {form for secret in secrets for form in _byte_encodings(secret)}, key=lambda form: (-len(form), form)
        )
        # Case is ignored because hexadecimal and percent encodings may use digits of either case.
        self._texts_pattern = re.compile("|".join(map(re.escape, texts)), re.IGNORECASE)
        self._bytes_pattern = re.compile(b"|".join(map(re.escape, raw)), re.IGNORECASE)
        # Searching for each form is much faster than one pattern for all forms, and most texts contain none.
        self._texts = tuple({form.lower() for form in texts})
        self._bytes = tuple({form.lower() for form in raw})

    def __call__(self, text: str) -> str:
        """`text` without any secret."""
        if self._signatures:
            text = _SIGNATURE.sub(lambda found: self._without_signatures(found[0]), text)
        if self._attributes:
            text = self._without_members(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        if self._alone is not None:
            text = self._alone.sub(lambda found: "*" * _size(found[0]), text)
        return self._long(text)

    def _long(self, text: str) -> str:
        """`text` without any secret that is hidden anywhere."""
        if not self._texts:
            return text
        lowered = text.lower()
        if not any(form in lowered for form in self._texts):
            return text
        return self._texts_pattern.sub(lambda match: "*" * _size(match[0]), text)

    def _without_signatures(self, digits: str) -> str:
        """Hexadecimal digits without signatures, which may begin at any of them: the D of %3D is a digit too."""
        at = 0
        while at <= len(digits) - SIGNATURE_LENGTH:
            end = at + SIGNATURE_LENGTH
            if digits[at:end].lower() in self._signatures:
                digits, at = digits[:at] + "*" * SIGNATURE_LENGTH + digits[end:], end
            else:
                at += 1
        return digits

    def _without_members(self, data: bytes) -> bytes:
        """`data` with the values of the secret members replaced by stars."""
        for pattern in self._attributes:
            data = pattern.sub(lambda found: found[1] + b"*" * len(found[2]) + found[3], data)
        return data

    def redact_bytes(self, data: bytes, *, cut: bool = False) -> bytes:
        """`data` without any secret, of the same length. `cut`: it may end within a secret."""
        data = self._whole_secrets(data)
        if not cut:
            return data
        end = data[-max(map(len, self._bytes), default=0) :].lower()
        found = (
            size
            for form in self._bytes
            for size in range(len(form) - 1, SHORTEST_SECRET - 1, -1)
            if end.endswith(form[:size])
        )
        hidden = max(found, default=0)
        return data[: len(data) - hidden] + b"*" * hidden

    def _whole_secrets(self, data: bytes) -> bytes:
        data = self._without_members(data)
        if self._signatures:
            data = _SIGNATURE_BYTES.sub(lambda found: self._without_signatures(found[0].decode()).encode(), data)
        if self._alone_bytes is not None:
            data = self._alone_bytes.sub(lambda found: b"*" * len(found[0]), data)
        if not self._bytes:
            return data
        lowered = data.lower()
        if not any(form in lowered for form in self._bytes):
            return data
        return self._bytes_pattern.sub(lambda match: b"*" * len(match[0]), data)

    def redact_answer(self, raw: bytes, *, cut: bool = False) -> bytes:
        """The raw bytes of an answer without secrets: known values anywhere, and header fields known to carry one."""
        head, blank, body = raw.partition(b"\r\n\r\n")
        head = _SECRET_LINES.sub(lambda match: match[1] + b"*" * len(match[2]), head)
        return self.redact_bytes(head + blank + body, cut=cut)

    def redact_headers(self, headers: Headers) -> Headers:
        """`headers` without secrets: known values, and fields known to carry one."""
        return redact_headers(headers, self)

    def redact_json(self, value: Any) -> Any:
        """The same JSON value with every text redacted; names of members are redacted of long secrets only."""
        if not (self._texts or self._alone is not None or self._signatures or self._attributes):
            return value
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {self._long(key): self.redact_json(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_json(item) for item in value]
        return value


def redact_headers(headers: Headers, redactor: Callable[[str], str] = lambda text: text) -> Headers:
    """`headers` with secret fields replaced by stars and all other texts passed through `redactor`."""
    return tuple(
        (redactor(name), "*" * len(value) if name.lower() in SECRET_HEADERS else redactor(value))
        for name, value in headers
    )
