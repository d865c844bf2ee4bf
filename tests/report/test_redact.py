"""Secrets are removed in every encoding, and hostile text is made safe."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from conformance.redact import Redactor, redact_headers, visible

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


def test_hostile_text_is_made_visible():
    assert visible("bad \x1b[31m\x00\uffff\ud800\u202e\r\n") == "bad \\x1b[31m\\x00\\uffff\\ud800\\u202e\\x0d\n"
