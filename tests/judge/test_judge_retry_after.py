"""The grammars of Retry-After in a 429 and of retryAfter in a 503."""

import pytest

from tests.support.answers import ACCEPT, DATE, P429, P503, REJECT, exchange, judged, violated

DAY = "Wed, 25 Nov 2026 03:10:00"
RETRY_AFTER = [
    ("600", set()),
    ("9" * 5000, set()),
    ("0", set()),
    ("\t600 ", set()),
    (f"{DAY} GMT", set()),
    *(
        (value, {"rate-limit.grammar"})
        for value in (
            "0.493",
            "292.052427053",
            "1m0s",
            "600s",
            "600 seconds",
            "PT10M",
            "-1795575593",
            "+5",
            "",
            "٣",
            "²",
        )
    ),
    ("2026-11-25T03:10:00Z", {"rate-limit.grammar"}),
    *((f"{DAY} {zone}", {"rate-limit.grammar"}) for zone in ("+0100", "-0000", "UTC", "gmt")),
    ("Wed, 5 Nov 2026 03:10:00 GMT", {"rate-limit.grammar"}),
    ("wed, 25 nov 2026 03:10:00 gmt", {"rate-limit.grammar"}),
    ("Wed, 31 Nov 2026 03:10:00 GMT", {"rate-limit.grammar"}),
    ("Wed, 25 Nov 2026 24:10:00 GMT", {"rate-limit.grammar"}),
    ("Mon, 25 Nov 2026 03:10:00 GMT", {"rate-limit.day-name"}),
    ("Wednesday, 25-Nov-26 03:10:00 GMT", {"rate-limit.date-form"}),
    ("Wed Nov 25 03:10:00 2026", {"rate-limit.date-form"}),
    ("Friday, 25-Nov-94 03:10:00 GMT", {"rate-limit.date-form", "rate-limit.future-date"}),
    ("Wed, 25 Nov 2026 03:09:29 GMT", set()),
    ("Wed, 25 Nov 2026 03:09:28 GMT", {"rate-limit.future-date"}),
    ("60, 120", {"rate-limit.single-value"}),
    (f"{DAY} GMT, {DAY} GMT", {"rate-limit.single-value"}),
    (f"60, {DAY} GMT", {"rate-limit.single-value"}),
]


@pytest.mark.parametrize(("value", "breaks"), RETRY_AFTER, ids=[ascii(row[0])[:40] for row in RETRY_AFTER])
def test_retry_after_of_a_429(value, breaks):
    assert violated(P429, 429, changes={**DATE, "Retry-After": value}) == breaks


def test_retry_after_missing_or_twice():
    assert violated(P429, 429, changes={"Retry-After": None}) == {"rate-limit.retry-after"}
    assert violated(P429, 429, changes={"Retry-After": "5", "retry-after": "5"}) == {"rate-limit.single-value"}


UNAVAILABLE = [
    ('"30"', set()),
    ('"0.5"', set()),
    ("30", {"unavailable.retry-after"}),
    ("null", {"unavailable.retry-after"}),
    ('"-1"', {"unavailable.seconds"}),
    ('"30s"', {"unavailable.seconds"}),
    ('""', {"unavailable.seconds"}),
    ('" 30"', {"unavailable.seconds"}),
    ('"30\\n"', {"unavailable.seconds"}),
    ('"1e3"', {"unavailable.seconds"}),
    ('"٣"', {"unavailable.seconds"}),
]


@pytest.mark.parametrize(("text", "breaks"), UNAVAILABLE)
@pytest.mark.parametrize("expectation", [P503, ACCEPT, REJECT], ids=lambda value: value.nature)
def test_retry_after_in_a_503(text, breaks, expectation):
    assert violated(expectation, 503, f'{{"errorMsg":"x","retryAfter":{text}}}'.encode()) == breaks


def test_a_503_without_retry_after():
    assert violated(P503, 503, b'{"errorMsg":"x"}') == {"unavailable.retry-after"}


@pytest.mark.parametrize(
    ("body", "header", "agrees"),
    [
        ("30", "30", True),
        ("29.2", "30", True),
        ("30", "31", True),
        ("30", "32", False),
        ("30", "soon", False),
        ("30", f"{DAY} GMT", True),
        ("60", f"{DAY} GMT", False),
    ],
)
def test_the_header_field_of_a_503(body, header, agrees):
    text = f'{{"errorMsg":"x","retryAfter":"{body}"}}'.encode()
    assert violated(P503, 503, text, {**DATE, "Retry-After": header}) == (
        set() if agrees else {"unavailable.header-agrees"}
    )


CLOCKS = [
    ("Wed, 25 Nov 2026 03:09:30 GMT", "by the answer's own Date"),
    ("Wed, 25 Nov 2026 03:08:27 GMT", "by the answer's own Date, 63 s behind the suite's clock"),
    ("Wed, 25 Nov 2026 03:09:40 GMT", "by the answer's own Date, 10 s ahead of the suite's clock"),
    ("yesterday", "by the suite's clock, since the answer has no readable Date"),
]


@pytest.mark.parametrize(("date", "clock"), CLOCKS)
def test_the_clock_that_judged_a_date_is_named(date, clock):
    given = exchange(429, changes={"Retry-After": "Wed, 25 Nov 2026 01:00:00 GMT", "Date": date})
    (violation,) = [each for each in judged(P429, given) if each.kind == "breaks"]
    assert violation.requirement == "rate-limit.future-date"
    assert violation.expected == f"a date not in the past, {clock}"
