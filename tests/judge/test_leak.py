"""The judge of leaks: it finds what shows the inside of a server, keeps silent about all else, and takes no time."""

import json
import time

import pytest

from conformance.cases.tables import all_cases
from conformance.exchange.model import Answer
from conformance.judge import leak
from tests.judge.leak_texts import HARMLESS, LEAKING, MISSED
from tests.support.answers import CONTRACT
from tests.support.testdata import MOCK


def received(body):
    """What the judge says of a body; empty where it finds nothing."""
    (judgement,) = leak.judge_leak(Answer(400, (), body))
    return judgement.received


def forms(text):
    """The text as a body of its own, and as JSON writes it: as it may, and with every escape that is allowed."""
    written = json.dumps({"code": 7, "errorMsg": text})
    escaped = written.replace("<", r"\u003c").replace(">", r"\u003E").replace("/", r"\/")
    return text.encode(), written.encode(), escaped.encode()


@pytest.mark.parametrize("text", [row[2] for row in LEAKING if row[2] not in MISSED], ids=ascii)
def test_a_leak_is_found(text):
    assert all(received(body) for body in forms(text))


def test_few_leaks_are_missed():
    assert [text for text in MISSED if any(received(body) for body in forms(text))] == []
    assert {row[2] for row in LEAKING} >= MISSED
    assert len(MISSED) <= 0.05 * len(LEAKING)


@pytest.mark.parametrize("text", [row[2] for row in HARMLESS], ids=ascii)
def test_a_harmless_text_is_left_alone(text):
    assert [received(body) for body in forms(text)] == ["", "", ""]


def test_what_the_suite_sends_is_no_leak_when_it_comes_back():
    bodies = {probe.body for case in all_cases(CONTRACT, MOCK, "deep") for probe in case.probes}
    echoed = [body for text in bodies for body in (text, forms(f"BadRequestException: {text.decode('latin-1')}")[1])]
    assert [body for body in echoed if body and received(body)] == []


def test_the_words_of_the_requirements_are_no_leak():
    statements = [requirement.statement for requirement in CONTRACT.requirements.values()]
    assert [statement for statement in statements if received(statement.encode())] == []


def test_every_shape_is_needed(monkeypatch):
    shapes, dead = leak._PATTERNS, []
    for shape in shapes:
        monkeypatch.setattr(leak, "_PATTERNS", tuple(other for other in shapes if other is not shape))
        leak._judge_body.cache_clear()
        matched = [row[2] for row in LEAKING if any(shape[1].search(text) for text in leak._readings(row[2]))]
        if all(received(text.encode()) for text in matched):
            dead.append(shape[1].pattern)
    leak._judge_body.cache_clear()
    assert dead == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"errorMsg": "TypeError: x is not a function"}', 'a class or package: {"errorMsg": "TypeError: x is not a'),
        (b"<!DOCTYPE html><p>Bad Request", "an HTML page: <!DOCTYPE html><p>Bad Request"),
        (b"in C:\\pay\\Charge.cs:line 204\x1b", "a source file and its line: in C:\\pay\\Charge.cs:line 204\x1b"),
    ],
)
def test_the_finding_says_what_leaks_and_shows_the_place(body, said):
    assert received(body).startswith(said)


@pytest.mark.parametrize("before", ["", "x" * 500, "word " * 100, "\n" * 90, '{"a": "' + "y" * 300])
def test_what_is_shown_begins_at_a_line_or_a_word(before):
    shown = received(f"{before} secret-in-TypeError: is not a function".encode())
    assert "secret-in-TypeError" in shown
    assert shown.removeprefix("a class or package: ")[:1] in ("", " ", "w", "x", "y", "{", "s")


def test_an_empty_body_is_not_judged():
    assert leak.judge_leak(Answer(200, (), b"")) == []


UNITS = [
    *r"""a. aa. A. Aa. A:: a:: / //srv/a /srv/ A@a A\ \ \n C:\a\ < <html> #<A:: Error A.Error ' near" " [ com.a.""".split(),  # noqa: SIM905 - a list of strings would take a page
    *(
        "at ",
        "at A.A.a(",
        "select a from ",
        "select a from b where ",
        "insert into a",
        "vendor/a/",
        "\n<pre>",
        " ",
        "é",
    ),
]


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_a_hostile_body_takes_no_time(unit):
    text = (unit * 200_000)[:200_000]
    start = time.thread_time()
    received(text.encode())
    assert time.thread_time() - start < 0.5
