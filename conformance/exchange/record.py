"""The record of a run: one JSON object a line, each with the hash of the line before, so that a change shows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .model import Answer, Exchange, Failure, Headers, Request
from .wire import RAW_CAP, parse

FORMAT = 1
UNWRITTEN = 8192  # bytes that may wait to be handed over
Json = dict[str, Any]
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_DIGEST = re.compile(rb',"digest":"([0-9a-f]{64})"}\Z')
_SIMPLE = ("case", "probe", "sent_at", "answered_at", "wall_time", "attempt", "connection", "closed_early", "trip")


class Redaction(Protocol):
    """What takes secrets out of everything before it is written, once."""

    def __call__(self, text: str) -> str: ...
    def redact_bytes(self, data: bytes) -> bytes: ...
    def redact_answer(self, raw: bytes) -> bytes: ...
    def redact_headers(self, headers: Headers) -> Headers: ...
    def redact_json(self, value: Any) -> Any: ...


class Recorder:
    """Writes a record; safe to share between threads. OSError (disk full) is let through.

    Lines are put in order under one lock and handed to the operating system under another, those of several threads at
    once: a thread whose line went along with another's has nothing left to do.
    """

    def __init__(self, path: Path | str, header: Mapping[str, Any], redaction: Redaction) -> None:
        self._file = Path(path).open("wb")  # noqa: SIM115 - open for the whole run
        self._redact = redaction
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._lines: list[bytes] = []
        self._number = self._written = self._waiting = 0
        self._failed: OSError | None = None
        self._previous = hashlib.sha256(b"").hexdigest()
        self._write("header", redaction.redact_json(header), flush=True)

    def intent(self, content: Mapping[str, Any]) -> int:
        """Note a request that may charge; it is with the operating system before it is sent. Gives the line's number."""
        return self._write("intent", self._redact.redact_json(content), flush=True)

    def exchange(self, exchange: Exchange, meta: Mapping[str, Any] | None = None) -> int:
        """Write one exchange with what was expected of it, `meta`, free of secrets; gives the line's number."""
        return self._write("exchange", {"exchange": _dump(exchange, self._redact), "meta": meta or {}}, flush=False)

    def footer(self, footer: Mapping[str, Any]) -> None:
        """Write the last line, which carries the hash of itself, and close the file."""
        self._write("footer", self._redact.redact_json(footer), flush=True)
        self.close()

    def flush(self) -> None:
        """Hand over every line to the operating system."""
        self._flush(self._number)

    def close(self) -> None:
        """Close the file; without a footer the record counts as cut off."""
        if not self._file.closed:
            with self._file:
                self.flush()

    def _write(self, kind: str, content: Mapping[str, Any], flush: bool) -> int:
        rest = _encode(content)[1:]
        with self._lock:
            number = self._number
            head = f'{{"number":{number},"previous":"{self._previous}","kind":"{kind}"'
            line = (f"{head},{rest}" if len(rest) > 1 else f"{head}}}").encode()
            if kind == "footer":
                line = line[:-1] + f',"digest":"{hashlib.sha256(line).hexdigest()}"}}'.encode()
            self._lines += line, b"\n"
            self._waiting += len(line)
            self._number, self._previous = number + 1, hashlib.sha256(line).hexdigest()
        if flush or self._waiting > UNWRITTEN:
            self._flush(number)
        return number

    def _flush(self, number: int) -> None:
        """Hand over all lines up to that of `number`, unless somebody else has. What failed once fails for everybody."""
        with self._writing:
            if self._failed is not None:
                raise self._failed
            if self._written > number:
                return
            with self._lock:
                lines, self._lines, self._waiting, upto = self._lines, [], 0, self._number
            try:
                self._file.write(b"".join(lines))
                self._file.flush()
            except OSError as error:
                self._failed = error
                raise
            self._written = upto


@dataclass(slots=True)
class Record:
    """A record as read: `meta` goes with `exchanges` one to one. `complete`: the footer is there, nothing was cut off.

    `broken` says at which line it is no record of this form or was changed afterwards; empty where it is sound.
    """

    header: Json = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    meta: list[Json] = field(default_factory=list)
    footer: Json = field(default_factory=dict)
    complete: bool = False
    broken: str = ""


def read_record(path: Path | str) -> Record:
    """Read a record and check its chain of hashes; reading stops at the first line that does not fit."""
    record = Record()
    lines = Path(path).read_bytes().split(b"\n")
    unfinished = lines.pop()
    previous = hashlib.sha256(b"").hexdigest()
    for number, line in enumerate(lines):
        try:
            entry = json.loads(line)
            kind = entry["kind"]
            if record.complete or entry["number"] != number or entry["previous"] != previous:
                record.broken = (
                    f"line {number + 1} does not continue the line before it: a line was changed or is missing"
                )
                break
            _take(record, entry, line)
        except (ValueError, KeyError, TypeError):
            record.broken = f"line {number + 1} is no line of a record" if number else "line 1 is no header of a record"
            break
        if (kind == "header") != (number == 0):
            record.broken = "line 1 is no header of a record"
        if record.broken:
            break
        previous = hashlib.sha256(line).hexdigest()
    if not record.broken and not record.header:
        record.broken = "line 1 is no header of a record"
    if not record.broken and record.complete and unfinished:
        record.broken = f"line {len(lines) + 1} stands after the footer"
    record.complete = record.complete and not record.broken
    return record


def _take(record: Record, entry: Json, line: bytes) -> None:
    match entry["kind"]:
        case "header":
            record.header = entry
            if entry.get("format") != FORMAT:
                record.broken = f"line 1: format {entry.get('format')!r} is unknown; this version reads format {FORMAT}"
        case "exchange":
            record.exchanges.append(_load(entry["exchange"], entry["number"]))
            record.meta.append(entry["meta"])
        case "footer":
            record.footer, record.complete = entry, True
            digest = _DIGEST.search(line)
            if not digest or hashlib.sha256(line[: digest.start()] + b"}").hexdigest() != digest[1].decode():
                record.broken = f"line {entry['number'] + 1}: the footer was changed"


def _bytes_out(data: bytes) -> str | Json:
    """Bytes as text where they are UTF-8, else in base64."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes_in(data: str | Json) -> bytes:
    return data.encode() if isinstance(data, str) else base64.b64decode(data["base64"])


def _dump(exchange: Exchange, redact: Redaction) -> Json:
    """The exchange as a JSON value. An answer whose bytes are there as a whole is not told a second time."""
    sent, answer, failure = exchange.request, exchange.answer, exchange.failure
    out: Json = {name: getattr(exchange, name) for name in _SIMPLE}
    if exchange.trip is not None:
        out["trip"] = redact(exchange.trip)
    out["defects"] = [redact(defect) for defect in exchange.defects]
    out["request"] = {
        "method": sent.method,
        "target": redact(sent.target),
        "headers": redact.redact_headers(sent.headers),
        "body": _bytes_out(redact.redact_bytes(sent.body)),
    }
    out["failure"] = {"kind": failure.kind, "detail": redact(failure.detail)} if failure else None
    out["raw"] = _bytes_out(redact.redact_answer(exchange.raw))
    if answer is not None and not 0 < len(exchange.raw) < RAW_CAP:
        out["answer"] = {
            "status": answer.status,
            "reason": redact(answer.reason),
            "interim": answer.interim,
            "headers": redact.redact_headers(answer.headers),
            "body": _bytes_out(redact.redact_bytes(answer.body)),
        }
    return out


def _pairs(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _load(data: Json, number: int) -> Exchange:
    sent, failed, raw = data["request"], data["failure"], _bytes_in(data["raw"])
    answer = None
    if (got := data.get("answer")) is not None:
        answer = Answer(
            got["status"], _pairs(got["headers"]), _bytes_in(got["body"]), got["reason"], tuple(got["interim"])
        )
    elif failed is None:
        answer = parse(raw, sent["method"], ended=True).answer
    return Exchange(
        request=Request(sent["method"], sent["target"], _pairs(sent["headers"]), _bytes_in(sent["body"])),
        answer=answer,
        failure=Failure(**failed) if failed else None,
        defects=tuple(data["defects"]),
        raw=raw,
        number=number,
        **{name: data[name] for name in _SIMPLE},
    )
