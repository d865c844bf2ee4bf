"""`report.html` in a real browser: accessible, readable without script, on a telephone and on paper, and without a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.support.browser import ENTER, TAB, Tags, chromium, driven, needs_browser, pages_of, printed, probed
from tests.support.servers import answering, message

pytestmark = needs_browser
PAGES_ON_PAPER = 12
TITLE = '<title id="head-title">Capture Charge conformance: '
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"
"""The policy that Jenkins puts on published pages: neither scripts nor style sheets within the page."""


@pytest.mark.skipif("CONFORMANCE_AXE" not in os.environ, reason="slow: tox -e pages")
@pytest.mark.parametrize("kind", ["clean", "faulty", "refused"])
def test_axe_finds_nothing_serious(kind, request, tmp_path):
    assert probed(request.getfixturevalue(kind).out / "report.html", tmp_path, axe=True)["serious"] == []


def test_the_lines_and_the_evidence_can_be_reached_with_the_keyboard(faulty, tmp_path):
    assert probed(faulty.out / "report.html", tmp_path)["focusable"] >= 6


WHERE = """const at = document.activeElement, box = at.parentElement;
return [at.matches("pre.replay") ? "line" : at.matches("button.copy") ? "copy"
  : at.matches("details.evidence > summary") ? "evidence" : "", box !== null && box.open === true]"""


@pytest.mark.skipif("CONFORMANCE_AXE" not in os.environ, reason="slow: tox -e pages")
@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="no chromedriver is installed")
def test_keys_alone_reach_the_lines_and_open_the_evidence(faulty):
    with driven(faulty.out / "report.html") as browser:
        reached = set()
        for _ in range(150):
            browser.press(TAB)
            kind, is_open = browser.ask(WHERE)
            reached.add(kind)
            if kind == "evidence":
                break
        assert (kind, is_open) == ("evidence", False)
        browser.press(ENTER)
        assert browser.ask(WHERE) == ["evidence", True]
    assert reached >= {"line", "copy", "evidence"}


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile"])
def test_a_narrow_screen_has_no_sideways_scroll(kind, request, tmp_path):
    found = probed(request.getfixturevalue(kind).out / "report.html", tmp_path, narrow=True)
    assert found["scroll"] <= found["width"] == 360, found
    assert found["requests"] == []


@pytest.mark.parametrize(
    ("kind", "verdict"), [("clean", "Conformant"), ("faulty", "Non-conformant"), ("hostile", "Non-conformant")]
)
def test_a_browser_opens_it_and_runs_its_script_without_error(kind, verdict, request, tmp_path):
    done = request.getfixturevalue(kind)
    found = probed(done.out / "report.html", tmp_path)
    text = found["text"]
    assert (found["console"], found["requests"]) == ([], [])
    assert found["ran"][1:] == ["undefined", 0]
    assert f'<p class="word">{verdict}</p>' in text
    name = {"clean": "Mock server</title>", "faulty": "http://127.0.0.1:", "hostile": "&lt;/title&gt;"}[kind]
    assert TITLE + name in text
    value = json.loads((done.out / "results.json").read_text())
    rows = re.findall(r'<td class="col-testId">([^<]+)</td>', text)
    assert sorted(rows) == sorted(case["id"] for case in value["cases"])
    assert not [attributes for tag, attributes in Tags(text).found if tag == "img" and attributes.get("src") == "x"]


def test_without_script_the_whole_page_is_readable(faulty):
    """The file itself has all cases, no text of a run in progress, and its language."""
    page = (faulty.out / "report.html").read_text("utf-8")
    text = Tags(page).text
    cases = json.loads((faulty.out / "results.json").read_text())["cases"]
    assert [case["id"] for case in cases if case["id"] not in text] == []
    assert "still tests running" not in text
    assert '<html lang="en">' in page


@pytest.mark.skipif("CONFORMANCE_AXE" not in os.environ, reason="slow: tox -e pages")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext is installed")
def test_under_the_policy_of_jenkins_it_is_readable(faulty, tmp_path):
    """Neither our style sheet nor a script is applied; verdict, findings and cases are visible all the same."""
    page = (faulty.out / "report.html").read_bytes()
    fields = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", JENKINS)]
    with answering(lambda _request: message(200, fields, page, close=True)) as server:
        file = tmp_path / "page.pdf"
        chromium(tmp_path, server.url, "--no-pdf-header-footer", f"--print-to-pdf={file}")
    text = subprocess.run(["pdftotext", file, "-"], capture_output=True, check=True).stdout.decode()
    words = "".join(text.split())
    value = json.loads((faulty.out / "results.json").read_text())
    violated = [row["id"] for row in value["requirements"] if row["outcome"] in ("failed", "warned")]
    assert "Non-conformant" in text
    assert [name for name in violated if name not in words] == []
    assert "curl" in text


def test_a_conformant_run_has_few_pages_on_paper(clean, tmp_path):
    assert 1 <= pages_of(printed(clean.out / "report.html", tmp_path)) <= PAGES_ON_PAPER
