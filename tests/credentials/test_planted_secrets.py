"""Secrets of every kind, which the target repeats in all spellings, are in no file and no output, however a run ends."""

from __future__ import annotations

import base64
import json
import signal
import sys
import threading
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

from conformance.run import tally
from tests.support.servers import answering, message

from .test_signature import AWS, SIGNED

TOKEN, PASSWORD, KEY = 'planted/token+1"é%zz', "planted:pass word'2", "planted-api-key-3=="
COOKIE, FIELD, PROXY = "sid=planted-cookie-4", "planted-static-field-5", "planted-proxy-6"
HEADERS = f'headers = {{ "Cookie" = "{COOKIE}", "X-Tenant-Secret" = "{FIELD}" }}'
KINDS = {
    "bearer": ('kind = "bearer"\ntoken_env = "S"', {"S": "planted/token+1%zz"}),
    "basic": ('kind = "basic"\nuser_env = "U"\npassword_env = "S"', {"U": "tester", "S": PASSWORD}),
    "api-key": ('kind = "api-key"\nheader = "X-Key"\nkey_env = "S"', {"S": KEY}),
    "sigv4": (SIGNED, AWS),
    "command": (
        f'kind = "command"\ncommand = {json.dumps([sys.executable, "-c", "import os; print(os.environ[chr(83)])"])}',
        {"S": "Bearer planted.command.token/7"},
    ),
}
PUBLIC = {"AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "U"}


def spellings(secret: str) -> set[bytes]:
    """The forms in which a target may repeat a secret."""
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], secret.upper(), secret.lower()}
    forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), raw.hex(), raw.hex().upper()}
    return {form.encode() for form in forms}


class Echo:
    """Answers with everything that it received, in all spellings; the first requests are accepted, later ones vary."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.numbers, self.signatures = statuses, count(), set()
        self.seen = threading.Event()

    def __call__(self, request) -> bytes:
        number = next(self.numbers)
        fields = [value for name, value in request.headers.items() if name not in ("Host", "Content-Length")]
        for value in fields:
            self.signatures |= {value.rpartition("Signature=")[2]} if "Signature=" in value else set()
        parts = {part for value in fields for part in (value, *value.split())} | self.signatures
        body = b" ".join(form for part in sorted(parts) for form in sorted(spellings(part)))
        status = 400 if request.body == b"{" else 200 if number < 3 else self.statuses[number % len(self.statuses)]
        if number > 20:
            self.seen.set()
        said = [("Content-Type", "text/plain"), *((f"X-Echo-{at}", value) for at, value in enumerate(fields))]
        return message(status, said, b"" if status == 200 and number % 2 else body)


def planted(env: dict[str, str]) -> dict[str, set[bytes]]:
    secrets = {value for name, value in env.items() if name not in PUBLIC} | {COOKIE, FIELD}
    secrets |= {part for secret in secrets for part in secret.split() if len(part) > 8}
    return {secret: spellings(secret) for secret in secrets}


def found(folder: Path, env: dict[str, str], echo: Echo, *outputs: str) -> list[str]:
    """Where a secret can be read: file or output, and the secret."""
    texts = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    texts |= {f"output {number}": text.encode() for number, text in enumerate(outputs)}
    texts.pop("profile.toml")
    everything = planted(env) | {text: {text.encode()} for text in echo.signatures}
    return [f"{name}: {secret}" for name, text in texts.items() for secret, forms in everything.items()
            if any(form in text for form in forms)]  # fmt: skip


def profile(command, url: str, auth: str, **parts: str) -> str:
    return command.profile(url, auth=auth, target=HEADERS, timeout_s=10, **parts)


@pytest.mark.parametrize(
    "kind", ["sigv4", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "sigv4")]
)
def test_after_wrong_answers(command, kind):
    auth, env = KINDS[kind]
    echo = Echo(200, 400, 500, 422)
    with answering(echo) as target:
        done = command.run("--profile", profile(command, target.url, auth), "--depth", "smoke", "-k", "value", **env)
    assert done.returncode == 1, done
    assert found(command.folder, env, echo, done.stdout, done.stderr) == []
    assert bool(echo.signatures) == (kind == "sigv4")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_refusal(command, kind):
    auth, env = KINDS[kind]
    echo = Echo(401)
    with answering(lambda request: echo(request).replace(b" 400 ", b" 401 ", 1)) as target:
        done = command.run("--profile", profile(command, target.url, auth), **env)
        checked = command("check", "--profile", profile(command, target.url, auth), **env)
    assert (done.returncode, checked.returncode) == (3, 3), done
    assert found(command.folder, env, echo, done.stdout, done.stderr, checked.stdout, checked.stderr) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_crash(command, kind, monkeypatch):
    auth, env = KINDS[kind]
    echo = Echo(400)

    def crash(_contract, _probe, exchange, _limit=None):
        raise RuntimeError(f"{exchange.request.headers} {env}")

    monkeypatch.setattr(tally, "judge_exchange", crash)
    with answering(echo) as target:
        done = command.run("--profile", profile(command, target.url, auth), "--depth", "smoke", "-k", "value", **env)
    assert done.returncode == 4, done
    assert found(command.folder, env, echo, done.stdout, done.stderr) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_while_running_and_after_an_interruption(command, kind):
    auth, env = KINDS[kind]
    echo = Echo(400, 500)
    with answering(echo) as target:
        arguments = ("run", "--out", str(command.out), "--profile", profile(command, target.url, auth))
        with command.started(*arguments, **env) as process:
            assert echo.seen.wait(300)
            lines = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline")]
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    secrets = {form for forms in planted(env).values() for form in forms}
    assert [line for line in lines if any(form in line for form in secrets)] == []
    assert found(command.folder, env, echo, out, err) == []


@pytest.mark.slow
def test_the_password_of_a_proxy(command):
    auth, env = KINDS["bearer"]
    echo = Echo(200, 400, 500)
    with answering(echo) as target:
        file = Path(profile(command, "http://127.0.0.1:9", auth))
        text = file.read_text().replace(
            HEADERS, f'{HEADERS}\nproxy = "{target.url.replace("://", f"://user:{PROXY}@")}"'
        )
        file.write_text(text)
        done = command.run("--profile", str(file), "--depth", "smoke", "-k", "value", **env)
    assert found(command.folder, {**env, "P": PROXY}, echo, done.stdout, done.stderr) == []
