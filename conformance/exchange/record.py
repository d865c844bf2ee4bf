"""The record of a run: one JSON object a line, each with the hash of the line before, so that a change shows."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .model import Answer, Exchange, Failure, Headers, Request

Json = dict[str, Any]


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


class Recorder:
    """Writes a record; safe to share between threads. Every text passes `redact`. OSError (disk full) is let through."""

    def __init__(self, path: Path | str, header: Json, redact: Callable[[str], str] = lambda text: text) -> None:
        self._file = Path(path).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115 - open for the whole run
        self._redact = redact
        self._lock = threading.Lock()
        self._number = 0
        self._last = ""
        self._write("header", header, flush=True)

    def intent(self, content: Json) -> int:
        """Note, on disk before it is sent, a request that may charge; gives the line's number."""
        return self._write("intent", content, flush=True)

    def exchange(self, exchange: Exchange, meta: Json | None = None) -> int:
        """Write one exchange with what was expected of it; gives the line's number."""
        return self._write("exchange", {"exchange": _dump(exchange, self._redact), "meta": meta or {}}, flush=False)

    def footer(self, footer: Json) -> None:
        """Write the last line and close the file."""
        self._write("footer", footer, flush=True)
        self.close()

    def close(self) -> None:
        """Close the file; without a footer the record counts as cut off."""
        self._file.close()

    def _write(self, kind: str, content: Json, flush: bool) -> int:
        clean = _clean(content, self._redact)
        with self._lock:
            number = self._number
            line = json.dumps({"number": number, "hash": _hash(self._last), "kind": kind, **clean}, ensure_ascii=True)
            self._file.write(line + "\n")
            if flush:
                self._file.flush()
            self._number, self._last = number + 1, line
            return number


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: `meta` goes with `exchanges` one to one; `broken` says what is wrong, empty if nothing."""

    header: Json
    exchanges: list[Exchange]
    meta: list[Json]
    complete: bool
    broken: str


def read_record(path: Path | str) -> Record:
    """Read a record and check its chain of hashes; reading stops at the first line that does not fit."""
    header: Json = {}
    exchanges: list[Exchange] = []
    metas: list[Json] = []
    complete, broken, last, number = False, "", "", 0
    for number, line in enumerate(Path(path).read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            entry = json.loads(line)
            if entry["number"] != number or entry["hash"] != _hash(last):
                broken = f"line {number + 1} does not continue the line before"
                break
            if entry["kind"] == "exchange":
                exchanges.append(_load(entry["exchange"], number))
                metas.append(entry["meta"])
        except (ValueError, KeyError, TypeError):
            broken = f"line {number + 1} is unreadable"
            break
        if entry["kind"] == "header":
            header = entry
        complete, last = entry["kind"] == "footer", line
    if not complete and not broken:
        broken = "cut off: the record has no footer"
    return Record(header, exchanges, metas, complete and not broken, broken)


def _clean(value: Any, redact: Callable[[str], str]) -> Any:
    """The same JSON value with every text redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _clean(item, redact) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item, redact) for item in value]
    return value


def _bytes_out(data: bytes, redact: Callable[[str], str]) -> str | Json:
    """Bytes as text where they are plain UTF-8, else redacted bytewise and put into base64."""
    try:
        text = data.decode("utf-8")
        if all(char.isprintable() or char in "\r\n\t" for char in text):
            return text
    except UnicodeDecodeError:
        pass
    hidden = redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return {"base64": base64.b64encode(hidden).decode()}


def _bytes_in(data: str | Json) -> bytes:
    return data.encode() if isinstance(data, str) else base64.b64decode(data["base64"])


SIMPLE = ("case", "probe", "sent_at", "answered_at", "wall_time", "attempt", "connection", "closed_early", "trip")


def _dump(exchange: Exchange, redact: Callable[[str], str]) -> Json:
    sent, answer, failure = exchange.request, exchange.answer, exchange.failure
    out: Json = {name: getattr(exchange, name) for name in SIMPLE}
    out["defects"] = list(exchange.defects)
    out["request"] = {"method": sent.method, "target": sent.target, "headers": sent.headers}
    out["request"]["body"] = _bytes_out(sent.body, redact)
    out["raw"] = _bytes_out(exchange.raw, redact)
    out["failure"] = {"kind": failure.kind, "detail": failure.detail} if failure else None
    out["answer"] = None
    if answer:
        out["answer"] = {"status": answer.status, "reason": answer.reason, "interim": answer.interim}
        out["answer"] |= {"headers": answer.headers, "body": _bytes_out(answer.body, redact)}
    return out


def _pairs(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _load(data: Json, number: int) -> Exchange:
    sent, got, failed = data["request"], data["answer"], data["failure"]
    request = Request(sent["method"], sent["target"], _pairs(sent["headers"]), _bytes_in(sent["body"]))
    answer = None
    if got:
        body = _bytes_in(got["body"])
        answer = Answer(got["status"], _pairs(got["headers"]), body, got["reason"], tuple(got["interim"]))
    return Exchange(
        request=request,
        answer=answer,
        failure=Failure(**failed) if failed else None,
        defects=tuple(data["defects"]),
        raw=_bytes_in(data["raw"]),
        number=number,
        **{name: data[name] for name in SIMPLE},
    )
