"""`check` on the real command: each line is ok or says what to do, and the exit status is that of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme

from conformance.mock.server import MockServer
from tests.support.servers import answering, message

JSON = ("Content-Type", "application/json")
REFUSAL = b'{"errorMsg":"x"}'
BUDGET = """
[money]
max_captures = {captures}
[money.USD]
amount = "0.50"
max_total = "5.00"
"""


def lines(done) -> dict[str, tuple[str, str]]:
    """Level and text by subject; the last one of each."""
    return {line[6:22].strip(): (line[:6].strip(), line[22:]) for line in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def server():
    with MockServer() as running:
        yield running


def test_a_sound_target_is_ok_and_nothing_is_charged(command, server):
    server.use()
    done = command("check", "--profile", command.profile(server.url, more=BUDGET.format(captures=7)))
    found = lines(done)
    assert (done.returncode, {level for level, _ in found.values()}) == (0, {"ok"}), done
    assert list(found) == ["profile", "name", "authentication", "clock", "limits"]
    assert found["limits"][1].startswith("at most 7 charges, 5.00 USD; ")
    assert server.mock.captures == []
    assert not list(command.folder.glob("reports"))


def test_a_capture_proves_each_store(command, server):
    server.use()
    profile = command.profile(server.url, stores='["store-001", "store-002"]', more=BUDGET.format(captures=7))
    done = command("check", "--capture", "--profile", profile)
    assert done.returncode == 0
    charged = [line for line in done.stdout.splitlines() if "charged 0.50 USD at store-00" in line]
    assert len(charged) == len(server.mock.captures) == 2
    assert all(str(capture.trip) in done.stdout for capture in server.mock.captures)


def test_a_refused_store_and_a_spent_budget_are_named(command, server):
    server.use()
    stores = '["store-999", "store-001", "store-002"]'
    profile = command.profile(server.url, stores=stores, more=BUDGET.format(captures=1)).replace(
        "store-999", "store-999"
    )
    text = (command.folder / "profile.toml").read_text().replace('unknown_store = "store-999"', "")
    (command.folder / "profile.toml").write_text(text)
    done = command("check", "--capture", "--profile", profile)
    assert done.returncode == 3
    assert len(server.mock.captures) == 1
    assert "0.50 USD at store-999" in done.stdout
    assert "received 400" in done.stdout
    assert "store-002: not sent: The money budget is spent" in done.stdout


@pytest.mark.parametrize(
    ("answer", "status", "subject", "text"),
    [
        (message(401, [JSON], REFUSAL), 3, "authentication", "authentication refused: the server answered 401"),
        (message(404, [], b""), 3, "URL", "the server answered 404 to POST /v1/capture/charge; check target.url"),
        (message(302, [("Location", "https://a.example/login")]), 3, "URL", "and points to https://a.example/login"),
        (message(429, [JSON], REFUSAL), 3, "authentication", "try again later"),
        (message(200, [], b""), 1, "authentication", "a body that is not JSON must get 400; the server answered 200"),
        (b"", 3, "connection", "the connection was closed before a status line"),
    ],
    ids=["401", "404", "302", "429", "200", "nothing"],
)
def test_an_answer_that_prevents_a_run_is_named(command, answer, status, subject, text):
    with answering(lambda _request: answer) as target:
        done = command("check", "--capture", "--profile", command.profile(target.url))
        assert len(target.requests) == 1
    level, found = lines(done)[subject]
    assert (done.returncode, level) == (status, "fix"), done
    assert text in found


def test_a_wrong_clock_is_noted(command):
    date = format_datetime(datetime.now(UTC) - timedelta(minutes=2), usegmt=True)
    with answering(lambda _request: message(400, [JSON, ("Date", date)], REFUSAL)) as target:
        done = command("check", "--profile", command.profile(target.url))
    level, text = lines(done)["clock"]
    assert (done.returncode, level) == (0, "note")
    assert "s ahead of the server's; set it" in text


@pytest.mark.parametrize(("days", "level"), [(5, "note"), (400, "ok")])
def test_the_end_of_the_certificate_is_shown(command, tmp_path, days, level):
    authority = trustme.CA()
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1", not_after=ends).private_key_and_cert_chain_pem.write_to_path(tmp_path / "s.pem")
    with answering(lambda _request: message(400, [JSON], REFUSAL), certificate=tmp_path / "s.pem") as target:
        done = command("check", "--profile", command.profile(target.url, target='ca_file = "ca.pem"', timeout_s=10))
        untrusted = command("check", "--profile", command.profile(target.url, timeout_s=10))
    assert lines(done)["TLS"] == (level, f"the certificate ends in {days} days{'; renew it' * (level == 'note')}")
    assert (done.returncode, untrusted.returncode) == (0, 3)
    assert "its authority belongs into target.ca_file" in lines(untrusted)["TLS"][1]


def test_an_unknown_name_and_a_bad_profile(command):
    profile = command.profile(
        "http://no-such-host.invalid", target='environment = "staging"', more=BUDGET.format(captures=1)
    )
    done = command("check", "--profile", profile)
    assert (done.returncode, lines(done)["name"][0]) == (3, "fix")
    done = command("check", "--profile", command.profile("http://no-such-host.invalid"))
    assert done.returncode == 2
    assert "max_captures = 200" in done.stderr
    assert command("check").returncode == 2


def test_a_server_that_never_answers_ends_the_check(command, listener):
    profile = command.profile(f"http://127.0.0.1:{listener.port}", timeout_s=600)
    done = command("check", "--profile", profile)
    assert done.returncode == 3
    assert "no answer within the time limit of " in lines(done)["connection"][1]


def test_a_short_secret_is_noted_also_by_a_quiet_run(command, server):
    server.use()
    auth = 'kind = "bearer"\ntoken_env = "PAY_TOKEN"'
    profile = command.profile(server.url, auth=auth, more=BUDGET.format(captures=7))
    done = command("check", "--profile", profile, PAY_TOKEN="abc")
    assert lines(done)["secrets"][0] == "note"
    assert "a secret has fewer than 8 characters" in lines(done)["secrets"][1]
    done = command.run("-q", "--profile", profile, "-k", "store-id-missing", PAY_TOKEN="abc")
    assert done.stdout.startswith("Warning  a secret has fewer than 8 characters"), done
    assert len(done.stdout.splitlines()) == 3


def test_no_secret_is_shown(command):
    secret = "planted-secret-token"
    body = json.dumps({"errorMsg": f"bad {secret}"}).encode()
    with answering(lambda _request: message(422, [JSON], body)) as target:
        profile = command.profile(target.url, auth='kind = "bearer"\ntoken_env = "PAY_TOKEN"')
        done = command("check", "--profile", profile, PAY_TOKEN=secret)
    assert done.returncode == 1
    assert secret not in done.stdout + done.stderr
