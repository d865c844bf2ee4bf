"""Redact first, cut last: no secret is shown in part, and what a target sent does nothing."""

from __future__ import annotations

import pytest

from conformance.report.clean import LOOKED_AT, Cleaner

TOKEN = 'tok-é-"SECRET"-7'
CLEAN = Cleaner((TOKEN,))
PIECES = [TOKEN[:length] for length in range(4, len(TOKEN))]


@pytest.mark.parametrize("most", range(1, 60))
def test_a_text_cut_by_the_report_holds_no_piece_of_a_secret(most):
    text = CLEAN(f"0123456789{TOKEN} and more of it, which is long enough", most)
    assert not [piece for piece in PIECES if piece in text]
    assert len(text) == most + 1
    assert text.endswith("…")


@pytest.mark.parametrize("most", range(1, 28))
@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le"])
def test_a_message_cut_by_the_report_holds_no_piece_of_a_secret(most, coding):
    body = f"ab{TOKEN} and more".encode(coding)
    text = CLEAN.content(body, most)
    assert not [piece for piece in PIECES if piece in text.replace("\\x00", "")]
    assert text.endswith(f"({len(body)} bytes in all)")


def test_of_a_large_message_the_end_of_what_was_looked_at_is_not_shown():
    body = b"x" * (LOOKED_AT - 6) + TOKEN.encode() + b"y" * 100
    assert "tok-" not in CLEAN.content(body, 800)


def test_a_short_message_is_shown_whole():
    assert CLEAN.content(b"ab\xff", 800) == "ab\\xff"


def test_one_line_is_made_of_several():
    assert CLEAN.line("a\nb\x1b", 9) == "a b\\x1b"


def test_without_secrets_text_is_only_made_visible():
    assert Cleaner(())("a\x1b… b") == "a\\x1b… b"
