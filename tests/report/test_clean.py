"""Texts are redacted first and cut last: no part of a secret is shown, and text of a target cannot do anything."""

from __future__ import annotations

import pytest

from conformance.redact import Redactor
from conformance.report.clean import REDACTED_BYTES, Cleaner

TOKEN = 'tok-é-"SECRET"-7'
CLEAN = Cleaner(Redactor((TOKEN,)))
PIECES = [TOKEN[:length] for length in range(4, len(TOKEN))]


@pytest.mark.parametrize("limit", range(1, 60))
def test_a_text_cut_by_the_report_holds_no_piece_of_a_secret(limit):
    text = CLEAN(f"0123456789{TOKEN} and more of it, which is long enough", limit)
    assert not [piece for piece in PIECES if piece in text]
    assert len(text) == limit + 1
    assert text.endswith("…")


@pytest.mark.parametrize("limit", range(1, 28))
@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le"])
def test_a_message_cut_by_the_report_holds_no_piece_of_a_secret(limit, coding):
    body = f"ab{TOKEN} and more".encode(coding)
    text = CLEAN.content(body, limit)
    assert not [piece for piece in PIECES if piece in text.replace("\\x00", "")]
    assert text.endswith(f"({len(body)} bytes in all)")


def test_a_large_message_is_cut_before_the_end_of_its_redacted_part():
    body = b"x" * (REDACTED_BYTES - 6) + TOKEN.encode() + b"y" * 100
    assert "tok-" not in CLEAN.content(body, 800)


def test_a_short_message_is_not_cut():
    assert CLEAN.content(b"ab\xff", 800) == "ab\\xff"


def test_several_lines_become_one():
    assert CLEAN.line("a\nb\x1b", 9) == "a b\\x1b"


def test_without_secrets_control_characters_are_escaped():
    assert Cleaner(Redactor(()))("a\x1b… b") == "a\\x1b… b"
