"""plan, list, init, mock, profile-schema and --version on the real command."""

import json
import re
import signal
import tomllib
import urllib.request
from pathlib import Path

import pytest

import conformance
from conformance.cases.generated import STRATEGIES
from conformance.contract import load_contract
from conformance.mock.faults import BENIGN, FAULTS
from conformance.mock.server import MockServer

SMOKE = ("--depth", "smoke")


def test_version_and_help(command):
    ran = command("--version")
    assert (ran.returncode, ran.stdout) == (0, f"capture-conformance {conformance.__version__}\n")
    ran = command("--help")
    assert ran.returncode == 0
    for name in ("run", "mock", "plan", "list", "init"):
        assert f"\n  {name} " in ran.stdout


def test_init_writes_a_valid_profile_and_never_overwrites(command):
    assert command("init").returncode == 0
    text = (command.folder / "profile.toml").read_text()
    assert tomllib.loads(text)["target"]["environment"] == "staging"
    ran = command("plan", "--profile", "profile.toml", PAY_TOKEN="long-enough-secret")
    assert ran.returncode == 0, ran.stderr
    assert "long-enough-secret" not in ran.stdout
    ran = command("init")
    assert ran.returncode == 2
    assert "already exists" in ran.stderr
    assert (command.folder / "profile.toml").read_text() == text
    assert command("init", "no/such/folder.toml").returncode == 2


def test_plan_shows_what_a_run_would_send_and_sends_nothing(command, listener):
    ran = command("plan", "--target", f"http://127.0.0.1:{listener.port}")
    assert ran.returncode == 0
    lines = {line[:14].strip(): line[14:] for line in ran.stdout.split("nothing was sent\n")[1].splitlines()}
    assert int(lines["requests"].split(",")[0]) > int(lines["trips needed"]) > 100
    assert "may charge" in lines
    assert "USD at a conforming server" in ran.stdout
    assert "[money.USD] max_total = " in ran.stdout
    assert "JPY" not in ran.stdout
    assert lines["time"].startswith("about ")
    assert listener.connections() == 0
    assert not (command.folder / "reports").exists()


def test_plan_shows_how_many_bodies_each_library_draws(command):
    text = command("plan", "--target", "http://127.0.0.1:1").stdout
    block = re.findall(r"^ {14}([a-z-]+) +(\d+)  by (Hypothesis|Schemathesis)$", text, re.MULTILINE)
    assert [(name, library) for name, _, library in block] == [
        (name, strategy.drawn_by) for name, strategy in STRATEGIES.items()
    ]
    assert f"\ngenerated     {sum(int(number) for _, number, _ in block)} of the bodies, drawn for seed 0:" in text
    assert all(f"generated-{name} " in text for name, _, _ in block)
    assert "generated" not in command("plan", "--target", "http://127.0.0.1:1", "--depth", "smoke").stdout


def test_the_limits_that_plan_shows_have_room_for_all_cases(command):
    profile = command.profile(
        "http://127.0.0.1:1",
        more='[money]\nmax_captures = 9000\n[money.USD]\namount = "1.00"\nmax_total = "2.00"\n[money.EUR]\namount = "1.00"',
    )
    text = command("plan", "--profile", profile).stdout
    assert "Exceeds the money budget" in text
    assert "left out " in text
    figure = text.split('[money.USD] max_total = "')[1].split('"')[0]
    captures = text.split("max_captures = ")[1].split("\n")[0]
    (command.folder / "profile.toml").write_text(
        (command.folder / "profile.toml")
        .read_text()
        .replace('max_total = "2.00"\n', f'max_total = "{figure}"\n')
        .replace("max_captures = 9000", f"max_captures = {captures}")
    )
    again = command("plan", "--profile", profile)
    assert again.returncode == 0, again.stderr
    assert "Exceeds the money budget" not in again.stdout
    assert "left out " not in again.stdout


def test_plan_needs_no_secret(command):
    profile = command.profile("http://127.0.0.1:1", auth='kind = "bearer"\ntoken_env = "NO_SUCH_TOKEN"')
    assert command("plan", "--profile", profile).returncode == 0
    ran = command.run("--profile", profile)
    assert (ran.returncode, "NO_SUCH_TOKEN" in ran.stderr) == (2, True)


def test_a_closed_output_does_not_change_the_status(command):
    with command.started("run", "--out", str(command.out), "-k", "store-id-missing") as process:
        process.stdout.close()
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, "")


def test_list_shows_requirements_cases_and_faults(command):
    text = command("list").stdout
    for name in (*load_contract().requirements, *FAULTS, *BENIGN, "store-id-missing"):
        assert f" {name} " in text


def test_list_shows_one_kind_and_json(command):
    contract = load_contract()
    assert len(command("list", "requirements", *SMOKE).stdout.splitlines()) == len(contract.requirements)
    everything = json.loads(command("list", "--json", *SMOKE).stdout)
    assert [row["id"] for row in everything["faults"]] == [*FAULTS, *BENIGN]
    assert list(everything) == ["requirements", "cases", "faults"]
    assert [row["id"] for row in everything["requirements"]] == list(contract.requirements)
    assert {name for row in everything["cases"] for name in row["requirements"]} <= set(contract.requirements)
    assert command("list", "nothing").returncode == 2


def test_plan_of_a_selection_shows_only_the_sums_if_asked(command):
    selection = ("-k", "store-id.type", *SMOKE)
    cases, sums = command("plan", *selection).stdout.split("\n\n")
    assert command("plan", "--summary", *selection).stdout == sums
    rows = json.loads(command("list", "cases", "--json", *SMOKE).stdout)
    made_for = [row["id"] for row in rows if "store-id.type" in row["requirements"]]
    assert [line.split()[0] for line in cases.splitlines()] == made_for != []


def test_a_url_or_a_profile_may_be_given_without_an_option(command):
    profile = command.profile("http://127.0.0.1:1")
    assert command("plan", profile, *SMOKE).stdout == command("plan", "--profile", profile, *SMOKE).stdout
    url = "http://127.0.0.1:2"
    assert command("plan", url, *SMOKE).stdout == command("plan", "--target", url, *SMOKE).stdout
    for arguments, text in (
        (("nothing",), "nothing: neither a URL, such as http://127.0.0.1:8080, nor a profile, such as profile.toml"),
        ((url, "--target", url), f"{url}: --target is given as well; give one of them"),
        ((profile, "--profile", profile), "--profile is given as well"),
    ):
        ran = command("run", *arguments)
        assert (ran.returncode, ran.stdout, text in ran.stderr) == (2, "", True)


def test_a_profile_in_the_current_folder_is_taken_if_nothing_else_is_given(command):
    with MockServer() as server:
        command.profile(server.url)
        ran = command.run("-k", "store-id-missing", *SMOKE)
        assert ran.stdout.splitlines()[1] == "Profile  profile.toml: Target (local)"
        assert server.url in str(command.results()["run"]["target"])
        command.out = command.folder / "second"
        ran = command.run("-k", "store-id-missing", server.url, *SMOKE)
        assert ran.stdout.splitlines()[1].startswith("Profile  none; assumed as for the mock server: stores store-001,")


def test_a_target_alone_is_named_by_its_url_and_need_not_know_what_only_the_mock_knows(command):
    with MockServer(faults=("code-yen-refused", "yen-exponent-refused")) as server:
        ran = command.run("--target", server.url, "-k", "accept or value.spellings or long")
        results = command.results()
    assert (ran.returncode, results["run"]["profile"]["target"]["name"]) == (0, server.url)
    assert [row["id"] for row in results["requirements"] if row["outcome"] in ("failed", "warned")] == []


def test_quiet_prints_the_verdict_and_the_exit_status(command):
    ran = command.run("-q", "-k", "store-id-missing", *SMOKE)
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["partial,", "exit"]
    assert ran.stderr == ""


def test_h_is_help(command):
    assert command("run", "-h").stdout == command("run", "--help").stdout
    assert command("-h").returncode == 0


def test_explain_shows_every_requirement(command):
    ids = list(load_contract().requirements)
    ran = command("explain", *ids)
    sections = ran.stdout.split("\n\n")
    assert [line.partition(" ")[0] for line in sections[0::2]] == ids
    assert (ran.returncode, ran.stdout.count("Why it matters")) == (0, len(ids))
    document = command("explain", "--markdown").stdout
    assert all(f"## {name}\n" in document for name in ids)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("store-id.patern",), "did you mean store-id.pattern"),
        (("value.type", "body"), "did you mean body.empty or"),
        (("xyz",), "`capture-conformance list` shows all names"),
        ((), "name one or more requirements"),
    ],
)
def test_explain_helps_with_an_unknown_id(command, arguments, hint):
    ran = command("explain", *arguments)
    assert (ran.returncode, hint in ran.stderr, "Traceback" in ran.stderr) == (2, True, False)


def test_the_mock_prints_its_url_and_stops_cleanly(command):
    for number in (signal.SIGINT, signal.SIGTERM):
        with command.started("mock", "--port", "0", "--fault", "store-unknown-accepted", "--rate", "100/s") as process:
            line = process.stdout.readline()
            url = line.split()[0]
            with urllib.request.urlopen(f"{url}/admin/faults") as answer:
                assert json.load(answer) == ["store-unknown-accepted"]
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=10)
        assert (process.returncode, stdout, stderr) == (0, "", "")


def test_the_mock_refuses_bad_options(command, listener):
    for arguments, text in (
        (("--fault", "store-unknown-acepted"), "did you mean store-unknown-accepted"),
        (("--rate", "often"), "for example 5/s"),
        (("--port", str(listener.port)), "Address already in use; give another port"),
    ):
        ran = command("mock", *arguments)
        assert ran.returncode == 2
        assert text in ran.stderr
        assert "Traceback" not in ran.stderr


def test_planned_commands_are_usage_errors_for_now(command):
    for name in ("sign-off", "verify", "compare", "check"):
        assert command(name).returncode == 2
    assert command("run", "--resume", "x").returncode == 2


def test_the_shipped_schema_of_the_profile_is_current(command):
    shipped = Path(conformance.__file__).with_name("profile.schema.json")
    assert json.loads(command("profile-schema").stdout) == json.loads(shipped.read_text())


def test_judge_names_the_cases_with_the_violation(command):
    with MockServer(faults=("code-lower-case",)) as server:
        command.run("--target", server.url, "-k", "code or accept")
    violating = [
        case["id"]
        for case in command.results()["cases"]
        if any(judgement["requirement"] == "code.pattern" for judgement in case["judgements"]["breaks"])
    ]
    (line,) = (line for line in command("judge", str(command.out)).stdout.splitlines() if "code.pattern in " in line)
    named = line.partition(" in ")[2].partition(" and ")[0].split(", ")
    assert set(named) <= set(violating)
    assert len(named) == min(5, len(violating))
