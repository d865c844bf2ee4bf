"""Loading profiles: the template, each kind of authentication, and each kind of bad input."""

import shutil
from pathlib import Path

import pytest

import conformance
from benchmarks.runs import MOCK_PROFILE
from conformance.contract import load_contract
from conformance.errors import UsageError
from conformance.profile import builtin_profile, load_profile
from conformance.send.auth import auth_headers
from conformance.send.trips import TripSource

TEMPLATE = Path(conformance.__file__).with_name("profile_template.toml")
CONTRACT = load_contract()
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


@pytest.mark.parametrize(
    ("auth", "environ", "sent", "secrets"),
    [
        ('kind = "none"', {}, (), ()),
        (
            'kind = "basic"\nuser_env = "U"\npassword_env = "P"',
            {"U": "Aladdin", "P": "open sesame"},
            (("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),),
            ("open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ),
        (
            'kind = "api-key"\nheader = "X-Api-Key"\nkey_env = "K"',
            {"K": "k-0123456789"},
            (("X-Api-Key", "k-0123456789"),),
            ("k-0123456789",),
        ),
    ],
)
def test_the_kinds_of_auth(tmp_path, auth, environ, sent, secrets):
    profile = load(tmp_path, ('kind = "bearer"\ntoken_env = "PAY_TOKEN"', auth), environ=environ)
    assert auth_headers(profile, environ) == sent
    assert profile.secrets() == secrets
    assert not [secret for secret in secrets if secret in str(profile.redacted())]


def test_entries_with_the_name_of_a_secret_are_masked_and_redacted(tmp_path):
    profile = load(
        tmp_path,
        ("# headers = {", 'headers = { "X-Access-Token" = "visible-in-file",'),
        ('# before = { method = "PUT", url = "https://admin.example.com/fault", json = { status = 429 } }',
         'before = { method = "PUT", url = "https://a.example/x", json = { password = "also-in-file", status = 429 } }'),
    )  # fmt: skip
    redacted = profile.redacted()
    assert redacted["target"]["headers"] == {"X-Access-Token": "***", "X-Tenant": "eu"}
    assert redacted["provoke"]["429"]["before"]["json"] == {"password": "***", "status": 429}
    assert set(profile.secrets()) == {"s3cr3t-value", "visible-in-file", "also-in-file"}


def test_paths_are_relative_to_the_profile(tmp_path):
    (tmp_path / "trips.txt").write_text("# mine\nt-1\n\nt-2\n")
    script = tmp_path / "new-trip"
    script.write_text("#!/bin/sh\nhead -2 trips.txt | tail -1\n")
    script.chmod(0o755)
    profile = load(tmp_path, ("generate =", "# generate ="), ('# file = "trips', 'file = "trips'))
    assert [TripSource(profile, CONTRACT).take() for _ in range(2)] == ["t-1", "t-2"]
    profile = load(tmp_path, ("generate =", "# generate ="), ('# command = ["./new', 'command = ["./new'))
    assert TripSource(profile, CONTRACT).take() == "t-1"


def test_a_local_target_has_local_limits_with_and_without_an_environment(tmp_path):
    plain = TEMPLATE.read_text().split("[limits]")[0]
    for environment in ("", 'environment = "local"\n'):
        text = plain.replace('environment = "staging"', "").replace("https://pay.example.com", "http://localhost:1")
        file = tmp_path / "p.toml"
        file.write_text(text.replace("[target]\n", f"[target]\n{environment}"))
        profile = load_profile(file, environ=ENV)
        assert (profile.limits.concurrency, profile.limits.requests_per_second) == (8, None)
        assert profile.target.environment == "local"
    (tmp_path / "p.toml").write_text(TEMPLATE.read_text().replace("concurrency = 4\n", ""))
    staging = load_profile(tmp_path / "p.toml", environ=ENV)
    assert (staging.limits.concurrency, staging.limits.requests_per_second) == (4, 20)


def test_limits_and_patterns_are_those_of_the_spec(tmp_path):
    shutil.copytree(CONTRACT.folder, tmp_path / "spec")
    api = tmp_path / "spec" / "openapi.yaml"
    api.write_text(api.read_text().replace("maxLength: 255", "maxLength: 64", 1))
    changed = load_contract(tmp_path / "spec")
    assert builtin_profile("http://127.0.0.1:1", changed).data.long_store == "L" * 64
    assert builtin_profile("http://127.0.0.1:1", changed).data.long_trip == "T" * 255
    long_store = ('# long_store = "..."', f'long_store = "{"x" * 255}"')
    assert load(tmp_path, long_store).data.long_store == "x" * 255
    with pytest.raises(
        UsageError,
        match=r"data.long_store: found 'x+… \(255 characters\)'; write 1 to 64 letters from A to Z, digits, _ and -, for example store-999",
    ):
        load(tmp_path, long_store, contract=changed)


URL = 'url = "https://pay.example.com" '
BURST = "burst = { requests = 100, per_second = 50 }"
WAIVER = '[[waiver]]\nreason = "agreed"\nowner = "Team"\nexpires = 2027-03-31\n'
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
    "public but local": ([('environment = "staging"', 'environment = "local"')], "only for loopback URLs"),
    "whole path": ([(URL, 'url = "https://a.example/b/v1/capture/charge" ')], "write https://a.example/b"),
    "no environment": ([('environment = "staging"', "# ")], '[target]\n    environment = "staging"'),
    "production": ([('environment = "staging"', 'environment = "production"')], "--allow-production"),
    "store pattern": ([('["store-001"]', '["store 1"]')], "data.stores.0: found 'store 1'"),
    "negative": ([('"0.50"', '"-0.50"')], "money.USD.amount: found '-0.50'"),
    "decimals": ([('"50"', '"50.5"')], "money.JPY.amount: found '50.5'; JPY has no digits after the decimal point"),
    "max below amount": ([('"25.00"', '"0.25"')], "money.USD.max_amount"),
    "twice": ([('["store-001"]', '["store-001", "store-001"]')], "data.stores.1: found 'store-001' twice"),
    "known unknown": ([('"store-999"', '"store-001"')], "data.unknown_store: found 'store-001', which data.stores"),
    "long store": ([('# long_store = "..."', 'long_store = "x"')], "data.long_store: found 1 characters"),
    "short store": ([('# short_store = "S"', 'short_store = "SS"')], "data.short_store: found 'SS'"),
    "bad trip": (
        [("generate =", "# generate ="), ("# reuse = [", "reuse = ['a b',")],
        "data.trips.reuse.0: found 'a b'",
    ),
    "no trip file": ([("generate =", "# generate ="), ("# file =", "file =")], "trips.txt cannot be read"),
    "no certificates": ([("# ca_file", "ca_file")], "it cannot be read as certificates"),
    "port": ([(URL, 'url = "https://pay.example.com:99999" ')], "not a URL"),
    "query": ([(URL, 'url = "https://pay.example.com/?a=b" ')], "must not contain a query or fragment"),
    "user": (
        [(URL, 'url = "https://me:hunter22@pay.example.com" ')],
        "'https://***@pay.example.com'; it must not contain a user",
    ),
    "proxy": ([('# proxy = "http://', 'proxy = "')], "target.proxy: found 'proxy.example.com:3128'"),
    "own field": ([("# headers = {", 'headers = { "Host" = "x",')], "target.headers.Host: the suite sets this field"),
    "auth twice": ([("# headers = {", 'headers = { "authorization" = "x",')], "[auth] already sends this field"),
    "line break": (
        [("# headers = {", 'headers = { "X-A" = "a\\r\\nB: c",')],
        "target.headers.X-A: found ***; write printable",
    ),
    "field name": ([("# headers = {", 'headers = { "X A" = "a",')], "'X A' is not the name of a header field"),
    "status": ([("[provoke.429]", "[provoke.400]")], "provoke.400: unknown key; known: 429, 500, 503"),
    "nothing to trigger it": (
        [('headers = { "X-Provoke"', '# "')],
        "provoke.429: no way to trigger the status is given",
    ),
    "call": (
        [('# before = { method = "PUT", url = "https://', 'before = { method = "PUT", url = "')],
        "provoke.429.before.url: found 'admin.example.com/fault'",
    ),
    "infinite": ([("timeout_s = 10", "timeout_s = inf")], "limits.timeout_s: found inf"),
    "no captures": ([("max_captures = 200\n", "")], "money.max_captures: missing"),
    "foreign currency": (
        [("[money.JPY]", "[money.GBP]")],
        "money.GBP: unknown key; add GBP to data.currencies, or remove the table",
    ),
    "client_cert": ([("# ca_file", 'client_cert = "c"\n# ca_file')], "target.client_cert: found"),
    "burst of one": ([("# body = {", "burst = { requests = 1 }\n# body = {")], "provoke.429.burst.requests: found 1"),
    "burst for one": ([("# body = {", f"{BURST}\n# body = {{")], "provoke.429.scope: found 'case'; with a burst"),
    "burst of captures": ([("# body = {", f"{BURST}\nbody = {{")], "provoke.429.body: a burst must not have a body"),
    "burst for 503": (
        [("[provoke.429]", "[provoke.503]"), ("# body = {", f"{BURST}\n# body = {{")],
        "provoke.503.burst",
    ),
    "waiver of nothing": ([("[limits]", f"{WAIVER}\n[limits]")], "waiver.0: found a table of reason, owner, expires"),
    "waiver of both": (
        [("[limits]", f'{WAIVER}requirement = "value.zero"\ncase = "x"\n[limits]')],
        "exactly one of requirement, case is allowed",
    ),
    "waiver of an unknown requirement": (
        [("[limits]", f'{WAIVER}requirement = "value.zeros"\n[limits]')],
        "waiver.0.requirement: found 'value.zeros'; there is no requirement with this id; did you mean value.zero?",
    ),
    "waiver without end": (
        [("[limits]", '[[waiver]]\ncase = "x"\nreason = "r"\nowner = "o"\n[limits]')],
        "waiver.0.expires: missing",
    ),
    "waiver with a text as end": (
        [("[limits]", '[[waiver]]\ncase = "x"\nreason = "r"\nowner = "o"\nexpires = "2027-03-31"\n[limits]')],
        "waiver.0.expires: found '2027-03-31'; a date is allowed, without quotes, such as 2027-03-31",
    ),
    "waiver without reason": (
        [("[limits]", '[[waiver]]\ncase = "x"\nreason = ""\nowner = "o"\nexpires = 2027-03-31\n[limits]')],
        "waiver.0.reason: found ''; a text that is not empty is allowed",
    ),
    "misspelt key of a waiver": (
        [("[limits]", f'{WAIVER}requirment = "value.zero"\n[limits]')],
        "waiver.0.requirment: unknown key; did you mean requirement?",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_a_bad_profile_is_a_usage_error_that_names_the_problem(tmp_path, changes, message):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, *changes)
    assert message in str(caught.value)
    assert caught.value.status == 2
    assert "hunter22" not in str(caught.value)
    assert all(line.startswith((str(tmp_path / "p.toml"), "    ")) for line in str(caught.value).splitlines())


def test_a_secret_must_be_set(tmp_path):
    with pytest.raises(UsageError, match="'PAY_TOKEN' is not set"):
        load(tmp_path, environ={})


def test_a_short_secret_is_used(tmp_path):
    assert "short77" in load(tmp_path, environ={"PAY_TOKEN": "short77"}).secrets()
    profile = load(tmp_path, ("# headers = {", 'headers = { "Cookie" = "abc",'))
    assert "abc" in profile.secrets()
    assert "abc" not in str(profile.redacted())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('currencies = ["USD"', 'currencies = ["usd"', "found 'usd'; write exactly three capital letters, for example USD"),
        ('stores = ["store-001"', 'stores = ["a/b"', "write 1 to 255 letters from A to Z, digits, _ and -, for example store-001"),
    ],
)  # fmt: skip
def test_a_rule_of_the_contract_is_named_in_words(tmp_path, old, new, message):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, (old, new))
    assert message in str(caught.value)


def test_another_pattern_is_named_in_words_too(tmp_path):
    shutil.copytree(CONTRACT.folder, tmp_path / "spec")
    api = tmp_path / "spec" / "openapi.yaml"
    text = api.read_text()
    api.write_text(text.replace("'^[A-Z]{3}$'", "'^[0-9]{4}$'").replace('"^[A-Z]{3}$"', '"^[0-9]{4}$"'))
    assert load_contract(tmp_path / "spec").code.in_words() == "exactly four digits"
    api.write_text(text.replace("'^[A-Z]{3}$'", "'^(USD|EUR)$'").replace('"^[A-Z]{3}$"', '"^(USD|EUR)$"'))
    assert load_contract(tmp_path / "spec").code.in_words() == "1 to 3 characters that match ^(USD|EUR)$"


def test_a_secret_that_no_header_field_can_contain(tmp_path):
    with pytest.raises(
        UsageError, match=r"auth\.token_env: the value of 'PAY_TOKEN' has characters that are not allowed in a header"
    ):
        load(tmp_path, environ={"PAY_TOKEN": "line-end\r\nX: y"})


def test_a_target_behind_a_remote_proxy_is_not_local(tmp_path):
    file = tmp_path / "p.toml"
    text = TEMPLATE.read_text().replace("https://pay.example.com", "http://127.0.0.1:1").replace("# proxy", "proxy")
    file.write_text(text.replace('"staging" ', '"local" '))
    with pytest.raises(UsageError, match="local is only for loopback URLs"):
        load_profile(file, environ=ENV)


def test_all_problems_are_reported_at_once(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, BAD["unknown key"][0][0], BAD["currency"][0][0], BAD["decimals"][0][0], environ={})
    assert len(str(caught.value).splitlines()) == 4


def test_a_secret_in_place_of_a_name_is_not_shown(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, ('"PAY_TOKEN"', '"sk-live-abcdef123456"'))
    assert "sk-live" not in str(caught.value)


def test_of_a_target_alone_only_what_every_server_may_know_is_assumed():
    profile = load_profile(None, target="http://127.0.0.1:9", environ={})
    assert (profile.target.name, profile.target.url) == ("http://127.0.0.1:9",) * 2
    assert profile.data.currencies == ["USD"]
    assert (profile.data.long_store, profile.data.short_store, profile.data.long_trip) == (None, None, None)
    mock = load_profile(None, target="http://127.0.0.1:9", environ={}, mock=True)
    assert mock == builtin_profile("http://127.0.0.1:9")


def test_the_profile_of_the_mock_server_as_a_file():
    profile = load_profile(MOCK_PROFILE, target="http://127.0.0.1:9", environ={})
    mock = load_profile(None, target="http://127.0.0.1:9", environ={}, mock=True)
    assert profile.model_dump(exclude={"folder"}) == mock.model_dump(exclude={"folder"})


def test_target_alone_is_for_loopback():
    with pytest.raises(UsageError, match="outside loopback"):
        load_profile(None, target="https://pay.example.com", environ={})


def test_no_money_outside_loopback_shows_the_lines_to_add(tmp_path):
    file = tmp_path / "p.toml"
    file.write_text(TEMPLATE.read_text().split("[money]")[0])
    with pytest.raises(UsageError, match="max_captures = 200"):
        load_profile(file, environ=ENV)


LOCAL = """[target]
url = "http://127.0.0.1:9"
[data]
stores = ["a"]
currencies = ["USD", "JPY", "KWD"]
[data.trips]
generate = "uuid4"
"""


def amounts(tmp_path, text):
    file = tmp_path / "p.toml"
    file.write_text(text)
    profile = load_profile(file, environ={})
    return {
        code: (str(profile.amount_of(code)), str(profile.max_amount_of(code)), profile.max_total_of(code))
        for code in profile.data.currencies
    }


def test_without_money_a_local_server_gets_ten_major_units_and_every_value_of_15_digits(tmp_path):
    assert amounts(tmp_path, LOCAL) == {
        "USD": ("10.00", "9999999999999.99", None),
        "JPY": ("10", "999999999999999", None),
        "KWD": ("10.000", "999999999999.999", None),
    }


def test_with_money_the_default_is_one_minor_unit_on_a_local_server_too(tmp_path):
    given = amounts(tmp_path, LOCAL + '[money]\nmax_captures = 9\n[money.USD]\namount = "2.00"\nmax_amount = "3.00"\n')
    assert given == {"USD": ("2.00", "3.00", None), "JPY": ("1", "1", None), "KWD": ("0.001", "0.001", None)}
