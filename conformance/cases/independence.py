"""Cases that send good requests after and beside bad ones: an answer depends on its own request only.

The good requests are compared over the whole run, so they have no expectation of their own.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import Parts, parts_of
from conformance.cases.build import EITHER_NAME, LENGTH_REQUIRED, OBSERVE, UNKNOWN_TRIP, probe, reject
from conformance.cases.model import TRIP, Case, Probe
from conformance.cases.testdata import TestData

THEME = "independence"
_IDLE_S = 1.1
"""A pause in seconds: long enough for what goes stale behind the server, shorter than servers keep a connection."""
_INDEPENDENT = ("answer.independent",)
_ANY_ANSWER = ("answer.in-time", "answer.connection", "answer.framing", "answer.close-announced", "server-error.stable")


def independence_cases(data: TestData) -> list[Case]:
    """Chains, each on its own connections."""
    parts = parts_of(data)
    good = probe(OBSERVE, parts.good, equal=True)
    rested = replace(good, idle=_IDLE_S)
    title = "Ten equal good requests one after another, and one after a pause"
    found = [_chain("identical", title, (*(good,) * 10, rested), _ANY_ANSWER)]
    for slug, (title, bad) in (_bad(parts) | _unknown(data)).items():
        also = (bad.expectation.requirement or "",)
        same_trip = bad.trip != "none"
        pair = tuple(replace(each, trip="case") for each in (bad, good)) if same_trip else (bad, good)
        what = "The same request, corrected," if same_trip else "A good request"
        found.append(_chain(f"after-{slug}", f"{what} after {title}", pair, also))
    found.append(_one_trip(data, good))
    found += [_two_at_once(good), _interleaved(good, [bad for _, bad in _bad(parts).values()])]
    return found


def _chain(slug: str, title: str, probes: tuple[Probe, ...], also: tuple[str, ...] = ()) -> Case:
    return Case(f"independence-{slug}", THEME, title, (*_INDEPENDENT, *also), probes, scheduling="chain")


def _bad(parts: Parts) -> dict[str, tuple[str, Probe]]:
    """Each kind of bad request."""
    not_json = reject("body.not-json", ())
    plain = replace(not_json, shared=("answer.no-server-error",))
    chunked = replace(not_json, admits=LENGTH_REQUIRED, shared=("request.chunked",))
    long_id = '"' + "a" * 10_000 + '"'
    return {
        "not-json": ("content that is not JSON", probe(not_json, parts.good[:-1])),
        "empty": ("a request without content", probe(reject("body.empty", ()), b"")),
        "missing-member": ("one without amount", probe(reject("amount.required"), parts.with_amount(None))),
        "wrong-type": ("one with a wrong type", probe(reject("value.type"), parts.with_value('"10"'))),
        "bad-store": (
            "one with a malformed store",
            probe(reject("store-id.pattern"), parts.with_store('"INVALID@STORE#ID"')),
        ),
        "bad-trip": (
            "one with a malformed trip",
            probe(reject("trip-id.pattern", EITHER_NAME), parts.with_trip(f'"!{TRIP}"')),
        ),
        "bad-currency": ("one with a malformed code", probe(reject("code.pattern"), parts.with_code('"usd"'))),
        "long-id": ("one with a long storeId", probe(reject("store-id.max-length"), parts.with_store(long_id))),
        "media-type": ("one under another media type", probe(plain, "x", headers=(("Content-Type", "text/plain"),))),
        "chunked": (
            "a bad one sent in chunks",
            probe(chunked, parts.good[:-1], framing="chunked"),
        ),
    }


def _unknown(data: TestData) -> dict[str, tuple[str, Probe]]:
    """A request of an unknown store and one with an unknown trip, where the profile names them."""
    found = {}
    if data.unknown_store is not None:
        store = parts_of(data, data.unknown_store).good
        found["unknown-store"] = ("one of an unknown store", probe(reject("store-id.unknown"), store))
    if data.unknown_trip is not None:
        trip = parts_of(data).with_trip(f'"{data.unknown_trip}"')
        found["unknown-trip"] = ("one with an unknown trip", probe(reject("trip-id.unknown", UNKNOWN_TRIP), trip))
    return found


def _one_trip(data: TestData, good: Probe) -> Case:
    """Refusals, one of them twice, a good capture, and further refusals, all for one trip."""
    parts = parts_of(data)
    no_amount = probe(reject("amount.required"), parts.with_amount(None), trip="case")
    wrong = [
        probe(reject("value.type"), parts.with_value('"10"'), trip="case"),
        probe(reject("code.pattern"), parts.with_code('"usd"'), trip="case"),
    ]
    probes = [no_amount, no_amount, *wrong, replace(good, trip="case")]
    probes += [replace(each, trip="same") for each in wrong]
    if data.unknown_store is not None:
        unknown = parts_of(data, store=data.unknown_store).good
        probes.append(probe(reject("store-id.unknown"), unknown, trip="same"))
    also = tuple(each.expectation.requirement for each in probes if each.expectation.requirement)
    also = tuple(dict.fromkeys(also))
    title = "Refusals before and after a capture, all for one trip"
    return _chain("one-trip", title, tuple(probes), also)


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
    also = tuple(dict.fromkeys(each.expectation.requirement for each in probes if each.expectation.requirement))
    return replace(_chain("interleaved", title, tuple(probes), also), together=True)
