"""Cases that send good requests after and beside bad ones: an answer depends on its own request only.

The good requests are compared over the whole run, so no probe here has an expectation of its own.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import Parts, parts_of
from conformance.cases.build import OBSERVE, probe
from conformance.cases.model import TRIP, Case, Probe
from conformance.cases.testdata import TestData

THEME = "independence"
_INDEPENDENT = ("answer.independent",)
_ANY_ANSWER = ("answer.in-time", "answer.connection", "answer.framing", "answer.close-announced", "server-error.stable")


def independence_cases(data: TestData) -> list[Case]:
    """Chains, each on its own connections."""
    parts = parts_of(data)
    good = probe(OBSERVE, parts.good, equal=True)
    found = [_chain("identical", "Ten equal good requests one after another", (good,) * 10, _ANY_ANSWER)]
    for slug, (title, bad) in _bad(parts).items():
        found.append(_chain(f"after-{slug}", f"A good request after {title}", (bad, good)))
    found += [_two_at_once(good), _interleaved(good, [bad for _, bad in _bad(parts).values()])]
    return found


def _chain(slug: str, title: str, probes: tuple[Probe, ...], also: tuple[str, ...] = ()) -> Case:
    return Case(f"independence-{slug}", THEME, title, (*_INDEPENDENT, *also), probes, scheduling="chain")


def _bad(parts: Parts) -> dict[str, tuple[str, Probe]]:
    """Each kind of bad request. Other cases judge their answers."""
    long_id = '"' + "a" * 10_000 + '"'
    return {
        "not-json": ("content that is not JSON", probe(OBSERVE, parts.good[:-1])),
        "empty": ("a request without content", probe(OBSERVE, b"")),
        "missing-member": ("one without amount", probe(OBSERVE, parts.with_amount(None))),
        "wrong-type": ("one with a wrong type", probe(OBSERVE, parts.with_value('"10"'))),
        "bad-store": ("one with a malformed store", probe(OBSERVE, parts.with_store('"INVALID@STORE#ID"'))),
        "bad-trip": ("one with a malformed trip", probe(OBSERVE, parts.with_trip(f'"!{TRIP}"'))),
        "bad-currency": ("one with a malformed code", probe(OBSERVE, parts.with_code('"usd"'))),
        "long-id": ("one with a long storeId", probe(OBSERVE, parts.with_store(long_id))),
        "media-type": ("one under another media type", probe(OBSERVE, "x", headers=(("Content-Type", "text/plain"),))),
        "chunked": ("a bad one sent in chunks", probe(OBSERVE, parts.good[:-1], framing="chunked")),
    }


def _two_at_once(good: Probe) -> Case:
    probes = tuple(replace(good, connection=number) for number in (0, 1) * 2)
    return replace(_chain("two-at-once", "Two good requests at once", probes), together=True)


def _interleaved(good: Probe, bad: list[Probe]) -> Case:
    """Good and bad requests in turn on three connections, two rounds of each."""
    probes = []
    for turn in range(4):
        for connection in range(3):
            next_probe = good if (turn + connection) % 2 == 0 else bad[(turn * 3 + connection) % len(bad)]
            probes.append(replace(next_probe, connection=connection))
    title = "Good and bad requests in turn on three connections"
    return replace(_chain("interleaved", title, tuple(probes)), together=True)
