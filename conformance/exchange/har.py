"""Converts a record to HAR 1.2, for tools that show HTTP traffic. The record contains no secrets."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from conformance import __version__
from conformance.cases.model import Headers

from .event import Sent
from .model import Exchange, field_values
from .record import Record, read_record

Json = dict[str, Any]


def write_har(path: Path | str, record: Path | str) -> None:
    """Write the exchanges of the record file `record` to `path`. Raises OSError where that fails."""
    text = json.dumps(to_har(read_record(record)), separators=(",", ":"), check_circular=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def to_har(record: Record) -> Json:
    """All exchanges of the record; one without an answer has status 0 and a comment with the reason."""
    creator = {"name": "capture-charge-conformance", "version": __version__}
    url = record.header.get("profile", {}).get("target", {}).get("url", "http:")
    entries = [_entry(event, urlsplit(url).scheme) for event in record.sent]
    return {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _entry(event: Sent, scheme: str) -> Json:
    exchange = event.exchange
    ms = (exchange.elapsed or 0.0) * 1000
    entry = {
        "startedDateTime": datetime.fromtimestamp(exchange.wall_time or 0, UTC).isoformat(),
        "time": ms,
        "request": _request(exchange, scheme),
        "response": _response(exchange),
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
        text, coded = _text(sent.body)
        kind = (field_values(sent.headers, "Content-Type") or [""])[0]
        value["postData"] = {"mimeType": kind, "params": [], "text": text}
        if coded:
            value["postData"]["comment"] = "text is the body in base64, since it is not UTF-8"
    return value


def _response(exchange: Exchange) -> Json:
    got = exchange.answer
    body = got.body if got else b""
    text, coded = _text(body)
    kind = (got.values("Content-Type") or [""])[0] if got else ""
    content: Json = {"size": len(body), "mimeType": kind, "text": text}
    if coded:
        content["encoding"] = "base64"
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


def _text(data: bytes) -> tuple[str, bool]:
    """The bytes as text, and whether that is base64, because they are not UTF-8."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), True
