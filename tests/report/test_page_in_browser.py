"""`report.html` in a real browser: accessible, readable without script, on a telephone and on paper."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.report.test_page import CHROMIUM, Tags

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
PAGES_ON_PAPER = 12
PROBE = """<script>addEventListener("load", async () => {
  if (window.axe) document.querySelectorAll("#results-table > tbody:nth-of-type(n+5), #plain-cases tr:nth-of-type(n+5), #captures tr:nth-of-type(n+5)").forEach((row) => row.remove());
  const found = window.axe ? (await axe.run(document, {resultTypes: ["violations"]})).violations : [];
  const probe = document.createElement("template");
  probe.id = "probe";
  probe.dataset.found = JSON.stringify({
    serious: found.filter((each) => ["serious", "critical"].includes(each.impact)).map((each) => [each.id, each.nodes.length, each.nodes[0].html]),
    width: innerWidth, scroll: document.documentElement.scrollWidth,
    focusable: document.querySelectorAll("pre.replay[tabindex], details.evidence > summary, button.copy").length,
  });
  document.body.append(probe);
  parent.postMessage(probe.dataset.found, "*");
});</script>"""
# A window cannot be as narrow as a telephone, a frame can.
NARROW = """<!doctype html><script>addEventListener("message", (event) => {
  const probe = document.createElement("template");
  probe.id = "probe";
  probe.dataset.found = event.data;
  document.body.append(probe);
});</script><body><iframe src="page.html" width="360" height="800" style="border: 0"></iframe></body>"""


def chromium(folder: Path, page: Path, *options: str) -> bytes:
    ran = subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={folder / 'profile'}", *options, page.resolve().as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    return ran.stdout


def probed(done, folder: Path, *, axe: bool = False, narrow: bool = False) -> dict:
    """What a script finds in a copy of the page; if `narrow`, in a frame of 360 pixels."""
    text = (done.out / "report.html").read_text("utf-8")
    library = ""
    if axe:
        spec = find_spec("axe_core_python")
        if spec is None or spec.origin is None:
            pytest.skip("axe-core-python is not installed")
        library = f"<script>{(Path(spec.origin).parent / 'axe.min.js').read_text('utf-8')}</script>"
    copy = folder / "page.html"
    copy.write_text(text.replace("</body>", f"{library}{PROBE}</body>"), encoding="utf-8")
    opened = folder / "narrow.html" if narrow else copy
    (folder / "narrow.html").write_text(NARROW, encoding="utf-8")
    dumped = chromium(folder, opened, "--virtual-time-budget=20000", "--dump-dom").decode()
    return next(
        json.loads(attributes["data-found"])
        for tag, attributes in Tags(dumped).found
        if attributes.get("id") == "probe"
    )


@pytest.mark.skipif("CONFORMANCE_AXE" not in os.environ, reason="slow: set CONFORMANCE_AXE to any value")
@pytest.mark.parametrize("kind", ["clean", "faulty", "refused"])
def test_axe_finds_nothing_serious(kind, request, tmp_path):
    assert probed(request.getfixturevalue(kind), tmp_path, axe=True)["serious"] == []


def test_the_lines_and_the_evidence_can_be_reached_with_the_keyboard(faulty, tmp_path):
    assert probed(faulty, tmp_path)["focusable"] >= 6


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile"])
def test_a_narrow_screen_has_no_sideways_scroll(kind, request, tmp_path):
    found = probed(request.getfixturevalue(kind), tmp_path, narrow=True)
    assert found["scroll"] <= found["width"] == 360, found


def test_without_script_the_whole_page_is_readable(faulty):
    """The file itself has all cases, no text of a run in progress, and its language."""
    page = (faulty.out / "report.html").read_text("utf-8")
    text = Tags(page).text
    cases = json.loads((faulty.out / "results.json").read_text())["cases"]
    assert [case["id"] for case in cases if case["id"] not in text] == []
    assert "still tests running" not in text
    assert '<html lang="en">' in page


def test_a_conformant_run_has_few_pages_on_paper(clean, tmp_path):
    file = tmp_path / "page.pdf"
    chromium(tmp_path, clean.out / "report.html", "--no-pdf-header-footer", f"--print-to-pdf={file}")
    counts = [int(count) for count in re.findall(rb"/Count (\d+)", file.read_bytes())]
    assert 1 <= max(counts) <= PAGES_ON_PAPER, counts
