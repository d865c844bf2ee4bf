"""The shelf: every fault and every benign difference by name."""

from __future__ import annotations

from conformance.mock.faults import amount, answers, body, rate, request, wire
from conformance.mock.faults.model import Fault

_THEMES = (request, amount, body, answers, rate, wire)

FAULTS: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.FAULTS}
"""Every way to be wrong, by name."""
BENIGN: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.BENIGN}
"""Every way to be different and still right, by name."""

EVERY: dict[str, Fault] = FAULTS | BENIGN
"""All of these."""

__all__ = ["BENIGN", "EVERY", "FAULTS", "Fault"]
