"""A secret of the profile is in no file of the run and not on the terminal, even if the target repeats it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from urllib.parse import quote

import pytest

from tests.support.profiles import profile_text
from tests.support.servers import answering

from .conftest import ENVIRONMENT, command

TOKEN = 'tok/"SECRET"-\\1%'
FORMS = {
    TOKEN, quote(TOKEN, safe=""), json.dumps(TOKEN)[1:-1], base64.b64encode(TOKEN.encode()).decode(),
    TOKEN.encode().hex(),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, bytes]:
    """The content of each file of the run, and what it printed."""
    cwd = tmp_path_factory.mktemp("secret")
    bodies = " ".join(sorted(FORMS)).encode()
    head = b"HTTP/1.1 500 %b\r\nX-A: %b\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    answer = head % (TOKEN.encode(), TOKEN.encode(), len(bodies)) + bodies
    with answering(lambda _request: answer) as target:
        text = profile_text(target.url, auth='kind = "bearer"\ntoken_env = "PAY_TOKEN"')
        (cwd / "profile.toml").write_text(text)
        done = subprocess.run(
            command("run", "--out", "out", "--depth", "smoke", "--profile", "profile.toml"),
            cwd=cwd, env={**ENVIRONMENT, "PAY_TOKEN": TOKEN}, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done
    files = {str(file.relative_to(cwd)): file.read_bytes() for file in (cwd / "out").rglob("*") if file.is_file()}
    return {**files, "stdout": done.stdout, "stderr": done.stderr}


def test_no_file_contains_the_secret(written):
    assert {"out/report.html", "out/results.json", "out/junit.xml", "out/record.jsonl", "stdout"} <= set(written)
    for name, content in written.items():
        assert [form for form in (*FORMS, "SECRET") if form.encode() in content] == [], name


def test_the_replay_line_reads_the_secret_from_a_variable(written):
    assert b'-H "Authorization: Bearer $PAY_TOKEN"' in written["stdout"]


def test_stars_replace_the_secret(written):
    for name in ("out/report.html", "out/results.json", "out/junit.xml", "stdout"):
        assert re.search(rb"\*{15}", written[name]), name
