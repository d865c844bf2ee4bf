"""Starts the services of the gallery and runs the suite against them by its command, as a user does.

Nothing here imports a framework, so that the files can be collected on every machine. Tests whose programs or packages
are missing are skipped with the reason.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.runs import MOCK_PROFILE

SERVERS = Path(__file__).parent / "servers"
DEPTH = os.environ.get("GALLERY_DEPTH", "standard")
START_S = 60.0
"""Seconds in which a service must listen. A Java virtual machine starts slowly on a busy machine."""

PACKAGES = {
    "fastapi": ("fastapi", "uvicorn"),
    "django": ("django", "ninja"),
    "gunicorn-sync": ("gunicorn",),
    "wsgiref": (),
    "express": (),
}
"""The modules of a framework or HTTP server, if they are not just its name."""


class Findings(NamedTuple):
    """The results of a run. `broken`: requirement to `failed` or `warned`. `evidence`: the same with what was received, as text.

    `violations`: each case with each requirement that it violates. `causes`: the common causes.
    """

    status: int
    verdict: str
    complete: bool
    errors: list[Any]
    broken: dict[str, str]
    evidence: str
    violations: set[tuple[str, str]]
    causes: list[Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, which plain `pytest` leaves out."""
    for item in items:
        if SERVERS.parent in item.path.parents:
            item.add_marker("gallery")


@pytest.fixture
def needs() -> Callable[..., None]:
    """Skip the test if the packages of these frameworks and HTTP servers are missing."""

    def need(*names: str) -> None:
        modules = dict.fromkeys(module for name in names for module in PACKAGES.get(name, (name,)))
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}; pip install -e '.[gallery]'")

    return need


def need_program(name: str) -> str:
    """The path of a program; skips the test if there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(command: Callable[[int], list[str]], log: Path, environ: dict[str, str]) -> Iterator[str]:
    """Run `command(port)` in a process of its own until the block ends; yields the URL when it listens."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(port), stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, env=os.environ | environ
        )
    try:
        deadline = time.monotonic() + START_S
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the service did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def findings(out: Path, status: int, output: str) -> Findings:
    """Read results.json of a run."""
    file = out / "results.json"
    if not file.exists():
        pytest.fail(f"the run ended with {status} and no results: {output}")
    results = json.loads(file.read_text())
    broken = {row["id"]: row["outcome"] for row in results["requirements"] if row["outcome"] in ("failed", "warned")}
    evidence = {
        judgement["requirement"]: f"{judgement['requirement']}: {case['id']}: {judgement['received']}"
        for case in reversed(results["cases"])
        for judgement in case["judgements"]["breaks"]
    }
    evidence_text = "\n".join(evidence.get(name, name) for name in broken)
    violations = {
        (case["id"], judgement["requirement"])
        for case in results["cases"]
        for judgement in case["judgements"]["breaks"]
    }
    return Findings(
        status, results["verdict"], results["complete"], results["errors"], broken, evidence_text, violations,
        results["causes"],
    )  # fmt: skip


def judged(url: str, out: Path, profile: Path = MOCK_PROFILE) -> Findings:
    """Run the suite against `url`. Services of the gallery know what the mock server knows."""
    command = [sys.executable, "-m", "conformance", "run", "--profile", str(profile), "--target", url]
    command += ["--out", str(out), "--depth", DEPTH]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"CI": "true"}
    )
    return findings(out, ran.returncode, ran.stdout + ran.stderr)


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of package-lock.json, installed once."""
    need_program("node")
    npm = need_program("npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SERVERS / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return folder / "node_modules"


@pytest.fixture(scope="session")
def java() -> str:
    """The path of a Java virtual machine."""
    return need_program("java")


@pytest.fixture
def judge_service(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Findings]:
    """Start a service, run the suite against it, stop it."""

    def judge_python(script: str, *arguments: str) -> Findings:
        def command(port: int) -> list[str]:
            return [sys.executable, str(SERVERS / script), *arguments, str(port)]

        with serving(command, tmp_path / "service.log", {"PYTHONPATH": str(SERVERS)}) as url:
            return judged(url, tmp_path / f"run-{Path(script).stem}")

    def judge_node(script: str) -> Findings:
        modules = request.getfixturevalue("node_modules")
        with serving(
            lambda port: ["node", str(SERVERS / script), str(port)],
            tmp_path / "service.log",
            {"NODE_PATH": str(modules)},
        ) as url:
            return judged(url, tmp_path / f"run-{Path(script).stem}")

    def judge(script: str, *arguments: str) -> Findings:
        return judge_node(script) if script.endswith(".cjs") else judge_python(script, *arguments)

    return judge


@pytest.fixture
def repaired(tmp_path: Path) -> Callable[..., str]:
    """Change the text of a service; gives the path of the changed file."""

    def repair(script: str, changes: tuple[tuple[str, str], ...]) -> str:
        text = (SERVERS / script).read_text(encoding="utf-8").replace('"./', f'"{SERVERS}/')
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        file = tmp_path / f"repaired_{script}"
        file.write_text(text, encoding="utf-8")
        return str(file)

    return repair


@pytest.fixture
def judge_mock_server(tmp_path: Path) -> Callable[..., Findings]:
    """Start a foreign mock server with `command(port)`, run the suite with a profile against it, stop it."""

    def judge(command: Callable[[int], list[str]], profile: str) -> Findings:
        with serving(command, tmp_path / "service.log", {}) as url:
            return judged(url, tmp_path / "run", SERVERS / profile)

    return judge
