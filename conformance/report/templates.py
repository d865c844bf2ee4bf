"""The templates of the pages: what is put into them is cleaned, then escaped. Decides nothing."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from itertools import cycle
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.cases.model import Headers
from conformance.exchange.event import Sent
from conformance.report.clean import Cleaner
from conformance.report.curl import PLAIN_CHARACTERS
from conformance.report.explain import parts, reading
from conformance.report.money import listed_amount, short_amount
from conformance.report.topics import window_of

FOLDER = Path(__file__).resolve().parent
EXCERPT = 800
"""Characters of a message that a page shows; the record has all of it."""
WHOLE = 4_096
"""Bytes up to which a finding shows a message whole."""
LONGEST = 12_000
"""Characters of any other text; a judgement keeps more, so that no part of a secret stands at the end."""
INSTEAD = 6
"""The most lines of a good request that are shown in place of those that differ."""
DOWNLOAD = 65_536
"""Bytes up to which the page has a content to download; the record has all."""
CUT = 300
"""Characters of a request or an answer that a finding shows."""


class Templates(Environment):
    """The environment of all templates, with filters that make values readable.

    `good`: a request that the target accepted; what differs from it in another request is marked.
    """

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
        self.good: Sent | None = None
        self.filters |= {
            "sent": self._sent,
            "received": self._received,
            "sent_whole": self._sent_whole,
            "download": self._download,
            "received_whole": lambda sent: self._received(sent, WHOLE),
            "window": window_of,
            "cut": self._cut,
            "excerpt": lambda text: self.clean(text, EXCERPT),
            "money": short_amount,
            "amount": listed_amount,
            "parts": parts,
            "reading": reading,
            "code": self._code,
        }

    def _finalize(self, value: object) -> object:
        return value if isinstance(value, Markup) else self.clean(str(value), LONGEST)

    def _cut(self, text: str) -> str:
        return self.clean(text, CUT)

    def _code(self, text: str) -> Markup:
        """`text` with what stands between backticks shown as code."""
        shapes = cycle((Markup("{}"), Markup("<code>{}</code>")))
        pieces = text.split("`")
        return Markup("").join(shape.format(self.clean(piece)) for shape, piece in zip(shapes, pieces, strict=False))

    def _sent(self, sent: Sent, limit: int = EXCERPT) -> Markup:
        request = sent.exchange.request
        head = f"{request.method} {request.target} HTTP/1.1"
        return self._message(head, self._hidden(request.headers), request.body, limit)

    def _sent_whole(self, sent: Sent) -> Markup:
        """A request whole. Lines that a good request does not have are marked, and what it has in their place is shown."""
        shown = self._sent(sent, WHOLE)
        if self.good is None or self.good.exchange is sent.exchange or len(sent.exchange.request.body) > WHOLE:
            return shown
        good = {_comparable(line, self.good): line for line in self._sent(self.good, WHOLE).split("\n")}
        lines = {line: _comparable(line, sent) for line in shown.split("\n")}
        mark = Markup('<mark class="differs">{}</mark>')
        marked = [mark.format(line) if lines[line] not in good else line for line in shown.split("\n")]
        absent = [line.strip() for text, line in good.items() if len(text) > 3 and text not in lines.values()]
        instead = mark.format(Markup("A good request has: ") + Markup("  ").join(absent[:INSTEAD]))
        return Markup("\n").join([*marked, *(["", instead] if absent else [])])

    def _download(self, sent: Sent) -> Markup:
        """The content of a request as a `data:` URL, where a shell line cannot hold it as it is; else empty."""
        body = sent.exchange.request.body
        plain = body.isascii() and body.decode("ascii").isprintable() and len(body) <= PLAIN_CHARACTERS
        if plain or len(body) > DOWNLOAD:
            return Markup()
        text = self.clean.redactor(body.decode("utf-8", "surrogateescape"))
        data = b64encode(text.encode("utf-8", "surrogateescape")).decode()
        return Markup("data:application/octet-stream;base64,{}").format(data)

    def _received(self, sent: Sent, limit: int = EXCERPT) -> Markup:
        exchange, answer = sent.exchange, sent.exchange.answer
        notes = "".join(f"[{defect}]\n" for defect in exchange.defects)
        if answer is not None:
            head = f"{notes}HTTP/1.1 {answer.status} {answer.reason}"
            return self._message(head, self._hidden(answer.headers), answer.body, limit)
        failure = exchange.failure
        head = f"{notes}[{failure.kind}: {failure.detail}]" if failure is not None else "nothing"
        return self._message(head, (), exchange.raw, limit)

    def _hidden(self, headers: Headers) -> Headers:
        return self.clean.redactor.redact_headers(headers)

    def _message(self, first: str, headers: Headers, body: bytes, limit: int) -> Markup:
        head = "\n".join([first, *(f"{name}: {value}" for name, value in headers)])
        text = self.clean(head, 2 * limit)
        if not body:
            return escape(text)
        content = self.clean.content(body, limit)
        if limit == WHOLE and len(body) <= WHOLE:
            content = indented(content)
        return escape(f"{text}\n\n") + _marked(content)


def _comparable(line: str, sent: Sent) -> str:
    """A line of a request without what differs lawfully: the trip, the case in `User-Agent`, the length, a comma."""
    name, _, _ = line.partition(":")
    if name in ("User-Agent", "Content-Length"):
        return name
    return line.replace(sent.exchange.trip or "\0", "trip").rstrip(",")


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\s+|[^\s{}\[\],:"]+')
INDENT_TOKENS = 400
"""The most tokens of a JSON text that is indented."""


def indented(text: str) -> str:
    """A JSON text with one member on each line; no piece is changed. Other texts stay as they are."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    pieces = [piece for piece in _TOKENS.findall(text) if not piece.isspace()]
    if len(pieces) > INDENT_TOKENS:
        return text
    depth, out = 0, ""
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if piece in ("{", "[") and following not in ("}", "]"):
            depth += 1
            out += f"{piece}\n{'  ' * depth}"
        elif piece == ",":
            out += f",\n{'  ' * depth}"
        elif following in ("}", "]") and piece not in ("{", "["):
            depth -= 1
            out += f"{piece}\n{'  ' * depth}"
        else:
            out += ": " if piece == ":" else piece
    return out


def _marked(text: str) -> Markup:
    """`text` with each character outside ASCII followed by its code point."""
    pieces = re.split(r"([^\x00-\x7f])", text)
    mark = Markup('<mark title="U+{:04X}">{}</mark>')
    return Markup("").join(
        mark.format(ord(piece), f"{piece}\N{NARROW NO-BREAK SPACE}U+{ord(piece):04X}")
        if len(piece) == 1 and not piece.isascii() and piece != "\N{HORIZONTAL ELLIPSIS}"
        else escape(piece)
        for piece in pieces
    )


def style(name: str) -> Markup:
    """A style sheet of ours, as a page contains it."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704  our own file


def when(started: str, ended: str) -> str:
    """Two times of ISO 8601 in UTC as a readable text, with the day only once if it is the same."""
    day, hour = started.rstrip("Z").split("T")
    end_day, end_hour = ended.rstrip("Z").split("T")
    return f"{day} {hour} to {end_hour if end_day == day else f'{end_day} {end_hour}'} UTC"
