"""A shelf of its own: faults invented from the contract alone, before any case was run against them."""

from __future__ import annotations

from conformance.mock.faults import invented_a, invented_b
from conformance.mock.faults.model import Fault

INVENTED: dict[str, Fault] = {fault.name: fault for theme in (invented_a, invented_b) for fault in theme.FAULTS}
"""Every invented fault by name; none of them is in `FAULTS`."""
