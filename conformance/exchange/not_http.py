"""Guesses what is at the other end where no HTTP answer came, in words that say what to check. Never judges."""

from __future__ import annotations

import re

from .model import Exchange, FailureKind

NOT_HTTP: frozenset[FailureKind] = frozenset({"garbled", "closed", "reset"})
"""Kinds of failure of a server that accepts connections and does not answer in HTTP."""
UNREACHED = (502, 503, 504)
"""Statuses of a proxy that did not reach the server."""
CLIENT_CERTIFICATE = "the server demands a client certificate that it accepts; check target.client_cert"
NO_TLS = "the port does not use TLS; does target.url need http:// or another port?"

_GREETINGS: tuple[tuple[bytes, str], ...] = (
    (rb"\x15\x03[\x00-\x04]", "the port uses TLS; does target.url need https://?"),
    (rb".{3}[\x04\x07].\x00{4}", "it uses HTTP/2 only; this suite sends HTTP/1.1"),
    (rb"SSH-", "an SSH server is there; is the port right?"),
    (rb"220[ -]", "a mail or FTP server is there; is the port right?"),
    (rb"-[A-Z]{3,} |\+OK", "a Redis or mail server is there; is the port right?"),
    (rb".{3}\x00\x0a[0-9]+\.", "a MySQL server is there; is the port right?"),
)
_TLS: tuple[tuple[str, str], ...] = (
    ("CERTIFICATE_VERIFY_FAILED", "its authority belongs into target.ca_file, and its name must be that of target.url"),
    (
        "CERTIFICATE_REQUIRED|CERTIFICATE_EXPIRED|HANDSHAKE_FAILURE|UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ACCESS_DENIED",
        CLIENT_CERTIFICATE,
    ),
    ("NO_APPLICATION_PROTOCOL", "it uses HTTP/2 only; this suite sends HTTP/1.1"),
    ("PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL", "the server's version of TLS is too old or too new"),
    ("WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|record layer", NO_TLS),
)


def is_not_http(exchange: Exchange) -> bool:
    """Whether a server took the connection and did not answer in HTTP."""
    return exchange.failure is not None and exchange.failure.kind in NOT_HTTP


def is_page_of_proxy(exchange: Exchange) -> bool:
    """Whether the answer came through a proxy of the profile, and looks like its own page about the server."""
    answer = exchange.answer
    if answer is None or answer.status not in UNREACHED or exchange.request.target.startswith("/"):
        return False
    return not any("json" in value.lower() for value in answer.values("Content-Type"))


def likely_cause(exchange: Exchange) -> str:
    """What to check, after an exchange without an answer in HTTP."""
    failure = exchange.failure
    if failure is None:
        return "it answers in HTTP"
    if failure.kind == "tls":
        return next((cause for pattern, cause in _TLS if re.search(pattern, failure.detail)), "is the port right?")
    if failure.kind == "garbled":
        found = (cause for pattern, cause in _GREETINGS if re.match(pattern, exchange.raw, re.DOTALL))
        return next(found, "is the port right?")
    return "is the port right, does target.url need https://, or does the server demand a client certificate?"
