"""The shelf: every fault and every benign difference by name."""

from __future__ import annotations

from conformance.mock.faults.model import Fault

FAULTS: dict[str, Fault] = {}
BENIGN: dict[str, Fault] = {}

__all__ = ["BENIGN", "FAULTS", "Fault"]
