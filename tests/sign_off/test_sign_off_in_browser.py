"""`sign-off.html` in a real browser: on paper with every row, on a telephone, without a network, with planted script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from conformance.contract import load_contract
from conformance.mock.exchange import Reply
from conformance.report.reporter import Reporter
from conformance.report.sign_off import SignOff, Statement
from tests.report.conftest import HOSTILE, PLANTED
from tests.support.browser import Tags, needs_browser, printed, probed
from tests.support.targets import everywhere, run_of

pytestmark = needs_browser
slow = pytest.mark.skipif("CONFORMANCE_AXE" not in os.environ, reason="slow: tox -e pages")
needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext is installed")
CONTRACT = load_contract()
PARTIES = Statement("Example Retail Ltd", "Example Payments Inc")
MARGIN = 40.0  # points; the style sheet asks for 15 mm, which are 42.5
PROFILE = f"""
[target]
name = {json.dumps(PLANTED)}
environment = "local"
url = "http://127.0.0.1"
operator = {json.dumps(PLANTED)}
version = {json.dumps(PLANTED)}
[data]
stores = ["store-001"]
currencies = ["USD"]
trips.generate = "uuid4"
[[waiver]]
requirement = "answer.status-set"
reason = {json.dumps(PLANTED)}
owner = {json.dumps(PLANTED)}
ticket = {json.dumps(PLANTED)}
expires = 2999-01-01
"""


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory):
    """A run with markup and script in the profile and in whatever the target sends."""
    planted = HOSTILE.replace(b"\0", b"")
    fields = [("content-type", PLANTED), ("x-evil", planted.decode("latin-1"))]
    fault = everywhere("hostile", lambda _inquiry: Reply(418, fields, HOSTILE))
    ran = run_of(tmp_path_factory.mktemp("hostile") / "run", fault, profile=PROFILE, depth="smoke")
    ran.run.write_evidence()
    Reporter(ran.run).write()
    return ran.run.out


@pytest.fixture
def page(request, tmp_path):
    """The page of the run that the parameter names, and the folder for the browser."""

    def made(kind):
        folder = request.getfixturevalue(kind)
        statement = Statement(PLANTED, PLANTED, PLANTED, PLANTED, (PLANTED,)) if kind == "hostile_run" else PARTIES
        file = tmp_path / "sign-off.html"
        file.write_text(SignOff(folder, CONTRACT, statement).page, encoding="utf-8")
        return file

    return made


class Texts(HTMLParser):
    """The texts of a page that paper shows: all but the head, the links to sections, and folded evidence."""

    def __init__(self, text):
        super().__init__()
        self.found, self.hidden = [], ["head"]
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "nav" or (tag == "details" and ("class", "evidence") in attrs):
            self.hidden.append(tag)

    def handle_endtag(self, tag):
        if self.hidden[-1:] == [tag]:
            self.hidden.pop()

    def handle_data(self, data):
        if not self.hidden and letters(data):
            self.found.append(data)


def letters(text):
    """A text without blanks and punctuation: columns break words, and hyphens where a line ends are soft."""
    return re.sub(r"[\W_]+", "", text)


def pdf_pages(file):
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True).stdout.decode()
    return text.split("\f")[:-1]


def cut_words(file):
    """The words of a PDF file that lie outside of the margins of their page."""
    text = subprocess.run(["pdftotext", "-bbox", file, "-"], capture_output=True, check=True).stdout.decode()
    outside = []
    for sheet in text.split("<page ")[1:]:
        width, height = (float(number) for number in re.findall(r'"([\d.]+)"', sheet.partition(">")[0]))
        for box, word in re.findall(r"<word ([^>]+)>([^<]*)</word>", sheet):
            left, top, right, bottom = (float(number) for number in re.findall(r'"(-?[\d.]+)"', box))
            if left < MARGIN or top < MARGIN or right > width - MARGIN or bottom > height - MARGIN:
                outside.append((word, box))
    return outside


@needs_pdftotext
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("clean_run", "A4"),
        *(
            pytest.param(*each, marks=slow)
            for each in (("clean_run", "Letter"), ("faulty_run", "A4"), ("faulty_run", "Letter"))
        ),
        pytest.param("hostile_run", "A4", marks=slow),
    ],
)
def test_on_paper_every_row_is_there_and_nothing_is_cut(kind, size, page, tmp_path):
    file = page(kind)
    pdf = printed(file, tmp_path, size)
    pages = pdf_pages(pdf)
    assert cut_words(pdf) == []
    raw = subprocess.run(["pdftotext", "-raw", pdf, "-"], capture_output=True, check=True).stdout.decode()
    paper, texts = letters(raw), Texts(file.read_text("utf-8")).found
    assert len(texts) > 1000
    assert [text for text in texts if letters(text) not in paper] == []
    certificate = "".join(pages[0].split())
    assert "Nottested" in certificate
    assert ("Dateandplace" in certificate) == (kind == "clean_run")
    assert pages[1].strip().startswith("What was not tested" if kind == "clean_run" else "What must be fixed")


@pytest.mark.parametrize(
    "kind", ["faulty_run", *(pytest.param(kind, marks=slow) for kind in ("clean_run", "hostile_run"))]
)
def test_on_a_telephone_it_has_no_sideways_scroll_and_asks_for_nothing(kind, page, tmp_path):
    found = probed(page(kind), tmp_path, narrow=True)
    assert found["scroll"] <= found["width"] == 360, found
    assert found["requests"] == []


@slow
@pytest.mark.parametrize("kind", ["clean_run", "faulty_run"])
def test_axe_finds_nothing_serious(kind, page, tmp_path):
    assert probed(page(kind), tmp_path, axe=True)["serious"] == []


@pytest.mark.parametrize(
    "kind", ["hostile_run", pytest.param("clean_run", marks=slow), pytest.param("faulty_run", marks=slow)]
)
def test_it_opens_without_a_network_and_planted_script_does_not_run(kind, page, tmp_path):
    found = probed(page(kind), tmp_path)
    assert (found["console"], found["requests"]) == ([], [])
    assert found["ran"][0].startswith("Sign-off: ")
    assert found["ran"][1:] == ["undefined", 0]
    tags = [(tag, attributes) for tag, attributes in Tags(found["text"]).found if "data-found" not in attributes]
    assert [tag for tag, _ in tags if tag in ("script", "img", "iframe", "object")] == ["script"]  # that of the test
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert ("window.pwned" in Tags(found["text"].rpartition("<script>")[0]).text) == (kind == "hostile_run")


@pytest.mark.parametrize("kind", ["clean_run", "faulty_run"])
def test_in_black_and_white_every_distinction_is_a_word(kind, page):
    """What has a colour of its own has also a text of its own: without colours, no two kinds look the same."""
    text = page(kind).read_text("utf-8")
    shown = set(re.findall(r'<span class="badge ([a-z-]+)">([^<]+)</span>', text))
    assert shown
    assert all(words.removesuffix(", waived") == outcome for outcome, words in shown)
    (colour,) = re.findall(r'<div class="verdict (\w+)">\s*<p class="word">', text)
    word = re.findall(r'<p class="word">([^<]+)<', text)
    assert (colour, word) == (("green", ["Conformant"]) if kind == "clean_run" else ("red", ["Not fit to sign"]))
