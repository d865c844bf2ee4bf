"""Keeps large bodies, header sections and defects of a run's answers within a budget, and equal bodies only once."""

from __future__ import annotations

import base64
from dataclasses import replace

from conformance.redact import as_json

from .model import Exchange
from .wire import RAW_CAP

BUDGET = 3_000_000
"""Bytes that the different large bodies of a run may take in its record, and again in its HAR file."""
CUT_TO = 1024
"""Bytes that are kept of a large body, and characters of a field or a defect, once the budget is used up."""
LARGE_HEAD = 16_384
"""Characters from which a header section counts, and those that are kept of it then."""
PER_FIELD = 100
"""What a field takes in memory and in the files, in addition to its characters."""
JUDGED = frozenset({"content-type", "content-encoding", "retry-after", "date", "allow", "location"})
"""Fields that are kept first."""


class Contents:
    """The large bodies of one run. Used by one thread at a time."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._kept: dict[bytes, bytes] = {}

    def kept(self, exchange: Exchange) -> Exchange:
        """The exchange as it is judged and recorded: a large body is shared with earlier ones, or cut."""
        exchange = self._with_short_texts(exchange)
        answer = exchange.answer
        if answer is None or len(answer.body) < RAW_CAP:
            return exchange
        known = self._kept.get(answer.body)
        if known is None:
            size = _written_size(answer.body)
            if size > self._left:
                return replace(exchange, answer=replace(answer, body=answer.body[:CUT_TO], cut=True))
            self._left -= size
            known = self._kept[answer.body] = answer.body
        return replace(exchange, answer=replace(answer, body=known))

    def _with_short_texts(self, exchange: Exchange) -> Exchange:
        """The exchange; once the budget is used up, without the rest of a large header section and of long defects."""
        fields = exchange.answer.headers if exchange.answer is not None else ()
        reason = exchange.answer.reason if exchange.answer is not None else ""
        size = sum(map(len, (reason, *exchange.defects))) + sum(
            len(name) + len(value) + PER_FIELD for name, value in fields
        )
        if size < LARGE_HEAD:
            return exchange
        self._left -= size
        if self._left >= 0:
            return exchange
        short, room = list[tuple[str, str]](), LARGE_HEAD
        for name, value in sorted(fields, key=lambda field: field[0].lower() not in JUDGED):
            short.append((name[:CUT_TO], value[:CUT_TO]))
            room -= len(short[-1][0]) + len(short[-1][1]) + PER_FIELD
            if room < 0:
                break
        defects = tuple(defect[:CUT_TO] for defect in exchange.defects[: LARGE_HEAD // CUT_TO])
        answer = exchange.answer and replace(exchange.answer, headers=tuple(short), reason=reason[:CUT_TO])
        return replace(exchange, answer=answer, defects=defects)


def _written_size(body: bytes) -> int:
    """How many bytes a body takes in a file: escapes of JSON, or base64, may be much longer than the body."""
    return len(as_json(as_text(body)[0]))


def as_text(data: bytes) -> tuple[str, bool]:
    """Bytes as the text that a file contains, and whether that is base64: they are not UTF-8, or mostly controls."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if len(data) - len(data.translate(None, _CONTROLS)) > len(data) // 16:
        text = ""
    return (text, False) if text or not data else (base64.b64encode(data).decode(), True)


_CONTROLS = bytes(code for code in range(32) if code not in b"\t\r\n")
