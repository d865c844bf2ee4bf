"""Faults in the Retry-After of a 429 and in the length of its window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from conformance.mock.exchange import Inquiry
from conformance.mock.faults.model import Fault, Hook, on, violates
from conformance.mock.limiter import WindowRules

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def imf(moment: datetime, zone: str = "GMT", day: str = "") -> str:
    """Write a moment as IMF-fixdate, or with another zone or day name."""
    name = day or _DAYS[moment.weekday()]
    return f"{name}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year} {moment:%H:%M:%S} {zone}"


def _rfc850(moment: datetime) -> str:
    day = _LONG_DAYS[moment.weekday()]
    return f"{day}, {moment.day:02}-{_MONTHS[moment.month - 1]}-{moment.year % 100:02} {moment:%H:%M:%S} GMT"


def _asctime(moment: datetime) -> str:
    day = _DAYS[moment.weekday()]
    return f"{day} {_MONTHS[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S} {moment.year}"


def _dated(write: Callable[[datetime], str], shift_s: float = 0) -> Hook:
    """Make a hook that writes the end of the window as a date, rounded up to a second."""

    def answer(inquiry: Inquiry) -> None:
        reply = inquiry.reply
        if reply and reply.status == 429:
            seconds = int(reply.get("retry-after") or 0) + shift_s
            reply.put("retry-after", write(inquiry.moment + timedelta(seconds=seconds, microseconds=999_999)))

    return answer


def _says(*values: str) -> Hook:
    return on(429, lambda reply: reply.put("retry-after", *values))


def _no_delay_for_malformed(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 429 and not inquiry.body.rstrip().endswith(b"}"):
        inquiry.reply.drop("retry-after")


_GRAMMAR = violates("rate-limit.grammar")
_AT_ONCE = WindowRules(length=0, announced=0)

FAULTS: list[Fault] = [
    Fault("retry-after-missing", "A 429 has no Retry-After.", violates("rate-limit.retry-after"),
          answer=on(429, lambda reply: reply.drop("retry-after"))),
    Fault("retry-after-missing-for-malformed", "A 429 to a body that is cut off has no Retry-After.",
          violates("rate-limit.retry-after"), one_exchange=False, answer=_no_delay_for_malformed),
    Fault("retry-after-two-fields", "A 429 has two Retry-After fields.", violates("rate-limit.single-value"),
          answer=_says("1", "2")),
    Fault("retry-after-list", "Retry-After is a list.", violates("rate-limit.single-value"), answer=_says("1, 2")),
    *[
        Fault(f"retry-after-{name}", f"Retry-After is {value!r}.", _GRAMMAR, answer=_says(value))
        for name, value in (
            ("fraction", "0.493"),
            ("long-fraction", "292.052427053"),
            ("duration", "1m0s"),
            ("unit", "600s"),
            ("words", "600 seconds"),
            ("iso-duration", "PT10M"),
            ("negative", "-1"),
            ("plus", "+1"),
            ("empty", ""),
            ("exponent", "1e1"),
            ("soon", "soon"),
        )
    ],
    Fault("retry-after-iso-date", "Retry-After is an ISO 8601 date.", _GRAMMAR,
          answer=_dated(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}")),
    *[
        Fault(
            f"retry-after-zone-{name}",
            f"Retry-After is a date in the zone {zone}.",
            _GRAMMAR,
            answer=_dated(lambda moment, zone=zone: imf(moment, zone)),  # type: ignore[misc]
        )
        for name, zone in (("offset", "+0100"), ("unknown", "-0000"), ("utc", "UTC"))
    ],
    Fault("retry-after-date-lower-case", "Retry-After is a date in lower case.", _GRAMMAR,
          answer=_dated(lambda moment: imf(moment).lower())),
    Fault("retry-after-date-no-zone", "Retry-After is a date without a zone.", _GRAMMAR,
          answer=_dated(lambda moment: imf(moment, "").strip())),
    Fault("retry-after-date-rfc850", "Retry-After is a date in the RFC 850 format.", violates("rate-limit.date-form"),
          answer=_dated(_rfc850)),
    Fault("retry-after-date-asctime", "Retry-After is a date in the asctime format.", violates("rate-limit.date-form"),
          answer=_dated(_asctime)),
    Fault("retry-after-wrong-day", "Retry-After is a date with a wrong day name.", violates("rate-limit.day-name"),
          answer=_dated(lambda moment: imf(moment, day=_DAYS[(moment.weekday() + 3) % 7]))),
    Fault("retry-after-past", "Retry-After is a date in the past.", violates("rate-limit.future-date"),
          windows=_AT_ONCE, answer=_dated(imf, -3600)),
    Fault("window-grows", "After the first answer of a window, the announced end is 3 s later.",
          violates("rate-limit.not-growing"), one_exchange=False, windows=WindowRules(growth=3)),
    Fault("window-grows-later", "From one second after its beginning on, the announced end of a window is 2 s later.",
          violates("rate-limit.not-growing"), one_exchange=False, windows=WindowRules(length=3.0, later_growth=2)),
    Fault("window-late", "A window lasts 1.5 s longer than announced.", violates("rate-limit.window-end"),
          one_exchange=False, windows=WindowRules(late=1.5)),
    Fault("window-understated", "Retry-After is 0, although the window lasts 1.5 s.",
          violates("rate-limit.window-end"), one_exchange=False, windows=WindowRules(announced=0, length=1.5)),
    Fault("window-shared-late", "A window shared by all callers lasts 1.5 s longer than announced.",
          violates("rate-limit.shared-window-end"), one_exchange=False, scope="run",
          windows=WindowRules(shared_late=1.5)),
]  # fmt: skip

BENIGN: list[Fault] = [
    Fault("retry-after-date", "Retry-After is an IMF-fixdate.", benign=True, answer=_dated(imf)),
    Fault("retry-after-zero", "Retry-After is 0, and the window ends at once.", benign=True, windows=_AT_ONCE),
    Fault("retry-after-600", "Retry-After is always 600.", benign=True, answer=_says("600")),
    Fault("retry-after-repeated", "Inside a window, the same delay is repeated.", benign=True,
          windows=WindowRules(constant=True)),
    Fault("retry-after-repeated-3s", "Inside a window of 3 s, the same delay is repeated.", benign=True,
          windows=WindowRules(length=3.0, constant=True)),
    Fault("retry-after-zeros", "Retry-After has leading zeros.", benign=True,
          answer=on(429, lambda reply: reply.put("retry-after", (reply.get("retry-after") or "").zfill(4)))),
]  # fmt: skip
