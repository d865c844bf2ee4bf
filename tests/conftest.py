"""What the tests share: whole runs against a mock server in this process, and what was drawn for them."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance.cases.generated.cache import ENVIRONMENT
from conformance.mock.faults import EVERY
from conformance.mock.server import MockServer
from conformance.report.outcome import Summary, summarise
from conformance.run.model import RunResult
from conformance.run.prepare import Options, Run

# One cache for all processes of a test run, which inherit it; never the user's.
CACHE = "conformance-tests-"
if not Path(os.environ.get(ENVIRONMENT, "")).name.startswith(CACHE):
    os.environ[ENVIRONMENT] = tempfile.mkdtemp(prefix=CACHE)
    atexit.register(shutil.rmtree, os.environ[ENVIRONMENT], ignore_errors=True)


def pytest_configure() -> None:
    """Take Ctrl-C even where this was started in the background, or the commands that tests interrupt would not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Ran(NamedTuple):
    run: Run
    result: RunResult
    summary: Summary

    @property
    def broken(self) -> frozenset[str]:
        """Requirements that failed or warned."""
        rows = self.summary.requirements
        return frozenset(row.requirement.id for row in rows if row.outcome in ("failed", "warned"))


def outcomes(summary: Summary) -> dict[str, object]:
    """What a summary says of the run, of each requirement and of each case."""
    said: dict[str, object] = {"headline": summary.headline}
    for row in summary.requirements:
        said[row.requirement.id] = (row.outcome, row.unstable, row.elicited, row.observed)
    return said | {f"case {row.result.case.id}": row.outcome for row in summary.cases}


# The mock as a target whose rate limit is one window for all callers.
SHARED_WINDOW = """
[target]
name = "One window for all"
environment = "local"
url = "http://127.0.0.1"
[data]
stores = ["store-001"]
currencies = ["USD"]
trips.generate = "uuid4"
[provoke.429]
kind = "limiter"
scope = "run"
headers = { "X-Provoke" = "429" }
[limits]
max_wait_s = 5
"""


def time_limit(*faults: str) -> float:
    """Seconds for an answer: few only where a fault is to outlast them, for a busy machine stands still now and then."""
    return 1.0 if any("answer.in-time" in EVERY[name].breaks for name in faults) else 10.0


def run_once(out: Path, *faults: str, **options: object) -> Ran:
    """One whole run against a fresh mock with these faults, with the time limit and the profile that show them."""
    if any(EVERY[name].scope == "run" for name in faults):
        options["profile"] = out.with_suffix(".toml")
        out.with_suffix(".toml").write_text(SHARED_WINDOW, encoding="utf-8")
    with MockServer(faults=faults) as server:
        run = Run(Options(target=server.url, out=out, **options))  # type: ignore[arg-type]
        limits = run.profile.limits.model_copy(update={"timeout_s": time_limit(*faults)})
        run.profile = run.profile.model_copy(update={"limits": limits})
        run.make_folder()
        run.execute(run.cases)
    result = run.result()
    return Ran(run, result, summarise(run.contract, result))


@pytest.fixture(scope="session")
def run_against_mock(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """A whole run against the mock, with faults by name."""

    def ran(*faults: str, **options: object) -> Ran:
        return run_once(tmp_path_factory.mktemp("run"), *faults, **options)

    return ran
