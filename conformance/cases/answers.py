"""Cases that make the target answer 429, 500 and 503, by the means of the profile."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.body import parts_of
from conformance.cases.build import absent, accept, probe
from conformance.cases.model import Case, Expectation, Probe
from conformance.cases.testdata import Provoked, TestData
from conformance.contract.load import Contract

THEME = "answers"
_WORDS = {500: ("server-error", "server error"), 503: ("unavailable", "unavailability")}
# Not for a single provoked answer to say: stability is judged over a run, the window over time.
_OTHERWISE = {"server-error.stable"}
_END, _SHARED_END = "rate-limit.window-end", "rate-limit.shared-window-end"
_OVER_TIME = {_END, _SHARED_END, "rate-limit.repeated", "rate-limit.not-growing"}


def provoked_cases(contract: Contract, data: TestData) -> list[Case]:
    """500 and 503, then 429 and its window; the shared window is a case of `shared_window_case`."""
    found = []
    for status in (500, 503):
        word, name = _WORDS[status]
        requirements = _rows(contract, word, _OTHERWISE)
        slug, title = f"provoked-{status}", f"A provoked {name} ({status})"
        if status in data.provocations:
            found.append(Case(slug, THEME, title, requirements, (_provoked(data, status),)))
        else:
            reason = f"the profile does not say how to provoke a {status}"
            found.append(absent(slug, THEME, title, requirements, reason))
    return [*found, *_rate_limit(contract, data)]


def shared_window_case(contract: Contract, data: TestData) -> list[Case]:
    """A window that holds for everybody: one case alone, the last of a run. Empty where there is no such window."""
    means = data.provocations.get(429)
    if means is None or means.kind != "limiter" or means.scope != "run":
        return []
    requirements = (*_rows(contract, "rate-limit", _OVER_TIME), *_over_time(_SHARED_END))
    title = "A provoked rate limit for all callers, to its end"
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


def _rows(contract: Contract, word: str, without: set[str]) -> tuple[str, ...]:
    return tuple(each for each in contract.requirements if each.startswith(f"{word}.") and each not in without)


def _over_time(end: str) -> tuple[str, ...]:
    return ("rate-limit.repeated", "rate-limit.not-growing", end)


def _provoked(data: TestData, status: int) -> Probe:
    return probe(Expectation("provoked", provoked=status), parts_of(data).good, provoke=status)


def _window(data: TestData, end: str) -> tuple[Probe, ...]:
    """The provoking request, two more inside the window, and one after the end that was announced last.

    A burst, and what follows inside, is of bodies that are not JSON: nobody may take them for captures.
    """
    first = inside = _provoked(data, 429)
    if burst := data.provocations[429].burst:
        inside = replace(inside, body=b"{", trip="none")
        first = replace(inside, times=burst[0], per_second=burst[1])
    after = probe(accept(end), parts_of(data).good, provoke=429, wait=True)
    return (first, inside, inside, after)


def _rate_limit(contract: Contract, data: TestData) -> list[Case]:
    means: Provoked | None = data.provocations.get(429)
    rows = _rows(contract, "rate-limit", _OVER_TIME)
    title, window = "A provoked rate limit (429)", "A provoked rate limit, to its end"
    shared = "A rate limit for all callers, to its end"
    if means is None:
        reason = "the profile does not say how to provoke a 429"
        return [
            absent("provoked-429", THEME, title, rows, reason),
            absent("provoked-429-window", THEME, window, _over_time(_END), reason),
            absent("provoked-429-shared", THEME, shared, (_SHARED_END,), reason),
        ]
    if means.kind == "forced":
        reason = "the profile's 429 is forced, over which time has no power"
        return [
            Case("provoked-429", THEME, title, rows, (_provoked(data, 429),)),
            absent("provoked-429-window", THEME, window, _over_time(_END), reason),
            absent("provoked-429-shared", THEME, shared, (_SHARED_END,), reason),
        ]
    if means.scope == "run":
        reason = "the profile's window holds for all callers"
        return [absent("provoked-429-window", THEME, window, (_END,), reason)]
    requirements = (*rows, *_over_time(_END))
    probes = _window(data, _END)
    return [
        Case("provoked-429-window", THEME, window, requirements, probes, scheduling="chain", rule="window"),
        absent("provoked-429-shared", THEME, shared, (_SHARED_END,), "the profile's window is each caller's own"),
    ]
