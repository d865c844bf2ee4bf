"""What of a profile is secret: values from the environment, and entries of the file that are named like one. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "***"
SHORTEST_SECRET = 8  # characters; shorter ones would be masked all over the report
_SECRET_NAME = re.compile(r"auth|token|key|secret|pass|cookie|credential|signature|session", re.IGNORECASE)
_VARIABLES = {"bearer": ("token_env",), "basic": ("user_env", "password_env"), "api-key": ("key_env",)}


def variables(auth: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    """Key, name of the environment variable, and whether its value is secret, for an `[auth]` table as read."""
    kind = auth.get("kind")
    keys = _VARIABLES.get(kind, ()) if isinstance(kind, str) else ()
    return [(key, auth.get(key), key != "user_env") for key in keys]


def basic(user: str, password: str) -> str:
    """Credentials as RFC 7617 spells them, in UTF-8."""
    return b64encode(f"{user}:{password}".encode()).decode("ascii")


def without_user(url: str) -> str:
    """`url` with the user and password before its host masked."""
    return re.sub(r"//[^/?#]*@", f"//{MASK}@", url)


def masked(value: Any, name: str = "") -> Any:
    """`value` of a profile with everything masked that stands in headers or bodies under the name of a secret."""
    if isinstance(value, dict):
        free = name in ("headers", "json", "body")
        return {
            key: MASK if free and _SECRET_NAME.search(key) else masked(inner, name if free else key)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    return without_user(value) if name in ("url", "proxy") and isinstance(value, str) else value


def secret_values(raw: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The true values of all secrets of a checked profile, each form in which they are sent."""
    auth: Mapping[str, Any] = raw.get("auth", {})
    values = [environ[name] for _, name, secret in variables(auth) if secret]
    if auth.get("kind") == "basic":
        values.append(basic(*(environ[name] for _, name, _ in variables(auth))))
    values += [text for text in _named(raw, "") if len(text) >= SHORTEST_SECRET and "${unique}" not in text]
    return tuple(dict.fromkeys(values))


def _named(value: Any, name: str) -> Iterator[str]:
    """Texts that `masked` would hide."""
    if isinstance(value, dict):
        free = name in ("headers", "json", "body")
        for key, inner in value.items():
            if free and _SECRET_NAME.search(key):
                yield from [inner] if isinstance(inner, str) else []
            else:
                yield from _named(inner, name if free else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, name)
