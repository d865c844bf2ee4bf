"""The set-ups: a conforming server behind something, and a fault of the server that is still found there.

`python -m pytest -m fair tests/fair` runs each with the clean mock five times at every concurrency, and once with the fault.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import trustme

from benchmarks.runs import Ran, finished
from conformance.cases.model import Case
from conformance.mock import reading
from conformance.mock.faults import FAULTS
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.session import Run
from tests.fair import fronts
from tests.fair.layers import (
    OWN_TEXT,
    AtOnce,
    EveryNth,
    FixedWindow,
    Layer,
    SlidingWindow,
    Switch,
    TokenBucket,
    put_before,
    switch_profile,
)

BY_HEADERS = """
[provoke.429]
kind = "limiter"
headers = { "X-Provoke" = "429", "X-Client" = "${unique}" }
[provoke.500]
kind = "forced"
headers = { "X-Provoke" = "500" }
[provoke.503]
kind = "forced"
headers = { "X-Provoke" = "503" }
"""
BY_SWITCH = BY_HEADERS[: BY_HEADERS.index("[provoke.500]")]


@dataclass(frozen=True)
class Setup:
    """One set-up. `fault` is a fault of the server that must be found behind it, `benign` a harmless difference of it.

    `tls`: the version, and whether it wants a certificate of the client. `only`: the cases that are sent, where a
    standard run would take minutes.
    """

    name: str
    fault: str
    layers: Callable[[], tuple[Layer, ...]] = tuple
    front: type[fronts.Front] | None = None
    benign: str = ""
    switched: bool = False
    tls: tuple[ssl.TLSVersion, bool] | None = None
    proxy: bool = False
    limits: str = ""
    concurrency: tuple[int, ...] = (1, 4, 8)
    only: Callable[[Case], bool] = field(default=bool)


def some(case: Case) -> bool:
    """A few cases of each kind: the opening, chains, provoked answers, and one theme."""
    return case.theme in {"opening", "acceptance", "answers", "independence", "store-id", "whole-run"}


def few(case: Case) -> bool:
    """The opening, the provoked answers, and two cases of a theme."""
    return case.theme in {"opening", "acceptance", "answers"} or case.id in {"store-id-null", "store-id-missing"}


def _limited(name: str, fault: str, *layers: Callable[[], Layer], **more: object) -> Setup:
    return Setup(name, fault, lambda: tuple(layer() for layer in layers), **more)  # type: ignore[arg-type]


def _switch(name: str, fault: str, lag: float = 0.0, failures: int = 0) -> Setup:
    return Setup(name, fault, lambda: (Switch(lag, failures),), switched=True)


SETUPS: tuple[Setup, ...] = (
    Setup("nothing", "code-lower-case"),
    _switch("switch", "window-late"),
    _switch("switch-50-ms", "store-any-type", 0.05),
    _switch("switch-100-ms", "value-negative", 0.1),
    _switch("switch-200-ms", "success-object", 0.2),
    _switch("switch-off-at-third-try", "trip-unknown-accepted", 0.05, failures=2),
    _limited("bucket-100", "window-late", lambda: TokenBucket(100, 10)),
    _limited("bucket-50", "window-understated", lambda: TokenBucket(50, 5)),
    _limited("bucket-in-the-form-of-the-window", "retry-after-unit", lambda: TokenBucket(100, 10, text=OWN_TEXT)),
    _limited("bucket-with-dates", "retry-after-date-rfc850", lambda: TokenBucket(100, 10, dated=True)),
    _limited("fixed-window-50", "window-late", lambda: FixedWindow(50)),
    _limited("sliding-window-60", "server-error-no-error-msg", lambda: SlidingWindow(60)),
    _limited("every-third", "retry-after-unit", lambda: EveryNth(3), only=some),
    _limited("one-a-second", "store-null", lambda: TokenBucket(1, 1), only=few),
    _limited("three-at-once", "unavailable-no-retry-after", lambda: AtOnce(3)),
    _limited("two-limiters", "trip-dots", lambda: TokenBucket(200, 20), lambda: FixedWindow(100, text="edge")),
    _limited("within-our-own-rate", "amount-list", lambda: TokenBucket(120, 5), limits="requests_per_second = 100"),
    Setup("idle-408", "validation-422", front=fronts.Idle408),
    Setup("idle-close", "bad-request-array", front=fronts.IdleClose),
    Setup("closes-each", "value-text", front=fronts.ClosesEach),
    Setup("closes-seventh", "refused-after-bad", front=fronts.ClosesSeventh),
    Setup("one-connection", "value-true", front=fronts.OneConnection, concurrency=(1,)),
    Setup("eight-connections", "store-limit-256", front=fronts.EightConnections),
    Setup("busy-beyond-two", "code-digits", front=fronts.BusyBeyondTwo, concurrency=(1, 2)),
    Setup("tls-1.2", "allow-missing", front=fronts.Front, tls=(ssl.TLSVersion.TLSv1_2, False)),
    Setup("tls-1.3", "empty-body-served", front=fronts.Front, tls=(ssl.TLSVersion.TLSv1_3, False)),
    Setup("tls-1.3-idle-408", "success-201", front=fronts.Idle408, tls=(ssl.TLSVersion.TLSv1_3, False)),
    Setup("tls-1.2-client", "bad-request-409", front=fronts.Front, tls=(ssl.TLSVersion.TLSv1_2, True)),
    Setup("tls-1.3-client", "success-202", front=fronts.Front, tls=(ssl.TLSVersion.TLSv1_3, True)),
    Setup("tls-1.2-closes-each", "stack-trace", front=fronts.ClosesEach, tls=(ssl.TLSVersion.TLSv1_2, False)),
    Setup("proxy", "wire-dropped", front=fronts.Front),
    Setup("proxy-decorating", "success-line-feed", front=fronts.Decorating),
    Setup("proxy-chunking", "bad-request-no-body", front=fronts.Chunking),
    Setup("proxy-terse", "retry-after-missing", front=fronts.Terse),
    Setup("proxy-dripping", "bad-request-nan", front=fronts.Dripping),
    Setup("proxy-strict", "member-order-matters", front=fronts.Strict),
    Setup("forward-proxy", "unknown-path-served", front=fronts.ForwardProxy, proxy=True),
    Setup("http-1.0", "server-error-array", front=fronts.Http10),
    Setup("http-1.0-kept", "value-zero-exponent", front=fronts.Http10Kept),
    Setup("without-a-length", "success-null", front=fronts.ToTheEnd),
    Setup("slow-start", "code-short", front=fronts.SlowStart),
    Setup("cold-cache", "code-yen-refused", front=fronts.ColdCache),
    Setup("jitter", "value-zero", front=fronts.Jitter),
    Setup("far", "every-third-refused", front=fronts.Far),
    Setup("clock-an-hour-ahead", "retry-after-past", front=fronts.Shifted, benign="retry-after-date"),
    Setup("clock-an-hour-behind", "server-error-string", front=fronts.HourBehind, benign="retry-after-date"),
    Setup("no-date", "window-grows", front=fronts.NoDate),
    Setup("limiter-and-idle-408", "window-late", lambda: (TokenBucket(100, 10),), front=fronts.Idle408),
    Setup("limiter-and-jitter", "value-boolean", lambda: (SlidingWindow(80),), front=fronts.Jitter),
)


@cache
def certificates() -> tuple[trustme.CA, trustme.LeafCert, Path]:
    """An authority, a certificate of the server, and a folder with the files of the client."""
    authority, folder = trustme.CA(), Path(mkdtemp(prefix="fair-"))
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client = authority.issue_cert("client@example.com")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    return authority, authority.issue_cert("localhost"), folder


def _profile(setup: Setup, server: MockServer, front: fronts.Front | None) -> str:
    """The text of the profile."""
    target = ""
    if setup.tls is not None:
        folder = certificates()[2]
        target = f'ca_file = "{folder}/ca.pem"\n'
        if setup.tls[1]:
            target += f'client_cert = "{folder}/client.pem"\nclient_key = "{folder}/client.key"\n'
    url = front.url if front is not None else server.url
    if setup.proxy:
        url, target = server.url, f'proxy = "{url}"\n'
    return f"""
[target]
name = "{setup.name}"
url = "{url}"
{target}
[data]
stores = ["store-001", "store-002"]
unknown_store = "store-999"
unknown_trip = "{reading.NO_TRIP}"
currencies = ["USD", "EUR", "JPY", "KWD"]
long_store = "{reading.LONG_STORE}"
short_store = "{reading.SHORT_STORE}"
long_trip = "{reading.LONG_TRIP}"
trips.generate = "uuid4"
{BY_SWITCH + switch_profile(server.url, 500, 503) if setup.switched else BY_HEADERS}
[limits]
timeout_s = 10
max_wait_s = 5
{setup.limits}
[money]
USD = {{ amount = "10.00", max_amount = "90071992547409.93" }}
EUR = {{ amount = "10.00", max_amount = "90071992547409.93" }}
JPY = {{ amount = "500", max_amount = "9007199254740" }}
KWD = {{ amount = "1.000", max_amount = "90071992547.409" }}
"""


@contextmanager
def prepared(setup: Setup, out: Path, concurrency: int, *faults: str) -> Iterator[Run]:
    """A run against the mock with these faults in this set-up."""
    with ExitStack() as stack:
        names = faults or ([setup.benign] if setup.benign else [])
        server = stack.enter_context(MockServer(faults=names))
        put_before(server.mock, *setup.layers())
        front = None
        if setup.front is not None:
            front = setup.front(server.port, _context(setup))
            stack.enter_context(front)
        out.mkdir(parents=True)
        (out / "profile.toml").write_text(_profile(setup, server, front), encoding="utf-8")
        run = Run(Options(out / "profile.toml", out=out / "run", concurrency=concurrency))
        run.make_folder()
        yield run


def _context(setup: Setup) -> ssl.SSLContext | None:
    if setup.tls is None:
        return None
    authority, certificate, _ = certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.minimum_version = context.maximum_version = setup.tls[0]
    if setup.tls[1]:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def run_clean(setup: Setup, out: Path, concurrency: int, only: Callable[[Case], bool] = bool) -> Ran:
    """A run against the clean mock in this set-up."""
    with prepared(setup, out, concurrency) as run:
        run.execute([case for case in run.cases if setup.only(case) and only(case)])
    return finished(run)


def run_with_fault(setup: Setup, out: Path, concurrency: int = 4, chosen: Callable[[Case], bool] | None = None) -> Ran:
    """A run against the mock with the fault of the set-up, of the cases made for what it violates and of some others."""
    breaks = FAULTS[setup.fault].breaks
    with prepared(setup, out, concurrency, setup.fault) as run:
        chosen = chosen or (setup.only if setup.only is not bool else some)
        run.execute([case for case in run.cases if chosen(case) or breaks & set(case.requirements)])
    return finished(run)
