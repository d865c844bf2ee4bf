"""`pytest conformance/suite` and `pytest --pyargs conformance.suite` have the outcomes and statuses of the command."""

import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.mock.server import MockServer

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = any(entry.value == "conformance.suite.options" for entry in entry_points(group="pytest11"))
OTHER_FOLDERS = {"other": [str(ROOT / "tests")], "around": [str(ROOT / "conformance")]}
FORMS = {
    "folder": ["conformance/suite"],
    "package": ["--pyargs", "conformance.suite"],
    "link": ["link/conformance/suite"],
}

FEW_CASES = ("-k", "store-id and not boundary or accept")


def by_pytest(form: str, folder: Path, *arguments: str, all_plugins: bool = False) -> subprocess.CompletedProcess[str]:
    """Run one of the forms in a process: "folder" in a checkout, "package" in any folder. Optionally with all plugins."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    env["PYTHONPATH"] = str(ROOT)
    plugins = [] if INSTALLED and all_plugins else ["-p", "conformance.suite.options"]
    if not all_plugins:
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        plugins += ["-p", "xdist.plugin", "-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *(FORMS | OTHER_FOLDERS)[form], *arguments],
        cwd=ROOT if form == "folder" else folder, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def compared(results: dict) -> tuple:
    """The parts of the results that must be equal."""
    return (
        results["verdict"],
        results["exit_status"],
        results["counts"],
        {row["id"]: row["outcome"] for row in results["requirements"]},
        [(row["id"], row["outcome"]) for row in results["cases"]],
    )


MEDDLING = """
import random
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    yield
    random.seed(1)
    random.shuffle(items)

def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        runtestprotocol(item, nextitem=nextitem)
    return True
"""


@pytest.mark.parametrize(("form", "faults", "status"), [("folder", (), 0), ("package", ("store-unknown-accepted",), 1)])
def test_the_same_outcomes_and_status_as_the_command(command, form, faults, status):
    """Also with plugins that shuffle tests or run them again: cases are sent in the order of the plan, each once."""
    with MockServer(faults=faults) as server:
        arguments = ("--target", server.url, "--concurrency", "1", *FEW_CASES)
        expected = command.run(*arguments)
        results, sent = command.results(), sent_cases(command)
        (command.folder / "meddling.py").write_text(MEDDLING)
        meddling = ("-p", "meddling") if form == "package" else ()
        command.out = command.folder / "by-pytest"
        ran = by_pytest(
            form, command.folder, *meddling, *arguments, "--out", str(command.out), all_plugins=bool(meddling)
        )
    assert (expected.returncode, ran.returncode) == (status, status), ran.stdout + ran.stderr
    assert compared(command.results()) == compared(results)
    assert sent_cases(command) == sent
    cases = ET.parse(command.out / "junit.xml").findall(".//testcase")
    assert [case.get("name").partition(":")[0] for case in cases] == [row["id"] for row in command.results()["cases"]]


def sent_cases(command) -> list[str]:
    """The cases of the record in the order sent, without chains, which run beside the others."""
    lines = [line["exchange"]["case"] for line in command.record() if line["kind"] == "exchange"]
    plan = next(line for line in command.record() if line["kind"] == "plan")
    chains = {case["id"] for case in plan["cases"] if "scheduling" in case and case["scheduling"] != "one-shot"}
    return [case for case in lines if case not in chains]


def test_a_usage_error_is_2(command):
    ran = by_pytest("package", command.folder, "--target", "https://pay.example.com", "--out", str(command.out))
    assert ran.returncode == 2
    assert 'environment = "staging"' in ran.stderr


def test_no_connection_is_3(command, silent_port):
    arguments = ("--target", f"http://127.0.0.1:{silent_port}", "--out", str(command.out))
    assert by_pytest("folder", command.folder, *arguments).returncode == 3
    assert command.results()["verdict"] == "inconclusive"


def test_processes_and_an_empty_selection_are_refused(command):
    out = ("--out", str(command.out))
    ran = by_pytest("folder", command.folder, "-n", "2", *out)
    assert ran.returncode == 2
    assert "--concurrency" in ran.stderr
    ran = by_pytest("folder", command.folder, "-k", "no-such-case", *out)
    assert ran.returncode == 2
    assert "matches no case" in ran.stderr
    assert not command.out.exists()


def test_another_pytest_is_not_affected(command):
    """It has none of our options, which might conflict with those of other plugins, and collects none of our cases."""
    our_option = "--allow-production"
    assert our_option in by_pytest("folder", command.folder, "--help").stdout
    assert our_option not in by_pytest("other", command.folder, "--help").stdout
    ran = by_pytest("around", command.folder, "--collect-only", "-q")
    assert ran.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_an_interruption_is_130_and_leaves_the_report(command):
    with MockServer() as server:
        profile = command.profile(server.url, limits="requests_per_second = 20")
        arguments = (
            "-p",
            "conformance.suite.options",
            *FORMS["folder"],
            "--profile",
            profile,
            "--out",
            str(command.out),
        )
        with command.started(*arguments, module="pytest", cwd=ROOT, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1") as process:
            command.wait_for_record(process, 30)
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stdout + stderr
    assert command.results()["interrupted"] is True
    assert command.outcomes()["failed"] == 0


def test_the_suite_is_found_through_a_link(command):
    (command.folder / "link").symlink_to(ROOT)
    arguments = ("--target", "http://127.0.0.1:9", "--out", str(command.out), "--collect-only", "-q", *FEW_CASES)
    ran = by_pytest("link", command.folder, *arguments)
    assert ran.returncode == 0, ran.stdout
    assert "test_case[accept-store-1]" in ran.stdout
