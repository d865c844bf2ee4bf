"""A server that asks for a client certificate: the right one is accepted; any other ends the run with the cause."""

from __future__ import annotations

import datetime as dt
import shutil
import ssl
import subprocess
from types import SimpleNamespace

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from conformance.mock.server import Mock
from conformance.profile import builtin_profile
from conformance.redact import Redactor
from conformance.report.curl import replay_writer
from tests.support.guarded import replying
from tests.support.servers import answering

PASSWORD = "planted key password"
SOME = "opening or accept or body-not-json"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates of the server and of clients, by name of the file."""
    folder = tmp_path_factory.mktemp("mtls")
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    issued = {
        "right": authority.issue_cert("client.example"),
        "wrong": stranger.issue_cert("client.example"),
        "expired": authority.issue_cert("client.example", not_before=past, not_after=past + dt.timedelta(days=1)),
    }
    for name, cert in issued.items():
        cert.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
    right = issued["right"]
    (folder / "alone.pem").write_bytes(right.cert_chain_pems[0].bytes())
    key = load_pem_private_key(right.private_key_pem.bytes(), None)
    protected = BestAvailableEncryption(PASSWORD.encode())
    (folder / "alone.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protected))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return SimpleNamespace(folder=folder, context=context)


@pytest.fixture
def target(files):
    """The mock behind TLS that asks for a certificate."""
    mock = Mock()
    with answering(replying(mock), tls=files.context) as server:
        yield SimpleNamespace(url=server.url, mock=mock)


def keys(files, cert: str, more: str = "") -> str:
    return f'ca_file = "{files.folder / "ca.pem"}"\nclient_cert = "{files.folder / cert}"\n{more}'


def run(command, target, table, **env):
    profile = command.profile(target.url, target=table, timeout_s=10)
    return command.run("--profile", profile, "--depth", "smoke", "-k", SOME, **env)


def protected_key(files) -> str:
    return keys(
        files, "alone.pem", f'client_key = "{files.folder / "alone.key"}"\nclient_key_password_env = "KEY_PASSWORD"'
    )


def test_the_right_certificate_is_accepted_and_beats_the_environment(command, files, target):
    done = run(
        command, target, protected_key(files), KEY_PASSWORD=PASSWORD, SSL_CERT_FILE="none", REQUESTS_CA_BUNDLE="none"
    )
    assert done.returncode == 0, done
    assert target.mock.captures
    written = b"".join(file.read_bytes() for file in command.out.rglob("*") if file.is_file())
    assert PASSWORD.encode() not in written


@pytest.mark.parametrize("name", ["wrong", "expired", ""])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_another_certificate_ends_the_run_without_a_charge(command, files, target, name, version):
    files.context.maximum_version = version
    table = keys(files, f"{name}.pem") if name else f'ca_file = "{files.folder / "ca.pem"}"'
    done = run(command, target, table)
    assert (done.returncode, target.mock.captures) == (3, []), done
    assert "no connection to the server: " in done.stdout
    assert "0 charges made" in done.stdout
    assert "alert" in done.stdout


@pytest.mark.parametrize(
    ("table", "env", "problem"),
    [
        ('client_cert = "none.pem"', {}, "they cannot be used (No such file or directory)"),
        ('client_key = "none.pem"', {}, "target.client_key: found without client_cert"),
        ("protected", {}, "target.client_key_password_env: environment variable 'KEY_PASSWORD' is not set"),
        ("protected", {"KEY_PASSWORD": "another password"}, "target.client_cert: found"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_a_usage_error(command, files, table, env, problem):
    table = protected_key(files) if table == "protected" else table
    done = command.run("--profile", command.profile("https://127.0.0.1:1", target=table), **env)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "password" not in done.stderr.replace("PASSWORD", "").replace("client_key_password_env", "").replace(
        "key's password", ""
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_pasted_line_sends_the_certificate(files, target, tmp_path):
    profile = builtin_profile(target.url)
    certificates = {
        "ca_file": str(files.folder / "ca.pem"),
        "client_cert": str(files.folder / "alone.pem"),
        "client_key": str(files.folder / "alone.key"),
        "client_key_password_env": "KEY_PASSWORD",
    }
    profile = profile.model_copy(update={"target": profile.target.model_copy(update=certificates)})
    options = " ".join(replay_writer(profile, Redactor(())).options)
    done = subprocess.run(
        ["sh", "-c", f"curl -sS -o /dev/null -w '%{{http_code}}' {options} {target.url}/v1/capture/charge"],
        env={"PATH": "/usr/bin:/bin", "KEY_PASSWORD": PASSWORD}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("405", "")
