"""The shelf: every fault and every benign difference by name."""

from __future__ import annotations

from conformance.mock.faults import amount, answers, body, rate, request, wire
from conformance.mock.faults.invented import INVENTED
from conformance.mock.faults.model import Fault

_THEMES = (request, amount, body, answers, rate, wire)

FAULTS: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.FAULTS}
"""Every way to be wrong, by name."""
BENIGN: dict[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.BENIGN}
"""Every way to be different and still right, by name."""

EVERY: dict[str, Fault] = FAULTS | BENIGN | INVENTED
"""All of these, and those that were invented to try the suite at first sight."""

__all__ = ["BENIGN", "EVERY", "FAULTS", "INVENTED", "Fault"]
