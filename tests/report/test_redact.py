"""Secrets are removed in every encoding, and hostile text is made safe."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from conformance.redact import Redactor, as_json, redact_headers, visible

TOKEN = 'tok-SECRET-1/é"x'
FORMS = [TOKEN, quote(TOKEN, safe=""), json.dumps(TOKEN), TOKEN.encode().hex().upper()]
FORMS += [base64.b64encode(b"u" * n + TOKEN.encode()).decode() for n in range(3)]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_removed_in_every_encoding_and_the_length_stays(form):
    redacted = Redactor((TOKEN,))(f"a {form} b")
    assert len(redacted.encode()) == len(f"a {form} b".encode())
    assert redacted.count("*") > len(form) - 8
    assert "SECRET" not in redacted


def test_header_fields_are_hidden_by_name():
    assert redact_headers((("COOKIE", "abc"), ("X", "y"))) == (("COOKIE", "***"), ("X", "y"))


def test_json_for_files_escapes_the_same_characters_and_no_others():
    value = {"a\u2028": ["bad \x1b[31m\x00\x7f\x9b\uffff\ud800\u202e\r\n", "é 🛒 \\u0041", 1, None]}
    written = as_json(value)
    assert json.loads(written) == value
    assert visible(written.decode()) == written.decode()
    assert "é 🛒 \\\\u0041" in written.decode()


def test_hostile_text_is_made_visible():
    assert visible("bad \x1b[31m\x00\uffff\ud800\u202e\r\n") == "bad \\x1b[31m\\x00\\uffff\\ud800\\u202e\\x0d\n"


SHORT = Redactor(("abc12", TOKEN))


@pytest.mark.parametrize(
    "text",
    ["abc12", '"abc12"', "X-Key: abc12", "X-Key: abc12\r\nHost: a", "Bearer abc12", "?key=abc12&b=1", "a\nabc12\nb", "k='abc12'"],
)  # fmt: skip
def test_a_short_secret_is_hidden_where_it_is_a_whole_value(text):
    assert SHORT(text) == text.replace("abc12", "*****")
    assert SHORT.redact_bytes(text.encode()) == SHORT(text).encode()


@pytest.mark.parametrize("text", ["xabc12", "abc123", "the abc12 of it", "store-abc12", "ABC12", "abc12-3"])
def test_a_short_secret_inside_other_text_is_left(text):
    assert SHORT(text) == text
    assert SHORT.redact_bytes(text.encode()) == text.encode()


def test_a_short_secret_is_hidden_in_json_values_but_not_in_names():
    value = {"abc12": ["abc12", {"b": "xabc12"}], TOKEN: 1}
    assert SHORT.redact_json(value) == {"abc12": ["*****", {"b": "xabc12"}], "*" * len(TOKEN.encode()): 1}
    assert Redactor(("abc12",)).redact_json({"a": "abc12"}) == {"a": "*****"}


MEMBERS = Redactor(("tok-SECRET-0123456789",), ["cardToken", "pan"])


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('{"cardToken": "a\\"b c", "x": "y"}', '{"cardToken": "******", "x": "y"}'),
        ('{"PAN":4111,"x":1}', '{"PAN":****,"x":1}'),
        ('{"a":"{\\"pan\\":\\"4111\\",\\"x\\":1}"}', '{"a":"{\\"pan\\":\\"****\\",\\"x\\":1}"}'),
        ('{"a":"{\\"pan\\": 4111}"}', '{"a":"{\\"pan\\": ****}"}'),
        ('received {"pan": "41é', 'received {"pan": "****'),
        ('{"panel": "4111", "pan": {"no": 1}}', '{"panel": "4111", "pan": {"no": 1}}'),
    ],
)
def test_members_are_hidden_by_name(text, hidden):
    assert MEMBERS(text) == hidden
    assert MEMBERS.redact_bytes(text.encode()) == hidden.encode()


@pytest.mark.parametrize("length", range(8, 21))
def test_a_secret_at_the_end_of_cut_bytes_is_hidden(length):
    data = b"x" * 30 + b"tok-SECRET-0123456789"[:length]
    assert MEMBERS.redact_bytes(data, cut=True) == b"x" * 30 + b"*" * length
    assert MEMBERS.redact_bytes(data) == data
    assert MEMBERS.redact_bytes(b"x" * 30 + data[30:37], cut=True) == b"x" * 30 + data[30:37]
