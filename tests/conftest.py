"""Shared by all tests: signal handling, whole runs against the mock, and the cache of generated bodies."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cases.generated.cache import ENVIRONMENT
from tests.support.runs import Ran, run_once

SPREAD = {"test_every_fault.py"}
"""Files whose tests may run in any process."""

# One cache for all processes of a test run, never that of the user. Child processes inherit the variable.
CACHE = "conformance-tests-"
if not Path(os.environ.get(ENVIRONMENT, "")).name.startswith(CACHE):
    os.environ[ENVIRONMENT] = tempfile.mkdtemp(prefix=CACHE)
    atexit.register(shutil.rmtree, os.environ[ENVIRONMENT], ignore_errors=True)


def pytest_configure() -> None:
    """Handle Ctrl-C even if pytest was started in the background; commands that tests interrupt inherit the handling.

    Garbage is collected as rarely as in a run of the command, since whole runs in one process leave little garbage.
    """
    gc.set_threshold(100_000)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, and those of the reports, in one process, since they share runs; spread the others."""
    for item in items:
        folder = item.path.parent.name
        if item.path.name not in SPREAD:
            item.add_marker(pytest.mark.xdist_group(folder if folder == "report" else item.path.name))


@pytest.fixture(scope="session")
def run_against_mock(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """A whole run over sockets against the mock, with faults by name."""

    def ran(*faults: str, **options: object) -> Ran:
        return run_once(tmp_path_factory.mktemp("run"), *faults, **options)

    return ran
