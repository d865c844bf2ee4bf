"""The target's address, and the header fields of each request. Reads certificates, but opens no connection."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.certs import where  # type: ignore[attr-defined]
from urllib3 import HTTPResponse
from urllib3.exceptions import NameResolutionError

from conformance import __version__
from conformance.cases.model import Headers

from .model import Failure, Request
from .wire import Parsed

OWN_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors of a connection that are the suite's own: too many open files, no memory."""
Sign = Callable[[Request, str], Headers]
"""Gives the header fields with the credentials of a request that is otherwise complete; its URL is the second."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of a client certificate and its key (None: in the same file), and the password of the key."""

    file: str
    key: str | None = None
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to send: base URL without the operation path, fields sent with each request, TLS, proxy, time limit (s)."""

    url: str
    headers: Headers = ()
    sign: Sign | None = None
    ca_file: str | None = None
    certificate: Certificate | None = None
    proxy: str | None = None
    timeout_s: float = 10.0

    @property
    def parts(self) -> SplitResult:
        """The base URL, split."""
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        """Host and port, as in the Host field."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def secure(self) -> bool:
        """Whether the target uses TLS."""
        return self.parts.scheme == "https"

    def request(
        self, method: str, path: str, headers: Headers, body: bytes, *, case: str, framing: str, accept: str | None
    ) -> Request:
        """The request as it is sent; `path` is added to the base URL, whose query stays."""
        base, query = self.parts.path, self.parts.query
        target = (base.rstrip("/") + path if path else base) or "/"
        if query:
            target = f"{target}?{query}"
        if self.proxy and not self.secure:
            target = f"http://{self.host}{target}"
        fields = [("Host", self.host)]
        fields.append(("User-Agent", f"capture-charge-conformance/{__version__} ({case})"))
        fields.append(("Accept-Encoding", "identity"))
        if accept is not None:
            fields.append(("Accept", accept))
        own = {name.lower() for name, _ in headers}
        fields += [(name, value) for name, value in self.headers if name.lower() not in own]
        fields += headers
        if framing == "chunked":
            fields.append(("Transfer-Encoding", "chunked"))
        elif body or method in ("POST", "PUT", "PATCH"):
            fields.append(("Content-Length", str(len(body))))
        if framing == "expect":
            fields.append(("Expect", "100-continue"))
        request = Request(method, target, tuple(fields), body)
        if self.sign is None:
            return request
        url = target if target[:1] != "/" else f"{self.parts.scheme}://{self.host}{target}"
        credentials = [(name, value) for name, value in self.sign(request, url) if name.lower() not in own]
        return replace(request, headers=(*fields, *credentials))


class Fields(dict[str, str]):
    """The header fields of one request, for library code that only looks up names in them."""

    def __init__(self, fields: Headers) -> None:
        super().__init__(fields)
        self.fields = fields

    def copy(self) -> Self:
        """No copy is needed: the fields belong to one request."""
        return self

    def update(self, more: Mapping[str, str]) -> None:  # type: ignore[override]
        """Add the fields for a proxy."""
        super().update(more)
        self.fields += tuple(more.items())


class Prepared(requests.PreparedRequest):
    """A request for `requests`, which would otherwise merge header fields and change the quoting of the URL."""

    def __init__(self, request: Request, origin: str, *, chunked: bool) -> None:
        super().__init__()
        self.method, self.target = request.method, request.target
        self.url = request.target if request.target[:1] != "/" else origin + request.target
        self.headers = Fields(request.headers)  # type: ignore[assignment]
        self.body = request.body if request.body or chunked else None


class Received(HTTPResponse):
    """An answer for `requests`, with its parsed form and raw bytes; times are of the monotonic clock."""

    def __init__(self, parsed: Parsed, raw_bytes: bytes, sent_at: float, answered_at: float) -> None:
        answer = parsed.answer
        super().__init__(
            body=answer.body if answer else b"",
            status=answer.status if answer else 0,
            preload_content=False,
            decode_content=False,
        )
        self.parsed, self.raw_bytes, self.sent_at, self.answered_at = parsed, raw_bytes, sent_at, answered_at


def addresses(host: str, port: int, limit: float) -> list[str]:
    """The addresses of a host. OSError where its name is unknown, TimeoutError after `limit` seconds.

    The operating system cannot cancel a look-up, so its thread may run longer.
    """
    with suppress(ValueError):
        return [str(ip_address(host))]
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result([str(row[4][0]) for row in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)])
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=look_up, daemon=True, name="look-up").start()
    return found.result(limit)


@lru_cache(maxsize=8)
def tls_context(ca_file: str | None, certificate: Certificate | None = None, *, usual: bool = False) -> ssl.SSLContext:
    """Trusts `ca_file`, and the usual authorities where there is none or they are asked for.

    Raises OSError, with its name, for a file that cannot be used. The default contexts of `ssl` and urllib3 would obey
    the environment: they write the keys of the connection to SSLKEYLOGFILE.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in filter(None, (ca_file, where() if usual or not ca_file else None)):
        try:
            context.load_verify_locations(file)
        except OSError as error:
            raise OSError(error.errno, f"{file} cannot be used as certificates: {error.strerror}") from None
    if certificate is not None:
        context.load_cert_chain(certificate.file, certificate.key, password=lambda: certificate.password)
    return context


def certificate_end(sock: object) -> float | None:
    """When the certificate of the server on this connection ends, in seconds since 1970; None without TLS."""
    found = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    ends = found.get("notAfter") if found else None
    return float(ssl.cert_time_to_seconds(ends)) if isinstance(ends, str) else None


def own_failure(error: BaseException | None) -> OSError | None:
    """The cause of an error, if it is a limit of the machine that the suite runs on, such as too many open files."""
    own = (cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno in OWN_LIMITS)
    return next(own, None) or (
        _no_socket() if any(isinstance(each, NameResolutionError) for each in _causes(error)) else None
    )


def _no_socket() -> OSError | None:
    """Why no socket can be opened: a look-up of a name that fails for this reason does not tell."""
    try:
        socket.socket().close()
    except OSError as error:
        return error
    return None


class TlsAdapter(HTTPAdapter):
    """The adapter of `requests` with contexts that do not depend on the environment, also for a proxy with TLS.

    `context` makes the one for servers, `proxy_context` the one for a proxy.
    """

    def __init__(
        self, context: Callable[[], ssl.SSLContext], proxy_context: Callable[[], ssl.SSLContext], **pools: Any
    ) -> None:
        self._context, self._proxy_context = context, proxy_context
        super().__init__(**pools)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Use a TLS context that all connections share: reading the certificates takes long."""
        host, more = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context()} if host["scheme"] == "https" else more

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Check a proxy with TLS too."""
        if proxy.lower().startswith("https:"):
            more["proxy_ssl_context"] = self._proxy_context()
        return super().proxy_manager_for(proxy, **more)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: `requests` would trust its own certificates too."""


class EndpointAdapter(TlsAdapter):
    """The adapter of one endpoint; it keeps one connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(
            partial(tls_context, endpoint.ca_file, endpoint.certificate),
            partial(tls_context, endpoint.ca_file),
            pool_connections=1,
            pool_maxsize=1,
            max_retries=0,
        )

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        """The request target, already in the form for a proxy where there is one."""
        assert isinstance(request, Prepared)
        return request.target

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:  # noqa: ARG002
        """The answer unchanged: `_Connection` has read it."""
        return resp


def tls_refusal(error: OSError) -> Failure | None:
    """The failure of a handshake that the server refuses after our side of it: TLS 1.3 asks for a certificate late."""
    reason = str(getattr(error, "reason", "")) if isinstance(error, ssl.SSLError) else ""
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        return Failure("tls", " ".join(str(error).split()))
    return None


def why_unreachable(endpoint: Endpoint, error: Exception, *, late: bool) -> Failure:
    """Why there is no connection, from an error of `requests`. `late`: the time limit has passed."""
    causes = list(_causes(error))
    detail = " ".join(str(causes[-1]).split())
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        name = urlsplit(endpoint.proxy or endpoint.url).hostname
        return Failure("dns", f"the name {name} was not found in time" if late else f"the name {name} is not known")
    if late or any(isinstance(cause, TimeoutError) for cause in causes):
        return Failure("timeout", "no connection within the time limit")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Failure("tls", detail)
    if tunnel := re.search(r"Tunnel connection failed: (.*)", detail):
        check = "; check the user and password in target.proxy" if " 407" in f" {tunnel[1]}" else ""
        return Failure("refused", f"the proxy answered {tunnel[1]} to CONNECT {endpoint.host}{check}")
    through = " through the proxy" if endpoint.proxy else ""
    reason = re.sub(r"^\[Errno -?[0-9]+\] ", "", detail)
    return Failure("refused", f"{endpoint.host}{through}: {reason}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors that it wraps, down to the first cause."""
    while error is not None:
        yield error
        inner = [getattr(error, "reason", None), getattr(error, "original_error", None), *reversed(error.args)]
        error = next((cause for cause in (*inner, error.__cause__) if isinstance(cause, BaseException)), None)
