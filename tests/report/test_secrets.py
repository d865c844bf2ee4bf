"""A secret of the profile stands in no file of the run and nowhere on the terminal, though the target repeats it."""

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
def told(tmp_path_factory) -> dict[str, bytes]:
    """What the run wrote, by file, and what it printed."""
    cwd = tmp_path_factory.mktemp("secret")
    bodies = " ".join(sorted(FORMS)).encode()
    head = b"HTTP/1.1 500 %b\r\nX-A: %b\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    answer = head % (TOKEN.encode(), TOKEN.encode(), len(bodies)) + bodies
    with answering(lambda _asked: answer) as target:
        text = profile_text(target.url, auth='kind = "bearer"\ntoken_env = "PAY_TOKEN"')
        (cwd / "profile.toml").write_text(text)
        done = subprocess.run(
            command("run", "--out", "out", "--depth", "smoke", "--profile", "profile.toml"),
            cwd=cwd, env={**ENVIRONMENT, "PAY_TOKEN": TOKEN}, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done
    files = {str(file.relative_to(cwd)): file.read_bytes() for file in (cwd / "out").rglob("*") if file.is_file()}
    return {**files, "stdout": done.stdout, "stderr": done.stderr}


def test_no_file_holds_it(told):
    assert {"out/report.html", "out/results.json", "out/junit.xml", "out/record.jsonl", "stdout"} <= set(told)
    assert any(name.startswith("out/repro/") for name in told)
    for name, content in told.items():
        assert [form for form in (*FORMS, "SECRET") if form.encode() in content] == [], name


def test_the_line_takes_it_from_a_variable(told):
    assert b'-H "Authorization: Bearer $PAY_TOKEN"' in told["stdout"]


def test_stars_stand_in_its_place(told):
    for name in ("out/report.html", "out/results.json", "out/junit.xml", "stdout"):
        assert re.search(rb"\*{15}", told[name]), name
