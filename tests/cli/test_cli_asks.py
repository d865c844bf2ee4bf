"""Outside this machine a run asks once on a terminal before it may charge; a pipeline says --yes."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
import threading

import pytest

from conformance.mock.server import MockServer

from .conftest import environment

MONEY = '[money]\nmax_captures = 38\n[money.USD]\namount = "0.50"\nmax_total = "12.50"\n[money.EUR]\nmax_total = "1"'
ASKED = "t most 12.50 USD and 0.38 EUR in 38 charges at http://0.0.0.0:"
FEW = ("-k", "opening or accept")


@pytest.fixture
def server():
    with MockServer() as running:
        yield running


@pytest.fixture
def arguments(command, server):
    """A run against a server that is not on this machine, by its URL."""
    profile = command.profile(f"http://0.0.0.0:{server.port}", target='environment = "staging"', more=MONEY)
    return ["run", "--profile", profile, "--out", str(command.out), *FEW]


def answered(command, arguments: list[str], answer: str) -> tuple[int, str]:
    """The command on a terminal where somebody types this answer: its exit status, and what the terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=command.folder, env=environment(NO_COLOR="1"), stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  no threads yet
    )  # fmt: skip
    os.close(theirs)
    shown = bytearray()
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        while True:
            shown += os.read(ours, 4096)
            if answer and b"[y/N] " in shown:
                os.write(ours, answer.encode())
                answer = ""
    except OSError:  # the other side is closed
        pass
    finally:
        os.close(ours)
        watch.cancel()
    return process.wait(30), shown.decode()


def test_without_a_terminal_nothing_is_sent(command, server, arguments):
    ran = command(*arguments)
    assert ran.returncode == 2
    assert "--yes is missing: this run may charge a" + ASKED in ran.stderr
    assert not command.out.exists()
    assert not server.mock.memory


def test_a_pipeline_says_yes(command, server, arguments):
    ran = command(*arguments, "--yes")
    assert ran.returncode == 0, ran.stderr
    assert "[y/N]" not in ran.stdout + ran.stderr


def test_sending_a_case_again_needs_the_same_consent(command, server, arguments):
    assert command(*arguments, "--yes").returncode == 0
    again = ["replay", str(command.out), "accept-store-1", *arguments[1:3], "--out", str(command.folder / "again")]
    before = len(server.mock.memory)
    ran = command(*again)
    assert ran.returncode == 2
    assert "--yes is missing: this run may charge at most 12.50 USD in 38 charges at " in ran.stderr
    assert len(server.mock.memory) == before
    ran = command(*again, "--yes")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "same: accept-store-1" in ran.stdout


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 2), ("\n", 2), ("\x04", 2), ("\x03", 130)])
def test_a_terminal_is_asked_once(command, arguments, answer, status):
    got, shown = answered(command, arguments, answer)
    assert got == status, shown
    assert shown.count("[y/N]") == 1 or answer == "\x03"  # which may interrupt the writing, so that it is repeated
    assert "A" + ASKED in shown
    assert command.out.exists() == (status == 0)
    assert ("nothing was sent" in shown) == (status == 2)
    assert "Traceback" not in shown
