"""The files for CI: every shell step of them runs here, against the mock, with the exit statuses of a run.

Only `pip` is replaced, by a command that notes its arguments: installing is the job of `test_cli_package.py`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from conformance.mock.server import MockServer
from conformance.options import Depth, options
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.markdown import code
from tests.support.guarded import GuardedMock, replying
from tests.support.profiles import profile_text
from tests.support.servers import answering, message

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
GITLAB = yaml.safe_load((ROOT / "docs/ci/gitlab-ci.yml").read_text())
JENKINS = (ROOT / "docs/ci/Jenkinsfile").read_text()
EXAMPLE = yaml.safe_load((ROOT / "docs/ci/github.yml").read_text())
RELEASE = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
TOKEN = "planted-token-of-ci"
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
PROFILE = "profiles/staging-eu.toml"


@pytest.fixture
def job(tmp_path):
    """A folder with a profile, and a function that runs a script in it as a job of CI would."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "pip").write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/pip.txt"\n')
    (tools / "capture-conformance").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m conformance "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (tmp_path / "profiles").mkdir()

    def run(script: str, *shell: str, **env: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: os.environ[name] for name in ("CAPTURE_CONFORMANCE_CACHE", "LANG") if name in os.environ}
        return subprocess.run(
            [*(shell or BASH), script], cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False,
            env={**inherited, "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT),
                 "CI": "true", "PAY_TOKEN": TOKEN, **env},
        )  # fmt: skip

    def profile(url: str, **parts: str) -> None:
        auth = 'kind = "bearer"\ntoken_env = "PAY_TOKEN"'
        (tmp_path / PROFILE).write_text(profile_text(url, auth=auth, timeout_s=10, **parts))

    def installed() -> str:
        return (tmp_path / "pip.txt").read_text()

    return SimpleNamespace(run=run, profile=profile, installed=installed, folder=tmp_path)


@pytest.fixture(scope="module")
def server():
    with MockServer() as running:
        yield running


def use_action(job, **given: str) -> list[subprocess.CompletedProcess[str]]:
    """Run the steps of the action, with these inputs, until one fails; steps that always run do so."""
    inputs = {name: row["default"] for name, row in ACTION["inputs"].items()} | given
    values = {f"inputs.{name}": value for name, value in inputs.items()} | {"github.action_path": str(ROOT)}
    done, failed = [], False
    for step in ACTION["runs"]["steps"]:
        if "run" not in step or (failed and step.get("if") != "always()"):
            continue
        values["steps.run.outputs.status"] = output(job).get("status", "")
        env = {
            name: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)
            for name, text in step.get("env", {}).items()
        }
        files = {name: str(job.folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        done.append(job.run(step["run"], **env, **files))
        failed = failed or done[-1].returncode != 0
    return done


def output(job) -> dict[str, str]:
    file = job.folder / "github_output"
    return dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}


@pytest.mark.parametrize(
    ("fault", "status"), [pytest.param("", 0, marks=pytest.mark.slow), ("bad-request-text-plain", 1)]
)
def test_the_action_runs_and_annotates(job, server, fault, status):
    server.use(*[fault] if fault else [])
    job.profile(server.url)
    done = use_action(job, profile=PROFILE, depth="smoke", extras="aws", **{"max-captures": "90"})
    assert [step.returncode for step in done] == [0, 0, 0, status], done
    assert output(job) == {"status": str(status)}
    assert job.installed() == f"install --quiet {ROOT}[aws]\n"
    summary = (job.folder / "github_step_summary").read_text()
    assert summary == (job.folder / "capture-conformance/summary.md").read_text()
    assert summary.startswith("## ")
    errors = re.findall(r"^::error title=MUST (\S+)::", done[2].stdout, re.MULTILINE)
    assert bool(errors) == (status == 1)
    assert set(errors) <= set(summary.replace("*", " ").replace(":", " ").split())
    assert len((done[1].stdout + done[1].stderr).splitlines()) <= 40
    assert (job.folder / "capture-conformance/junit.xml").exists()


@pytest.mark.slow
def test_the_action_without_a_server_ends_with_3(job):
    job.profile("http://127.0.0.1:9")
    done = use_action(job, profile=PROFILE, depth="smoke")
    assert [step.returncode for step in done] == [0, 0, 0, 3]
    assert "no connection to the server" in (job.folder / "github_step_summary").read_text()


@pytest.mark.slow
def test_the_action_with_a_bad_option_ends_with_2(job):
    done = use_action(job, arguments="--target http://127.0.0.1:9 --no-such-option")
    assert [step.returncode for step in done] == [0, 0, 0, 2]


def test_the_inputs_of_the_action_are_options_of_the_command():
    flags = {option.flag.removeprefix("--") for option in options()}
    assert set(ACTION["inputs"]) - {"arguments", "extras", "artifact"} <= flags
    assert {EXAMPLE["jobs"]["run"]["steps"][1]["with"]["depth"].split("'")[at] for at in (3, 5)} <= set(Depth.__args__)
    for workflow in (EXAMPLE, yaml.safe_load((ROOT / ".github/workflows/conformance.yml").read_text())):
        (job,) = workflow["jobs"].values()
        (used,) = [step["with"] for step in job["steps"] if "with" in step]
        assert set(used) <= set(ACTION["inputs"])


def gitlab_job(job, name: str, url: str = "", **env: str) -> list[subprocess.CompletedProcess[str]]:
    """Run a job of the GitLab file as a runner does: two scripts in one shell, then the last one in another."""
    template, own = GITLAB[GITLAB[name]["extends"]], GITLAB[name]
    variables = {**template["variables"], **own["variables"], "PROFILE": PROFILE, "CI_API_V4_URL": url, **env}
    first = "\n".join([*template["before_script"], *template["script"]])
    return [job.run(first, **variables), job.run("\n".join(template["after_script"]), **variables)]


def test_the_gitlab_job_runs_and_writes_a_note(job, server):
    server.use()
    job.profile(server.url)
    with answering(lambda _request: message(201, [], b"{}")) as gitlab:
        note = {"NOTE_TOKEN": "planted-note-token", "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "15"}
        done = gitlab_job(job, "capture-conformance-smoke", gitlab.url, **note)
        (request,) = gitlab.requests
    assert [step.returncode for step in done] == [0, 0], done
    assert request.path == "/projects/7/merge_requests/15/notes"
    assert (request.headers["PRIVATE-TOKEN"], request.body[:14]) == ("planted-note-token", b"body=%23%23+%F")
    assert job.installed() == "install --quiet capture-charge-conformance\n"
    assert done[1].stdout == (job.folder / "capture-conformance/summary.md").read_text()
    assert GITLAB["capture-conformance-deep"]["variables"]["DEPTH"] in Depth.__args__
    assert set(GITLAB[".capture-conformance"]["artifacts"]["paths"]) == {"capture-conformance"}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "status"), [("bad-request-text-plain", 1), (None, 3)])
def test_the_gitlab_job_fails_as_the_run_does(job, server, fault, status):
    server.use(*[fault] if fault else [])
    job.profile(server.url if fault else "http://127.0.0.1:9")
    done = gitlab_job(job, "capture-conformance-smoke")
    assert [step.returncode for step in done] == [status, 0], done
    assert ("## " in done[1].stdout) == (status == 1)  # after a failed check there is no run


def test_the_jenkins_steps_run(job, server):
    server.use()
    job.profile(server.url)
    variables = dict(re.findall(r"^ {8}(PACKAGE|PROFILE) = '(.+)'$", JENKINS, re.MULTILINE))
    depths = re.search(r"\? '(\w+)' : '(\w+)'", JENKINS).groups()
    steps = re.findall(r"^ +sh '(.+)'$", JENKINS, re.MULTILINE)
    assert (len(steps), len(steps)) == (4, JENKINS.count(" sh "))
    assert set(depths) <= set(Depth.__args__)
    done = [job.run(step, "sh", "-xec", **variables, DEPTH=depths[1]) for step in steps]
    assert [step.returncode for step in done] == [0] * 4, done
    assert job.installed() == "install --quiet --user capture-charge-conformance\n"
    assert (job.folder / "capture-conformance/junit.xml").exists()


@pytest.mark.slow
def test_a_run_over_tls_with_a_token_shows_no_secret(job, certificate):
    mock = GuardedMock()
    mock.guard(lambda inquiry: (0, "") if inquiry.get("authorization") == f"Bearer {TOKEN}" else (401, TOKEN))
    with answering(replying(mock), certificate=certificate) as target:
        job.profile(target.url, target=f'ca_file = "{certificate.with_name("ca.pem")}"')
        done = use_action(job, profile=PROFILE, depth="smoke", arguments="-k opening")
    assert [step.returncode for step in done] == [0, 0, 0, 0], done
    assert mock.refusals == []
    shown = "".join(step.stdout + step.stderr for step in done) + (job.folder / "github_step_summary").read_text()
    assert TOKEN not in shown


@pytest.mark.slow
def test_the_steps_of_a_release(job):
    """With the real pip: builds, installs and runs the wheel."""
    (job.folder / "tools" / "pip").unlink()
    build, check = [step["run"] for step in RELEASE["jobs"]["build"]["steps"] if "run" in step]
    environment = {
        "RUNNER_TEMP": str(job.folder),
        "GITHUB_REF_NAME": "v0.2.0",
        "PIP_CACHE_DIR": str(job.folder / "pip"),
    }
    shell = ("bash", "-eo", "pipefail", "-c")
    shutil.copytree(ROOT, job.folder / "source", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    done = job.run(f"cd source\n{build}\nmv dist ..", *shell, **environment)
    assert done.returncode == 0, done
    done = job.run(check, *shell, **environment, PYTHONPATH="")
    assert done.returncode == 0, done
    assert json.loads((job.folder / "run/results.json").read_text())["exit_status"] == 0


@pytest.mark.parametrize("text", ["```` [x](http://a.example) <b> @admin\n\n# big `", "`", "", "a\x1b[31m"])
def test_what_a_target_says_is_one_code_span(text):
    shown = code(text, Cleaner(Redactor(())))
    fence = re.match("`+", shown)[0]
    assert shown.startswith(f"{fence} ")
    assert shown.endswith(f" {fence}")
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert fence not in re.findall("`+", shown[len(fence) : -len(fence)])
