"""Common causes: wrong answers of the same form, grouped over all requirements. Decides no outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from conformance.exchange.content import decoded_body
from conformance.exchange.event import Sent
from conformance.exchange.model import Exchange
from conformance.judge.model import Judgement
from conformance.report.outcome import CaseRow, Summary

Kind = Literal["accepted", "refused", "answer"]
"""Accepted although it must be refused; refused although it must be accepted; or the answer itself is wrong."""
NAMES = 4
"""Member names of a JSON object that describe its shape."""


@dataclass(frozen=True, slots=True)
class Form:
    """What wrong answers of one cause have in common. `status`: None where none came; then `shape` says what did."""

    kind: Kind
    status: int | None
    media_type: str
    shape: str

    def __str__(self) -> str:
        """For example "422 with application/json, an object with detail"."""
        if self.kind == "accepted":
            return f"{self.status} to requests that must be refused"
        if self.kind == "refused":
            return f"{self.status} to requests that must be accepted"
        if self.status is None:
            return self.shape
        labelled = f"{self.media_type}, " if self.media_type else ""
        return f"{self.status} with {labelled}{self.shape}"


@dataclass(frozen=True, slots=True)
class Cause:
    """Wrong answers of one form: the cases that show it, the requirements they violate, and those they were sent for.

    `why`: what usually causes answers of this form, and how to fix it; empty where nothing is known.
    """

    form: Form
    mandatory: bool
    cases: tuple[str, ...]
    violated: tuple[str, ...]
    sent_for: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        """For example "49 cases of 5 requirements: 422 with application/json, an object with detail"."""
        cases, requirements = len(self.cases), len(self.sent_for)
        counted = f"{cases} case{'s' * (cases != 1)} of {requirements} requirement{'s' * (requirements != 1)}"
        return f"{counted}: {self.form}"


def common_causes(summary: Summary) -> tuple[Cause, ...]:
    """The causes, those first that violate a MUST, and of these the ones that most cases show."""
    levels = {row.requirement.id: row.requirement.level for row in summary.requirements}
    groups: dict[Form, list[tuple[CaseRow, Judgement, Sent]]] = {}
    for row in summary.cases:
        by_number = {sent.number: sent for sent in row.result.evidence}
        for judgement in row.result.judgements:
            sent = by_number.get(judgement.exchange)
            if judgement.kind == "breaks" and levels[judgement.requirement] != "MAY" and sent is not None:
                groups.setdefault(form_of(judgement, sent.exchange), []).append((row, judgement, sent))
    causes = [_cause(form, members, levels) for form, members in groups.items()]
    return tuple(sorted(causes, key=lambda cause: (not cause.mandatory, -len(cause.cases))))


def _cause(form: Form, members: list[tuple[CaseRow, Judgement, Sent]], levels: Mapping[str, str]) -> Cause:
    violated = _distinct(judgement.requirement for _, judgement, _ in members)
    sent_for = _distinct(sent.probe.expectation.requirement or judgement.requirement for _, judgement, sent in members)
    mandatory = any(levels[requirement] == "MUST" for requirement in violated)
    return Cause(form, mandatory, _distinct(row.result.case.id for row, _, _ in members), violated, sent_for, why(form))


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def form_of(judgement: Judgement, exchange: Exchange) -> Form:
    """The form of the answer that a violation is about."""
    answer = exchange.answer
    if answer is None:
        return Form("answer", None, "", f"no answer ({exchange.failure.kind if exchange.failure else 'nothing came'})")
    if exchange.defects:
        return Form("answer", None, "", "an answer that is not well-framed")
    if judgement.at == "status" and 200 <= answer.status < 300 and not judgement.expected.startswith("200"):
        return Form("accepted", answer.status, "", "")
    good = judgement.expected.startswith("200") or judgement.requirement == "answer.independent"
    if good and answer.status == 400:
        return Form("refused", answer.status, "", "")
    media_type = "".join(answer.values("Content-Type")[:1]).partition(";")[0].strip().lower()
    return Form("answer", answer.status, media_type, shape_of(decoded_body(answer)))


def shape_of(body: bytes) -> str:
    """What a body is, without its values."""
    if not body.strip():
        return "white space" if body else "no body"
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        start = body.lstrip()[:15].lower()
        return "an HTML page" if start.startswith((b"<!doctype html", b"<html")) else "text that is not JSON"
    match value:
        case dict():
            names = ", ".join(sorted(value)[:NAMES])
            return f"an object with {names}" if names else "an empty object"
        case list():
            return "a JSON array"
        case None:
            return "the JSON text null"
        case _:
            return f"a JSON {'string' if isinstance(value, str) else 'number or boolean'}"


def why(form: Form) -> str:
    """What usually causes answers of this form, and how to fix it."""
    for usual in _USUAL:
        any_status = not usual.statuses or form.status in usual.statuses
        fits = form.shape.startswith(usual.shape) and not (usual.without and usual.without in form.shape)
        if form.kind == usual.kind and any_status and fits:
            return usual.why
    return ""


@dataclass(frozen=True, slots=True)
class _Usual:
    """What usually causes answers of a form. `statuses`: empty for all. `shape`: how the shape begins.

    `without`: a name that the shape does not have.
    """

    why: str
    statuses: tuple[int | None, ...] = ()
    shape: str = ""
    kind: Kind = "answer"
    without: str = ""


_ERRORS = (400, 404, 429, 500, 503)
# The first row that fits counts.
_USUAL = (
    _Usual(
        "The service does not check what is wrong with these requests, or reads it leniently. The finding of each "
        "requirement names the check.",
        kind="accepted",
    ),
    _Usual(
        "The service checks more than the contract allows, or reads JSON or header fields too strictly. The finding of "
        "each requirement names what must be accepted.",
        kind="refused",
    ),
    _Usual(
        "The validation error of the framework; FastAPI and Django Ninja have this form. Register a handler for it that "
        "answers 400 with errorMsg and does not repeat the input.",
        (422,),
        "an object with detail",
    ),
    _Usual(
        "The status that validators and frameworks choose for a body that does not fit. Answer 400 with errorMsg.",
        (422,),
    ),
    _Usual(
        "A handler that returns nothing is written as JSON. Return an empty response with status 200.",
        (200,),
        "the JSON text null",
    ),
    _Usual(
        "A shortcut of the framework writes the name of the status, such as OK (Express: sendStatus). End the response "
        "without a body.",
        (200,),
        "text that is not JSON",
    ),
    _Usual("The handler returns a value. Return an empty response with status 200.", (200,)),
    _Usual(
        "A habit of REST interfaces. The contract has one status for success: 200, without a body.", (201, 202, 204)
    ),
    _Usual(
        "An error page of the framework, the server or a gateway: the error did not reach an error handler of the "
        "service. Register one for all errors that answers in JSON with errorMsg.",
        shape="an HTML page",
    ),
    _Usual(
        "An exception of the framework puts its text into detail; FastAPI and Django Ninja do so. Register a handler "
        "for it that writes errorMsg.",
        _ERRORS,
        "an object with detail",
    ),
    _Usual(
        "An exception that the service does not catch. Check types before values are used, and register a handler for "
        "all exceptions that answers in JSON with errorMsg.",
        (500,),
    ),
    _Usual(
        "The error has its text, or the list of a validator, under another name than errorMsg, or lacks a member. Write "
        "all error bodies in one function.",
        (400, 429, 503),
        "an object",
        without="errorMsg",
    ),
    _Usual(
        "The error text of the framework or the server, not of the service. Write all error bodies in one function: "
        "JSON with errorMsg as a string.",
        (400, 429, 503),
        without="an object",
    ),
    _Usual(
        "A status of the framework, or a habit of REST interfaces. The contract lists 400 for what is wrong with a "
        "request.",
        (404, 405, 409, 413, 415),
    ),
    _Usual(
        "The process crashed, hung, or wrote past its HTTP server. The log of the server at that time says more.",
        (None,),
    ),
)
