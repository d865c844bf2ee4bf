"""Judge the error body of a 400, 429, 500 or 503 and the wait that it announces. Must not judge the status."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from conformance.exchange.content import NotJsonError, codings, decoded_body, falsely_coded, is_cut, parse_json
from conformance.exchange.model import Answer
from conformance.exchange.retry_after import clock_of, header_delay, moment_of, read_retry_after
from conformance.json_text import Array, Number, Object, Value
from conformance.judge.model import Judgement, breaks, holds, observed
from conformance.judge.text import text_of

PREFIXES = {400: "bad-request", 429: "rate-limit", 500: "server-error", 503: "unavailable"}
_JSON_TYPE = re.compile(
    r"application/json|[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*.^_`|~0-9a-z-][!#$%&'*+.^_`|~0-9a-z-]*\+json"
)
_CHARSET = re.compile(r";[ \t]*charset=([^;]*)", re.IGNORECASE)
_NAMES = {500: "ServiceException", 503: "ServiceUnavailableException"}


@lru_cache(16)
def judge_error_body(
    answer: Answer, names: tuple[str, ...] = ()
) -> tuple[tuple[Judgement, ...], dict[str, Any] | None]:
    """Judge media type, JSON, object, errorMsg and its text, up to the first violation; give the object too, if any.

    Cached, since most errors of a run share a few answers.
    """
    prefix = PREFIXES[answer.status]
    found = _judge_media_type(prefix, answer)
    if found[0].kind == "breaks":
        return tuple(found), None
    if answer.cut:  # nobody knows how it goes on
        return tuple(found), None
    body = decoded_body(answer)
    if is_cut(answer):
        return (*found, *_judge_beginning(prefix, body)), None
    try:
        text = parse_json(b"" if falsely_coded(answer) else body)
    except NotJsonError as error:
        received = f"{error}: {text_of(body)}" if body else "0 bytes"
        if codings(answer):
            received = f"coded as {text_of(', '.join(codings(answer)))}, {received}"
        return (*found, breaks(f"{prefix}.json", at="body", expected="JSON in UTF-8", received=received)), None
    found.append(holds(f"{prefix}.json"))
    found.append(_judge_unique_names(prefix, text.repeated))
    if not isinstance(text.value, Object):
        return (*found, breaks(f"{prefix}.object", at="body", expected="an object", received=text_of(body))), None
    found.append(holds(f"{prefix}.object"))
    # The result is cached: what is nested in a member is not needed, and may be large.
    members = {name: _emptied(value) for name, value in text.value.by_name().items()}
    return (*found, *_judge_message(prefix, answer.status, members, names)), members


def _emptied(value: Value) -> Value:
    return type(value)() if isinstance(value, (Array, Object)) else value


def _judge_beginning(prefix: str, body: bytes) -> list[Judgement]:
    """Judge content of which only the beginning was kept: whether JSON, and an object, can begin so."""
    start = body.lstrip(b" \t\r\n")[:64]
    if not start or start.startswith(b"{"):
        return []
    if start[:1] in b'["-0123456789tfn':
        return [breaks(f"{prefix}.object", at="body", expected="an object", received=text_of(start))]
    return [breaks(f"{prefix}.json", at="body", expected="JSON in UTF-8", received=f"not JSON: {text_of(start)}")]


def _judge_media_type(prefix: str, answer: Answer) -> list[Judgement]:
    values = answer.values("Content-Type")
    media_type = values[0].partition(";")[0].strip(" \t").lower() if len(values) == 1 else ""
    if not _JSON_TYPE.fullmatch(media_type):
        received = text_of(" | ".join(values)) if values else "no Content-Type"
        requirement = f"{prefix}.media-type"
        return [breaks(requirement, at="header Content-Type", expected="application/json or +json", received=received)]
    charset = _CHARSET.search(values[0])
    behaviour = f"charset {text_of(charset[1].strip())}" if charset else "no charset parameter"
    return [holds(f"{prefix}.media-type"), observed(f"{prefix}.charset", behaviour)]


def _judge_unique_names(prefix: str, repeated: str | None) -> Judgement:
    if repeated is None:
        return holds(f"{prefix}.unique-names")
    received = f"{text_of(repeated)} twice"
    return breaks(f"{prefix}.unique-names", at="body", expected="each member only once", received=received)


def _judge_message(prefix: str, status: int, value: dict[str, Any], names: tuple[str, ...]) -> list[Judgement]:
    message = value.get("errorMsg")
    if not isinstance(message, str):
        received = _shown(value, "errorMsg")
        return [breaks(f"{prefix}.error-msg", at="body, errorMsg", expected="a string", received=received)]
    found = [holds(f"{prefix}.error-msg")]
    if not message:
        expected = "a non-empty string"
        return [*found, breaks(f"{prefix}.text", at="body, errorMsg", expected=expected, received="an empty string")]
    found.append(holds(f"{prefix}.text"))
    if status == 400 and names:
        requirement = "trip-id.unknown-name" if names == ("UnknownShoppingTrip",) else "bad-request.name"
        if any(name in message for name in names):
            found.append(holds(requirement))
        else:
            expected = " or ".join(names)
            found.append(breaks(requirement, at="body, errorMsg", expected=expected, received=text_of(message)))
    if status in _NAMES:
        name = _NAMES[status]
        found.append(observed(f"{prefix}.name", f"names {name}" if name in message else f"does not name {name}"))
    return found


def _shown(value: dict[str, Any], name: str) -> str:
    if name not in value:
        return f"no {name}"
    given = value[name]
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    if isinstance(given, Number):
        return f"the number {text_of(given.text)}"
    return "an array" if isinstance(given, Array) else "an object" if isinstance(given, Object) else text_of(str(given))


def judge_retry_after(answer: Answer, wall_time: float | None) -> list[Judgement]:
    """Judge Retry-After of a 429: present, one value, grammar, then a date's form and time; the value is observed."""
    at, now = "header Retry-After", moment_of(answer, wall_time)
    read = read_retry_after(answer.values("Retry-After"), now)
    if read.form == "absent":
        return [breaks("rate-limit.retry-after", at="headers", expected="Retry-After", received="no Retry-After")]
    found = [holds("rate-limit.retry-after")]
    if read.form == "several":
        requirement = "rate-limit.single-value"
        return [*found, breaks(requirement, at=at, expected="one field, one value", received=text_of(read.text))]
    found.append(holds("rate-limit.single-value"))
    if read.form == "malformed":
        expected = "whole seconds in digits, or an HTTP-date"
        return [
            *found,
            breaks("rate-limit.grammar", at=at, expected=expected, received=text_of(read.text) or "no value"),
        ]
    found.append(holds("rate-limit.grammar"))
    if read.moment is None:
        return [*found, observed("rate-limit.value", f"{text_of(read.text)} s")]
    found.append(_check("rate-limit.date-form", not read.obsolete, at, "the current form of a date", read.text))
    found.append(_check("rate-limit.day-name", read.right_day, at, "the right day of the week", read.text))
    if now is not None:
        clock = clock_of(answer, wall_time)
        expected = f"a date not in the past, {clock}"
        found.append(_check("rate-limit.future-date", read.moment >= now - 1, at, expected, read.text))
        found.append(observed("rate-limit.value", f"a date {read.moment - now:.0f} s ahead, {clock}"))
    return found


def judge_unavailable(
    answer: Answer, value: dict[str, Any], seconds: re.Pattern[str], wall_time: float | None
) -> list[Judgement]:
    """Judge retryAfter in the object `value` of a 503, and whether a Retry-After header agrees with it."""
    at, given = "body, retryAfter", value.get("retryAfter")
    if not isinstance(given, str):
        received = _shown(value, "retryAfter")
        return [breaks("unavailable.retry-after", at=at, expected="a string", received=received)]
    found = [holds("unavailable.retry-after")]
    if not seconds.fullmatch(given):
        expected, received = "a decimal number of seconds as text", text_of(given) or "an empty string"
        return [*found, breaks("unavailable.seconds", at=at, expected=expected, received=received)]
    found.append(holds("unavailable.seconds"))
    return [*found, *_judge_agreement(answer, given, wall_time)]


def _judge_agreement(answer: Answer, given: str, wall_time: float | None) -> list[Judgement]:
    values = answer.values("Retry-After")
    read = read_retry_after(values, moment_of(answer, wall_time))
    header = header_delay(answer, wall_time)
    if not values or (read.form == "date" and header is None):
        return []
    body = float(given)
    body = float(math.ceil(body)) if math.isfinite(body) else body
    agrees = header is not None and (header == body or abs(header - body) <= 1)
    expected = f"{text_of(given)} s, rounded up"
    return [_check("unavailable.header-agrees", agrees, "header Retry-After", expected, read.text)]


def _check(requirement: str, good: bool, at: str, expected: str, text: str) -> Judgement:
    return holds(requirement) if good else breaks(requirement, at=at, expected=expected, received=text_of(text))
