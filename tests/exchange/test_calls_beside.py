"""The calls beside the run (switch, token, `--wait`) read nothing from the environment, as the client does."""

import json

import pytest

from conformance.exchange.endpoint import tls_context
from conformance.profile import Call, OAuth2Auth, Provocation, builtin_profile
from conformance.redact import Redactor
from conformance.send import NoCredentials, Unsent
from conformance.send.auth import credentials_of
from conformance.send.provocation import Provoking
from conformance.send.reachable import wait_for_answer
from tests.support.servers import answering, message

CLIENT = {"CLIENT_ID": "beside", "CLIENT_SECRET": "planted-secret"}
NOBODY = "http://127.0.0.1:1"
TOKEN = json.dumps({"access_token": "planted-token", "token_type": "Bearer"}).encode()


@pytest.fixture
def environment(monkeypatch, tmp_path, ca_file):
    """Every variable that would change what a call reads, sends or writes; gives the file of the keys."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password from-netrc\n")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, NOBODY)
        monkeypatch.setenv(name.lower(), NOBODY)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, ca_file)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    tls_context.cache_clear()
    yield tmp_path / "keys"
    tls_context.cache_clear()


def profile_of(url, ca_file):
    """A profile whose switch, token server and target are at `url`."""
    auth = OAuth2Auth(
        kind="oauth2", token_url=f"{url}/token", client_id_env="CLIENT_ID", client_secret_env="CLIENT_SECRET"
    )
    way = Provocation(kind="forced", headers={"X-A": "b"}, before=Call(method="PUT", url=f"{url}/switch"))
    profile = builtin_profile(url)
    target = profile.target.model_copy(update={"ca_file": ca_file})
    return profile.model_copy(update={"target": target, "auth": auth, "provoke": {500: way}})


def test_the_environment_changes_no_call(environment, certified, ca_file):
    with answering(lambda _request: message(200, [], TOKEN), tls=certified("127.0.0.1")) as server:
        profile = profile_of(server.url, ca_file)
        Provoking(profile).call("before", 500, "")
        credentials_of(profile, CLIENT, Redactor(())).prepare()
        assert wait_for_answer(profile.target, 0, lambda _text: None)
    assert [request.method for request in server.requests] == ["PUT", "POST", "GET"]
    sent = [request.headers.get("Authorization", "") for request in server.requests]
    assert [value.partition(" ")[0] for value in sent] == ["", "Basic", ""]
    assert not environment.exists()


@pytest.mark.usefixtures("environment")
def test_a_certificate_that_only_the_environment_trusts_is_refused(certified):
    with answering(lambda _request: message(200, [], TOKEN), tls=certified("127.0.0.1")) as server:
        profile = profile_of(server.url, None)
        with pytest.raises(Unsent, match="certificate verify failed"):
            Provoking(profile).call("before", 500, "")
        with pytest.raises(NoCredentials, match="certificate verify failed"):
            credentials_of(profile, CLIENT, Redactor(())).prepare()
    assert server.requests == []


def test_a_token_server_may_also_have_a_usual_certificate(ca_file):
    usual, own, both = tls_context(None), tls_context(ca_file), tls_context(ca_file, usual=True)
    assert len(own.get_ca_certs()) == 1
    assert len(both.get_ca_certs()) == len(usual.get_ca_certs()) + 1
