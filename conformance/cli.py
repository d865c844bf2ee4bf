"""The command line: reads options and hands them on. No rule of the contract stands here."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from conformance import __version__
from conformance.errors import OwnFault, SuiteError, UsageError

ANSWER_S = 0.05  # a usual time for one answer, for the estimate of `plan`
# New objects before Python looks for garbage, of which a run makes little; looking took a tenth of its time.
GARBAGE = 100_000
# Plugins of pytest that cases of ours have no use for.
UNUSED = (
    "cacheprovider", "debugging", "doctest", "faulthandler", "legacypath", "logging", "monkeypatch", "pastebin", "recwarn",
    "setuponly", "setupplan", "stepwise", "terminal", "threadexception", "tmpdir", "unittest", "unraisableexception",
    "warnings",
)  # fmt: skip
BEFORE_SENDING = {2: 130, 4: UsageError.status, 5: UsageError.status}  # pytest's statuses where nothing was sent

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Contract conformance suite for POST /v1/capture/charge.",
)


class Depth(StrEnum):
    """How much a run tries."""

    smoke = "smoke"
    standard = "standard"
    deep = "deep"


ProfileOption = Annotated[Path | None, typer.Option(help="Profile of the target (TOML).")]
TargetOption = Annotated[str | None, typer.Option(help="URL to test; with a profile it replaces its url.")]
DepthOption = Annotated[Depth, typer.Option(help="How much to try.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the generated cases.")]
SpecOption = Annotated[Path | None, typer.Option(help="Folder with another copy of the spec.")]
SelectionOption = Annotated[str, typer.Option("-k", metavar="EXPR", help="Only cases whose id matches, as in pytest.")]


def _version(value: bool) -> None:
    if value:
        print(f"capture-conformance {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Contract conformance suite for POST /v1/capture/charge."""


@app.command()
def run(
    profile: ProfileOption = None,
    target: TargetOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files of the run; default: reports/RUN.")] = None,
    depth: DepthOption = Depth.standard,
    seed: SeedOption = 0,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests in flight at most.")] = None,
    selection: SelectionOption = "",
    spec: SpecOption = None,
    require_complete: Annotated[
        bool, typer.Option("--require-complete", help="3 unless every MUST was judged.")
    ] = False,
    fail_on_warning: Annotated[bool, typer.Option("--fail-on-warning", help="1 where a SHOULD is broken.")] = False,
    allow_production: Annotated[bool, typer.Option("--allow-production", help="Let the target be production.")] = False,
    processes: Annotated[str | None, typer.Option("-n", hidden=True)] = None,
) -> None:
    """Test a live server and write the report; without profile and target, the mock server."""
    gc.set_threshold(GARBAGE)
    import pytest

    from conformance.run.prepare import Options
    from conformance.suite import options as suite_options
    from conformance.suite.plugin import ConformancePlugin, prepared

    if processes is not None:
        raise UsageError("-n: one process shares one budget; use --concurrency for more requests in flight")
    options = Options(
        profile, target, out, depth.value, seed, concurrency, selection, spec,
        require_complete, fail_on_warning, allow_production,
    )  # fmt: skip
    prepared_run, stack = prepared(options)
    plugin = ConformancePlugin(prepared_run, stack)

    class Early:
        """Configures the plugin before pytest's own writers look at their options."""

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(self, config: pytest.Config) -> None:
            config.pluginmanager.register(plugin, suite_options.PLUGIN)
            plugin.configure(config)

    suite = suite_options.SUITE
    arguments = [
        "--disable-plugin-autoload", "-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin",
        *(f"-pno:{name}" for name in UNUSED), "--capture=no", "--assert=plain",
        "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), str(suite),
    ]  # fmt: skip
    if selection:
        arguments += ["-k", selection]
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):  # meant for other tests
        os.environ.pop(name, None)
    status = int(pytest.main(arguments, plugins=[Early()]))
    if plugin.reporter is None:
        stack.close()
        if plugin.problem:
            raise UsageError(plugin.problem)
        status = BEFORE_SENDING.get(status, OwnFault.status)
    raise typer.Exit(status)


@app.command()
def mock(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on the loopback address; 0: a free one.")] = 8080,
    fault: Annotated[list[str] | None, typer.Option(help="Named fault to turn on; may be given again.")] = None,
    rate: Annotated[str | None, typer.Option(metavar="N/s", help="Requests per second before 429.")] = None,
) -> None:
    """Serve the reference server until interrupted.

    A good request with the header field X-Provoke: 429 (or 500, 503) is answered so; X-Client tells windows apart.
    Ctrl-C or SIGTERM end it, with status 0.
    """
    from conformance.mock.faults import EVERY
    from conformance.mock.server import MockServer
    from conformance.run.prepare import terminable

    for name in fault or ():
        if name not in EVERY:
            near = get_close_matches(name, EVERY, 1)
            hint = f"did you mean {near[0]}?" if near else "`capture-conformance list` shows their names"
            raise UsageError(f"--fault {name}: there is none of that name; {hint}")
    try:
        server = MockServer(port, tuple(fault or ()), rate)
    except ValueError as error:
        raise UsageError(f"--rate: {error}") from None
    with suppress(KeyboardInterrupt), terminable():
        try:
            server.start()
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}; name another, or 0 for a free one") from None
        print(f"{server.url} serves the mock; Ctrl-C ends it", flush=True)
        Event().wait()
    server.stop()


@app.command()
def plan(
    profile: ProfileOption = None,
    target: TargetOption = None,
    depth: DepthOption = Depth.standard,
    seed: SeedOption = 0,
    spec: SpecOption = None,
    allow_production: Annotated[bool, typer.Option("--allow-production", help="Let the target be production.")] = False,
) -> None:
    """Show what `run` would send, without sending."""
    from conformance.cases.generated import shares
    from conformance.run.plan import cost_of_plan
    from conformance.run.prepare import Options, Run
    from conformance.run.second_pass import CONFIRMATIONS

    options = Options(profile, target, depth=depth.value, seed=seed, spec=spec, allow_production=allow_production)
    planned = Run(options, environ=None)
    limits, cost = planned.profile.limits, cost_of_plan(planned.profile, planned.cases)
    for case in planned.cases:
        note = (
            f"not exercised: {case.not_exercised}"
            if case.not_exercised
            else f"{len(case.probes):>4} request{'s' * (len(case.probes) != 1)}"
        )
        print(f"{case.id:<44} {note:<14} {', '.join(case.requirements[:3])}")
    silent = sum(1 for case in planned.cases if case.not_exercised)
    print(f"\n{len(planned.cases)} cases, {silent} of them not exercised; nothing was sent")
    print(f"requests      {cost.requests}, and at most {CONFIRMATIONS} more to confirm findings")
    generated = shares(planned.cases)
    if generated:
        print(f"generated     {sum(each.bodies for each in generated)} of the bodies, drawn for seed {seed}:")
    for each in generated:
        print(f"              {each.strategy:<22} {each.bodies:>5}  by {each.library}")
    print(f"trips needed  {cost.trips}")
    burst = max((probe.times for case in planned.cases for probe in case.probes), default=1)
    print(
        f"may charge    {cost.charging} requests, of which a conforming target captures {cost.captures}"
        + (f" and none of the {burst} of a burst" if burst > 1 else "")
    )
    for code, total in cost.totals.items():
        decimals = planned.profile.minor_units(code)
        worst = _up(cost.worst[code], decimals)
        print(
            f"at most       {_up(total, decimals)} {code} by a conforming target, {worst} if whatever may charge does"
        )
    full = cost_of_plan(planned.profile, planned.without_budget())
    if missing := full.requests - cost.requests:
        print(f"left out      {missing} requests for which [limits] and [money] have no room")
    print(f"room for all  [limits] max_requests = {full.requests}, [money] max_captures = {full.charging}")
    for code, most in full.worst.items():
        print(f'              [money.{code}] max_total = "{_up(most, planned.profile.minor_units(code))}"')
    paced = cost.requests / limits.requests_per_second if limits.requests_per_second else 0.0
    seconds = max(paced, cost.requests * ANSWER_S / limits.concurrency)
    print(
        f"time          about {seconds:.0f} s at {ANSWER_S * 1000:g} ms an answer, and the waits for provoked windows"
    )


def _up(amount: Decimal, decimals: int) -> str:
    """The amount in decimal text, rounded up to the decimals of its currency."""
    return format(amount.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING), "f")


@app.command("list")
def list_(spec: SpecOption = None) -> None:
    """Show requirements, cases and faults; needs no target."""
    from conformance.mock.faults import EVERY
    from conformance.run.prepare import Options, Run

    listed = Run(Options(target="http://127.0.0.1:8080", spec=spec))
    print("Requirements")
    for requirement in listed.contract.requirements.values():
        print(f"  {requirement.level:<6} {requirement.id:<32} {requirement.statement}")
    print("\nCases")
    for case in listed.cases:
        print(f"  {case.id:<44} {case.title}")
    print("\nFaults of the mock server")
    for fault in EVERY.values():
        print(f"  {fault.name:<44} {fault.wrong} [{', '.join(sorted(fault.breaks)) or 'benign'}]")


@app.command()
def judge(
    record: Annotated[Path, typer.Argument(help="record.jsonl of a run, or the folder that holds it.")],
    profile: ProfileOption = None,
) -> None:
    """Judge recorded traffic again, offline, and say which outcomes changed."""
    from conformance.report.findings import findings
    from conformance.report.outcome import exit_status, summarise
    from conformance.report.redact import visible
    from conformance.run.offline import changes, judge_record, sound_record
    from conformance.run.prepare import Options, contract_of, profile_of

    file = record / "record.jsonl" if record.is_dir() else record
    options = Options(profile)
    contract = contract_of(options)
    sound = sound_record(file)
    result = judge_record(sound, contract, profile_of(options, contract, None) if profile else None)
    summary = summarise(contract, result)
    print(summary.headline)
    if result.stop:
        print(visible(result.stop))
    if sound.header["spec_digest"] != contract.digest:
        print("the run had another spec than the one installed here")
    for one in findings(summary, lambda _row, _judgement: ""):
        cases = ", ".join(each.row.result.case.id for each in one.breaks)
        print(f"{one.row.outcome}: {one.row.requirement.id} in {cases}{f' and {one.more} more' if one.more else ''}")
    now = {row.requirement.id: row.outcome for row in summary.requirements}
    for line in changes(file.parent / "results.json", now, {row.result.case.id: row.outcome for row in summary.cases}):
        print(line)
    status = exit_status(summary, result, require_complete=False, fail_on_warning=False)
    raise typer.Exit(status)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write the profile.")] = Path("profile.toml"),
) -> None:
    """Write a commented profile to start from."""
    template = (Path(__file__).parent / "profile_template.toml").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(template)
    except FileExistsError:
        raise UsageError(f"{file}: exists already and was left as it is; name another file") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror})") from error
    print(f"{file}: fill in [target], [auth] and [data], then: capture-conformance run --profile {file}")


@app.command("profile-schema")
def profile_schema(spec: SpecOption = None) -> None:
    """Print the JSON Schema of the profile, for editors."""
    from conformance.profile import profile_schema as schema_of
    from conformance.run.prepare import Options, contract_of

    print(json.dumps(schema_of(contract_of(Options(spec=spec))), indent=2))


def main(arguments: list[str] | None = None) -> None:
    """Entry point: every error of ours becomes one message and its exit status."""
    try:
        _main(arguments)
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # whoever read the output has gone; the status is to be that of the command
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(arguments: list[str] | None) -> None:
    try:
        result: Any = app(args=arguments, standalone_mode=False)
    except SuiteError as error:
        print(error, file=sys.stderr)
        sys.exit(error.status)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - click's usage errors know how to show themselves, the others are ours
        show = getattr(error, "show", None)
        if show is not None:
            show()
            sys.exit(UsageError.status)
        traceback.print_exc()
        sys.exit(OwnFault.status)
    sys.exit(result if isinstance(result, int) else 0)
