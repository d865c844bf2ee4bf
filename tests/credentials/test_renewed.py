"""Credentials that end: printed by a command, or tokens of an OAuth 2.0 server; renewed one at a time."""

from __future__ import annotations

import json
import sys
import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from conformance.cases.model import Headers
from conformance.errors import UsageError
from conformance.exchange.model import Request
from conformance.profile import CommandAuth, OAuth2Auth, builtin_profile
from conformance.redact import Redactor
from conformance.send import NoCredentials
from conformance.send.auth import RenewedField, credentials_of
from conformance.send.command import printed_by
from tests.support.guarded import guarded
from tests.support.servers import answering, message

REQUEST = Request("POST", "/x", (), b"{}")


class Issuer:
    """Issues tokens that end after some seconds, or after some uses, and notes whether two are issued at once."""

    def __init__(self, *, seconds: float = 1e9, uses: int = 10**9) -> None:
        self.seconds, self.uses = seconds, uses
        self.issued = self.most = self._busy = 0
        self._left, self._ends, self._valid = 0, 0.0, ""
        self._lock = threading.Lock()

    def issue(self) -> str:
        with self._lock:
            self._busy += 1
            self.most = max(self.most, self._busy)
        time.sleep(0.02)  # so that two at once would be seen
        with self._lock:
            self._busy -= 1
            self.issued += 1
            self._left, self._ends = self.uses, time.monotonic() + self.seconds
            self._valid = f"planted-token-{self.issued:04}"
            return self._valid

    def gate(self, inquiry) -> tuple[int, str]:
        """Refuse a request without the current token."""
        with self._lock:
            used = inquiry.get("authorization") == f"Bearer {self._valid}" and self._left > 0
            self._left -= used
            return (0, "") if used and time.monotonic() < self._ends else (401, "Unauthorized")


def token_server(issuer: Issuer, expires_in: float | None = None):
    """An OAuth 2.0 token endpoint; it also answers a plain GET with a token, for a command."""

    def reply(request) -> bytes:
        if request.method == "GET":
            return message(200, [], f"Bearer {issuer.issue()}\n".encode())
        assert request.headers["Authorization"] == f"Basic {b64encode(b'tester:client-secret').decode()}"
        assert request.body == b"grant_type=client_credentials&scope=charge"
        token = {"access_token": issuer.issue(), "token_type": "Bearer", "expires_in": expires_in}
        return message(200, [("Content-Type", "application/json")], json.dumps(token).encode())

    return answering(reply)


def oauth2(url: str) -> str:
    return (
        f'kind = "oauth2"\ntoken_url = "{url}/token"\nclient_id_env = "CLIENT_ID"\nclient_secret_env = "CLIENT_SECRET"\n'
        'scope = "charge"'
    )


def printing(url: str) -> str:
    """A command that asks the token server."""
    code = f"import urllib.request as r; print(r.urlopen('{url}').read().decode())"
    return f'kind = "command"\ncommand = {json.dumps([sys.executable, "-c", code])}'


KINDS = {"oauth2": oauth2, "command": printing}
CLIENT = {"CLIENT_ID": "tester", "CLIENT_SECRET": "client-secret"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_ends_during_the_run_is_renewed(command, kind):
    issuer = Issuer(uses=25)
    with guarded(issuer.gate) as server, token_server(issuer) as tokens:
        profile = command.profile(server.url, auth=KINDS[kind](tokens.url), timeout_s=10, limits="concurrency = 8")
        done = command.run("--profile", profile, "--depth", "smoke", **CLIENT)
        assert done.returncode == 0, done
        assert "no violation in what was selected" in done.stdout
    assert issuer.issued > 1
    assert issuer.most == 1
    assert server.mock.refusals
    written = b"".join(file.read_bytes() for file in command.out.rglob("*") if file.is_file())
    assert [text for text in (b"planted-token", b"client-secret") if text in written] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_ends_every_2_s(command, kind):
    issuer = Issuer(seconds=2)
    with guarded(issuer.gate) as server, token_server(issuer, 2) as tokens:
        profile = command.profile(
            server.url, auth=KINDS[kind](tokens.url), timeout_s=10, limits="requests_per_second = 100"
        )
        done = command.run("--profile", profile, **CLIENT)
    assert (done.returncode, issuer.most) == (0, 1), done
    assert issuer.issued > 3
    print(
        f"{kind}: {issuer.issued} tokens, {len(server.mock.refusals)} answers with 401, {done.stdout.splitlines()[0]}"
    )


def field(obtain) -> RenewedField:
    return RenewedField("Authorization", obtain, Redactor(()))


def values(count: int, seconds: float | None = None):
    left = iter(range(1, count + 1))
    return lambda: (f"Bearer value-{next(left)}", seconds)


def sent(renewed: RenewedField) -> Request:
    renewed.prepare()
    fields: Headers = renewed.fields(REQUEST, "")
    return replace(REQUEST, headers=fields)


def test_a_refused_value_is_obtained_again_once():
    renewed = field(values(3))
    first = sent(renewed)
    assert not renewed.answered(first, 200)
    assert renewed.answered(first, 401)
    assert renewed.answered(first, 401)  # another thread, whose request had the same value
    second = sent(renewed)
    assert second != first
    assert renewed.answered(first, 401)  # an older value: worth another request
    assert not renewed.answered(second, 401)  # refused although it is new
    assert sent(renewed) == second
    assert not renewed.answered(second, 200)
    assert renewed.answered(second, 401)


def test_a_value_that_is_too_old_is_obtained_again():
    renewed = field(values(2, seconds=0.0))
    assert sent(renewed) != sent(renewed)


def test_one_thread_obtains_a_value_and_the_others_wait():
    active, most = 0, 0
    entered, leave = threading.Event(), threading.Event()

    def obtain():
        nonlocal active, most
        active += 1
        most = max(most, active)
        entered.set()
        assert leave.wait(20)
        active -= 1
        return "Bearer value-1", None

    renewed = field(obtain)
    with ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(sent, renewed) for _ in range(4)]
        assert entered.wait(20)
        leave.set()
        assert {request.result(20).headers for request in requests} == {(("Authorization", "Bearer value-1"),)}
    assert most == 1


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import sys; print('planted-token'); sys.exit(3)", "ended with status 3"),
        ("print('planted-token'); print('planted-token')", "that are not the value of a header field"),
        ("print('short')", "printed 5 characters"),
    ],
)
def test_a_command_that_fails_is_named_without_its_output(code, problem):
    auth = CommandAuth(kind="command", command=[sys.executable, "-c", code])
    profile = builtin_profile("http://127.0.0.1").model_copy(update={"auth": auth})
    with pytest.raises(UsageError, match=problem) as raised:
        credentials_of(profile, {}, Redactor(())).prepare()
    assert "planted-token" not in str(raised.value)


def test_a_run_whose_command_fails_ends_with_status_2(command):
    with guarded(lambda _inquiry: (0, "")) as server:
        profile = command.profile(server.url, auth='kind = "command"\ncommand = ["false"]')
        done = command.run("--profile", profile)
    assert (done.returncode, server.mock.served) == (2, 0)
    assert "auth.command: false ended with status 1" in done.stdout


def test_a_command_that_hangs_is_killed_with_its_children():
    with pytest.raises(UsageError, match=r"sh took more than 0\.2 s"):
        printed_by("auth.command", ["sh", "-c", "sleep 60; true"], None, 0.2)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]"])
def test_a_token_server_that_gives_no_token_is_named(body):
    with answering(lambda _request: message(200, [], body)) as tokens:
        auth = OAuth2Auth(
            kind="oauth2", token_url=f"{tokens.url}/token", client_id_env="CLIENT_ID", client_secret_env="CLIENT_SECRET"
        )
        profile = builtin_profile("http://127.0.0.1").model_copy(update={"auth": auth})
        with pytest.raises(NoCredentials, match=r"authentication: .*/token"):
            credentials_of(profile, CLIENT, Redactor(())).prepare()


def test_a_run_whose_client_is_refused_ends_with_status_3(command):
    refusal = message(401, [], b'{"error":"invalid_client"}')
    with answering(lambda _request: refusal) as tokens, guarded(lambda _inquiry: (0, "")) as server:
        done = command.run("--profile", command.profile(server.url, auth=oauth2(tokens.url)), **CLIENT)
    assert (done.returncode, server.mock.served) == (3, 0)
    assert f"no token from {tokens.url}/token: the server refused the client (invalid_client)" in done.stdout


def test_the_client_secret_is_sent_only_over_https(command):
    done = command.run(
        "--profile", command.profile("http://127.0.0.1:1", auth=oauth2("http://login.example")), **CLIENT
    )
    assert done.returncode == 2
    assert "auth.token_url" in done.stderr
