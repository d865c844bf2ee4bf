"""Events to JSON values and back: each kind of line with its writing and its reading. Secrets are redacted."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeAlias

from conformance.cases.model import Case, Expectation, Headers, Probe
from conformance.redact import Redactor

from .contents import as_text
from .event import Again, Event, Intent, Note, Plan, Resumed, Sent, Stray
from .model import Answer, Exchange, Failure, Request
from .wire import RAW_CAP, parse

Json = dict[str, Any]
_Plain: TypeAlias = Stray | Note | Resumed | Again
_CASE = ("id", "theme", "title")
_CASE_MORE = ("scheduling", "rule", "together", "strategy", "not_exercised", "last")
_EXCHANGE = ("case", "probe", "sent_at", "answered_at", "wall_time", "connection", "closed_early", "trip")
_EXPECTATION = ("nature", "requirement", "provoked", "label")
_LISTS = ("names", "shared")
_PROBE = ("method", "path", "framing", "trip", "provoke", "wait", "equal", "connection", "times", "settles")
_USUAL = Probe(Expectation("observe"))
_EQUAL = replace(_USUAL, equal=True)


def dump(event: Event, redact: Redactor, same_as: int | None = None) -> tuple[str, Json]:
    """The kind of line and its content, without secrets. `same_as`: the number of a line with the same body."""
    match event:
        case Plan():
            return "plan", {"cases": redact.redact_json([_dump_case(case) for case in event.cases])}
        case Intent():
            return "intent", {name: redact.redact_json(getattr(event, name)) for name in _INTENT}
        case Sent():
            return "exchange", _dump_sent(event, redact, same_as)
        case Stray() | Note() | Resumed() | Again():
            names = [field.name for field in fields(event)]
            return _kind(type(event)), {name: redact.redact_json(getattr(event, name)) for name in names}


_INTENT = ("case", "trip", "amount", "currency", "known", "wall_time")


def _dump_case(case: Case) -> Json:
    row = {name: getattr(case, name) for name in _CASE}
    row |= {name: value for name in _CASE_MORE if (value := getattr(case, name))}
    equal = sum(probe.equal for probe in case.probes)
    return row | {
        "requirements": case.requirements,
        "probes": len(case.probes),
        "equal": equal,
        "accepts": case.accepts,
    }


def _load_case(row: Json) -> Case:
    """The case as far as it is recorded; the probes are recorded with their exchanges."""
    return Case(
        requirements=tuple(row["requirements"]),
        probes=(_EQUAL,) * row["equal"] + (_USUAL,) * (row["probes"] - row["equal"]),
        accepts=tuple(row["accepts"]) if row["accepts"] else None,
        **{name: row[name] for name in _CASE},
        **{name: row[name] for name in _CASE_MORE if name in row},
    )


def _dump_sent(event: Sent, redact: Redactor, same_as: int | None) -> Json:
    out: Json = {"sending": event.sending, "purpose": event.purpose, "final": event.final, "intent": event.intent}
    return out | {"probe": _dump_probe(event.probe), "exchange": _dump_exchange(event.exchange, redact, same_as)}


def _load_sent(entry: Json) -> Sent:
    exchange = _load_exchange(entry["exchange"], entry["number"])
    probe = _load_probe(entry["probe"], exchange.request.body)
    return Sent(exchange, probe, entry["sending"], entry["purpose"], entry["final"], entry["intent"])


def _dump_probe(probe: Probe) -> Json:
    """The expectation, and what differs from the usual request. The body is recorded in the exchange."""
    wanted = probe.expectation
    row: Json = {name: value for name in _EXPECTATION if (value := getattr(wanted, name))}
    row |= {"admits": sorted(wanted.admits)} if wanted.admits else {}
    row |= {name: value for name in _LISTS if (value := getattr(wanted, name))}
    return row | {name: value for name in _PROBE if (value := getattr(probe, name)) != getattr(_USUAL, name)}


def _load_probe(row: Json, body: bytes) -> Probe:
    names = {name: row[name] for name in _EXPECTATION if name in row}
    names |= {name: tuple(row[name]) for name in _LISTS if name in row}
    expectation = Expectation(admits=frozenset(row.get("admits", ())), **names)
    return Probe(expectation, body, **{name: row[name] for name in _PROBE if name in row})


def _dump_exchange(exchange: Exchange, redact: Redactor, same_as: int | None) -> Json:
    """The exchange. An answer is not written a second time if its raw bytes are complete."""
    sent, answer, failure = exchange.request, exchange.answer, exchange.failure
    out: Json = {name: getattr(exchange, name) for name in _EXCHANGE}
    if exchange.trip is not None:
        out["trip"] = redact(exchange.trip)
    out["defects"] = [redact(defect) for defect in exchange.defects]
    out["request"] = {
        "method": sent.method,
        "target": redact(sent.target),
        "headers": redact.redact_headers(sent.headers),
        "body": _dump_bytes(redact.redact_bytes(sent.body)),
    }
    out["failure"] = {"kind": failure.kind, "detail": redact(failure.detail)} if failure else None
    out["raw"] = _dump_bytes(redact.redact_answer(exchange.raw, cut=len(exchange.raw) >= RAW_CAP))
    if answer is not None and (answer.cut or not 0 < len(exchange.raw) < RAW_CAP):
        out["answer"] = {
            "status": answer.status,
            "reason": redact(answer.reason),
            "interim": answer.interim,
            "headers": redact.redact_headers(answer.headers),
            "body": _dump_bytes(redact.redact_bytes(answer.body, cut=answer.cut))
            if same_as is None
            else {"same_as": same_as},
        }
        out["answer"] |= {"cut": True} if answer.cut else {}
    return out


def _load_exchange(data: Json, number: int) -> Exchange:
    sent, failed, raw = data["request"], data["failure"], _load_bytes(data["raw"])
    answer = None
    if (got := data.get("answer")) is not None:
        answer = Answer(
            got["status"],
            _pairs(got["headers"]),
            _load_bytes(got["body"]),
            got["reason"],
            tuple(got["interim"]),
            got.get("cut", False),
        )
    elif failed is None:
        answer = parse(raw, sent["method"], ended=True).answer
    return Exchange(
        request=Request(sent["method"], sent["target"], _pairs(sent["headers"]), _load_bytes(sent["body"])),
        answer=answer,
        failure=Failure(**failed) if failed else None,
        defects=tuple(data["defects"]),
        raw=raw,
        number=number,
        **{name: data[name] for name in _EXCHANGE},
    )


def _pairs(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _dump_bytes(data: bytes) -> str | Json:
    """Bytes as text or, where that does not do, as base64."""
    text, coded = as_text(data)
    return {"base64": text} if coded else text


def _load_bytes(data: str | bytes | Json) -> bytes:
    if isinstance(data, bytes):
        return data
    return data.encode() if isinstance(data, str) else base64.b64decode(data["base64"])


def _kind(plain: type[_Plain]) -> str:
    """The kind of the line of an event of a few values: its name."""
    return plain.__name__.lower()


def _load_plain(plain: type[_Plain], entry: Json) -> _Plain:
    return plain(**{field.name: entry[field.name] for field in fields(plain)})


_EVENTS: dict[str, Callable[[Json], Event]] = {
    "plan": lambda entry: Plan(tuple(_load_case(row) for row in entry["cases"])),
    "intent": lambda entry: Intent(**{name: entry[name] for name in _INTENT}, number=entry["number"]),
    "exchange": _load_sent,
    **{_kind(plain): partial(_load_plain, plain) for plain in (Stray, Note, Resumed, Again)},
}


def load(entry: Json) -> Event | None:
    """The event of a line; None for a kind that is not an event. KeyError or TypeError where something is missing."""
    read = _EVENTS.get(entry["kind"])
    return read(entry) if read else None
