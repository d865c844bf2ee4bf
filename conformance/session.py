"""Prepare a run from its options and execute it: contract, profile, cases, record, sender. Prints nothing."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.cases.generated import versions
from conformance.cases.model import Case
from conformance.cases.oracle import classify
from conformance.cases.testdata import TestData
from conformance.contract import Contract, load_contract
from conformance.contract.load import SpecError
from conformance.errors import UsageError
from conformance.exchange.client import Client, Endpoint
from conformance.exchange.endpoint import Certificate, Sign
from conformance.exchange.event import Note, Plan
from conformance.exchange.har import write_har
from conformance.exchange.record import Recorder
from conformance.options import Options
from conformance.process import Interruption
from conformance.profile import Money, Profile, load_profile
from conformance.redact import Redactor
from conformance.run.engine import Engine, Pools
from conformance.run.model import RunResult
from conformance.run.opening import OPENING, narrowed
from conformance.run.plan import cost_of_plan, data_of, planned_cases
from conformance.run.progress import NullProgress, Progress
from conformance.run.result import resumable, run_result
from conformance.run.selection import selected
from conformance.run.tally import Journal, Tally
from conformance.send.auth import credentials_of
from conformance.send.money import Ledger
from conformance.send.pace import Clock, Pace
from conformance.send.reachable import wait_for_answer
from conformance.send.sender import Sender
from conformance.send.trips import TripSource

SAME = ("suite", "versions", "profile", "spec_digest", "seed", "depth", "selection")
"""Members of the record's header that must be the same where a run is resumed."""
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
"""Environment variables that many HTTP clients obey and this one ignores."""
DEFAULT_PROFILE = Path("profile.toml")


@dataclass(frozen=True, slots=True)
class Machinery:
    """The client, clock and thread pools of a run. Tests replace them by parts that need neither sockets nor time."""

    client: Callable[[Endpoint], Client] = Client
    clock: Clock = field(default_factory=Clock)
    pools: Pools = ThreadPoolExecutor


class Run:
    """One run, from its plan to its result. Only `execute` sends requests."""

    def __init__(
        self, options: Options, environ: Mapping[str, str] | None = os.environ, *, builtin: bool = False
    ) -> None:
        """Read contract and profile and plan the cases. `environ` is None for a run that is never executed.

        `builtin`: the target is a mock server, so that all its stores, identifiers and currencies are known.
        """
        self.options = options
        self.contract: Contract = contract_of(options)
        self.builtin = builtin
        self.profile: Profile = profile_of(options, self.contract, environ, mock=builtin)
        self.trips = TripSource(self.profile, self.contract)
        self.test_data: TestData = data_of(self.profile, any_uuid=self.trips.any_uuid, reusable=self.trips.reusable)
        self.cases = self._planned(self.profile, self.test_data)
        self.selected = selected(options.selection, self.cases, self.contract.requirements)
        self.redactor = Redactor(self.profile.secrets(), self.profile.target.secret_attributes)
        self.wait_s = seconds_of("--wait", options.wait)
        self.max_time_s = seconds_of("--max-time", options.max_time)
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.out = options.resume or options.out or Path("reports") / self.run_id
        self.environ = environ or {}
        self.header: dict[str, Any] = {}
        self.footer: dict[str, Any] = {}
        self.tally = Tally(self.contract, self.profile.limits.timeout_s)
        self.pace: Pace | None = None
        self.own_errors: list[str] = []
        self._cut_off: Recorder | None = None

    def _planned(self, profile: Profile, test_data: TestData) -> list[Case]:
        return planned_cases(self.contract, profile, test_data, self.options.depth, self.options.seed)

    def without_budget(self) -> list[Case]:
        """The selected cases, as they would be planned without a limit on requests and money."""
        money = {
            code: entry.model_copy(update={"max_total": None}) if isinstance(entry, Money) else entry
            for code, entry in (self.profile.money or {}).items()
            if code != "max_captures"
        }
        limits = self.profile.limits.model_copy(update={"max_requests": None})
        cases = self._planned(self.profile.model_copy(update={"money": money, "limits": limits}), self.test_data)
        return selected(self.options.selection, cases, self.contract.requirements)

    def with_opening(self, selected: Sequence[Case]) -> list[Case]:
        """The selected cases, after the first request of every run."""
        return [*(case for case in self.cases if case.id == OPENING and case not in selected), *selected]

    def check_trips(self) -> None:
        """Raise `UsageError` if the file of trips has fewer than the selected cases use up at a conforming server."""
        left = self.trips.left
        if left is not None and left < (needed := cost_of_plan(self.profile, self.selected).trips):
            raise UsageError(
                f"data.trips.file: {self.profile.data.trips.file} has {left} unused trips, and this run needs {needed}; "
                f"add trips, or send less with --depth smoke or -k. The used ones are in {self.profile.data.trips.file}.used"
            )

    def make_folder(self) -> None:
        """Create the folder of the run. Raises `UsageError` if it cannot be written or already contains a run."""
        used = f"--out {self.out}: already contains a run; name another folder, since a run is never overwritten"
        if (self.out / "results.json").exists():
            raise UsageError(used)
        record = self.out / "record.jsonl"
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            record.touch(exist_ok=False)  # so that no other run takes the folder
        except OSError as error:
            if record.exists():
                raise UsageError(used) from None
            raise UsageError(
                f"--out {self.out}: cannot be written ({error.strerror}); name a folder that can be written"
            ) from error

    def remove_folder(self) -> None:
        """Remove the folder again, if nothing was sent."""
        with suppress(OSError):
            (self.out / "record.jsonl").unlink(missing_ok=True)
            self.out.rmdir()

    def execute(
        self,
        selected: Sequence[Case],
        progress: Progress | None = None,
        machinery: Machinery | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        """Send and judge the selected cases. Results up to an early end are kept. OSError if no record can be written.

        From the first request on, an `interruption` raises nothing; the run ends soon after it.
        """
        machinery, profile, limits = machinery or Machinery(), self.profile, self.profile.limits
        progress = progress or NullProgress()
        if self.wait_s:
            wait_for_answer(profile.target, self.wait_s, progress.waiting, machinery.clock)
        interruption = interruption or Interruption()
        interruption.defer()
        credentials = credentials_of(profile, self.environ, self.redactor)
        endpoint = endpoint_of(profile, self.environ, credentials.fields)
        chosen = {case.id for case in selected}
        journal, ledger = self._journal([case for case in self.cases if case.id not in chosen]), Ledger(profile)
        ledger.spend(self.tally.spent())
        self.trips.leave_out(self.tally.used_trips())
        self.pace = Pace(limits.requests_per_second, limits.concurrency, machinery.clock)
        if self.max_time_s:
            self.pace.end_at(machinery.clock.now() + self.max_time_s, f"--max-time {self.options.max_time} is over")
        sender = Sender(
            self.contract.path,
            profile,
            lambda: machinery.client(endpoint),
            self.pace,
            ledger,
            self.trips,
            journal,
            credentials,
            sendings=self.tally.sendings,
            waiting=progress.waiting,
        )
        engine = Engine(
            limits,
            sender,
            journal,
            progress,
            partial(classify, self.contract, self.test_data),
            machinery.pools,
            lambda: interruption.received,
        )

        def rebuild(accepted: list[tuple[str, str]]) -> dict[str, Case] | None:
            test_data = narrowed(self.test_data, accepted)
            if test_data == self.test_data:
                return None
            return {case.id: case for case in self._planned(profile, test_data) if case.id in chosen}

        engine.run(self.with_opening(selected), rebuild)
        try:
            self.trips.close()
        except UsageError as error:
            self.own_errors.append(str(error))
        self.footer = {
            "ended": now(),
            "interrupted": engine.interrupted,
            "stop": sender.left_on if engine.interrupted else engine.stop,
            "usage": engine.usage,
            "errors": engine.errors,
        }
        try:
            journal.recorder.footer(self.footer)
        except OSError as error:
            self.own_errors.append(f"record.jsonl: {error}")

    def _journal(self, deselected: Sequence[Case]) -> Journal:
        """The journal of a new run, or the one to go on with."""
        if self._cut_off is None:
            self.tally = Tally(self.contract, self.profile.limits.timeout_s)
            self.header = self._header(deselected)
            return Journal(Recorder(self.out / "record.jsonl", self.header, self.redactor), self.tally)
        journal = Journal(self._cut_off, self.tally)
        journal.resumed(now())
        return journal

    def take_up(self) -> None:
        """Open the record of the run to resume. Raises `UsageError` where it cannot go on with these options."""
        try:
            self._cut_off = resumable(self.out, self.redactor)
        except UsageError as error:
            raise UsageError(f"--resume {self.out}: {error}") from None
        record, planned = self._cut_off.so_far, self.redactor.redact_json(self._header())
        if differing := [name for name in SAME if planned[name] != record.header.get(name)]:
            self._cut_off.close()
            raise UsageError(
                f"--resume {self.out}: the run had another {' and '.join(differing)}; give the options of the run again, "
                "with the same profile and the same version of this program"
            )
        self.header, self.tally = record.header, Tally(self.contract, self.profile.limits.timeout_s)
        for event in record.events:
            self.tally.take(event)

    def not_sent(self, selected: Sequence[Case], reason: str) -> None:
        """Note that no case can be sent because the suite itself failed."""
        self.own_errors.append(reason)
        self.tally = Tally(self.contract, self.profile.limits.timeout_s)
        self.tally.take(Plan(tuple(selected)))
        for case in selected:
            self.tally.take(Note(case.id, f"not sent: {reason}"))

    def write_evidence(self) -> None:
        """Write `evidence.har`: the record in a format that other tools read."""
        try:
            write_har(self.out / "evidence.har", self.out / "record.jsonl")
        except OSError as error:
            self.own_errors.append(f"evidence.har: {error}")

    def _header(self, deselected: Sequence[Case] = ()) -> dict[str, Any]:
        """The first line of the record."""
        ignored = [name for name in IGNORED if name in self.environ or name.lower() in self.environ]
        return {
            "suite": __version__,
            "versions": versions(),
            "run": self.run_id,
            "started": now(),
            "profile": self.profile.redacted(),
            "spec_digest": self.contract.digest,
            "seed": self.options.seed,
            "depth": self.options.depth,
            "selection": self.options.selection,
            "ignored_environment": ignored,
            "deselected": [{"id": case.id, "requirements": case.requirements} for case in deselected],
        }

    def result(self) -> RunResult:
        """The result of the run, from which the report is written."""
        result = run_result(self.header or self._header(), self.tally, self.footer)
        return replace(result, errors=(*result.errors, *self.own_errors))


def prepared(options: Options, *, collect_only: bool = False) -> tuple[Run, ExitStack]:
    """A run, and the stack to close after it. Starts the mock server if the options name no target."""
    stack, options = ExitStack(), with_default_profile(options)
    _check_resume(options)
    builtin = options.profile is None and options.target is None and not collect_only
    if builtin:
        from conformance.mock.server import MockServer

        server = stack.enter_context(MockServer())
        options = replace(options, target=server.url)
    try:
        run = Run(options, builtin=builtin)
        if options.resume is not None and not collect_only:
            run.take_up()
        elif not collect_only:
            run.check_trips()
            run.make_folder()
    except BaseException:
        stack.close()
        raise
    return run, stack


def endpoint_of(profile: Profile, environ: Mapping[str, str], sign: Sign) -> Endpoint:
    """Where the profile says to send, with credentials from `sign`."""
    target = profile.target
    password = environ.get(target.client_key_password_env or "", "")
    return Endpoint(
        url=target.url,
        headers=tuple(target.headers.items()),
        sign=sign,
        ca_file=target.ca_file,
        certificate=Certificate(target.client_cert, target.client_key, password) if target.client_cert else None,
        proxy=target.proxy,
        timeout_s=profile.limits.timeout_s,
    )


def seconds_of(flag: str, text: str) -> float:
    """A time such as "60s", "2m" or "90" in seconds; 0 for an empty text. Raises `UsageError`."""
    if not text:
        return 0.0
    if (match := re.fullmatch(r"(\d{1,5}(?:\.\d+)?)(s|m|)", text)) is None:
        raise UsageError(f"{flag}: found {text!r}; write a time in seconds or minutes, such as 60s or 2m")
    return float(match[1]) * (60 if match[2] == "m" else 1)


def with_default_profile(options: Options) -> Options:
    """The options with `profile.toml` of the current folder, if they name neither a profile nor a target."""
    if options.profile is None and options.target is None and DEFAULT_PROFILE.is_file():
        return replace(options, profile=DEFAULT_PROFILE)
    return options


def _check_resume(options: Options) -> None:
    """Raise `UsageError` where the options cannot resume a run."""
    if options.resume is not None and options.out is not None:
        raise UsageError(f"--out {options.out}: a resumed run writes into its own folder; remove --out")
    if options.resume is not None and options.profile is None and options.target is None:
        raise UsageError(f"--resume {options.resume}: give the --profile or --target of the run again")


def now() -> str:
    """The current time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def contract_of(options: Options) -> Contract:
    """Read the spec. Raises `UsageError` if it is not valid."""
    try:
        return load_contract(options.spec)
    except SpecError as error:
        raise UsageError(f"--spec: {error}") from error


def profile_of(
    options: Options, contract: Contract, environ: Mapping[str, str] | None, *, mock: bool = False
) -> Profile:
    """Read the profile and apply the command line to it. `environ` is None for a command that sends nothing."""
    profile = load_profile(
        options.profile,
        target=options.target,
        environ=environ,
        allow_production=options.allow_production,
        contract=contract,
        mock=mock,
    )
    if options.concurrency is not None:
        if options.concurrency < 1:
            raise UsageError(f"--concurrency: found {options.concurrency}; write a whole number, 1 or more")
        limits = profile.limits.model_copy(update={"concurrency": options.concurrency})
        profile = profile.model_copy(update={"limits": limits})
    if options.max_captures is not None:
        if options.max_captures < 1:
            raise UsageError(f"--max-captures: found {options.max_captures}; write a whole number, 1 or more")
        most = min(options.max_captures, profile.max_captures or options.max_captures)
        profile = profile.model_copy(update={"money": {**(profile.money or {}), "max_captures": most}})
    return profile
