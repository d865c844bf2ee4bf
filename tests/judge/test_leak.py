"""The judge of leaks: it finds internals of a server, reports nothing else, and is fast for every body."""

import json
import os
import time

import pytest

from conformance.exchange.model import Answer
from conformance.judge import leak
from tests.judge.leak_texts import HARMLESS, LEAKING, MISSED
from tests.support.answers import CONTRACT
from tests.support.remembered import all_cases
from tests.support.testdata import MOCK


def received(body):
    """The finding of the judge for a body; empty if it finds nothing."""
    (judgement,) = leak.judge_leak(Answer(400, (), body))
    return judgement.received


def forms(text):
    """The text as a whole body, in a JSON body, and in a JSON body with every escape that is allowed."""
    written = json.dumps({"code": 7, "errorMsg": text})
    escaped = written.replace("<", r"\u003c").replace(">", r"\u003E").replace("/", r"\/")
    return text.encode(), written.encode(), escaped.encode()


def test_leaks_are_found_but_for_few():
    assert {row[2] for row in LEAKING if not all(received(body) for body in forms(row[2]))} == MISSED
    assert [text for text in MISSED if any(received(body) for body in forms(text))] == []
    assert {row[2] for row in LEAKING} >= MISSED
    assert len(MISSED) <= 0.05 * len(LEAKING)


def test_a_harmless_text_is_no_leak():
    assert [row[2] for row in HARMLESS if any(received(body) for body in forms(row[2]))] == []


def test_an_echo_of_a_request_is_no_leak():
    """Of long bodies, which repeat what they begin with, the beginning and the end; `tox -e blind-spots`: all of them."""
    most = leak._LIMIT if "BLIND_SPOTS" in os.environ else 4000
    whole = {probe.body for case in all_cases(CONTRACT, MOCK, "deep") for probe in case.probes}
    bodies = {body if len(body) <= most else body[: most // 2] + body[-most // 2 :] for body in whole}
    echoed = [body for text in bodies for body in (text, forms(f"BadRequestException: {text.decode('latin-1')}")[1])]
    assert [body for body in echoed if body and received(body)] == []


def test_the_statements_of_the_requirements_are_no_leak():
    statements = [requirement.statement for requirement in CONTRACT.requirements.values()]
    assert [statement for statement in statements if received(statement.encode())] == []


def test_every_shape_is_needed(monkeypatch):
    shapes, redundant = leak._patterns(), []
    for shape in shapes:
        others = tuple(kept for kept in shapes if kept is not shape)
        monkeypatch.setattr(leak, "_patterns", lambda others=others: others)
        leak._judge_body.cache_clear()
        matched = [row[2] for row in LEAKING if any(shape[1].search(text) for text in leak._readings(row[2]))]
        if all(received(text.encode()) for text in matched):
            redundant.append(shape[1].pattern)
    leak._judge_body.cache_clear()
    assert redundant == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"errorMsg": "TypeError: x is not a function"}', 'a class or package: {"errorMsg": "TypeError: x is not a'),
        (b"<!DOCTYPE html><p>Bad Request", "an HTML page: <!DOCTYPE html><p>Bad Request"),
        (b"in C:\\pay\\Charge.cs:line 204\x1b", "a source file and its line: in C:\\pay\\Charge.cs:line 204\x1b"),
    ],
)
def test_the_finding_names_the_kind_of_leak_and_shows_the_place(body, text):
    assert received(body).startswith(text)


@pytest.mark.parametrize("before", ["", "x" * 500, "word " * 100, "\n" * 90, '{"a": "' + "y" * 300])
def test_the_excerpt_begins_at_a_line_or_a_word(before):
    finding = received(f"{before} secret-in-TypeError: is not a function".encode())
    assert "secret-in-TypeError" in finding
    assert finding.removeprefix("a class or package: ")[:1] in ("", " ", "w", "x", "y", "{", "s")


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
def test_a_hostile_body_is_judged_fast(unit):
    text = (unit * 200_000)[:200_000]
    start = time.thread_time()
    received(text.encode())
    assert time.thread_time() - start < 0.5
