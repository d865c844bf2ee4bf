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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.redact import Redactor

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

from .event import Event, Sent
from .lines import dump, load

FORMAT = 2
NOTHING = hashlib.sha256(b"").hexdigest()
NO_HEADER = "line 1 is not the header of a record"
Json = dict[str, Any]
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
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
        kind, content = dump(event, self._redact)
        return self._write(kind, content)

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
        rest = _encode(content)[1:]
        with self._lock:
            number = self._number
            head = f'{{"number":{number},"previous":"{self._previous}","kind":"{kind}"'
            line = (f"{head},{rest}" if len(rest) > 1 else f"{head}}}").encode()
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


def read_record(path: Path | str) -> Record:
    """Read a record and check its chain of hashes. Reading stops at the first bad line."""
    record = Record()
    lines = Path(path).read_bytes().split(b"\n")
    unfinished = lines.pop()
    for number, line in enumerate(lines):
        try:
            entry = json.loads(line)
            kind = entry["kind"]
            after_footer = record.complete and kind != "resumed"
            if after_footer or entry["number"] != number or entry["previous"] != record.digest:
                record.broken = (
                    f"line {number + 1} does not continue the line before it: a line was changed or is missing"
                )
                break
            _take(record, entry, line)
        except (ValueError, KeyError, TypeError):
            record.broken = f"line {number + 1} is not a line of a record" if number else NO_HEADER
            break
        if (kind == "header") != (number == 0):
            record.broken = NO_HEADER
        if record.broken:
            break
        record.lines, record.size = number + 1, record.size + len(line) + 1
        record.digest = hashlib.sha256(line).hexdigest()
    if not record.broken and not record.header:
        record.broken = NO_HEADER
    if not record.broken and record.complete and unfinished:
        record.broken = f"line {len(lines) + 1} follows the footer"
    record.complete = record.complete and not record.broken
    return record


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
