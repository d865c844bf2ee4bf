"""Put a run together from its options: contract, profile, cases, files, sender. Prints nothing."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from conformance import __version__
from conformance.auth import auth_headers
from conformance.cases.generated import versions
from conformance.cases.model import Case
from conformance.cases.oracle import classify
from conformance.cases.subject import Subject
from conformance.contract import Contract, load_contract
from conformance.contract.load import SpecError
from conformance.errors import UsageError
from conformance.exchange.client import Endpoint
from conformance.exchange.har import write_har
from conformance.exchange.record import Recorder
from conformance.profile import Money, Profile, load_profile
from conformance.report.redact import Redactor
from conformance.run.engine import Engine
from conformance.run.gate import Gate
from conformance.run.model import CaseResult, RunResult
from conformance.run.money import Ledger
from conformance.run.notes import closing, described
from conformance.run.plan import planned_cases, subject_of
from conformance.run.progress import Progress, Unwatched
from conformance.run.sender import Sender
from conformance.run.trips import TripSource

IGNORED = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NETRC",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of a run."""

    profile: Path | None = None
    target: str | None = None
    out: Path | None = None
    depth: str = "standard"
    seed: int = 0
    concurrency: int | None = None
    selection: str = ""
    spec: Path | None = None
    require_complete: bool = False
    fail_on_warning: bool = False
    allow_production: bool = False


class Run:
    """One run, from its plan to its result. `execute` sends; everything before it only reads."""

    def __init__(self, options: Options, environ: Mapping[str, str] | None = os.environ) -> None:
        """Read contract and profile and plan the cases; without `environ` for one that is never executed."""
        self.options = options
        self.contract: Contract = contract_of(options)
        self.profile: Profile = profile_of(options, self.contract, environ)
        self.trips = TripSource(self.profile, self.contract)
        self.subject: Subject = subject_of(self.profile, any_uuid=self.trips.any_uuid, reusable=self.trips.reusable)
        self.cases = planned_cases(self.contract, self.profile, self.subject, options.depth, options.seed)
        self.redactor = Redactor(self.profile.secrets())
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.out = options.out or Path("reports") / self.run_id
        self.environ = environ or {}
        self.started = self.ended = now()
        self.results: tuple[CaseResult, ...] = ()
        self.deselected: tuple[Case, ...] = ()
        self.engine: Engine | None = None
        self.sender: Sender | None = None
        self.ledger = Ledger(self.profile)
        self.own_errors: list[str] = []

    def without_budget(self) -> list[Case]:
        """The cases as they would be if requests and money had no limit."""
        money = {
            code: one.model_copy(update={"max_total": None}) if isinstance(one, Money) else one
            for code, one in (self.profile.money or {}).items()
            if code != "max_captures"
        }
        limits = self.profile.limits.model_copy(update={"max_requests": None})
        boundless = self.profile.model_copy(update={"money": money, "limits": limits})
        return planned_cases(self.contract, boundless, self.subject, self.options.depth, self.options.seed)

    def make_folder(self) -> None:
        """Create the folder of the run. Raises `UsageError` where it can't be written or holds a run already."""
        if (self.out / "record.jsonl").exists() or (self.out / "results.json").exists():
            raise UsageError(f"--out {self.out}: holds a run already; name another folder, a run is never overwritten")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            probe = self.out / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"--out {self.out}: cannot be written ({error.strerror}); name a folder that can"
            ) from error

    def execute(self, selected: Sequence[Case], progress: Progress | None = None) -> None:
        """Send and judge the selected cases; what was judged is kept, however it ends."""
        profile, limits = self.profile, self.profile.limits
        target = profile.target
        endpoint = Endpoint(
            url=target.url,
            headers=(*target.headers.items(), *auth_headers(profile, self.environ)),
            ca_file=target.ca_file,
            proxy=target.proxy,
            timeout_s=limits.timeout_s,
        )
        self.started = now()
        recorder = Recorder(self.out / "record.jsonl", self.header(selected), self.redactor)
        gate = Gate(limits.requests_per_second, limits.concurrency)
        self.sender = Sender(self.contract, profile, endpoint, gate, self.ledger, self.trips, recorder)
        self.engine = Engine(
            self.contract, profile, self.sender, progress or Unwatched(), partial(classify, self.contract, self.subject)
        )
        chosen = {case.id for case in selected}
        self.deselected = tuple(case for case in self.cases if case.id not in chosen)

        def rebuild(accepted: list[tuple[str, str]]) -> dict[str, Case] | None:
            from conformance.run.opening import narrowed

            subject = narrowed(self.subject, accepted)
            if subject == self.subject:
                return None
            again = planned_cases(self.contract, profile, subject, self.options.depth, self.options.seed)
            return {case.id: case for case in again if case.id in chosen}

        with terminable():
            self.engine.run(selected, rebuild)
        self.ended = now()
        try:
            recorder.footer(closing(self.result(), self.engine.results.values(), opened=not self.engine.stop))
        except OSError as error:
            self.own_errors.append(f"record.jsonl: {error}")
        self.results = tuple(self.engine.results[case.id] for case in selected if case.id in self.engine.results)

    def write_evidence(self) -> None:
        """Write the record once more in the form that other tools read."""
        try:
            write_har(self.out / "evidence.har", self.out / "record.jsonl")
        except OSError as error:
            self.own_errors.append(f"evidence.har: {error}")

    def header(self, selected: Sequence[Case]) -> dict[str, Any]:
        """The first line of the record."""
        return {
            "format": 1,
            "suite": __version__,
            "versions": versions(),
            "run": self.run_id,
            "started": self.started,
            "profile": self.profile.redacted(),
            "spec_digest": self.contract.digest,
            "seed": self.options.seed,
            "depth": self.options.depth,
            "selection": self.options.selection,
            "cases": [described(case) for case in selected],
        }

    def result(self) -> RunResult:
        """What the report is made from."""
        engine, sender = self.engine, self.sender
        return RunResult(
            cases=self.results,
            run_id=self.run_id,
            started=self.started,
            ended=self.ended,
            seed=self.options.seed,
            depth=self.options.depth,
            url=self.profile.target.url,
            requests=sender.requests if sender else 0,
            selection=self.options.selection,
            interrupted=engine.interrupted if engine else False,
            stop=(engine.stop or (sender.gate.reason if sender and not engine.interrupted else "")) if engine else "",
            usage=engine.usage if engine else "",
            errors=(*(engine.errors if engine else ()), *self.own_errors),
            ignored_environment=tuple(name for name in IGNORED if name in self.environ or name.lower() in self.environ),
            captures=tuple(sender.captures) if sender else (),
            totals=self.ledger.totals(),
            deselected=self.deselected,
        )


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def contract_of(options: Options) -> Contract:
    """Read the spec; a bad one is a usage error."""
    try:
        return load_contract(options.spec)
    except SpecError as error:
        raise UsageError(f"--spec: {error}") from error


def profile_of(options: Options, contract: Contract, environ: Mapping[str, str] | None) -> Profile:
    """Read the profile and lay the command line over it; without `environ`, for what sends nothing."""
    profile = load_profile(
        options.profile,
        target=options.target,
        environ=environ,
        allow_production=options.allow_production,
        contract=contract,
    )
    if options.concurrency is not None:
        limits = profile.limits.model_copy(update={"concurrency": options.concurrency})
        profile = profile.model_copy(update={"limits": limits})
    return profile


@contextmanager
def terminable() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM raise KeyboardInterrupt; later ones do nothing, since the run is ending by then.

    Only the main thread can take signals; in any other this does nothing. A signal that is ignored stays so.
    """
    seen: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        seen.append(number)
        if len(seen) == 1:
            raise KeyboardInterrupt

    with _handled(interrupt):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no SIGINT or SIGTERM come between the writing of files."""
    with _handled(signal.SIG_IGN):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> Iterator[None]:
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for changed, old in before.items():
            signal.signal(changed, old)
