"""Small checks of values that several parts of a profile share. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from conformance.profile.secrets import without_user

VALUE = re.compile(r"[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?")
"""The value of a header field."""


def is_field_value(text: str) -> bool:
    """Whether `text` can be the value of a header field."""
    return VALUE.fullmatch(text) is not None


def table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The table under `key`, or an empty table if there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def loopback(url: Any) -> bool:
    """Whether the URL names this machine. Decided by the text alone: no name is looked up."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except (ValueError, TypeError, AttributeError):
        return False


def url_problem(url: str, example: str) -> str:
    """What is wrong with a URL; empty if nothing is."""
    shown = repr(without_user(url).split("?")[0])
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"found {shown}; not a URL; write {example}"
    if parts.scheme not in ("http", "https") or not host:
        return f"found {shown}; write a URL that begins with http:// or https://, such as {example}"
    if parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        return f"found {shown}; it must not contain a user, a space or a character outside ASCII"
    return ""
