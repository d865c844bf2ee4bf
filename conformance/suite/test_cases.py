"""Every case of the plan as a test: says what became of it. Sends and judges nothing itself."""

from __future__ import annotations

from collections.abc import Callable


def test_case(tell_case: Callable[[], None]) -> None:
    """The outcome of one case, told in the words of pytest."""
    tell_case()
