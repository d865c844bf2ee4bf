"""What a case is: data only. Must not read a profile, send, or judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# accept: must be answered with success. reject: must be 400. should-reject: should be 400. either: accepted or refused.
# provoked: the profile makes the target answer `provoked`. method: 405 with Allow. head: as GET. unknown-path: 404.
# observe: nothing is expected, the behaviour is reported.
Headers = tuple[tuple[str, str], ...]
Nature = Literal["accept", "reject", "should-reject", "either", "provoked", "method", "head", "unknown-path", "observe"]
Scheduling = Literal["one-shot", "chain", "exclusive"]
# How the exchanges of a case are judged together, after each has been judged alone. same-answer: all probes must get the
# status of the first; each later probe names its requirement. window: a provoked 429 over time.
GroupRule = Literal["", "same-answer", "window"]
Path = Literal["operation", "unknown", "below", "trailing-slash", "other-case"]

# The placeholder for the trip in a body. `fill_trip` replaces it when the body is sent.
TRIP = "7e57ab1e-c0de-4bad-9ace-decafc0ffee5"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the contract asks of the answer to one probe.

    `requirement` is the one that the status decides; None where there is none. `admits`: other statuses that count as a
    refusal, like 400; where serving is only recommended, they are allowed and violate the recommendation. `names`: errorMsg of a 400 should contain one of them; empty: not judged. `shared`: other
    requirements that a wrong status may violate instead, where the request has several unusual features.
    """

    nature: Nature
    requirement: str | None = None
    admits: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    provoked: int | None = None
    label: str = ""
    shared: tuple[str, ...] = ()


JSON: Headers = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Probe:
    """One request to be sent. `body` is exact except for the placeholder `TRIP`.

    `trip`: "fresh" takes a new trip; "same" takes that of the probe before it in the case; "case" takes the one
    that all such probes of the case share; "none": the body has no placeholder. `framing`: "length" sends Content-Length, "chunked" sends chunks, "expect" adds Expect: 100-continue.
    `accept` is the value of the Accept field, None to send none. `wait`: first wait for the end of the window that the
    last 429 of the case announced. `later`: seconds to wait after the first 429, where its window lasts twice as long.
    `idle`: seconds to wait, while the connection stays open.
    `provoke`: make the target answer this status, in the way that the profile gives.
    `equal`: this is the plain good request, whose answers are compared over the run. `times`: how often it is sent at
    most until the answer is the provoked one: in a burst, several at once and `per_second` of them; else one after the
    other. `settles`: it is sent after the profile's switch was turned off, until the answer is no longer the provoked one.
    """

    expectation: Expectation
    body: bytes = b""
    headers: Headers = JSON
    method: str = "POST"
    path: Path = "operation"
    framing: Literal["length", "chunked", "expect"] = "length"
    accept: str | None = "application/json"
    trip: Literal["fresh", "same", "case", "none"] = "fresh"
    provoke: int | None = None
    wait: bool = False
    later: float = 0.0
    idle: float = 0.0
    equal: bool = False
    connection: int = 0
    times: int = 1
    per_second: float = 0.0
    settles: bool = False

    @property
    def captures_nothing(self) -> bool:
        """Whether it only provokes an answer and has no trip to capture: in a burst, for one."""
        return self.expectation.nature == "provoked" and self.trip == "none"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to test, with a stable slug `id`. Several probes that test the same thing are one case.

    `requirements` are those it is made for, the main one first. `not_exercised`: why the case cannot be sent, known
    before the run; empty where it can. `strategy` names the generator of a generated case. In a chain, probes with equal
    `connection` share a connection; a chain with `together` uses its connections at the same time.
    `accepts`: the store and currency that an acceptance case captures with. `last`: it may end the server, so it is sent
    after everything else.
    """

    id: str
    theme: str
    title: str
    requirements: tuple[str, ...]
    probes: tuple[Probe, ...]
    scheduling: Scheduling = "one-shot"
    rule: GroupRule = ""
    together: bool = False
    strategy: str = ""
    not_exercised: str = ""
    accepts: tuple[str, str] | None = None
    last: bool = False

    @property
    def requests(self) -> int:
        """The most requests it sends, without confirmations."""
        return sum(probe.times for probe in self.probes)


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """Probe number `number` of the case `case_id`; a number beyond the case's probes means one made during the run."""

    case_id: str
    number: int
    probe: Probe


def planned_requests(case: Case) -> list[PlannedRequest]:
    """The probes of a case, in order."""
    return [PlannedRequest(case.id, number, probe) for number, probe in enumerate(case.probes)]


def fill_trip(body: bytes, trip: str) -> bytes:
    r"""Replace the placeholder by `trip`: plain, in upper case, in halves, as `\\u` escapes, in UTF-16 or UTF-32."""
    for old, written in _FORMS:
        if old in body:
            body = body.replace(old, written(trip).encode())
    if b"\0" in body:
        for coding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            body = body.replace(TRIP.encode(coding), trip.encode(coding))
    return body


def escaped(text: str) -> str:
    r"""Every character of `text` as a `\\u` escape of JSON, in lower-case digits."""
    return "".join(f"\\u{ord(character):04x}" for character in text)


def _first_half(text: str) -> str:
    return text[: len(text) // 2]


def _second_half(text: str) -> str:
    return text[len(text) // 2 :]


_FORMS: tuple[tuple[bytes, Callable[[str], str]], ...] = tuple(
    (written(TRIP).encode(), written) for written in (str, str.upper, _first_half, _second_half, escaped)
)
