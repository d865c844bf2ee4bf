"""Converts a record to HAR 1.2, for tools that show HTTP traffic. The record contains no secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from conformance import __version__
from conformance.cases.model import Headers
from conformance.redact import as_json

from .contents import as_text
from .event import Sent
from .model import Exchange, field_values
from .record import recorded_exchanges
from .wire import RAW_CAP

Json = dict[str, Any]


def write_har(path: Path | str, record: Path | str) -> None:
    """Write the exchanges of the record file `record` to `path`, one after the other. Raises OSError where that fails."""
    header, exchanges = recorded_exchanges(record)
    scheme = urlsplit(header.get("profile", {}).get("target", {}).get("url", "http:")).scheme
    creator = {"name": "capture-charge-conformance", "version": __version__}
    with Path(path).open("wb") as file:
        file.write(b'{"log":{"version":"1.2","creator":%b,"entries":[' % as_json(creator))
        for number, entry in enumerate(_entries(exchanges, scheme)):
            file.write(b",\n" if number else b"\n")
            file.write(as_json(entry))
        file.write(b"]}}\n")


def _entries(sent: Iterable[Sent], scheme: str) -> Iterator[Json]:
    """All exchanges; one without an answer has status 0 and a comment with the reason.

    A large body is written once. Later entries with the same body name the first one.
    """
    bodies: dict[bytes, int] = {}
    for number, event in enumerate(sent):
        answer = event.exchange.answer
        same_as = bodies.setdefault(answer.body, number) if answer and len(answer.body) >= RAW_CAP else number
        yield _entry(event, scheme, None if same_as == number else same_as)


def _entry(event: Sent, scheme: str, same_as: int | None) -> Json:
    exchange = event.exchange
    ms = (exchange.elapsed or 0.0) * 1000
    entry = {
        "startedDateTime": datetime.fromtimestamp(exchange.wall_time or 0, UTC).isoformat(),
        "time": ms,
        "request": _request(exchange, scheme),
        "response": _response(exchange, same_as),
        "cache": {},
        "timings": {"send": 0, "wait": ms, "receive": 0},
    }
    if exchange.connection is not None:
        entry["connection"] = str(exchange.connection)
    comment = [f"{exchange.case}, probe {exchange.probe}, {event.purpose}", *exchange.defects]
    if exchange.failure is not None:
        comment.append(f"{exchange.failure.kind}: {exchange.failure.detail}")
    return entry | {"comment": "; ".join(comment)}


def _request(exchange: Exchange, scheme: str) -> Json:
    sent = exchange.request
    host = (field_values(sent.headers, "Host") or [""])[0]
    url = sent.target if "://" in sent.target else f"{scheme}://{host}{sent.target}"
    query = sent.target.partition("?")[2]
    value: Json = {
        "method": sent.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(sent.headers),
        "queryString": [{"name": name, "value": text} for name, text in parse_qsl(query, keep_blank_values=True)],
        "headersSize": -1,
        "bodySize": len(sent.body),
    }
    if sent.body:
        text, coded = as_text(sent.body)
        kind = (field_values(sent.headers, "Content-Type") or [""])[0]
        value["postData"] = {"mimeType": kind, "params": [], "text": text}
        if coded:
            value["postData"]["comment"] = "text is the body in base64, since it is not plain UTF-8"
    return value


def _response(exchange: Exchange, same_as: int | None) -> Json:
    got = exchange.answer
    body = got.body if got else b""
    kind = (got.values("Content-Type") or [""])[0] if got else ""
    content: Json = {"size": len(body), "mimeType": kind}
    if same_as is not None:
        content["comment"] = f"the same as in entry {same_as}, counted from 0"
    else:
        content["text"], coded = as_text(body)
        content |= {"encoding": "base64"} if coded else {}
        content |= {"comment": "only the beginning was kept"} if got and got.cut else {}
    return {
        "status": got.status if got else 0,
        "statusText": got.reason if got else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(got.headers if got else ()),
        "content": content,
        "redirectURL": (got.values("Location") or [""])[0] if got else "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]
