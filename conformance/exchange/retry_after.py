"""Read Retry-After by RFC 9110 section 10.2.3, and compute when an announced wait ends. Must not judge."""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from conformance.json_text import Object

from .content import NotJsonError, decoded_body, parse_json
from .model import BUSY, Answer, Exchange

Form = Literal["absent", "several", "malformed", "seconds", "date"]
LimitForm = tuple[tuple[str, ...], bytes]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT, _LONG = "|".join(day[:3] for day in _DAYS), "|".join(_DAYS)
_MONTH, _CLOCK = f"(?P<month>{'|'.join(_MONTHS)})", r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
_CURRENT = re.compile(rf"(?P<name>{_SHORT}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT")
_RFC_850 = re.compile(rf"(?P<name>{_LONG}), (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT")
_ASCTIME = re.compile(rf"(?P<name>{_SHORT}) {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_CLOCK} (?P<year>[0-9]{{4}})")
_DIGITS = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CHANGING = frozenset(
    {"age", "connection", "content-length", "date", "keep-alive", "retry-after", "set-cookie", "transfer-encoding"}
)
_NUMBERED = re.compile(rb"[\w.:+-]*[0-9][\w.:+-]*")
_DAY_COMMA = re.compile(r"(^|,)\s*[A-Za-z]+,")


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The value of the field. `seconds` is a delay (may be infinite), `moment` a date in seconds since 1970."""

    form: Form
    text: str = ""
    seconds: float | None = None
    moment: float | None = None
    obsolete: bool = False
    right_day: bool = True


def read_retry_after(values: list[str], now: float | None = None) -> RetryAfter:
    """Read the field lines of Retry-After; `now` (seconds since 1970) decides the century of a two-digit year."""
    if not values:
        return RetryAfter("absent")
    text = values[0].strip(" \t")
    if len(values) > 1:
        return RetryAfter("several", ", ".join(values))
    if _DIGITS.fullmatch(text):
        return RetryAfter("seconds", text, seconds=float(text))
    date = _read_date(text, now)
    if date is not None:
        return date
    return RetryAfter("several" if "," in _DAY_COMMA.sub(r"\1", text) else "malformed", text)


def _read_date(text: str, now: float | None) -> RetryAfter | None:
    for pattern in (_CURRENT, _RFC_850, _ASCTIME):
        match = pattern.fullmatch(text)
        if match is not None:
            break
    else:
        return None
    year = int(match["year"])
    if pattern is _RFC_850:
        year = _full_year(year, now)
    hour, minute, second = (int(part) for part in match["clock"].split(":"))
    if second > 60:
        return None
    try:
        month = _MONTHS.index(match["month"]) + 1
        day = datetime(year, month, int(match["day"]), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    moment = float(calendar.timegm(day.timetuple()) + (second == 60))
    right = _DAYS[day.weekday()].startswith(match["name"])
    return RetryAfter("date", text, moment=moment, obsolete=pattern is not _CURRENT, right_day=right)


def _full_year(two_digits: int, now: float | None) -> int:
    """RFC 9110 section 5.6.7: more than 50 years ahead means the past year with the same digits."""
    this_year = 2000
    if now is not None and 0 <= now < 250_000_000_000:
        this_year = time.gmtime(now).tm_year
    year = this_year - this_year % 100 + two_digits
    if now is not None and year > this_year + 50:
        return year - 100
    return year


def moment_of(answer: Answer, wall_time: float | None) -> float | None:
    """When the answer was made, in seconds since 1970: its own Date, else `wall_time`."""
    dates = answer.values("Date")
    if len(dates) == 1:
        read = _read_date(dates[0].strip(" \t"), wall_time)
        if read is not None:
            return read.moment
    return wall_time


def clock_of(answer: Answer, wall_time: float | None) -> str:
    """By which clock a date of the answer is read, and how far that is from the suite's clock (2 s or more)."""
    moment = moment_of(answer, None)
    if moment is None:
        return "by the suite's clock, since the answer has no readable Date"
    ahead = 0.0 if wall_time is None else moment - wall_time
    if abs(ahead) < 2:
        return "by the answer's own Date"
    where = "ahead of" if ahead > 0 else "behind"
    return f"by the answer's own Date, {abs(ahead):.0f} s {where} the suite's clock"


def is_by_own_clock(answer: Answer) -> bool:
    """Whether only the suite's clock tells when the announced wait ends: a date, without a readable Date beside it."""
    return moment_of(answer, None) is None and read_retry_after(answer.values("Retry-After"), None).moment is not None


def header_delay(answer: Answer, wall_time: float | None) -> float | None:
    """Seconds that the Retry-After field announces, a past date as 0; None where it cannot be read."""
    now = moment_of(answer, wall_time)
    read = read_retry_after(answer.values("Retry-After"), now)
    if read.seconds is not None:
        return read.seconds
    if read.moment is None or now is None:
        return None
    return max(0.0, read.moment - now)


def announced_delay(answer: Answer, wall_time: float | None) -> float | None:
    """Seconds to wait after a 429 (its field) or a 503 (retryAfter or the field, the longer); None where unreadable."""
    delay = header_delay(answer, wall_time)
    if answer.status != 503:
        return delay
    delays = [each for each in (delay, _body_delay(answer)) if each is not None]
    return max(delays, default=None)


def _body_delay(answer: Answer) -> float | None:
    try:
        value = parse_json(decoded_body(answer)).value
    except NotJsonError:
        return None
    text = value.by_name().get("retryAfter") if isinstance(value, Object) else None
    return float(text) if isinstance(text, str) and _DECIMAL.fullmatch(text) else None


def form_of_limit(exchange: Exchange) -> LimitForm | None:
    """What the answers of one rate limit have in common: names of header fields, and the body without its numbers.

    None for any other answer than a 429.
    """
    answer = exchange.answer
    if answer is None or answer.status != 429:
        return None
    names = {name.lower() for name, _ in answer.headers} - _CHANGING
    return tuple(sorted(names)), _NUMBERED.sub(b"#", decoded_body(answer))


def end_of_window(exchange: Exchange) -> float | None:
    """When the wait that a 429 or 503 announced ends, in seconds of the monotonic clock; None where unknown."""
    answer, answered = exchange.answer, exchange.answered_at
    if answer is None or answered is None or answer.status not in BUSY:
        return None
    wall = exchange.wall_time
    if wall is not None:
        wall += exchange.elapsed or 0.0
    delay = announced_delay(answer, wall)
    return None if delay is None else answered + delay
