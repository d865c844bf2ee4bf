"""The command in this process or in a process of its own, profiles for it, and targets other than the mock."""

import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from conformance.cli import main
from tests.support.profiles import profile_text
from tests.support.servers import ReceivedRequest, answering, message

ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    names = ("PATH", "HOME", "LANG", "TMPDIR", "CAPTURE_CONFORMANCE_CACHE")
    inherited = {name: value for name, value in os.environ.items() if name in names}
    return {**inherited, "PYTHONPATH": str(ROOT), **more}


class Command:
    """The command line in a folder of its own. A call runs it in this process, `started` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Call the entry point with these arguments; returns what it printed and its exit status."""
        printed = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed[0]), redirect_stderr(printed[1]):
            patch.chdir(self.folder)
            for name in os.environ:
                patch.delenv(name)
            for name, value in environment(**env).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(list(arguments))
        out, err = (stream.buffer.getvalue().decode() for stream in printed)
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out, err)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`run` with its files in `out`."""
        return self("run", "--out", str(self.out), *arguments, **more)

    @contextmanager
    def started(self, *arguments: str, module="conformance", cwd=None, **env: str):
        """The command as a running process; killed at the end if it still runs."""
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd or self.folder, env=environment(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                stream.close()

    def limited(self, size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command with a limit of `size` bytes for each file that it writes."""

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        # Compiled modules would be cut off at the limit too, and break every later process that loads them.
        return subprocess.run(
            [sys.executable, "-m", "conformance", *arguments], preexec_fn=limit,
            cwd=self.folder, env=environment(PYTHONDONTWRITEBYTECODE="1"), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    def profile(self, url: str, **parts) -> str:
        """Write a profile and give its path."""
        file = self.folder / "profile.toml"
        file.write_text(profile_text(url, **parts))
        return str(file)

    def results(self) -> dict:
        return json.loads((self.out / "results.json").read_text())

    def outcomes(self) -> Counter[str]:
        """The number of requirements with each outcome."""
        return Counter(row["outcome"] for row in self.results()["requirements"])

    def record(self) -> list[dict]:
        return [json.loads(line) for line in (self.out / "record.jsonl").read_text().splitlines()]

    def wait_for_record(self, process, lines: int) -> None:
        """Wait until the record has this many lines; the process must still be running."""
        file = self.out / "record.jsonl"
        while not file.exists() or file.read_bytes().count(b"\n") < lines:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)


@pytest.fixture
def command(tmp_path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def serve():
    """A server with the same answer to every request; `status` may be a function of the request."""

    def server(status, headers=(), body=b"", *, certificate=None):
        def reply(request: ReceivedRequest) -> bytes:
            return message(status(request) if callable(status) else status, headers, body)

        return answering(reply, certificate=certificate)

    return server


@pytest.fixture
def silent_port():
    """A port on which no server listens, reserved so that no other process can take it."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def listener():
    """A listening socket, and a function that counts the connections to it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def connections() -> int:
            listening.settimeout(0)
            count = 0
            while True:
                try:
                    listening.accept()[0].close()
                except BlockingIOError:
                    return count
                count += 1

        yield SimpleNamespace(port=listening.getsockname()[1], connections=connections)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    """A certificate for this machine with its key, signed by an authority that is not trusted."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    authority = trustme.CA()
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    authority.cert_pem.write_to_path(file.with_name("ca.pem"))
    return file
