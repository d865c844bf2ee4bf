"""Cases that make the target answer 429, 500 and 503, in the way that the profile gives."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import parts_of
from conformance.cases.build import LENGTH_REQUIRED, OBSERVE, absent, accept, either, probe
from conformance.cases.model import Case, Expectation, Probe, Scheduling
from conformance.cases.testdata import Provoked, TestData
from conformance.contract.load import Contract

THEME = "answers"
_ERRORS = {500: ("server-error", "server error"), 503: ("unavailable", "unavailability")}
# A single provoked answer does not show stability, which is judged over a run.
_OVER_A_RUN = {"server-error.stable"}
_END, _SHARED_END = "rate-limit.window-end", "rate-limit.shared-window-end"
SWITCH_TRIES = 3
"""How often a request is sent at most to see that a switch of the profile is on, or off again."""
_UTF_8 = (("Content-Type", "application/json; charset=utf-8"),)
_OVER_TIME = {_END, _SHARED_END, "rate-limit.repeated", "rate-limit.not-growing"}


def provoked_cases(contract: Contract, data: TestData) -> list[Case]:
    """500 and 503, then 429 and its window; `shared_window_case` makes the case of a shared window."""
    found = []
    for status in (500, 503):
        prefix, name = _ERRORS[status]
        requirements = contract.of_theme(prefix, _OVER_A_RUN)
        slug, title = f"provoked-{status}", f"A provoked {name} ({status})"
        if status in data.provocations:
            found.append(_provoked_case(data, status, slug, title, requirements))
            found.append(_others_case(data, status, requirements))
        else:
            reason = f"The profile does not say how to provoke a {status}"
            found.append(absent(slug, THEME, title, requirements, reason))
    return [*found, *_rate_limit(contract, data)]


def shared_window_case(contract: Contract, data: TestData) -> list[Case]:
    """A window shared by all callers: one case, sent alone and last. Empty where there is no such window."""
    means = data.provocations.get(429)
    if means is None or means.kind != "limiter" or means.scope != "run":
        return []
    requirements = (*contract.of_theme("rate-limit", _OVER_TIME), *_over_time(_SHARED_END))
    title = "A provoked rate limit shared by all callers, to its end"
    return [
        Case(
            "provoked-429-shared",
            THEME,
            title,
            requirements,
            _window(data, _SHARED_END),
            scheduling="exclusive",
            rule="window",
        )
    ]


def _over_time(end: str) -> tuple[str, ...]:
    return ("rate-limit.repeated", "rate-limit.not-growing", end)


def _provoked(data: TestData, status: int) -> Probe:
    times = SWITCH_TRIES if data.provocations[status].switched else 1
    return probe(Expectation("provoked", provoked=status), parts_of(data).good, provoke=status, times=times)


def _provoked_case(data: TestData, status: int, slug: str, title: str, requirements: tuple[str, ...]) -> Case:
    """One provoked answer. Where everybody gets it, the case is sent alone, and waits until the server is as before."""
    first = _provoked(data, status)
    if not data.provocations[status].alone:
        return Case(slug, THEME, title, requirements, (first,))
    return Case(slug, THEME, title, requirements, (first, _settled(first)), scheduling="exclusive")


def _settled(first: Probe) -> Probe:
    return replace(first, provoke=None, times=SWITCH_TRIES, settles=True)


def _others_case(data: TestData, status: int, requirements: tuple[str, ...]) -> Case:
    """A provoked answer to requests of other forms, and what follows it on its connection."""
    first = replace(_provoked(data, status), trip="case")
    again = replace(first, times=1, accept="*/*")
    probes = [first, again, *_others(data, again)]
    slug, title = f"provoked-{status}-others", f"A provoked {status} to requests of other forms"
    if data.provocations[status].alone:
        return Case(slug, THEME, title, requirements, (*probes, _settled(first)), scheduling="exclusive")
    if status != 429:
        good = probe(OBSERVE, parts_of(data).good, equal=True)
        after = either("capture.repeated", label=f"after a {status}")
        probes += [good, replace(good, expectation=after, equal=False, trip="case")]
        requirements = (*requirements, "capture.repeated")
    return Case(slug, THEME, title, requirements, tuple(probes), scheduling="chain")


def _others(data: TestData, like: Probe) -> tuple[Probe, ...]:
    """Requests of other forms that get the provoked answer too: what is in front of a server answers some of them.

    Each has many forms at once, since the first part that does not know one of them answers: the last store and currency,
    in chunks, with a charset and without Accept; an object that is refused; no content and no media type.
    """
    parts = parts_of(data, data.stores[-1], data.currencies[-1])
    chunked = replace(like.expectation, admits=LENGTH_REQUIRED)
    unusual = parts.with_extra(f'"note":"{"é" * 1_100}"')
    forms = (
        probe(chunked, unusual, headers=_UTF_8, framing="chunked", accept=None),
        probe(like.expectation, b'{"amount":null}', framing="expect"),
        probe(like.expectation, b"", headers=()),
    )
    return tuple(replace(form, provoke=like.provoke) for form in forms)


def _window(data: TestData, end: str) -> tuple[Probe, ...]:
    """The provoking request, two more inside the window, and one after the end that was announced last.

    The first of those inside is not JSON. The other one comes a second later, since a delay that grows shows only then.
    The bodies of a burst, and of all that follows inside the window, are not JSON either, so that none is a capture.
    """
    first = inside = _provoked(data, 429)
    malformed = replace(inside, body=b"{", trip="none")
    if burst := data.provocations[429].burst:
        inside = malformed
        first = replace(inside, times=burst[0], per_second=burst[1])
    inside, malformed = replace(inside, times=1), replace(malformed, times=1)
    after = probe(accept(end), parts_of(data).good, provoke=429, wait=True)
    return (first, malformed, replace(inside, later=1.0), after)


def _rate_limit(contract: Contract, data: TestData) -> list[Case]:
    means: Provoked | None = data.provocations.get(429)
    requirements = contract.of_theme("rate-limit", _OVER_TIME)
    title, window = "A provoked rate limit (429)", "A provoked rate limit, to its end"
    shared = "A rate limit shared by all callers, to its end"
    if means is None:
        reason = "The profile does not say how to provoke a 429"
        return [
            absent("provoked-429", THEME, title, requirements, reason),
            absent("provoked-429-window", THEME, window, _over_time(_END), reason),
            absent("provoked-429-shared", THEME, shared, (_SHARED_END,), reason),
        ]
    if means.kind == "forced":
        reason = "The profile forces the 429, so there is no window to test"
        return [
            _provoked_case(data, 429, "provoked-429", title, requirements),
            _others_case(data, 429, requirements),
            absent("provoked-429-window", THEME, window, _over_time(_END), reason),
            absent("provoked-429-shared", THEME, shared, (_SHARED_END,), reason),
        ]
    if means.scope == "run":
        reason = "The profile's window is shared by all callers"
        return [absent("provoked-429-window", THEME, window, (_END,), reason)]
    others = [] if means.burst else [_others_case(data, 429, requirements)]
    requirements = (*requirements, *_over_time(_END))
    probes = _window(data, _END)
    scheduling: Scheduling = "exclusive" if means.alone else "chain"
    return [
        Case("provoked-429-window", THEME, window, requirements, probes, scheduling=scheduling, rule="window"),
        *others,
        absent("provoked-429-shared", THEME, shared, (_SHARED_END,), "The profile's window is each caller's own"),
    ]
