"""The command line: reads options and hands them on. No rule of the contract stands here."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from difflib import get_close_matches
from inspect import Parameter, Signature, signature
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from conformance import __version__
from conformance.errors import OwnFault, SuiteError, UsageError
from conformance.options import Options, options

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


Command = Callable[..., None]


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command these options of a run, or all of them, as `Options` lists them; it gets their values by name."""

    def dressed(command: Command) -> Command:
        own = [one for one in signature(command, eval_str=True).parameters.values() if one.kind is not one.VAR_KEYWORD]
        more = [
            Parameter(
                one.name,
                Parameter.KEYWORD_ONLY,
                default=one.default,
                annotation=Annotated[one.type, typer.Option(one.flag, help=one.help, show_default=False)],
            )
            for one in options(*names)
        ]
        command.__signature__ = Signature([*own, *more])  # type: ignore[attr-defined]
        command.__annotations__ |= {one.name: one.annotation for one in more}
        command.__annotations__.pop("values", None)
        return command

    return dressed


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
@takes()
def run(processes: Annotated[str | None, typer.Option("-n", hidden=True)] = None, **values: Any) -> None:
    """Test a live server and write the report; without profile and target, the mock server."""
    gc.set_threshold(GARBAGE)
    import pytest

    from conformance.session import prepared
    from conformance.suite import options as suite_options
    from conformance.suite.plugin import ConformancePlugin

    if processes is not None:
        raise UsageError("-n: one process shares one budget; use --concurrency for more requests in flight")
    chosen = Options(**values)
    prepared_run, stack = prepared(chosen)
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
    if chosen.selection:
        arguments += ["-k", chosen.selection]
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
    from conformance.session import terminable

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
@takes("profile", "target", "depth", "seed", "spec", "allow_production")
def plan(**values: Any) -> None:
    """Show what `run` would send, without sending."""
    from conformance.cases.generated import shares
    from conformance.run.engine import CONFIRMATIONS
    from conformance.run.plan import cost_of_plan
    from conformance.session import Run

    planned = Run(Options(**values), environ=None)
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
        print(
            f"generated     {sum(each.bodies for each in generated)} of the bodies, drawn for seed {planned.options.seed}:"
        )
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
@takes("spec")
def list_(**values: Any) -> None:
    """Show requirements, cases and faults; needs no target."""
    from conformance.mock.faults import EVERY
    from conformance.session import Run

    listed = Run(Options(target="http://127.0.0.1:8080", **values))
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
@takes("profile")
def judge(
    record: Annotated[Path, typer.Argument(help="record.jsonl of a run, or the folder that holds it.")], **values: Any
) -> None:
    """Judge recorded traffic again, offline, and say which outcomes changed."""
    from conformance.redact import visible
    from conformance.report.findings import findings
    from conformance.report.outcome import exit_status, summarise
    from conformance.report.results import changes
    from conformance.run.result import judge_record, sound_record
    from conformance.session import contract_of, profile_of

    file = record / "record.jsonl" if record.is_dir() else record
    chosen = Options(**values)
    contract = contract_of(chosen)
    sound = sound_record(file)
    limit = profile_of(chosen, contract, None).limits.timeout_s if chosen.profile else None
    result = judge_record(sound, contract, limit)
    summary = summarise(contract, result)
    print(summary.headline)
    if result.stop:
        print(visible(result.stop))
    if sound.header["spec_digest"] != contract.digest:
        print("the run had another spec than the one installed here")
    for one in findings(summary, lambda _row, _judgement: ""):
        cases = ", ".join(each.row.result.case.id for each in one.violations)
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
@takes("spec")
def profile_schema(**values: Any) -> None:
    """Print the JSON Schema of the profile, for editors."""
    from conformance.profile import profile_schema as schema_of
    from conformance.session import contract_of

    print(json.dumps(schema_of(contract_of(Options(**values))), indent=2))


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
