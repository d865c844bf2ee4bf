"""A secret vanishes although a judge or the report cut it short, and whatever a judge made of its characters."""

from __future__ import annotations

import pytest

from conformance.judge.shown import shown
from conformance.report.clean import Cleaner

TOKEN = 'tok-é-"SECRET"-7'


@pytest.mark.parametrize("length", range(1, len(TOKEN) + 1))
def test_no_piece_of_a_secret_is_left_before_a_cut(length):
    text = Cleaner((TOKEN,))(f"received {TOKEN[:length]}… (99 bytes), and … again")
    assert text.startswith("received ")
    assert text.endswith("… (99 bytes), and … again")
    piece = text.removeprefix("received ").partition("…")[0]
    assert piece == (TOKEN[:length] if length < 4 else "*" * len(piece))


@pytest.mark.parametrize("limit", range(12, 60))
@pytest.mark.parametrize("kind", [str.encode, str], ids=["bytes", "text"])
def test_what_a_judge_shows_of_an_answer_holds_no_secret(kind, limit):
    said = shown(kind(f"0123456789{TOKEN} and more of it, which is long enough"), limit)
    assert "tok-" not in Cleaner((TOKEN,))(said)
    assert "SECRET" not in Cleaner((TOKEN,))(said)


@pytest.mark.parametrize("limit", range(1, 40))
def test_a_message_cut_by_the_report_holds_no_secret(limit):
    text = Cleaner((TOKEN,)).cut(f"ab{TOKEN} and more".encode(), limit)
    assert "tok-" not in text
    assert text.startswith("ab"[:limit])


def test_without_secrets_text_is_only_made_visible():
    assert Cleaner(())("a\x1b… b") == "a\\x1b… b"
