"""The command line: parses options and passes them on. Contains no rule of the contract."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from difflib import get_close_matches
from inspect import Parameter, Signature, signature
from pathlib import Path
from shutil import get_terminal_size
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from conformance import __version__
from conformance.errors import OwnFault, SuiteError, UsageError
from conformance.options import Options, options
from conformance.process import Interruption, signals_handled

if TYPE_CHECKING:
    from conformance.report.outcome import Change, Summary

MAX_WIDTH = 100  # longer lines are hard to read
ANSWER_S = 0.05  # a usual response time, for the estimate that `plan` prints
# New objects between two garbage collections. A run makes little garbage, and collecting took a tenth of its time.
GARBAGE_THRESHOLD = 100_000
# Plugins of pytest that the cases do not use.
UNUSED_PLUGINS = (
    "cacheprovider", "debugging", "doctest", "faulthandler", "legacypath", "logging", "monkeypatch", "pastebin", "recwarn",
    "setuponly", "setupplan", "stepwise", "terminal", "threadexception", "tmpdir", "unittest", "unraisableexception",
    "warnings",
)  # fmt: skip
# Our exit status for each status with which pytest can end before anything was sent.
STATUS_BEFORE_SENDING = {2: 130, 4: UsageError.status, 5: UsageError.status}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Contract conformance suite for POST /v1/capture/charge.",
)


Command = Callable[..., None]
Kind = Literal["requirements", "cases", "faults"]
WhatToTest = Annotated[
    str | None,
    typer.Argument(metavar="[URL|PROFILE]", help="The same as --target or --profile.", show_default=False),
]


def with_given(given: str | None, values: dict[str, Any]) -> dict[str, Any]:
    """The options, with the URL or the profile that was given without an option."""
    if given is None:
        return values
    name = "target" if given.startswith(("http://", "https://")) else "profile"
    if name == "profile" and not given.endswith(".toml") and not Path(given).is_file():
        raise UsageError(f"{given}: neither a URL, such as http://127.0.0.1:8080, nor a profile, such as profile.toml")
    if values[name] is not None:
        raise UsageError(f"{given}: --{name} is given as well; give one of them")
    return {**values, name: Path(given) if name == "profile" else given}


def takes(*names: str) -> Callable[[Command], Command]:
    """Add these options of a run to a command, or all of them. The command gets their values as keyword arguments."""

    def with_options(command: Command) -> Command:
        parameters = signature(command, eval_str=True).parameters.values()
        own_parameters = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        added_parameters = [
            Parameter(
                option.name,
                Parameter.KEYWORD_ONLY,
                default=option.default,
                annotation=Annotated[option.type, typer.Option(option.flag, help=option.help, show_default=False)],
            )
            for option in options(*names)
        ]
        command.__signature__ = Signature([*own_parameters, *added_parameters])  # type: ignore[attr-defined]
        command.__annotations__ |= {parameter.name: parameter.annotation for parameter in added_parameters}
        command.__annotations__.pop("values", None)
        return command

    return with_options


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
def run(
    given: WhatToTest = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only the verdict and the exit status.")] = False,
    processes: Annotated[str | None, typer.Option("-n", hidden=True)] = None,
    **values: Any,
) -> None:
    """Test a live server and write the report. Without profile and URL, `profile.toml` or else the mock server is used."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    import pytest

    from conformance.session import prepared
    from conformance.suite import options as suite_options
    from conformance.suite.plugin import ConformancePlugin

    if processes is not None:
        raise UsageError("-n: a run is one process with one money budget; use --concurrency for parallel requests")
    chosen = Options(**with_given(given, values))
    prepared_run, stack = prepared(chosen)
    plugin = ConformancePlugin(prepared_run, stack, quiet=quiet)

    class EarlyConfiguration:
        """Configures the plugin before pytest's own report writers read their options."""

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(self, config: pytest.Config) -> None:
            config.pluginmanager.register(plugin, suite_options.PLUGIN)
            plugin.configure(config)

    suite = suite_options.SUITE
    arguments = [
        "--disable-plugin-autoload", "-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin",
        *(f"-pno:{name}" for name in UNUSED_PLUGINS), "--capture=no", "--assert=plain",
        "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), str(suite),
    ]  # fmt: skip
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):  # these are meant for other test suites
        os.environ.pop(name, None)
    status = int(pytest.main(arguments, plugins=[EarlyConfiguration()]))
    if plugin.reporter is None:
        stack.close()
        if plugin.problem:
            raise UsageError(plugin.problem)
        status = 130 if plugin.interruption.received else STATUS_BEFORE_SENDING.get(status, OwnFault.status)
    raise typer.Exit(status)


@app.command()
def mock(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on the loopback address; 0 takes a free port.")
    ] = 8080,
    fault: Annotated[list[str] | None, typer.Option(help="Name of a fault to turn on; may be repeated.")] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N/s", help="Rate above which requests are answered with 429.")
    ] = None,
) -> None:
    """Serve the reference server until interrupted.

    A good request with the header field X-Provoke: 429 (or 500, 503) is answered with that status. Each value of
    X-Client has a rate-limit window of its own. Ctrl-C or SIGTERM stops the server, with exit status 0.
    """
    from conformance.mock.faults import EVERY
    from conformance.mock.server import MockServer

    for name in fault or ():
        if name not in EVERY:
            raise UsageError(f"--fault {name}: there is no fault with this name; {_near(name, EVERY)}")
    try:
        server = MockServer(port, tuple(fault or ()), rate)
    except ValueError as error:
        raise UsageError(f"--rate: {error}") from None
    with suppress(KeyboardInterrupt), signals_handled():
        try:
            server.start()
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}; give another port, or 0 for a free one") from None
        print(f"{server.url} is the mock server; Ctrl-C stops it", flush=True)
        Event().wait()
    server.stop()


@app.command()
@takes("profile", "target", "spec", "allow_production")
def check(
    given: WhatToTest = None,
    capture: Annotated[bool, typer.Option("--capture", help="Also charge once at each declared store.")] = False,
    **values: Any,
) -> None:
    """Check within two seconds whether a run can start, without charging. Exits as `run` would."""
    from conformance.check import check as findings_of
    from conformance.redact import visible
    from conformance.session import contract_of, profile_of, with_default_profile

    chosen = with_default_profile(Options(**with_given(given, values)))
    if chosen.profile is None and chosen.target is None:
        raise UsageError("check: name the profile to check, or the URL of a server on this machine")
    contract = contract_of(chosen)
    profile = profile_of(chosen, contract, os.environ)
    print(f"ok    {'profile':<15} {chosen.profile or 'none, assumed'}: {visible(profile.target.name)}")
    statuses = [0]
    for finding in findings_of(contract, profile, os.environ, capture=capture):
        print(f"{finding.level:<5} {finding.subject:<15} {visible(finding.text)}", flush=True)
        statuses.append(finding.status)
    raise typer.Exit(min(filter(None, statuses), default=0))


@app.command()
@takes("profile", "target", "depth", "seed", "selection", "spec", "allow_production")
def plan(
    given: WhatToTest = None,
    summary: Annotated[bool, typer.Option("--summary", help="Show only the sums, not each case.")] = False,
    **values: Any,
) -> None:
    """Show what `run` would send, without sending."""
    from conformance.cases.generated import shares
    from conformance.run.engine import CONFIRMATIONS
    from conformance.run.plan import cost_of_plan
    from conformance.session import Run, with_default_profile

    planned = Run(with_default_profile(Options(**with_given(given, values))), environ=None)
    cases = planned.selected
    limits, cost = planned.profile.limits, cost_of_plan(planned.profile, cases)
    for case in () if summary else cases:
        note = (
            f"not exercised: {case.not_exercised}"
            if case.not_exercised
            else f"{len(case.probes):>4} request{'s' * (len(case.probes) != 1)}"
        )
        print(f"{case.id:<44} {note:<14} {', '.join(case.requirements[:3])}")
    print("\n" * (not summary), end="")
    left_out = sum(1 for case in cases if case.not_exercised)
    print(f"{len(cases)} cases, {left_out} of them not exercised; nothing was sent")
    print(f"requests      {cost.requests}, and at most {CONFIRMATIONS} more to confirm findings")
    generated = shares(cases)
    if generated:
        print(
            f"generated     {sum(share.bodies for share in generated)} of the bodies, drawn for seed {planned.options.seed}:"
        )
    for share in generated:
        print(f"              {share.strategy:<22} {share.bodies:>5}  by {share.drawn_by}")
    print(f"trips needed  {cost.trips}")
    alone = [case.id for case in cases if case.scheduling == "exclusive" and not case.not_exercised]
    if alone:
        print(f"runs alone    {', '.join(alone)}: nothing else is sent meanwhile")
    burst = max((probe.times for case in cases for probe in case.probes if probe.per_second), default=1)
    print(
        f"may charge    {cost.charging} requests; a conforming server charges at most {cost.captures} of them"
        + (f" and none of the {burst} requests of a burst" if burst > 1 else "")
    )
    for code, total in cost.totals.items():
        decimals = planned.profile.minor_units(code)
        worst = _rounded_up(cost.worst[code], decimals)
        print(
            f"at most       {_rounded_up(total, decimals)} {code} at a conforming server, {worst} if every such request charges"
        )
    full = cost_of_plan(planned.profile, planned.without_budget())
    if missing := full.requests - cost.requests:
        print(f"left out      {missing} requests that do not fit into [limits] and [money]")
    print(f"room for all  [limits] max_requests = {full.requests}, [money] max_captures = {full.charging}")
    for code, most in full.worst.items():
        print(f'              [money.{code}] max_total = "{_rounded_up(most, planned.profile.minor_units(code))}"')
    paced = cost.requests / limits.requests_per_second if limits.requests_per_second else 0.0
    seconds = max(paced, cost.requests * ANSWER_S / limits.concurrency)
    print(
        f"time          about {seconds:.0f} s at {ANSWER_S * 1000:g} ms per response, and the waits for provoked windows"
    )


def _rounded_up(amount: Decimal, decimals: int) -> str:
    """The amount as decimal text, rounded up to the decimals of its currency."""
    return format(amount.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING), "f")


@app.command("list")
@takes("depth", "spec")
def list_(
    kind: Annotated[Kind | None, typer.Argument(help="List only these.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **values: Any,
) -> None:
    """Show requirements, cases and faults; needs no target."""
    from conformance.mock.faults import EVERY
    from conformance.session import Run

    listed = Run(Options(**values))
    rows: dict[str, list[dict[str, Any]]] = {
        "requirements": [
            {
                "id": row.id, "level": row.level, "statement": row.statement, "place": row.place.title,
                "source": row.source, "test_plan": row.test_plan,
            }
            for row in listed.contract.requirements.values()
        ],
        "cases": [
            {
                "id": case.id, "title": case.title, "requirements": case.requirements, "requests": case.requests,
                "scheduling": case.scheduling,
            }
            for case in listed.cases
        ],
        "faults": [
            {"id": fault.name, "wrong": fault.wrong, "violates": sorted(fault.breaks)} for fault in EVERY.values()
        ],
    }  # fmt: skip
    chosen = {name: rows[name] for name in ([kind] if kind else rows)}
    if as_json:
        print(json.dumps(chosen[kind] if kind else chosen, indent=2))
        return
    for name, of_kind in chosen.items():
        if kind is None:
            print(f"{'' if name == 'requirements' else chr(10)}{TITLES[name]}")
        for row in of_kind:
            print(f"  {_listed(row)}")


TITLES = {"requirements": "Requirements", "cases": "Cases", "faults": "Faults of the mock server"}


def _listed(row: dict[str, Any]) -> str:
    """One row of `list` as text."""
    if "level" in row:
        return f"{row['level']:<6} {row['id']:<32} {row['statement']}"
    if "title" in row:
        return f"{row['id']:<44} {row['title']}"
    return f"{row['id']:<44} {row['wrong']} [{', '.join(row['violates']) or 'benign'}]"


@app.command()
@takes("spec")
def explain(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Ids of requirements.", show_default=False)
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print all of them as Markdown.")] = False,
    **values: Any,
) -> None:
    """Explain requirements: why they matter, what usually violates them and how to fix it."""
    from conformance.report.explain import explained
    from conformance.report.explain import markdown as as_markdown
    from conformance.session import contract_of

    contract = contract_of(Options(**values))
    if markdown:
        print(as_markdown(contract), end="")
        return
    if not ids:
        raise UsageError("explain: name one or more requirements, or give --markdown for all of them")
    for number, requirement_id in enumerate(ids):
        if requirement_id not in contract.requirements:
            raise UsageError(
                f"{requirement_id}: there is no such requirement; {_near(requirement_id, contract.requirements)}"
            )
        lines = explained(contract, contract.requirements[requirement_id], min(get_terminal_size().columns, MAX_WIDTH))
        print("\n".join([*([""] if number else []), *lines]))


def _near(name: str, names: Iterable[str]) -> str:
    """What to write in place of an unknown name: the similar ones, or the command that shows all."""
    similar = get_close_matches(name, names, 4, 0.7) or [each for each in names if name and name in each][:4]
    return f"did you mean {' or '.join(similar)}?" if similar else "`capture-conformance list` shows all names"


@app.command()
@takes("profile")
def judge(
    record: Annotated[
        Path,
        typer.Argument(help="record.jsonl of a run, the folder that holds it, or a HAR file of a browser or proxy."),
    ],
    **values: Any,
) -> None:
    """Judge recorded traffic again, offline, and show which outcomes changed. A HAR file needs the profile of its server."""
    from conformance.redact import visible
    from conformance.report.comparison import differences, outcomes_of, read_outcomes
    from conformance.report.outcome import exit_status, summarise
    from conformance.run.result import judge_record, sound_record
    from conformance.session import contract_of, profile_of

    file = record / "record.jsonl" if record.is_dir() else record
    chosen = Options(**values)
    contract = contract_of(chosen)
    if file.suffix == ".har":
        raise typer.Exit(_judge_har(file, chosen))
    sound = sound_record(file)
    limit = profile_of(chosen, contract, None).limits.timeout_s if chosen.profile else None
    result = judge_record(sound, contract, limit)
    summary = summarise(contract, result)
    print(summary.headline)
    if result.stop:
        print(visible(result.stop))
    if sound.header["spec_digest"] != contract.digest:
        print("The run used another version of the spec than this command.")
    _print_findings(summary)
    before = file.parent / "results.json"
    if before.exists():
        _print_changes(differences(read_outcomes(before, contract), outcomes_of(summary, result)))
    else:
        print(f"nothing to compare with: there is no {before.name} next to the record")
    status = exit_status(summary, result, require_complete=False, fail_on_warning=False)
    raise typer.Exit(status)


def _print_findings(summary: Summary) -> None:
    """Two lines for each finding: the requirement with its cases, and what the first of them shows."""
    from conformance.redact import visible
    from conformance.report.findings import findings

    for finding in findings(summary, lambda _row, _judgement: ""):
        cases = ", ".join(violation.row.result.case.id for violation in finding.violations)
        more = f" and {finding.more} more" if finding.more else ""
        print(f"{finding.row.outcome}: {finding.row.requirement.id} in {cases}{more}")
        for violation in finding.violations[:1]:
            judged = violation.judgement
            print(visible(f"  at {judged.at}: expected {judged.expected}, received {judged.received[:200]}"))


def _judge_har(file: Path, chosen: Options) -> int:
    """Judge a HAR file and print what it shows; gives the exit status."""
    from conformance.report.outcome import UNJUDGED, exit_status, summarise
    from conformance.run.traffic import judge_har
    from conformance.session import contract_of, profile_of

    if chosen.profile is None:
        raise UsageError(
            f"{file}: name the profile of the server with --profile; its stores, trips and currencies count"
        )
    contract = contract_of(chosen)
    traffic = judge_har(file, contract, profile_of(chosen, contract, None))
    summary = summarise(contract, traffic.result)
    print(summary.headline)
    _print_findings(summary)
    for outcome in ("passed", "observed"):
        ids = [row.requirement.id for row in summary.requirements if row.outcome == outcome]
        print(f"{outcome}: {', '.join(ids) or 'none'}")
    untested = sum(1 for row in summary.requirements if row.outcome in UNJUDGED)
    print(
        f"{untested} requirements are not judged; among them framing, since a HAR file does not have the bytes of responses"
    )
    for word, reasons in (("not judged", traffic.not_judged), ("judged in part", traffic.in_part)):
        for reason, numbers in reasons.items():
            print(f"{word}: {reason}: entr{'y' if len(numbers) == 1 else 'ies'} {', '.join(map(str, numbers))}")
    return exit_status(summary, traffic.result, require_complete=False, fail_on_warning=False)


@app.command()
@takes("profile", "target", "out", "spec", "allow_production", "yes")
def replay(
    record: Annotated[Path, typer.Argument(help="record.jsonl of a run, or the folder that holds it.")],
    case: Annotated[str, typer.Argument(help="Id of the case to send again.")],
    **values: Any,
) -> None:
    """Send a recorded case again and show what is better, worse or the same. May charge, as a run may."""
    from dataclasses import replace

    from conformance.profile import MOCK_NAME
    from conformance.report.clean import Cleaner
    from conformance.report.preview import refusal
    from conformance.report.replay import compared, recorded_case, sent_again
    from conformance.report.terminal import charges, plural
    from conformance.run.result import judge_record, sound_record
    from conformance.session import Run, with_default_profile

    sound = sound_record(record / "record.jsonl" if record.is_dir() else record)
    as_recorded = {name: sound.header[name] for name in ("depth", "seed")}
    chosen = with_default_profile(Options(**values, **as_recorded))
    tested = sound.header["profile"]["target"]
    if chosen.profile is None and chosen.target is None:
        chosen = replace(chosen, target=tested["url"])
    again = Run(chosen, builtin=chosen.profile is None and tested["name"] == MOCK_NAME)
    planned_case = recorded_case(again, sound, case)
    if problem := refusal(again, [planned_case], Cleaner(again.redactor)):
        raise UsageError(problem)
    result = sent_again(again, planned_case)
    found = compared(again, planned_case, judge_record(sound, again.contract), result)
    print(f"{found.word}: {case}")
    for line in found.lines:
        print(f"  {line}")
    print(f"{result.url}: {plural(result.requests, 'request')}, {charges(result)}. Record: {again.out}/record.jsonl")
    raise typer.Exit(found.status)


@app.command()
@takes("spec")
def compare(
    old: Annotated[Path, typer.Argument(help="Folder of a run, its results.json, record.jsonl or bundle.")],
    new: Annotated[Path, typer.Argument(help="The later run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
    **values: Any,
) -> None:
    """Show which outcomes changed from one run to another. Exits with 1 if something became worse."""
    from dataclasses import asdict

    from conformance.report.comparison import differences, read_outcomes
    from conformance.session import contract_of

    contract = contract_of(Options(**values))
    before, now = read_outcomes(old, contract), read_outcomes(new, contract)
    found = differences(before, now)
    if as_json:
        print(json.dumps([asdict(change) for change in found], indent=2))
    else:
        if before.scope != now.scope:
            print("The runs differ in depth or selection: what only one of them tested is not worse.")
        _print_changes(found)
    raise typer.Exit(1 if any(change.kind == "worse" for change in found) else 0)


@app.command()
@takes("spec")
def overview(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs, or folders that contain them.")],
    out: Annotated[Path, typer.Option(help="Folder for overview.html and overview.csv.")] = Path(),
    **values: Any,
) -> None:
    """Show many runs on one page and in one CSV file: verdict, counts, and what changed since the run before."""
    from conformance.report.overview import overview as rows_of
    from conformance.report.overview import write_overview
    from conformance.session import contract_of

    rows = rows_of(folders, contract_of(Options(**values)))
    try:
        write_overview(out, rows)
    except OSError as error:
        raise UsageError(
            f"--out {out}: cannot be written ({error.strerror}); name a folder that can be written"
        ) from error
    print(f"{len(rows)} runs: {out / 'overview.html'}, {out / 'overview.csv'}")


@app.command("sign-off")
@takes("spec")
def sign_off(
    folder: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path | None, typer.Option(help="The bundle to write; default: sign-off.zip in the folder.")] = None,
    tested_by: Annotated[str, typer.Option(help="Company that tested.")] = "",
    provider: Annotated[str, typer.Option(help="Company that runs the server.")] = "",
    accept_gaps: Annotated[str, typer.Option(metavar="NAME", help="Who accepts what was not tested.")] = "",
    since: Annotated[
        Path | None, typer.Option(help="Run or bundle that was signed before, to show what changed.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Private key to sign the bundle with: OpenSSH, or of --certificate.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="X.509 certificate to sign with.")] = None,
    **values: Any,
) -> None:
    """Write the page that both parties sign, and the bundle of everything it follows from.

    Exits with 1, 2 or 3 and writes no bundle if the run is not fit to sign.
    """
    from conformance.report.bundle import Signer, write_bundle
    from conformance.report.sign_off import PAGE, SignOff, Statement
    from conformance.session import contract_of

    if certificate is not None and key is None:
        raise UsageError("--certificate: its private key is missing; name it with --key")
    contract = contract_of(Options(**values))
    made = SignOff(folder, contract, Statement(tested_by, provider, accept_gaps)).compared_with(since)
    (folder / PAGE).write_text(made.page, encoding="utf-8")
    if made.obstacles:
        print(f"Not fit to sign: {made.summary.headline}")
        for reason in made.obstacles:
            print(f"  {reason}")
        print(f"{folder / PAGE} shows the same; no bundle was written")
        raise typer.Exit(made.refusal_status)
    signer = Signer("x509" if certificate else "ssh", key, certificate) if key else None
    bundle = out or folder / "sign-off.zip"
    write_bundle(bundle, made.contents(), signer)
    print(f"Fit to sign: {made.summary.headline}")
    print(f"{folder / PAGE} is the page to sign, {bundle} the bundle{'' if signer else ', not signed'}")


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="Bundle that `sign-off` wrote.")],
    signer: Annotated[Path | None, typer.Option(help="Public key or certificate that must have signed it.")] = None,
) -> None:
    """Check that a bundle is consistent, that its results follow from its record, and who signed it."""
    from conformance.report.bundle import Tampered
    from conformance.report.verify import verify as proved

    try:
        lines = proved(bundle, signer)
    except Tampered as error:
        print(f"{bundle}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    for line in lines:
        print(line)


def _print_changes(found: Sequence[Change]) -> None:
    """One line for each change, and the number of each kind."""
    from conformance.redact import visible
    from conformance.report.comparison import counted

    for change in found:
        print(visible(change.line()))
    print(counted(found))


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
        raise UsageError(f"{file}: already exists and was not changed; give another file name") from None
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
    """Print each error as one message and exit with its status."""
    with signals_handled() as interruption:
        _main(arguments, interruption)


def _main(arguments: list[str] | None, interruption: Interruption) -> None:
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
    except Exception as error:  # noqa: BLE001 - usage errors of click have `show`; any other is an error of the suite
        show = getattr(error, "show", None)
        if show is not None:
            show()
            sys.exit(UsageError.status)
        if interruption.received:  # which other code may turn into an error of its own
            sys.exit(130)
        traceback.print_exc()
        sys.exit(OwnFault.status)
    sys.exit(result if isinstance(result, int) else 0)
