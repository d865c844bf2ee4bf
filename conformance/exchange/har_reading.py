"""Reads HAR 1.2 files of browsers and proxies as exchanges. What a file does not have stays unknown; nothing is guessed."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from conformance.cases.model import Headers

from .model import Answer, Exchange, Request, field_values

REPLACED = "\N{REPLACEMENT CHARACTER}"
"""What tools write in place of bytes that are no text."""
NO_RESPONSE = "no response was recorded"
NO_CONTENT_SENT = "the recording does not have the content of the request byte for byte"
NO_CONTENT = "the recording does not have the content of the response byte for byte"
NO_TIME = "the recording does not have the time until the response"


class _Pair(BaseModel):
    name: str
    value: str


class _Content(BaseModel):
    size: int = -1
    text: str | None = None
    encoding: str = ""


class _PostData(BaseModel):
    text: str | None = None


class _Message(BaseModel):
    headers: list[_Pair] = Field(default_factory=list)
    size: int = Field(-1, alias="bodySize")


class _Request(_Message):
    method: str
    url: str
    content: _PostData | None = Field(None, alias="postData")


class _Response(_Message):
    status: int
    reason: str = Field("", alias="statusText")
    content: _Content = Field(default_factory=_Content)


class _Timings(BaseModel):
    send: float | None = None
    wait: float | None = None
    receive: float | None = None


class _Entry(BaseModel):
    started: datetime = Field(alias="startedDateTime")
    request: _Request
    response: _Response
    timings: _Timings = Field(default_factory=_Timings)


class _Log(BaseModel):
    entries: list[_Entry]


class _Har(BaseModel):
    log: _Log


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file, numbered from 1. `unknown`: in words, what is not recorded; its field is empty."""

    number: int
    url: str
    exchange: Exchange
    unknown: tuple[str, ...]


def read_har(path: Path) -> list[Entry]:
    """The entries of a file, in order. Raises OSError, or ValueError where it is not a HAR file."""
    try:
        har = _Har.model_validate_json(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"not a HAR file: {f'{place}: ' if place else ''}{first['msg']}") from None
    return [_entry(number, entry) for number, entry in enumerate(har.log.entries, 1)]


def _entry(number: int, entry: _Entry) -> Entry:
    sent, received, times = entry.request, entry.response, entry.timings
    unknown: list[str] = []
    headers, url = _headers(sent), urlsplit(sent.url)
    body = _content_sent(sent, headers)
    request = Request(sent.method, f"{url.path}{'?' if url.query else ''}{url.query}", headers, body or b"")
    if body is None:
        unknown.append(NO_CONTENT_SENT)
    answer = _answer(received)
    if answer is None:
        unknown.append(NO_RESPONSE)
    elif answer.cut:
        unknown.append(NO_CONTENT)
    parts = [part for part in (times.send, times.wait, times.receive) if part is not None and part >= 0]
    began, ended = entry.started.timestamp(), None
    if len(parts) == 3:
        ended = began + sum(parts) / 1000
    else:
        unknown.append(NO_TIME)
    exchange = Exchange(
        f"entry-{number}", 0, request, answer, sent_at=began, answered_at=ended, wall_time=began, number=number,
        bytes_known=False,
    )  # fmt: skip
    return Entry(number, sent.url, exchange, tuple(unknown))


def _headers(message: _Message) -> Headers:
    """The header fields, without the pseudo-fields of HTTP/2."""
    return tuple((pair.name, pair.value) for pair in message.headers if not pair.name.startswith(":"))


def _content_sent(request: _Request, headers: Headers) -> bytes | None:
    """The content of a request; None where it is not known to be exact."""
    text = request.content.text if request.content else None
    lengths = [int(value) for value in field_values(headers, "Content-Length") if value.isascii() and value.isdigit()]
    size = request.size if request.size >= 0 else (lengths or [-1])[0]
    if text is None:
        return b"" if size == 0 else None
    return _exact(text, size)


def _exact(text: str, size: int) -> bytes | None:
    """The bytes of a text, if there are `size` of them and none was replaced."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return None
    return data if len(data) == size and REPLACED not in text else None


def _answer(response: _Response) -> Answer | None:
    """The answer; None where there was none, or one without any header field, which no server sends."""
    headers, content = _headers(response), response.content
    if not 100 <= response.status <= 999 or not headers:
        return None
    if content.text is None:
        body = b"" if content.size == 0 else None
    elif content.encoding == "base64":
        body = _decoded(content.text)
        body = None if body is not None and content.size not in (-1, len(body)) else body
    else:
        body = _exact(content.text, content.size)
    if body and field_values(headers, "Content-Encoding"):
        body = None  # tools write the content without its coding
    return Answer(response.status, headers, body or b"", response.reason, cut=body is None)


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return None
