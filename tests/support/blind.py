"""What a report must, may and must not say about each wrong answer to each kind of request.

The table is written from the contract page, and not from the judges. A column is a kind of request, a row is an answer.

    -      no violation may be reported
    ?      either way
    own    the requirement that the request is made for, or one of those of its case where answers are compared
    name   exactly this requirement is violated; with a question mark, it may be violated too

`same-200` and `same-400` are compared with equal requests, which get the right answer. `server-error` is any requirement
about server errors, or own. An HTML page may be reported as a leak too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count

from conformance.cases.build import OBSERVE
from conformance.cases.model import JSON, Case, Probe, fill_trip
from conformance.exchange.event import Event, Plan, Purpose, Sent, Stray
from conformance.exchange.model import BUSY, Answer, Exchange, Failure, Request
from conformance.mock import reading
from conformance.run.tally import Tally
from conformance.run.whole_run import whole_run_cases
from tests.support.answers import CONTRACT, Changes, answer

TIME_LIMIT = 10.0
_SENDINGS = count(1)
EQUALS = Case("equals", "t", "Equal requests", ("answer.independent",), (Probe(OBSERVE, equal=True),) * 3, "chain")
A_TRIP = "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11"
WHOLE_RUN = tuple(whole_run_cases())

TABLE = """
answer            accept                  refuse                  should-refuse           either                  same-200                same-400                provoked                method              head         unknown      elsewhere
empty 200         -                       own                     own                     -                       -                       own                     -                       method.not-allowed  method.head  path.unknown -
200 with {}       success.empty-body      own                     own                     success.empty-body      success.empty-body+own  own+success.empty-body?                success.empty-body      method.not-allowed  method.head  path.unknown -
201               success.exactly-200     own                     own                     success.exactly-200     success.exactly-200+own own+success.exactly-200? success.exactly-200     method.not-allowed  method.head  path.unknown -
204               success.exactly-200     own                     own                     success.exactly-200     success.exactly-200+own own+success.exactly-200? success.exactly-200     method.not-allowed  method.head  path.unknown -
302               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  path.unknown -
404               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  -            -
405               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       -                   -            path.unknown -
411               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  path.unknown -
413               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  path.unknown -
415               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  path.unknown -
422               answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  path.unknown -
500               own                     own                     answer.no-server-error  answer.no-server-error  server-error            server-error            ?                       method.not-allowed  method.head  path.unknown -
500 page          own                     own                     answer.no-server-error  answer.no-server-error  server-error            server-error            ?                       method.not-allowed  method.head  path.unknown -
500 cleared       server-error.stable     server-error.stable     server-error.stable     server-error.stable     server-error            server-error            ?                       ?                   ?            ?            -
502 page          answer.status-set       answer.status-set       answer.status-set       answer.status-set       answer.status-set+own   answer.status-set+own   answer.status-set       method.not-allowed  method.head  path.unknown -
503               -                       -                       -                       -                       -                       -                       -                       -                   -            -            -
503 no retryAfter unavailable.retry-after unavailable.retry-after unavailable.retry-after unavailable.retry-after unavailable.retry-after unavailable.retry-after unavailable.retry-after -                   -            -            -
429               -                       -                       -                       -                       -                       -                       -                       -                   -            -            -
429 no header     rate-limit.retry-after  rate-limit.retry-after  rate-limit.retry-after  rate-limit.retry-after  rate-limit.retry-after  rate-limit.retry-after  rate-limit.retry-after  -                   -            -            -
400               own                     -                       -                       -                       own                     -                       -                       method.not-allowed  method.head  path.unknown -
400 no errorMsg   own                     bad-request.error-msg   bad-request.error-msg   bad-request.error-msg   bad-request.error-msg+own bad-request.error-msg bad-request.error-msg   method.not-allowed  method.head  path.unknown -
400 page          own                     bad-request.media-type  bad-request.media-type  bad-request.media-type  bad-request.media-type+own bad-request.media-type bad-request.media-type method.not-allowed  method.head  path.unknown -
400 trace         own+answer.no-leak      answer.no-leak          answer.no-leak          answer.no-leak          answer.no-leak+own      answer.no-leak          answer.no-leak          method.not-allowed  method.head  path.unknown -
401               -                       -                       -                       -                       -                       -                       -                       -                   -            -            -
403               -                       -                       -                       -                       -                       -                       -                       -                   -            -            -
nothing           answer.connection       answer.connection       answer.connection       answer.connection       answer.connection+own   answer.connection       answer.connection       ?                   ?            ?            ?
reset             answer.connection       answer.connection       answer.connection       answer.connection       answer.connection+own   answer.connection       answer.connection       ?                   ?            ?            ?
hang              answer.in-time          answer.in-time          answer.in-time          answer.in-time          answer.in-time+own      answer.in-time          answer.in-time          ?                   ?            ?            ?
slow              answer.in-time          answer.in-time          answer.in-time          answer.in-time          answer.in-time          answer.in-time          answer.in-time          ?                   ?            ?            ?
no HTTP           answer.framing          answer.framing          answer.framing          answer.framing          answer.framing+own      answer.framing          answer.framing          method.framing      method.framing answer.framing answer.framing
truncated         answer.framing          answer.framing          answer.framing          answer.framing          answer.framing+own      answer.framing          answer.framing          method.framing      method.framing answer.framing answer.framing
stray bytes       answer.framing          answer.framing          answer.framing          answer.framing          answer.framing          answer.framing          answer.framing          method.framing      method.framing answer.framing answer.framing
no connection     -                       -                       -                       -                       -                       -                       -                       -                   -            -            -
"""
_HEAD, *_ROWS = (line for line in TABLE.splitlines() if line)
_COLUMNS = _HEAD.split()[1:]
CELLS = {
    (line[:18].strip(), column): cell
    for line in _ROWS
    for column, cell in zip(_COLUMNS, line[18:].split(), strict=True)
}

_ERROR = b'{"errorMsg":"BadRequestException UnknownShoppingTrip"}'
_PAGE = b"<!DOCTYPE html><html><body><h1>Something is wrong</h1></body></html>"
_TRACE = b'{"errorMsg":"BadRequestException UnknownShoppingTrip","trace":"Traceback (most recent call last):"}'
_LOCATION = ("Location", "/login")
_HTML = ("Content-Type", "text/html")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, or what happens in its place. `cleared`: a second sending gets the right answer."""

    answer: Answer | None = None
    failure: Failure | None = None
    defects: tuple[str, ...] = ()
    elapsed: float = 0.01
    late: str = ""
    cleared: bool = False
    sent: bool = True


def _error(status: int, body: bytes = _ERROR, changes: Changes | None = None) -> Response:
    return Response(answer(status, body, changes))


def _page(status: int) -> Response:
    return Response(Answer(status, (_HTML,), _PAGE))


def _no(kind: str) -> Response:
    return Response(failure=Failure(kind, "nothing was received"))  # type: ignore[arg-type]


OK, REFUSED = Response(Answer(200, (), b"")), _error(400)
RETRY_LATER = _error(503, b'{"errorMsg":"x","retryAfter":"1"}')
RESPONSES: dict[str, Response] = {
    "empty 200": OK,
    "200 with {}": Response(Answer(200, JSON, b"{}")),
    "201": Response(Answer(201, (), b"")),
    "204": Response(Answer(204, (), b"")),
    "302": Response(Answer(302, (_LOCATION,), b"")),
    "404": _error(404),
    "405": _error(405, changes={"Allow": "POST"}),
    "411": _error(411),
    "413": _error(413),
    "415": _error(415),
    "422": _error(422, b'{"detail":[{"loc":["body"],"msg":"Field required"}]}'),
    "500": _error(500),
    "500 page": _page(500),
    "500 cleared": replace(_error(500), cleared=True),
    "502 page": _page(502),
    "503": RETRY_LATER,
    "503 no retryAfter": _error(503),
    "429": _error(429, changes={"Retry-After": "1"}),
    "429 no header": _error(429, changes={"Retry-After": None}),
    "400": REFUSED,
    "400 no errorMsg": _error(400, b'{"error":"bad"}'),
    "400 page": _page(400),
    "400 trace": _error(400, _TRACE),
    "401": _error(401),
    "403": _page(403),
    "nothing": _no("closed"),
    "reset": _no("reset"),
    "hang": replace(_no("timeout"), elapsed=TIME_LIMIT),
    "slow": Response(elapsed=TIME_LIMIT + 1),
    "no HTTP": _no("garbled"),
    "truncated": replace(OK, defects=("truncated",)),
    "stray bytes": Response(late="5 stray bytes"),
    "no connection": replace(_no("refused"), sent=False),
}
"""By the name of their row. Without an answer and a failure: the right answer, but late, or with bytes behind it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Probe `number` of a case, its column of the table, and the right answer to it."""

    case: Case
    number: int
    column: str
    right: Response = field(default=OK)

    @property
    def probe(self) -> Probe:
        """The probe itself."""
        return self.case.probes[self.number]


_COLUMN = {"accept": "accept", "reject": "refuse", "should-reject": "should-refuse", "either": "either"}


def places(cases: Iterable[Case]) -> list[Place]:
    """Every probe of these cases that can be sent."""
    return [
        Place(case, number, *_kind(case, probe))
        for case in cases
        if not case.not_exercised
        for number, probe in enumerate(case.probes)
    ]


def _kind(case: Case, probe: Probe) -> tuple[str, Response]:
    if probe.method != "POST":
        compared = probe.method == "HEAD" or case.rule
        return "head" if compared else "method", RESPONSES["405"]
    if probe.path != "operation":
        return "unknown" if probe.path in ("unknown", "below") else "elsewhere", RESPONSES["404"]
    nature = probe.expectation.nature
    if nature == "provoked":
        return "provoked", RESPONSES[str(probe.expectation.provoked)]
    if nature in _COLUMN and not (nature == "should-reject" and case.rule):
        return _COLUMN[nature], OK if nature in ("accept", "either") else REFUSED
    try:
        reading.validate(reading.parse(fill_trip(probe.body, A_TRIP)))
    except reading.Refused:
        return "same-400", REFUSED
    return "same-200", OK


_JSON_LABEL = re.compile(r'application/json[ \t]*(;[ \t]*\w+=("?)[\w-]+\2)?', re.IGNORECASE)
_BRACKET = re.compile(rb"[\[{\]}]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def _depth(body: bytes) -> int:
    """The deepest nesting of brackets outside of strings."""
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def expected(place: Place, name: str) -> str:
    """The cell for this probe and answer. What the table cannot express: sizes, framing and labels of the request."""
    probe = place.probe
    labels = [value for key, value in probe.headers if key == "Content-Type"]
    other_charset = re.search(r"charset=(?!\"?utf-8)", str(probe.headers), re.IGNORECASE) is not None
    huge = len(probe.body) >= 1_000_000 or _depth(probe.body) > 64
    on_path = place.column not in ("method", "head", "unknown", "elsewhere")
    admitted = {
        "415": len(labels) != 1 or _JSON_LABEL.fullmatch(labels[0]) is None or other_charset,
        "411": probe.framing == "chunked",
        "413": huge,
        "nothing": len(probe.body) >= 1_000_000,
        "reset": len(probe.body) >= 1_000_000,
    }
    if probe.expectation.requirement == "media-type.blank" and name == "415":
        return "own"
    if on_path and admitted.get(name, False):
        return "-"
    if name == "413" and len(_BRACKET.findall(probe.body)) > 64:
        return "?"  # many brackets that are not nested
    lone = {"same": "accept", "case": "refuse"}  # what means the same with another trip
    same_trip = probe.trip in lone and place.column != lone[probe.trip]
    # Else a second sending would not be the same request.
    alone = not same_trip and not probe.wait and (place.case.scheduling != "exclusive" or place.case.last)
    own, should = probe.expectation.requirement, place.column == "accept"
    if (
        own in ("media-type.blank", "request.expect-continue", "trip-id.upper-case", "accept.neutral")
        and should
        and name[:3] == "500"
    ):
        return "answer.no-server-error" if name != "500 cleared" else "server-error.stable"
    cell = CELLS["500" if name == "500 cleared" and not alone else name, place.column]
    return f"own+{cell}".removesuffix("+-") if probe.wait and name.startswith("429") else cell


def reported(place: Place, response: Response) -> set[str]:
    """What the run reports where this probe gets `response` and all others of its case the right answer."""
    one_shot = place.case.scheduling == "one-shot"
    case = replace(place.case, probes=(place.probe,)) if one_shot else place.case
    wrong = 0 if one_shot else place.number
    rights = [place.right] if one_shot else [_kind(case, probe)[1] for probe in case.probes]
    tally, equals, events = Tally(CONTRACT, TIME_LIMIT), _Events(EQUALS), _Events(case)
    tally.take(Plan((case, EQUALS, *WHOLE_RUN)))
    for number in range(len(EQUALS.probes)):
        tally.take(equals.sending(number, OK)[0])
    for number, right in enumerate(rights):
        for sent in events.sending(number, _completed(response, right) if number == wrong else right):
            tally.take(sent)
    for request in tally.to_confirm():
        again = place.right if response.cleared else _completed(response, rights[request.number])
        for sent in events.sending(
            request.number, again if request.number == wrong else rights[request.number], "confirm"
        ):
            tally.take(sent)
    return {each.requirement for row in tally.results("") for each in row.judgements if each.kind == "breaks"}


def _completed(response: Response, right: Response) -> Response:
    if response.answer or response.failure:
        return response
    return replace(right, elapsed=response.elapsed, late=response.late)


class _Events:
    """Makes the events of the sendings of one case, as the sender does."""

    def __init__(self, case: Case) -> None:
        self.case, self.number, self.now = case, 0, 1000.0

    def sending(self, number: int, response: Response, purpose: Purpose = "first") -> list[Event]:
        """One sending, with its repetitions where the answer asks to wait."""
        probe = self.case.probes[number]
        events: list[Event] = []
        sending = next(_SENDINGS)
        status = response.answer.status if response.answer else None
        waits = status in BUSY and status != probe.provoke
        if probe.times > 1:
            purpose = "burst"
        for left in range(2 if waits else 0, -1, -1):
            self.number += 1
            self.now += 2.0
            exchange = Exchange(
                self.case.id,
                number,
                Request(probe.method, CONTRACT.path, probe.headers, probe.body),
                response.answer,
                response.failure,
                response.defects,
                sent_at=self.now if response.sent else None,
                answered_at=self.now + response.elapsed,
                wall_time=1_800_000_000.0 + self.now,
                trip=A_TRIP,
                number=self.number,
            )
            events.append(Sent(exchange, probe, sending, purpose, not left))
            if response.late:
                events.append(Stray(self.case.id, response.late))
            purpose = "resend"
        return events


def unexplained(place: Place, name: str) -> str:
    """Why the report about this probe and answer is not what the table demands; empty where it is."""
    found, cell = reported(place, RESPONSES[name]), expected(place, name)
    if _fits(place, cell, found, page="page" in name or name == "403"):
        return ""
    return f"{place.case.id} {place.number} ({place.column}): {name}: expected {cell}, reported {sorted(found)}"


def _fits(place: Place, cell: str, found: set[str], *, page: bool) -> bool:
    if cell == "?":
        return True
    rest = found - {"answer.no-leak"} if page else set(found)
    names = set() if cell == "-" else set(cell.split("+"))
    own = {place.probe.expectation.requirement} if place.column in ("accept", "refuse", "should-refuse") else None
    if own is None:
        own = set(place.case.requirements) | {"answer.independent", "method.head"}
    if "server-error" in names:
        return bool(rest) and rest <= own | {"answer.no-server-error", "server-error.stable"}
    optional = {"answer.independent"} if place.column == "accept" and place.probe.equal else set()
    optional |= {each[:-1] for each in names if each.endswith("?")}
    required = {each for each in names if not each.endswith("?")} - {"own"}
    if not required <= rest:
        return False
    left = rest - required - optional
    return left <= own and (bool(left) or required != set()) if "own" in names else not left
