"""Gives a record as HAR 1.2, for tools that show HTTP traffic."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from conformance import __version__

from .model import Exchange, Headers
from .record import Record


def to_har(record: Record) -> dict[str, Any]:
    """All exchanges of the record; one without an answer has status 0."""
    creator = {"name": "capture-charge-conformance", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(e) for e in record.exchanges]}}


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _entry(exchange: Exchange) -> dict[str, Any]:
    sent, got = exchange.request, exchange.answer
    host = next((value for name, value in sent.headers if name.lower() == "host"), "")
    url = sent.target if "://" in sent.target else f"http://{host}{sent.target}"
    body = got.body if got else b""
    ms = (exchange.elapsed or 0) * 1000
    common = {"httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1}
    request = common | {"method": sent.method, "url": url, "headers": _pairs(sent.headers), "queryString": []}
    request |= {"bodySize": len(sent.body)}
    if sent.body:
        kind = next((value for name, value in sent.headers if name.lower() == "content-type"), "")
        request["postData"] = {"mimeType": kind, "text": sent.body.decode("utf-8", "replace")}
    kind = (got.values("Content-Type") or [""])[0] if got else ""
    content = {"size": len(body), "mimeType": kind, "text": base64.b64encode(body).decode(), "encoding": "base64"}
    response = common | {"status": got.status if got else 0, "statusText": got.reason if got else ""}
    response |= {"headers": _pairs(got.headers if got else ()), "content": content, "redirectURL": ""}
    response |= {"bodySize": len(body)}
    started = datetime.fromtimestamp(exchange.wall_time or 0, UTC).isoformat()
    timings = {"send": 0, "wait": ms, "receive": 0}
    return {"startedDateTime": started, "time": ms, "request": request, "response": response, "cache": {}} | {
        "timings": timings
    }
