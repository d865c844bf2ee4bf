"""Amounts have the decimals of their currency, on the page and in captures.csv."""

import csv
from decimal import Decimal

import pytest

from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.money import amount_text, listed_amount, short_amount, write_captures
from conformance.run.model import Capture


@pytest.mark.parametrize(
    ("amount", "code", "text"),
    [
        ("0.5", "USD", "0.50"),
        ("1E+3", "USD", "1000.00"),
        ("500.00", "JPY", "500"),
        ("1.2", "KWD", "1.200"),
        ("0.001", "USD", "0.001"),
        ("90071992547409.93", "USD", "90071992547409.93"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(amount, code, text):
    assert amount_text(Decimal(amount), code) == text
    assert short_amount(Decimal(amount), code).replace(",", "") == text


def test_thousands_are_grouped_on_the_page():
    assert short_amount(Decimal("90071992547409.93"), "USD") == "90,071,992,547,409.93"


def test_a_very_large_amount_is_short_on_the_page_and_whole_in_the_file():
    assert short_amount(Decimal("1E+20"), "USD") == "1.0E+20"
    assert amount_text(Decimal("1E+20"), "USD") == "100000000000000000000.00"


def test_captures_csv_lists_every_charge(tmp_path):
    captures = (
        Capture(7, "trip-1", "0.5", "USD", "2026-11-27T20:00:00+00:00", "captured"),
        Capture(9, "trip-2", "500 (size unknown)", "JPY", "2026-11-27T20:00:01+00:00", "unknown"),
    )
    file = tmp_path / "captures.csv"
    write_captures(file, captures, Cleaner(Redactor(())))
    with file.open(newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["trip", "amount", "currency", "time", "state", "note", "record line"],
            ["trip-1", "0.50", "USD", "2026-11-27T20:00:00+00:00", "captured", "", "7"],
            ["trip-2", "500", "JPY", "2026-11-27T20:00:01+00:00", "unknown", "size unknown", "9"],
        ]
    assert [listed_amount(capture) for capture in captures] == ["0.50", "500 (size unknown)"]


def test_a_run_writes_its_charges(clean):
    with (clean.out / "captures.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 100
    assert {row["state"] for row in rows} <= {"captured", "unknown"}
    assert all(len(row["amount"].partition(".")[2]) >= 2 for row in rows if row["currency"] == "USD")
