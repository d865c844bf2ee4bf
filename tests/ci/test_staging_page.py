"""`docs/staging.md`, followed word for word against a local stand-in for staging: TLS, signatures, a limiter, 150 ms."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import time
import tomllib
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme

from conformance.options import options
from tests.credentials.test_signature import AWS, gate
from tests.fair.fronts import Front, Message
from tests.fair.layers import SlidingWindow, put_before
from tests.support.guarded import guarded

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/staging.md").read_text()
COMMANDS = "".join(re.findall(r"^```sh\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)).splitlines()
(PROFILE,) = re.findall(r"^```toml\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
URL = "https://pay.staging.example.com"
PACKAGE = "capture-charge-conformance"


class Away(Front):
    """Every answer takes 150 ms."""

    def write(self, client: socket.socket, answer: Message) -> None:
        time.sleep(0.15)
        super().write(client, answer)


@contextmanager
def staging(folder: Path):
    """The stand-in; its authority is in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ExitStack() as stack:
        server = stack.enter_context(guarded(gate()))
        put_before(server.mock, SlidingWindow(20))
        yield stack.enter_context(Away(server.port, context)), server.mock


def test_the_page_has_a_whole_profile_and_options_that_exist():
    assert tomllib.loads(PROFILE)["target"]["url"] == URL
    known = {option.flag for option in options()} | {"--summary"}
    used = {word for line in COMMANDS for word in line.split() if word.startswith("--")}
    assert used <= known
    assert len([line for line in COMMANDS if "bin/capture-conformance" in line]) == len(COMMANDS) - 2


@pytest.mark.slow
def test_the_page_is_followed_word_for_word(tmp_path):
    env = {**AWS, "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CACHE_DIR": str(tmp_path / "pip")}
    began, times = time.monotonic(), []
    with staging(tmp_path) as (front, mock):
        (tmp_path / "staging.toml").write_text(PROFILE.replace(URL, front.url))
        for command in COMMANDS:
            line = command.replace(PACKAGE, str(ROOT))
            start = time.monotonic()
            done = subprocess.run(
                ["sh", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900, check=False
            )
            assert done.returncode == 0, (line, done)
            assert not re.search(r"^fix ", done.stdout, re.MULTILINE), done.stdout
            times.append(f"{time.monotonic() - start:6.1f} s  {command}")
    print("\n".join([*times, f"{(time.monotonic() - began) / 60:.1f} minutes in all"]))
    results = json.loads((tmp_path / "whole/results.json").read_text())
    assert results["verdict"] == "conformant"
    assert mock.refusals == []
    limited = [
        row for row in results["requirements"] if row["id"].startswith("rate-limit.") and row["outcome"] == "failed"
    ]
    assert limited == []
    assert time.monotonic() - began < 600
