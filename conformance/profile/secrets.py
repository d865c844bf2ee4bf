"""The secrets of a profile: values from the environment, and entries of the file with the name of a secret. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "***"
_SECRET_NAME = re.compile(r"auth|token|key|secret|pass|cookie|credential|signature|session", re.IGNORECASE)
_VARIABLES = {
    "bearer": ("token_env",),
    "basic": ("user_env", "password_env"),
    "api-key": ("key_env",),
    "oauth2": ("client_id_env", "client_secret_env"),
}
NOT_SECRET = ("user_env", "client_id_env")


def variables(auth: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    """For an `[auth]` table as read: each key, the environment variable it names, and whether its value is secret."""
    kind = auth.get("kind")
    keys = _VARIABLES.get(kind, ()) if isinstance(kind, str) else ()
    return [(key, auth.get(key), key not in NOT_SECRET) for key in keys]


def basic(user: str, password: str) -> str:
    """Credentials as RFC 7617 spells them, in UTF-8."""
    return b64encode(f"{user}:{password}".encode()).decode("ascii")


def without_user(url: str) -> str:
    """`url` with the user and password before its host masked."""
    return re.sub(r"//[^/?#]*@", f"//{MASK}@", url)


def masked(value: Any, name: str = "") -> Any:
    """`value` of a profile, with each entry of headers or bodies masked that has the name of a secret."""
    if isinstance(value, dict):
        user_named = name in ("headers", "json", "body")
        return {
            key: MASK if user_named and _SECRET_NAME.search(key) else masked(inner, name if user_named else key)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    return without_user(value) if name in ("url", "proxy") and isinstance(value, str) else value


def secret_values(raw: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of all secrets of a checked profile, in each form in which they are sent."""
    auth: Mapping[str, Any] = raw.get("auth", {})
    values = [environ[name] for _, name, secret in variables(auth) if secret]
    if auth.get("kind") in ("basic", "oauth2"):
        values.append(basic(*(environ[name] for _, name, _ in variables(auth))))
    if key_password := raw["target"].get("client_key_password_env"):
        values.append(environ[key_password])
    values += [text for text in _secret_texts(raw, "") if "${unique}" not in text]
    return tuple(dict.fromkeys(values))


def _secret_texts(value: Any, name: str) -> Iterator[str]:
    """The texts that `masked` hides."""
    if isinstance(value, dict):
        user_named = name in ("headers", "json", "body")
        for key, inner in value.items():
            if user_named and _SECRET_NAME.search(key):
                yield from [inner] if isinstance(inner, str) else []
            else:
                yield from _secret_texts(inner, name if user_named else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_texts(inner, name)
