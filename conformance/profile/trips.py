"""Trips from a file of the user: reading and checking them. Sends nothing."""

from __future__ import annotations

from conformance.contract import Contract


def read_trips(path: str) -> list[tuple[int, str]]:
    """Line number and trip of each line that is not blank and does not begin with "#".

    Raises OSError or UnicodeDecodeError if the file cannot be read.
    """
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  the profile holds text
        lines = [(number, line.strip()) for number, line in enumerate(file, 1)]
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def bad_trip(contract: Contract, trip: str) -> str:
    """Why `trip` does not fit the contract; empty if it does."""
    rule = contract.trip_id
    return "" if trip and rule.admits(trip) else f"a trip has {rule.in_words()}"
