"""The templates of the pages: what is put into them is cleaned, then escaped. Decides nothing."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conformance.cases.model import Headers
from conformance.exchange.event import Sent
from conformance.report.clean import Cleaner
from conformance.report.explain import parts, reading
from conformance.report.money import listed_amount, short_amount

FOLDER = Path(__file__).resolve().parent
EXCERPT = 800
"""Characters of a message that a page shows; the record has all of it."""
CUT = 300
"""Characters of a request or an answer that a finding shows."""


class Templates(Environment):
    """The environment of all templates, with filters that make values readable."""

    def __init__(self, clean: Cleaner) -> None:
        super().__init__(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            finalize=self._finalize,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.clean = clean
        self.filters |= {
            "sent": self._sent,
            "received": self._received,
            "cut": self._cut,
            "money": short_amount,
            "amount": listed_amount,
            "parts": parts,
            "reading": reading,
            "code": self._code,
        }

    def _finalize(self, value: object) -> object:
        return value if isinstance(value, Markup) else self.clean(str(value))

    def _cut(self, text: str) -> str:
        return self.clean(text, CUT)

    def _code(self, text: str) -> Markup:
        """`text` with what stands between backticks shown as code."""
        shapes = cycle((Markup("{}"), Markup("<code>{}</code>")))
        pieces = text.split("`")
        return Markup("").join(shape.format(self.clean(piece)) for shape, piece in zip(shapes, pieces, strict=False))

    def _sent(self, sent: Sent) -> str:
        request = sent.exchange.request
        return self._message(f"{request.method} {request.target} HTTP/1.1", self._hidden(request.headers), request.body)

    def _received(self, sent: Sent) -> str:
        exchange, answer = sent.exchange, sent.exchange.answer
        notes = "".join(f"[{defect}]\n" for defect in exchange.defects)
        if answer is not None:
            head = f"{notes}HTTP/1.1 {answer.status} {answer.reason}"
            return self._message(head, self._hidden(answer.headers), answer.body)
        if exchange.failure is None:
            return "nothing"
        return notes + self._message(f"[{exchange.failure.kind}: {exchange.failure.detail}]", (), exchange.raw)

    def _hidden(self, headers: Headers) -> Headers:
        return self.clean.redactor.redact_headers(headers)

    def _message(self, first: str, headers: Headers, body: bytes) -> str:
        head = "\n".join([first, *(f"{name}: {value}" for name, value in headers)])
        text = self.clean(head, 2 * EXCERPT)
        return f"{text}\n\n{self.clean.content(body, EXCERPT)}" if body else text


def style(name: str) -> Markup:
    """A style sheet of ours, as a page contains it."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704  our own file


def when(started: str, ended: str) -> str:
    """Two times of ISO 8601 in UTC as a readable text, with the day only once if it is the same."""
    day, hour = started.rstrip("Z").split("T")
    end_day, end_hour = ended.rstrip("Z").split("T")
    return f"{day} {hour} to {end_hour if end_day == day else f'{end_day} {end_hour}'} UTC"
