"""AWS Signature Version 4: a gateway that computes each signature again accepts every request, and only right ones."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from conformance.exchange.model import Request, field_values
from conformance.options import Options
from conformance.profile import SigV4Auth
from conformance.redact import Redactor
from conformance.report.reporter import Reporter
from conformance.send.aws import Signature
from conformance.session import Run
from tests.support.direct import SimulatedClock, on_mock
from tests.support.guarded import GuardedMock, guarded
from tests.support.profiles import profile_text
from tests.support.runs import finished, of_the_tables
from tests.support.servers import answering, message
from tests.support.sigv4 import refused, signature

from .vectors import SCOPE, SECRET, VECTORS

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE0000001",
    "AWS_SECRET_ACCESS_KEY": "planted-secret/key+0123456789",
    "AWS_SESSION_TOKEN": "planted-session-token//0123456789==",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "none",
    "AWS_SHARED_CREDENTIALS_FILE": "none",
}
SIGNED = 'kind = "sigv4"\nregion = "eu-west-1"'
PASTED = ("opening-not-json", "media-type-other", "request-chunked", "request-expect-continue", "method-get")
SOME = "request- or media-type or opening or accept or method"


def gate(*, secret=AWS["AWS_SECRET_ACCESS_KEY"], token=AWS["AWS_SESSION_TOKEN"]):
    check = partial(refused, key_id=AWS["AWS_ACCESS_KEY_ID"], secret=secret, token=token)

    def checked(inquiry):
        text = check(inquiry.method, inquiry.path, inquiry.headers, inquiry.body)
        return (403, text) if text else (0, "")

    return checked


@pytest.mark.parametrize("name", VECTORS)
def test_the_gateway_computes_the_published_signatures(name):
    request, signed, expected = VECTORS[name]
    assert signature(*request, secret=SECRET, signed=signed, scope=SCOPE) == expected


@pytest.fixture
def aws(monkeypatch):
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)


def test_every_request_of_a_standard_run_is_accepted(aws, tmp_path):
    (tmp_path / "p.toml").write_text(profile_text("http://127.0.0.1", auth=SIGNED))
    run = Run(Options(profile=tmp_path / "p.toml", out=tmp_path / "out"))
    run.make_folder()
    clock = SimulatedClock()
    mock = GuardedMock(hang_s=3.0, clock=clock.now)
    mock.guard(gate())
    run.execute([case for case in run.cases if of_the_tables(case)], machinery=on_mock(mock, clock))
    assert mock.refusals == []
    assert mock.served > 500
    assert finished(run).summary.verdict == "conformant"
    _ = Reporter(run).findings
    written = b"".join(file.read_bytes() for file in run.out.rglob("*") if file.is_file())
    assert [name for name in list(AWS)[:3] if AWS[name].encode() in written] == []


@pytest.fixture
def gateway(command):
    """Start a gateway, and run some cases against it with a profile that signs."""

    def run(checked, auth=SIGNED, **env):
        with guarded(checked) as server:
            profile = command.profile(server.url, auth=auth)
            done = command.run("--profile", profile, "-k", SOME, **{**AWS, **env})
            return done, server.mock

    return run


def test_chunked_and_expecting_requests_and_odd_media_types_are_accepted_over_a_connection(gateway, command):
    done, mock = gateway(gate())
    assert (done.returncode, mock.refusals) == (0, []), done
    sent = {line["exchange"]["case"] for line in command.record() if line["kind"] == "exchange"}
    assert {"request-chunked", "request-expect-continue", "media-type-other", "opening-not-json"} <= sent


@pytest.mark.parametrize(
    ("checked", "auth", "cause"),
    [
        (gate(secret="another-secret-key"), SIGNED, "authentication refused: the server answered 403"),
        (gate(), SIGNED.replace("eu-west-1", "us-east-1"), "authentication refused: the server answered 403"),
    ],
    ids=["key", "region"],
)
def test_a_wrong_credential_ends_the_run_without_a_charge(gateway, checked, auth, cause):
    done, mock = gateway(checked, auth)
    assert (done.returncode, mock.captures) == (3, [])
    assert cause in done.stdout
    assert "0 charges made" in done.stdout


def test_a_clock_that_is_6_minutes_off_is_named(serve_refusal):
    done = serve_refusal(timedelta(minutes=6))
    assert done.returncode == 3
    assert "the clock of this machine is 6 minutes behind the server's" in done.stdout
    assert "0 charges made" in done.stdout


@pytest.fixture
def serve_refusal(command):
    """A run against a gateway whose clock is wrong, and whose answers say so in their Date."""

    def run(ahead):
        def reply(request):
            fields = list(request.headers.items())
            text = refused(
                request.method, request.path, fields, request.body, key_id=AWS["AWS_ACCESS_KEY_ID"],
                secret=AWS["AWS_SECRET_ACCESS_KEY"], token=AWS["AWS_SESSION_TOKEN"], now=datetime.now(UTC) + ahead,
            )  # fmt: skip
            assert text.startswith("Signature expired")
            date = (datetime.now(UTC) + ahead).strftime("%a, %d %b %Y %H:%M:%S GMT")
            return message(403, [("Date", date)], text.encode())

        with answering(reply) as server:
            return command.run("--profile", command.profile(server.url, auth=SIGNED), **AWS)

    return run


def test_without_botocore_the_line_that_installs_it_is_shown(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    done = command.run("--profile", command.profile("http://127.0.0.1:1", auth=SIGNED), **AWS)
    assert done.returncode == 2
    assert "pip install 'capture-charge-conformance[aws]'" in done.stderr
    assert not command.out.exists()


def test_without_credentials_nothing_is_sent(gateway):
    done, mock = gateway(gate(), **dict.fromkeys(list(AWS)[:3], ""))
    assert (done.returncode, mock.served, mock.refusals) == (2, 0, [])
    assert "no AWS credentials were found" in done.stdout


ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>{AWS_ACCESS_KEY_ID}</AccessKeyId><SecretAccessKey>{AWS_SECRET_ACCESS_KEY}</SecretAccessKey>
<SessionToken>{AWS_SESSION_TOKEN}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


def test_a_role_is_assumed_with_the_credentials_found(gateway):
    xml = message(200, [("Content-Type", "text/xml")], ROLE.format(**AWS).encode())
    with answering(lambda _request: xml) as sts:
        base = {
            "AWS_ACCESS_KEY_ID": "AKIDOTHER000000001",
            "AWS_SECRET_ACCESS_KEY": "other-secret-key",
            "AWS_SESSION_TOKEN": "",
        }
        auth = f'{SIGNED}\nrole = "arn:aws:iam::123456789012:role/tester"'
        done, mock = gateway(gate(), auth, AWS_ENDPOINT_URL_STS=sts.url, **base)
        assert b"tester" in sts.requests[0].body
        assert len(sts.requests) == 1
    assert (done.returncode, mock.refusals) == (0, []), done


def test_a_signature_that_the_target_repeats_is_redacted(aws):
    redactor = Redactor(())
    signing = Signature(SigV4Auth(kind="sigv4", region="eu-west-1"), redactor)
    signing.prepare()
    fields = dict(signing.fields(Request("POST", "/x", (("Host", "a.example"),), b"{}"), "https://a.example/x"))
    made = fields["Authorization"].rpartition("=")[2]
    other = "0" * 64
    assert redactor(f"Signature={made} {other}") == f"Signature={'*' * 64} {other}"
    assert redactor(f"Signature%3D{made}0{made}") == f"Signature%3D{'*' * 64}0{'*' * 64}"
    assert redactor.redact_bytes(f"<{made.upper()}>{other}".encode()) == f"<{'*' * 64}>{other}".encode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("token", [AWS["AWS_SESSION_TOKEN"], None], ids=["session", "no-session"])
def test_a_pasted_line_is_signed_by_curl(tmp_path, aws, monkeypatch, token):
    if token is None:
        monkeypatch.delenv("AWS_SESSION_TOKEN")
    with guarded(gate(token=token)) as server:
        (tmp_path / "p.toml").write_text(profile_text(server.url, auth=SIGNED))
        run = Run(Options(profile=tmp_path / "p.toml", out=tmp_path / "out"))
        run.make_folder()
        run.execute([case for case in run.cases if case.id in PASTED])
        reporter = Reporter(run)
        evidence = [sent for case in PASTED for sent in reporter.rows[case].result.evidence]
        assert len(evidence) >= len(PASTED)
        # curl 7.88 also signs a field that it was told not to send.
        typed = [sent for sent in evidence if field_values(sent.exchange.request.headers, "Content-Type") != []]
        for sent in typed:
            replay = reporter.replay_writer.line(sent)
            done = subprocess.run(["sh", "-c", replay.text], capture_output=True, text=True, check=False)
            statuses = re.findall(r"^HTTP/1.1 (\d+)", done.stdout, re.MULTILINE)
            assert statuses[-1:] == [str(sent.status)], (replay.text, done)
            assert "--aws-sigv4 aws:amz:eu-west-1:execute-api" in replay.text
        assert server.mock.refusals == []
