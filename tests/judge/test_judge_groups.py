"""Judging groups of exchanges: windows over time, the same answer, equal requests, early closes."""

from dataclasses import replace

import pytest

from conformance.cases.model import Case, Expectation, Probe
from conformance.contract.load import load_contract
from conformance.exchange.model import Answer, Exchange, Failure, Request
from conformance.exchange.retry_after import announced_delay, end_of_window, form_of_limit
from conformance.judge.groups import equals_of, judge_closes, judge_equals, judge_group

CONTRACT = load_contract()
REQUEST = Request("POST", CONTRACT.path, (), b"")
P429 = Expectation("provoked", provoked=429)


def at(probe, time, status, wait=None, body=b"", more=()):
    headers = (*more, ("Retry-After", wait)) if wait is not None else more
    return Exchange("case", probe, REQUEST, Answer(status, headers, body), sent_at=time, answered_at=time)


def window(*exchanges, requirement="rate-limit.window-end", others=None):
    after = Expectation("observe", requirement)
    probes = (Probe(P429), Probe(P429), Probe(after, wait=True), Probe(after, wait=True))
    numbered = [replace(exchange, number=number) for number, exchange in enumerate(exchanges)]
    case = Case("case", "rate_limit", "t", (), probes, "exclusive", "window")
    judgements = judge_group(CONTRACT, case, numbered, others or {})
    return [(judgement.requirement, judgement.kind, judgement.exchange) for judgement in judgements]


def test_a_429_after_the_announced_end():
    judgements = window(at(0, 3.0, 429, "2"), at(2, 5.05, 429, "0"), at(3, 5.2, 429, "-1795575593"))
    assert judgements == [("rate-limit.window-end", "breaks", 2)]


@pytest.mark.parametrize("date", [(), (("Date", "Thu, 26 Nov 2026 10:00:05 GMT"),)])
def test_a_date_that_only_our_own_clock_reads_proves_no_late_end(date):
    first = at(0, 3.0, 429, "Thu, 26 Nov 2026 10:00:06 GMT", more=date)
    asked = [at(2, 5.05, 429, "Thu, 26 Nov 2026 10:00:06 GMT", more=date)]
    exchanges = [replace(each, wall_time=1795687205.0) for each in (first, *asked)]
    kinds = [judgement for judgement in window(*exchanges) if judgement[0] == "rate-limit.window-end"]
    assert kinds == ([("rate-limit.window-end", "breaks", 1)] if date else [])


def test_a_window_that_is_over_when_asked_again():
    judgements = window(at(0, 3.0, 429, "2"), at(2, 5.05, 429, "1"), at(3, 6.05, 200))
    assert judgements == [("rate-limit.window-end", "holds", 2)]


OTHER = b'{"errorMsg":"slow down"}'
OTHERS = {form_of_limit(at(0, 0.0, 429, "1", OTHER)): 1.0}


def test_another_limit_at_the_end_of_a_window_decides_nothing():
    refused = (at(2, 5.0, 429, "1", OTHER), at(3, 6.0, 429, "1", OTHER))
    assert window(at(0, 3.0, 429, "2"), *refused, others=OTHERS) == []
    assert window(at(0, 3.0, 429, "2"), refused[0], at(3, 6.0, 429, "0"), others=OTHERS) == []
    in_its_form = (at(2, 5.0, 429, "1"), at(3, 6.0, 429, "1"))
    assert window(at(0, 3.0, 429, "2"), *in_its_form, others=OTHERS) == [("rate-limit.window-end", "breaks", 2)]


def test_another_limit_does_not_move_the_end_of_a_window():
    inside = (at(0, 0.0, 429, "1"), at(1, 0.1, 429, "5", OTHER))
    late = window(*inside, at(2, 1.0, 429, "1"), at(3, 2.0, 429, "1"), others=OTHERS)
    assert late == [("rate-limit.window-end", "breaks", 3)]
    assert window(*inside, at(2, 1.0, 200), others=OTHERS) == [("rate-limit.window-end", "holds", 2)]


def test_a_window_that_only_the_last_request_opened_since_another_limit_refused_the_others():
    inside = (at(0, 0.0, 429, "1", OTHER), at(1, 0.1, 429, "1", OTHER), at(2, 1.2, 429, "2"))
    assert window(*inside, at(3, 3.2, 200), others=OTHERS) == [("rate-limit.window-end", "holds", 3)]
    assert window(*inside, others=OTHERS) == []
    late = window(*inside, at(3, 3.2, 429, "1"), at(4, 4.2, 429, "1"), others=OTHERS)
    assert late == [("rate-limit.window-end", "breaks", 3)]
    assert window(at(0, 0.0, 200), at(2, 1.2, 429, "1"), at(3, 2.2, 429, "1"), at(3, 3.2, 429, "1")) == []
    third = window(*inside, at(3, 3.2, 429, "1", b'{"errorMsg":"a third limit"}'), others=OTHERS)
    assert "rate-limit.window-end" not in [requirement for requirement, _, _ in third]


def test_a_window_may_answer_in_another_form_after_its_end_where_there_is_no_other_limit():
    refused = (at(2, 5.0, 429, "0", OTHER), at(3, 5.0, 429, "0", OTHER))
    assert window(at(0, 3.0, 429, "2"), *refused) == [("rate-limit.window-end", "breaks", 2)]


def test_another_limit_inside_a_window_is_no_growth():
    assert window(at(0, 0.0, 429, "1", OTHER), at(1, 0.1, 429, "9"), others=OTHERS) == []
    assert ("rate-limit.not-growing", "breaks", 2) in window(
        at(0, 0.0, 429, "5"), at(1, 0.1, 429, "1", OTHER), at(1, 0.2, 429, "9"), others=OTHERS
    )
    alike = window(at(0, 0.0, 429, "1", OTHER), at(1, 0.1, 429, "9", OTHER), others=OTHERS)
    assert [requirement for requirement, _, _ in alike] == ["rate-limit.repeated"]


def test_the_form_of_a_limit_has_no_numbers():
    first, second = (
        at(0, 0.0, 429, "1", b'{"errorMsg":"%b left, request %b"}' % (left, request), (("Date", date), ("X-Left", "0")))
        for date, left, request in (("a", b"0.5 s", b"7f3a-1"), ("b", b"12 s", b"00ff-2"))
    )
    assert form_of_limit(first) == form_of_limit(second)
    assert form_of_limit(first) != form_of_limit(at(0, 0.0, 429, "1", first.answer.body))
    assert form_of_limit(at(0, 0.0, 503, "1")) is None


def test_a_shared_window_has_a_requirement_of_its_own():
    judgements = window(at(0, 0.0, 429, "1"), at(2, 1.0, 429, "1"), requirement="rate-limit.shared-window-end")
    assert judgements == [("rate-limit.shared-window-end", "breaks", 1)]


def test_a_window_that_ends_as_announced():
    assert window(at(0, 0.0, 429, "1"), at(2, 1.0, 200)) == [("rate-limit.window-end", "holds", 1)]


def test_a_request_before_the_end_does_not_violate_it():
    assert ("rate-limit.window-end", "breaks", 1) not in window(at(0, 0.0, 429, "2"), at(2, 1.9, 429, "1"))


@pytest.mark.parametrize(("value", "kind"), [("5", "holds"), ("4", "holds"), ("6", "breaks"), ("600", "breaks")])
def test_growing(value, kind):
    judgements = window(at(0, 0.0, 429, "5"), at(1, 1.3, 429, value))
    assert ("rate-limit.not-growing", kind, 1) in judgements
    assert judgements[0] == ("rate-limit.repeated", "observed", 1)


@pytest.mark.parametrize(("ends", "kind"), [("10:00:06", "holds"), ("10:00:07", "holds"), ("10:00:08", "breaks")])
def test_growth_is_measured_by_the_announced_date_if_the_date_field_lags(ends, kind):
    lagging = ("Date", "Thu, 26 Nov 2026 10:00:00 GMT")
    first = at(0, 0.0, 429, "Thu, 26 Nov 2026 10:00:06 GMT", more=(lagging,))
    second = at(1, 0.2, 429, f"Thu, 26 Nov 2026 {ends} GMT", more=(lagging,))
    assert ("rate-limit.not-growing", kind, 1) in window(first, second)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (200, 200, "holds"),
        (400, 400, "holds"),
        (200, 400, "breaks"),
        (400, 200, "breaks"),
        (200, 500, "breaks"),
        (200, 415, "breaks"),
        (200, 429, None),
        (503, 200, None),
        (403, 400, None),
    ],
)
def test_the_same_answer(first, second, kind):
    later = Expectation("observe", "value.zero-spellings")
    case = Case("case", "value", "t", (), (Probe(later), Probe(later)), "chain", "same-answer")
    judgements = judge_group(CONTRACT, case, [at(0, 0.0, first), at(1, 1.0, second)])
    assert [(judgement.requirement, judgement.kind) for judgement in judgements] == (
        [("value.zero-spellings", kind)] if kind else []
    )


def test_head_gets_what_get_gets():
    head = Expectation("head", "method.head")
    case = Case(
        "case", "m", "t", (), (Probe(Expectation("method")), Probe(head, method="HEAD")), "chain", "same-answer"
    )
    assert judge_group(CONTRACT, case, [at(0, 0.0, 405), at(1, 1.0, 405)])[0].kind == "holds"
    assert judge_group(CONTRACT, case, [at(0, 0.0, 405), at(1, 1.0, 200)])[0].kind == "breaks"


def equals(*exchanges):
    return [judgement.kind for judgement in judge_equals(equals_of(exchanges))]


def test_equals():
    good, bad = at(0, 0.0, 200), at(0, 0.0, 400)
    assert equals(good) == []
    assert equals(good, good) == ["holds"]
    assert equals(bad, bad, good) == []
    assert equals(good, bad) == ["breaks"]
    assert equals(good, good, at(0, 0.0, 200, body=b"x")) == ["breaks"]
    assert equals(good, good, Exchange("case", 0, REQUEST, failure=Failure("timeout", ""), sent_at=1.0)) == ["breaks"]
    assert equals(
        good,
        good,
        at(0, 0.0, 429),
        at(0, 0.0, 503),
        at(0, 0.0, 401),
        Exchange("case", 0, REQUEST, failure=Failure("refused", "")),
    ) == ["holds"]
    assert "1 of 3 " in judge_equals(equals_of([good, good, bad]))[0].received


def test_headers_that_may_differ_are_not_compared():
    allowed = (
        ("Connection", "close"),
        ("Set-Cookie", "a=b"),
        ("Age", "1"),
        ("X-Request-Id", "1"),
        ("Content-Length", "0"),
    )
    assert equals(at(0, 0.0, 200), at(0, 0.0, 200, more=allowed)) == ["holds"]


def test_closes():
    assert judge_closes(0, 0) == []
    assert judge_closes(1, 9)[0].kind == "holds"
    assert judge_closes(2, 9)[0].kind == "breaks"


def test_the_announced_end():
    assert end_of_window(at(0, 7.0, 429, "2")) == 9.0
    assert end_of_window(at(0, 7.0, 429, "2.5")) is None
    assert end_of_window(at(0, 7.0, 200, "2")) is None
    assert end_of_window(at(0, 7.0, 503, None, b'{"retryAfter":"0.5"}')) == 7.5
    dated = Answer(
        429, (("Date", "Wed, 25 Nov 2026 03:10:00 GMT"), ("Retry-After", "Wed, 25 Nov 2026 03:10:04 GMT")), b""
    )
    assert announced_delay(dated, None) == 4.0
    assert announced_delay(Answer(503, (("Retry-After", "3"),), b'{"retryAfter":"2"}'), None) == 3.0
