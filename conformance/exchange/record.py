"""The record of a run: one JSON object a line, each with the hash of the line before, so that changes are found.

A header, one line for each event, a footer. `lines.py` defines the form of an event. A run that was cut off goes on in
the same chain: a line "resumed" follows, also after a footer.

How it works
- `_lock` guards the order of the lines, which wait in memory. `_writing` guards their writing to the file.
- One thread writes the waiting lines of all threads. A thread whose line is already written returns at once.
- A line is written before `write` returns: a killed run loses no exchange, and no request that may charge is sent
  unrecorded.
- An open record is locked. The lock ends with the process, so a run can be resumed after it was killed.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.redact import Redactor, as_json

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

from .event import Event, Sent
from .lines import dump, load
from .wire import RAW_CAP

FORMAT = 2
NOTHING = hashlib.sha256(b"").hexdigest()
NO_HEADER = "line 1 is not the header of a record"
Json = dict[str, Any]
_EXCHANGE = re.compile(rb'{"number":[0-9]+,"previous":"[0-9a-f]{64}","kind":"exchange"')
_DIGEST = re.compile(rb',"digest":"([0-9a-f]{64})"}\Z')


class Recorder:
    """Writes a record; safe to share between threads. Raises OSError where the disk is full."""

    def __init__(self, path: Path | str, header: Mapping[str, Any] | None, redact: Redactor) -> None:
        """`header`: None to go on with the record that is there, whose content is `so_far`. A line begun last is removed.

        Raises BlockingIOError where another process writes this record.
        """
        self._file, self._redact = Path(path).open("ab"), redact  # noqa: SIM115 - open for the whole run
        self._lock_file()
        self.so_far = Record() if header is not None else read_record(path)
        if not self.so_far.broken:
            self._file.truncate(self.so_far.size)
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._lines: list[bytes] = []
        self._number = self._written = self.so_far.lines
        self._failed: OSError | None = None
        self._bodies: dict[bytes, int] = {}  # the first line with each large body
        self._previous = self.so_far.digest
        if header is not None:
            self._write("header", redact.redact_json({"format": FORMAT, **header}))

    def _lock_file(self) -> None:
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._file.close()
                raise

    def write(self, event: Event) -> int:
        """Write one event without secrets; gives the number of its line."""
        body = _large_body(event)
        kind, content = dump(event, self._redact, self._bodies.get(body))
        number = self._write(kind, content)
        if body:
            self._bodies.setdefault(body, number)
        return number

    def footer(self, footer: Mapping[str, Any]) -> None:
        """Write the last line, which contains its own hash, and close the file."""
        self._write("footer", self._redact.redact_json(footer))
        self.close()

    def close(self) -> None:
        """Close the file. Without a footer, the record counts as cut off."""
        if not self._file.closed:
            with self._file:
                self._flush(self._number)

    def _write(self, kind: str, content: Mapping[str, Any]) -> int:
        rest = as_json(content)[1:]
        with self._lock:
            number = self._number
            head = f'{{"number":{number},"previous":"{self._previous}","kind":"{kind}"'
            line = head.encode() + (b"," + rest if len(rest) > 1 else rest)
            if kind == "footer":
                line = line[:-1] + f',"digest":"{hashlib.sha256(line).hexdigest()}"}}'.encode()
            self._lines += line, b"\n"
            self._number, self._previous = number + 1, hashlib.sha256(line).hexdigest()
        self._flush(number)
        return number

    def _flush(self, number: int) -> None:
        """Write all lines up to `number`, unless another thread has. After one failure, every call fails."""
        with self._writing:
            if self._failed is not None:
                raise self._failed
            if self._written > number:
                return
            with self._lock:
                lines, self._lines, upto = self._lines, [], self._number
            try:
                self._file.write(b"".join(lines))
                self._file.flush()
            except OSError as error:
                self._failed = error
                raise
            self._written = upto


@dataclass(slots=True)
class Record:
    """A record as read. `complete`: it ends with its footer.

    `lines`, `size`, `digest`: the number of its whole lines, their bytes, and the hash of the last one. `broken`: the line at which it is not a record of this format, or was changed; empty where it is sound.
    """

    header: Json = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    footer: Json = field(default_factory=dict)
    complete: bool = False
    broken: str = ""
    lines: int = 0
    size: int = 0
    digest: str = NOTHING

    @property
    def sent(self) -> list[Sent]:
        """The exchanges, each with the purpose of its sending."""
        return [event for event in self.events if isinstance(event, Sent)]


def _large_body(event: Event) -> bytes:
    """The body of an answer that is recorded once, and for equal ones as the number of its line; else empty."""
    answer = event.exchange.answer if isinstance(event, Sent) else None
    return answer.body if answer is not None and len(answer.body) >= RAW_CAP else b""


def read_record(path: Path | str) -> Record:
    """Read a record and check its chain of hashes. Reading stops at the first bad line."""
    record, bodies = Record(), dict[int, bytes]()
    with Path(path).open("rb") as file:
        for line in file:
            if line[-1:] != b"\n":  # the last line of a run that was killed
                record.broken = f"line {record.lines + 1} follows the footer" if record.complete else ""
                break
            record.broken = _read_line(record, line[:-1], bodies)
            if record.broken:
                break
            record.lines, record.size = record.lines + 1, record.size + len(line)
            record.digest = hashlib.sha256(line[:-1]).hexdigest()
    if not record.broken and not record.header:
        record.broken = NO_HEADER
    record.complete = record.complete and not record.broken
    return record


def recorded_exchanges(path: Path | str) -> tuple[Json, Iterator[Sent]]:
    """The header of a record just written, and its exchanges, each read when it is asked for. Checks nothing."""
    with Path(path).open("rb") as file:
        header = json.loads(file.readline())
    return header, _exchanges(path)


def _exchanges(path: Path | str) -> Iterator[Sent]:
    bodies = dict[int, bytes]()
    with Path(path).open("rb") as file:
        for line in file:
            if _EXCHANGE.match(line) and line.endswith(b"\n"):  # else the disk is full
                entry = json.loads(line)
                _resolve(entry, bodies)
                event = load(entry)
                assert isinstance(event, Sent)
                if body := _large_body(event):
                    bodies[entry["number"]] = body
                yield event


def _read_line(record: Record, line: bytes, bodies: dict[int, bytes]) -> str:
    """Add a line to the record; gives why it is not the next line of one. `bodies`: the large bodies, by their lines."""
    number = record.lines
    try:
        entry = json.loads(line)
        after_footer = record.complete and entry["kind"] != "resumed"
        if after_footer or entry["number"] != number or entry["previous"] != record.digest:
            return f"line {number + 1} does not continue the line before it: a line was changed or is missing"
        _resolve(entry, bodies)
        _take(record, entry, line)
    except (ValueError, KeyError, TypeError):
        return f"line {number + 1} is not a line of a record" if number else NO_HEADER
    if (entry["kind"] == "header") != (number == 0):
        return NO_HEADER
    if entry["kind"] == "exchange" and (body := _large_body(record.events[-1])):
        bodies[number] = body
    return record.broken


def _resolve(entry: Json, bodies: Mapping[int, bytes]) -> None:
    """Put the body of an earlier line where an answer refers to it. KeyError if there is none."""
    answer = entry["exchange"].get("answer") if entry["kind"] == "exchange" else None
    if answer is not None and "same_as" in answer["body"] and isinstance(answer["body"], dict):
        answer["body"] = bodies[answer["body"]["same_as"]]


def _take(record: Record, entry: Json, line: bytes) -> None:
    if (event := load(entry)) is not None:
        record.events.append(event)
        record.complete = False
    elif entry["kind"] == "header":
        record.header = entry
        if entry.get("format") != FORMAT:
            record.broken = (
                f"line 1: the record has format {entry.get('format')!r}; this version reads format {FORMAT} only"
            )
    elif entry["kind"] == "footer":
        record.footer, record.complete = entry, True
        digest = _DIGEST.search(line)
        if not digest or hashlib.sha256(line[: digest.start()] + b"}").hexdigest() != digest[1].decode():
            record.broken = f"line {entry['number'] + 1}: the footer was changed"
    else:
        record.broken = f"line {entry['number'] + 1} has an unknown kind"
