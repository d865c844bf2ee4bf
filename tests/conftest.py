"""Shared by all tests: signal handling, and the cache of generated bodies."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from conformance.cases.generated.cache import ENVIRONMENT

SPREAD = {"test_books.py", "test_every_fault.py", "test_fair.py", "test_hostile.py"}
"""Files whose tests may run in any process."""

# One cache for all processes of a test run, never that of the user. Child processes inherit the variable.
CACHE = "conformance-tests-"
if not Path(os.environ.get(ENVIRONMENT, "")).name.startswith(CACHE):
    os.environ[ENVIRONMENT] = tempfile.mkdtemp(prefix=CACHE)
    atexit.register(shutil.rmtree, os.environ[ENVIRONMENT], ignore_errors=True)
    atexit.register(Path(f"{os.environ[ENVIRONMENT]}.lock").unlink, missing_ok=True)

# Child processes share compiled modules; without the files each of them would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure() -> None:
    """Handle Ctrl-C even if pytest was started in the background; commands that tests interrupt inherit the handling.

    Garbage is collected as rarely as in a run of the command, since whole runs in one process leave little garbage.
    """
    gc.set_threshold(100_000)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """The process ends now, and frees all memory at once."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _remembered() -> None:
    from tests.support.remembered import remember  # after the cache has its folder

    remember()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep the tests of a file, and those of the reports, in one process, since they share runs; spread the long table.

    The groups of pytest-xdist 3.8 would do it too, but have no effect with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            if file.name in SPREAD:
                return nodeid
            return file.parent.name if file.parent.name == "report" else file.name

    return Scheduling(config, log)
