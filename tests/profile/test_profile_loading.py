"""Every row of bad input that is about the profile, and the template."""

from pathlib import Path

import pytest

import conformance
from conformance.auth import auth_headers
from conformance.errors import UsageError
from conformance.profile import load_profile

TEMPLATE = Path(conformance.__file__).with_name("profile_template.toml")
ENV = {"PAY_TOKEN": "s3cr3t-value"}


def load(tmp_path, *changes, environ=ENV, **more):
    text = TEMPLATE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "p.toml"
    file.write_text(text)
    return load_profile(file, environ=environ, **more)


def test_the_template_loads_and_keeps_its_secret(tmp_path):
    profile = load(tmp_path)
    assert auth_headers(profile, ENV) == (("Authorization", "Bearer s3cr3t-value"),)
    assert profile.secrets() == ("s3cr3t-value",)
    assert "s3cr3t" not in str(profile.redacted())
    assert str(profile.amount_of("USD")) == "0.50"
    assert profile.max_captures == 200
    assert 429 in profile.provoke


URL = 'url = "https://pay.example.com" '
BAD = {
    "not toml": ([("[target]", "[target")], "not TOML"),
    "unknown key": ([("timeout_s", "timeout")], "limits.timeout: unknown key; did you mean timeout_s?"),
    "unknown table": ([("[limits]", "[limit]")], "limit: unknown key; did you mean limits?"),
    "unknown money key": ([('max_total = "150', 'max_totl = "150')], "money.USD.max_totl: unknown key"),
    "wrong type": ([("concurrency = 4", 'concurrency = "4"')], "limits.concurrency: found '4'"),
    "two trip sources": ([("# file =", "file =")], "data.trips: "),
    "no trip source": ([("generate =", "# generate =")], "data.trips: "),
    "currency": ([('"USD", "JPY"', '"usd", "USD", "JPY"')], "data.currencies.0: found 'usd'"),
    "no scheme": ([(URL, 'url = "pay.example.com" ')], "target.url: found 'pay.example.com'"),
    "public but local": ([('environment = "staging"', 'environment = "local"')], "loopback only"),
    "whole path": ([(URL, 'url = "https://a.example/b/v1/capture/charge" ')], "write https://a.example/b"),
    "no environment": ([('environment = "staging"', "# ")], '[target]\n    environment = "staging"'),
    "production": ([('environment = "staging"', 'environment = "production"')], "--allow-production"),
    "store pattern": ([('["store-001"]', '["store 1"]')], "data.stores.0: found 'store 1'"),
    "negative": ([('"0.50"', '"-0.50"')], "money.USD.amount: found '-0.50'"),
    "decimals": ([('"50"', '"50.5"')], "money.JPY.amount: found '50.5'; JPY has 0 decimals"),
    "max below amount": ([('"25.00"', '"0.25"')], "money.USD.max_amount"),
    "sigv4": ([('"bearer"', '"sigv4"')], "not supported yet"),
    "client_cert": ([("# ca_file", 'client_cert = "c"\n# ca_file')], "target.client_cert: not supported yet"),
    "burst": ([("# body = {", "burst = { requests = 1 }\n# body = {")], "provoke.429.burst: not supported yet"),
    "waiver": ([("[money.USD]", '[[waiver]]\nreason = "x"\n[money.USD]')], "waiver: not supported yet"),
}


@pytest.mark.parametrize(("changes", "said"), BAD.values(), ids=BAD)
def test_bad_profile_is_a_usage_error_that_names_it(tmp_path, changes, said):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, *changes)
    assert said in str(caught.value)
    assert caught.value.status == 2
    assert "p.toml" in str(caught.value)


@pytest.mark.parametrize(("environ", "said"), [({}, "is not set"), ({"PAY_TOKEN": "short77"}, "shorter than 8")])
def test_a_secret_is_there_and_long_enough_and_never_shown(tmp_path, environ, said):
    with pytest.raises(UsageError, match=said) as caught:
        load(tmp_path, environ=environ)
    assert "short77" not in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, BAD["unknown key"][0][0], BAD["currency"][0][0], BAD["decimals"][0][0], environ={})
    assert len(str(caught.value).splitlines()) == 4


def test_a_secret_in_place_of_a_name_is_not_shown(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, ('"PAY_TOKEN"', '"sk-live-abcdef123456"'))
    assert "sk-live" not in str(caught.value)


def test_target_alone_is_for_loopback():
    assert load_profile(None, target="http://127.0.0.1:9", environ={}).target.url == "http://127.0.0.1:9"
    with pytest.raises(UsageError, match="outside loopback"):
        load_profile(None, target="https://pay.example.com", environ={})


def test_no_money_outside_loopback_shows_the_lines_to_add(tmp_path):
    file = tmp_path / "p.toml"
    file.write_text(TEMPLATE.read_text().split("[money]")[0])
    with pytest.raises(UsageError, match="max_captures = 200"):
        load_profile(file, environ=ENV)
