"""The JSON Schema of the profile accepts and refuses what the model does, for the template and every kind of entry."""

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import conformance
import conformance.errors
from conformance.contract import load_contract
from conformance.profile import load_profile, profile_schema

FOLDER = Path(conformance.__file__).parent
SCHEMA = profile_schema(load_contract())
EVERYTHING = """
[target]
name = "Everything"
environment = "production"
url = "https://pay.example.com/base"
headers = { X-Tenant = "eu" }
proxy = "http://proxy.example.com:3128"
operator = "Team"
version = "2.1"
version_header = "X-Version"
secret_attributes = ["cardToken"]
[auth]
kind = "basic"
user_env = "U"
password_env = "P"
[data]
stores = ["store-001"]
unknown_store = "store-999"
unknown_trip = "00000000-0000-0000-0000-000000000000"
currencies = ["USD", "JPY"]
short_store = "S"
[data.trips]
reuse = ["a", "b"]
[provoke.429]
kind = "limiter"
scope = "run"
headers = { X-Client = "${unique}" }
[provoke.500]
kind = "forced"
body = { storeId = "store-500", amount = { amount = 1.5, code = "USD" } }
[provoke.503]
kind = "forced"
before = { method = "PUT", url = "https://admin.example.com/", json = [503, true] }
after = { method = "DELETE", url = "https://admin.example.com/" }
[limits]
timeout_s = 1.5
max_wait_s = 0
requests_per_second = 5
concurrency = 1
max_requests = 100
[money]
max_captures = 5
[money.USD]
amount = "0.50"
max_amount = "25.00"
max_total = "150.00"
[[waiver]]
requirement = "value.zero"
reason = "agreed"
owner = "Team"
expires = 2027-03-31
ticket = "PAY-1"
[[waiver]]
case = "value-zero"
reason = "agreed"
owner = "Team"
expires = 2027-03-31
"""


def errors(profile: dict) -> list[str]:
    value = json.loads(json.dumps(profile, default=str))  # editors read a date of TOML as text
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(value)]


def test_the_schema_is_valid_and_the_shipped_file_is_current():
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads((FOLDER / "profile.schema.json").read_text()) == SCHEMA


@pytest.mark.parametrize("text", [(FOLDER / "profile_template.toml").read_text(), EVERYTHING])
def test_schema_and_model_accept_the_same(text, tmp_path):
    assert errors(tomllib.loads(text)) == []
    (tmp_path / "p.toml").write_text(text)
    environ = {"PAY_TOKEN": "0123456789", "U": "me", "P": "0123456789"}
    assert load_profile(tmp_path / "p.toml", environ=environ, allow_production=True).target.url


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timeout_s = 1.5", "timeout = 1.5"),
        ("concurrency = 1", "concurrency = 0"),
        ('reuse = ["a", "b"]', 'reuse = ["a"]\ngenerate = "uuid4"'),
        ('reuse = ["a", "b"]', ""),
        ('"USD", "JPY"', '"usd"'),
        ('stores = ["store-001"]', 'stores = ["a b"]'),
        ("[provoke.500]", "[provoke.501]"),
        ('kind = "basic"', 'kind = "bearer"'),
        ('amount = "0.50"', 'amount = "-1"'),
        ("[money.USD]", "[money.usd]"),
        ('environment = "production"', 'environment = "prod"'),
        ('url = "https://pay.example.com/base"', ""),
    ],
)
def test_schema_and_model_refuse_the_same(old, new, tmp_path):
    assert old in EVERYTHING
    text = EVERYTHING.replace(old, new, 1)
    assert errors(tomllib.loads(text)) != []
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(conformance.errors.UsageError):
        load_profile(tmp_path / "p.toml", environ={"U": "me", "P": "0123456789"}, allow_production=True)
