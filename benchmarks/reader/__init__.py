"""Faults and lawful differences that three readers from outside invented from the contract, before any run against them."""

from __future__ import annotations

from benchmarks.reader import answers, fourth, fourth_lawful, lawful, requests, state, third, third_lawful
from conformance.mock.faults.model import Fault

INVENTED_FAULTS: dict[str, Fault] = {
    fault.name: fault for theme in (requests, answers, state, third, fourth) for fault in theme.FAULTS
}
"""Every fault by name, with the requirements one of which a reader expects in the report."""
DIFFERENCES: dict[str, Fault] = {
    fault.name: fault for theme in (lawful, third_lawful, fourth_lawful) for fault in theme.LAWFUL
}
"""Every lawful difference by name."""
EVERY_READ: dict[str, Fault] = INVENTED_FAULTS | DIFFERENCES
"""Both together."""
READERS: dict[str, tuple[str, ...]] = {
    "third": tuple(fault.name for fault in (*third.FAULTS, *third_lawful.LAWFUL)),
    "fourth": tuple(fault.name for fault in (*fourth.FAULTS, *fourth_lawful.LAWFUL)),
}
"""Names of those of the later readers."""
