"""Amounts as finance writes them, and `captures.csv`: the charges of a run, for finance to reverse."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from conformance.profile import minor_units
from conformance.report.clean import Cleaner
from conformance.run.model import Capture

WRITTEN_OUT = 16
"""Digits before the point up to which an amount is written out on the page."""


def amount_text(amount: Decimal, code: str) -> str:
    """The amount with the decimals of its currency, such as 12.50 for USD and 500 for JPY; with more if it has more."""
    decimals = max(minor_units(code), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{decimals}f}"


def short_amount(amount: Decimal, code: str) -> str:
    """The same for the page, with commas between thousands; of a very large amount only the order of magnitude."""
    return f"{Decimal(amount_text(amount, code)):,f}" if amount.adjusted() < WRITTEN_OUT else f"{amount:.1E}"


def listed_amount(capture: Capture) -> str:
    """The amount of a charge, and a note where the server may have read another amount."""
    amount, _, note = capture.amount.partition(" ")
    text = short_amount(Decimal(amount), capture.currency)
    return f"{text} {note}" if note else text


def write_captures(file: Path, captures: Iterable[Capture], clean: Cleaner) -> None:
    """Write one row for each charge that was made or may have been made. Raises OSError."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["trip", "amount", "currency", "time", "state", "note", "record line"])
        for capture in captures:
            amount, _, note = capture.amount.partition(" ")
            text = amount_text(Decimal(amount), capture.currency)
            rows.writerow(
                [
                    clean(capture.trip),
                    text,
                    capture.currency,
                    capture.time,
                    capture.state,
                    note.strip("()"),
                    capture.number,
                ]
            )
