"""Faults and lawful differences that a reader from outside invented from the contract, before any run against them."""

from __future__ import annotations

from benchmarks.reader import answers, requests, state
from benchmarks.reader.lawful import LAWFUL
from conformance.mock.faults.model import Fault

INVENTED_FAULTS: dict[str, Fault] = {
    fault.name: fault for theme in (requests, answers, state) for fault in theme.FAULTS
}
"""Every fault by name, with the requirements one of which a reader expects in the report."""
DIFFERENCES: dict[str, Fault] = {fault.name: fault for fault in LAWFUL}
"""Every lawful difference by name."""
EVERY_READ: dict[str, Fault] = INVENTED_FAULTS | DIFFERENCES
"""Both together."""
