"""Checks of `[auth]` and of certificates: variables that are not set, files that cannot be read, missing libraries.

Never shows a secret. Sends nothing.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from conformance.profile.secrets import MASK, variables
from conformance.profile.values import VALUE, loopback, table, url_problem

LIBRARIES = {"sigv4": ("botocore", "aws"), "oauth2": ("authlib", "oauth2")}
"""For a kind of authentication: the library that it needs, and the extra of this package that installs it."""


def auth_problems(raw: dict[str, Any], environ: Mapping[str, str] | None) -> Iterator[str]:
    """Problems of credentials. `environ` is None for a command that sends nothing and needs no secret."""
    if environ is not None:
        yield from _library(table(raw, "auth"))
        yield from _credentials(table(raw, "auth"), environ)
    yield from _token_url(table(raw, "auth"))
    yield from _certificates(table(raw, "target"), environ)


def _library(auth: dict[str, Any]) -> Iterator[str]:
    kind = auth.get("kind")
    library, extra = LIBRARIES.get(kind, ("", "")) if isinstance(kind, str) else ("", "")
    if library and find_spec(library) is None:
        yield (
            f"auth.kind: found {kind!r}, which needs {library}, and {library} is not installed; install it with: "
            f"pip install 'capture-charge-conformance[{extra}]'"
        )


def _credentials(auth: dict[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    for key, name, _ in variables(auth):
        if isinstance(name, str):
            in_field = auth.get("kind") not in ("basic", "oauth2")
            yield from _variable(f"auth.{key}", name, environ, in_field=in_field)
            if key == "user_env" and ":" in environ.get(name, ""):
                yield (
                    f"auth.{key}: the value of {_name_or_mask(name)} contains a colon, "
                    "which RFC 7617 does not allow in a user name"
                )


def _variable(key: str, name: str, environ: Mapping[str, str], *, in_field: bool) -> Iterator[str]:
    """What is wrong with an environment variable that the profile names. `in_field`: its value is a field value."""
    value = environ.get(name)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
        yield f"{key}: found {MASK}; write the name of an environment variable, never the secret itself"
    elif not value:
        yield f"{key}: environment variable {_name_or_mask(name)} is not set; export it"
    elif not value.isprintable() or (in_field and not VALUE.fullmatch(value)):
        yield (
            f"{key}: the value of {_name_or_mask(name)} has characters that are not allowed in a header field, "
            "such as a line break"
        )


def _name_or_mask(name: str) -> str:
    """The name as found, or a mask if it looks like a secret written in place of a name."""
    return repr(name) if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) else MASK


def _token_url(auth: dict[str, Any]) -> Iterator[str]:
    url = auth.get("token_url")
    if not isinstance(url, str):
        return
    if wrong := url_problem(url, "https://login.example.com/oauth2/token"):
        yield f"auth.token_url: {wrong}"
    elif urlsplit(url).scheme != "https" and not loopback(url):
        yield f"auth.token_url: found {url!r}; the client secret is sent to it, so only https is allowed"


def _certificates(target: dict[str, Any], environ: Mapping[str, str] | None) -> Iterator[str]:
    ca_file, cert, key = (target.get(name) for name in ("ca_file", "client_cert", "client_key"))
    name = target.get("client_key_password_env")
    if isinstance(ca_file, str):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or error
            yield f"target.ca_file: found {ca_file!r}; it cannot be read as certificates ({what}); name a PEM file"
    for alone in ("client_key", "client_key_password_env"):
        if alone in target and not cert:
            yield f"target.{alone}: found without client_cert; add client_cert"
    if isinstance(name, str) and environ is not None:
        wrong = list(_variable("target.client_key_password_env", name, environ, in_field=False))
        yield from wrong
        if wrong:
            return
    if isinstance(cert, str) and isinstance(key, str | None) and environ is not None:
        yield from _client_certificate(cert, key, environ.get(name, "") if isinstance(name, str) else "")


def _client_certificate(cert: str, key: str | None, password: str) -> Iterator[str]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password=lambda: password)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        files = f"{cert!r}" + (f" and client_key {key!r}" if key else "")
        yield (
            f"target.client_cert: found {files}; they cannot be used ({what}); name PEM files of a certificate and of "
            "its key, and the variable of the key's password in client_key_password_env"
        )
