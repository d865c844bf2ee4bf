"""All faults and all benign differences, by name."""

from __future__ import annotations

from conformance.mock.faults import amount, answers, body, forms, pairs, rate, request, seldom, wire
from conformance.mock.faults.model import Fault

_THEMES = (request, amount, body, forms, answers, rate, wire, pairs, seldom)

FAULTS: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.FAULTS}
"""Every fault by name."""
BENIGN: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.BENIGN}
"""Every difference that is not a fault, by name."""

EVERY: dict[str, Fault] = FAULTS | BENIGN
"""Both together."""

__all__ = ["BENIGN", "EVERY", "FAULTS", "Fault"]
