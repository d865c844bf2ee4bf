"""`report.html` starts with the verdict, has no script except ours for copying and pytest-html's, and shows hostile text as text."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path

import pytest

import conformance
from conformance.cases.model import Expectation, Probe
from conformance.exchange.event import Sent
from conformance.exchange.model import Answer, Exchange, Request
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.templates import Templates
from tests.support.browser import Tags


def page(done) -> str:
    return (done.out / "report.html").read_text("utf-8")


def first_part(done) -> str:
    """What is in the file itself, before any script runs."""
    return page(done).partition('<div class="additional-summary prefix">')[2].partition('<div class="controls">')[0]


@pytest.mark.parametrize(
    ("kind", "phrases"),
    [
        ("clean", ["Conformant", "mandatory requirements were tested and met", "you can sign"]),
        ("faulty", ["Non-conformant", "Do not sign", "The server violates", "mandatory requirements"]),
        ("refused", ["Inconclusive", "Do not sign yet", "Why it stopped", "no connection to the server"]),
        ("elsewhere", ["Inconclusive", "wrong URL?"]),
        ("interrupted", ["Not finished", "so far: ", "stopped early", "Run it to its end"]),
    ],
)
def test_the_page_starts_with_the_verdict_and_what_to_do(kind, phrases, request):
    text = " ".join(Tags(first_part(request.getfixturevalue(kind)).partition("</section>")[0]).text.split())
    assert all(phrase in text for phrase in phrases), text


def test_without_a_profile_the_page_lists_what_is_assumed(faulty, clean):
    assert "none; assumed as for the mock server: stores store-001, store-002; currency USD;" in first_part(faulty)
    assert "assumed as for the mock server" not in first_part(clean)


def test_the_test_plan_names_its_cases_and_why_they_were_not_tested(clean, refused):
    test_plans = {
        name: " ".join(Tags(plan_part(done)).text.split()) for name, done in (("clean", clean), ("refused", refused))
    }
    assert "store-id-bad-format1 of 1: no connection" in test_plans["refused"]
    assert "store-id-bad-format 4No" in test_plans["clean"]


def plan_part(done) -> str:
    """The table of the test plan."""
    return first_part(done).partition('<h2 id="plan">')[2].partition("</table>")[0]


def test_a_finding_has_place_expected_received_and_a_replay_line(faulty):
    text = " ".join(Tags(first_part(faulty)).text.split())
    value = json.loads((faulty.out / "results.json").read_text())
    violated = [row for row in value["requirements"] if row["outcome"] in ("failed", "warned")]
    assert violated
    for row in violated:
        assert row["id"] in text
        assert row["statement"] in text
        assert row["source"]["place"] in text
    assert text.count("# may charge") >= len(violated) - 1
    assert "curl -sS -i --http1.1" in text
    assert "capture-conformance replay out/record.jsonl provoked-429-window --target http://" in text


def test_a_finding_has_its_explanation_folded(faulty):
    first = first_part(faulty).partition('<details class="explanation">')[2].partition("</details>")[0]
    assert all(
        f"<dt>{label}</dt>" in first for label in ("In short", "Why it matters", "Usual causes", "How to fix it")
    )
    assert '<a href="https://' in first
    findings = first_part(faulty).count('<details class="finding')
    assert first_part(faulty).count('<details class="explanation">') == findings > 1


def test_what_differs_from_a_good_request_is_marked(faulty):
    part = first_part(faulty).partition('id="code.pattern"')[2].partition("<h3>Received</h3>")[0]
    marked = [Tags(text).text for text in re.findall(r'<mark class="differs">(.*?)</mark>', part, re.DOTALL)]
    assert [" ".join(text.split()) for text in marked] == ['"code": "usd"', 'A good request has: "code": "USD"']


def recorded(body: bytes) -> Sent:
    request = Request("POST", "/v1/capture/charge", (), body)
    return Sent(Exchange("c", 0, request, Answer(200, (), b"")), Probe(Expectation("either")), 1, "first", final=True)


@pytest.mark.parametrize(
    ("body", "offered"),
    [
        (b'{"a":1}', None),
        (b"", None),
        (b"a" * 70_000 + b"\xff", None),
        (b"\x00\xff", b"\x00\xff"),
        (b"[" * 3_000, b"[" * 3_000),
        ('{"a":"é"}'.encode(), '{"a":"é"}'.encode()),
        (b's3cret-token\xff"', b'************\xff"'),
    ],
    ids=lambda body: repr(body)[:20],
)
def test_a_content_that_no_shell_line_holds_as_it_is_can_be_downloaded(body, offered):
    url = Templates(Cleaner(Redactor(("s3cret-token",)))).filters["download"](recorded(body))
    head, _, data = str(url).partition(",")
    assert (head, b64decode(data)) == (("data:application/octet-stream;base64", offered) if offered else ("", b""))


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile"])
def test_all_19_cases_of_the_test_plan_are_there(kind, request):
    table = plan_part(request.getfixturevalue(kind))
    assert re.findall(r"<tr><td>(\d+)</td>", table) == [str(number) for number in range(1, 20)]


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile"])
def test_the_page_is_self_contained_and_at_most_1_mb(kind, request):
    text = page(request.getfixturevalue(kind))
    assert len(text.encode()) <= 1_000_000
    tags = Tags(text).found
    assert not [tag for tag, attributes in tags if tag == "link" or attributes.get("src", "").startswith("http")]
    assert str(Path(__file__).resolve().parents[2]) not in text
    assert str(Path.home()) not in text


def test_hostile_text_makes_no_tags(hostile):
    """Neither in the file nor in the markup that the script of pytest-html inserts."""
    text = page(hostile)
    blob = next(attributes["data-jsonblob"] for _, attributes in Tags(text).found if "data-jsonblob" in attributes)
    inserted = [row for tests in json.loads(blob)["tests"].values() for row in tests]
    markup = [
        cell for row in inserted for cell in (*row["resultsTableRow"], *(extra["content"] for extra in row["extras"]))
    ]
    own = f"<script>{(Path(conformance.__file__).parent / 'report' / 'copy.js').read_text('utf-8')}</script>"
    assert first_part(hostile).count(own) == 1
    for part in (first_part(hostile).replace(own, ""), *markup):
        tags = Tags(part)
        assert not [
            tag for tag, attributes in tags.found if tag in ("script", "img", "b\x1b") or "onerror" in attributes
        ]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", tags.text)
    assert "document.title='pwned'" in Tags("".join(markup)).text
