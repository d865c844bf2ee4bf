"""Faults that were invented from the contract alone, before any case was run against them."""

from __future__ import annotations

from benchmarks.invented import answers, requests
from conformance.mock.faults.model import Fault

INVENTED: dict[str, Fault] = {fault.name: fault for theme in (requests, answers) for fault in theme.FAULTS}
"""Every invented fault by name, with the requirements that its inventor declared."""

REPORTED: dict[str, frozenset[str] | None] = {
    "ids-long-crash": frozenset({"store-id.max-length", "trip-id.max-length", "body.several-faults"}),
    "charset-without-blank-refused": frozenset({"answer.status-set"}),
    "accept-missing-plain-error": frozenset({"bad-request.media-type"}),
    "window-end-crashes": frozenset({"rate-limit.window-end"}),
    "store-remembered": frozenset({"store-id.required"}),
    "equal-at-once-refused": None,
    "double-click-window": None,
    "lookup-cached-by-store": None,
}
"""The requirements that the suite reports, where they differ from the declared ones.

None: the requirement of the first good request that the fault affects, which varies between runs.
"""
