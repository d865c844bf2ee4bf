"""Pages in Chromium without a window: what a script finds in them, what the browser reports, and how they print."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
NETWORK_OFF = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--proxy-server=127.0.0.1:9")
TAB, ENTER = "\ue004", "\ue007"
"""Keys as WebDriver names them."""
MANY_ROWS = ("#results-table > tbody", "#plain-cases tr", "#captures tr", "#cases tr", "#charges tr")
"""Rows of which axe looks at the first few: the others have the same form."""
PROBE = """<script>addEventListener("load", async () => {
  if (window.axe) document.querySelectorAll("ROWS").forEach((row) => row.remove());
  const found = window.axe ? (await axe.run(document, {resultTypes: ["violations"]})).violations : [];
  const probe = document.createElement("template");
  probe.id = "probe";
  probe.dataset.found = JSON.stringify({
    serious: found.filter((each) => ["serious", "critical"].includes(each.impact)).map((each) => [each.id, each.nodes.length, each.nodes[0].html]),
    width: innerWidth, scroll: document.documentElement.scrollWidth,
    focusable: document.querySelectorAll("pre.replay[tabindex], details.evidence > summary, button.copy").length,
    requests: performance.getEntriesByType("resource").map((each) => each.name),
    ran: [document.title, typeof window.pwned, document.querySelectorAll("[onerror]").length],
  });
  document.body.append(probe);
  parent.postMessage(probe.dataset.found, "*");
});</script>""".replace("ROWS", ", ".join(f"{rows}:nth-of-type(n+5)" for rows in MANY_ROWS))
# A window cannot be as narrow as a telephone, a frame can.
NARROW = """<!doctype html><script>addEventListener("message", (event) => {
  const probe = document.createElement("template");
  probe.id = "probe";
  probe.dataset.found = event.data;
  document.body.append(probe);
});</script><body><iframe src="page.html" width="360" height="800" style="border: 0"></iframe></body>"""


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def chromium(folder: Path, page: Path | str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Open a page from disk, or a URL of this machine, without a network."""
    return subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         *NETWORK_OFF, f"--user-data-dir={folder / 'browser'}", *options, page if isinstance(page, str) else page.resolve().as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip


def probed(page: Path, folder: Path, *, axe: bool = False, narrow: bool = False) -> dict:
    """What a script finds in a copy of the page; if `narrow`, in a frame of 360 pixels. `axe`: with axe-core.

    `text`: the page after its scripts have run; `console`: the messages on the console.
    """
    library = ""
    if axe:
        spec = find_spec("axe_core_python")
        if spec is None or spec.origin is None:
            pytest.skip("axe-core-python is not installed")
        library = f"<script>{(Path(spec.origin).parent / 'axe.min.js').read_text('utf-8')}</script>"
    copy = folder / "page.html"
    copy.write_text(page.read_text("utf-8").replace("</body>", f"{library}{PROBE}</body>"), encoding="utf-8")
    (folder / "narrow.html").write_text(NARROW, encoding="utf-8")
    opened = folder / "narrow.html" if narrow else copy
    ran = chromium(folder, opened, "--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom")
    text, printed_lines = ran.stdout.decode(), ran.stderr.decode(errors="replace").splitlines()
    found = next(
        json.loads(attributes["data-found"]) for _, attributes in Tags(text).found if attributes.get("id") == "probe"
    )
    return {**found, "text": text, "console": [line for line in printed_lines if "CONSOLE" in line]}


def printed(page: Path, folder: Path, size: str = "") -> Path:
    """The page as a PDF file, on paper of this size (A4, Letter)."""
    copy, file = folder / "paper.html", folder / "page.pdf"
    sized = f"<style>@page {{ size: {size}; }}</style></head>" if size else "</head>"
    copy.write_text(page.read_text("utf-8").replace("</head>", sized, 1), encoding="utf-8")
    chromium(folder, copy, "--no-pdf-header-footer", f"--print-to-pdf={file}")
    return file


def pages_of(file: Path) -> int:
    """How many pages a PDF file has."""
    return max(int(count) for count in re.findall(rb"/Count (\d+)", file.read_bytes()))


@dataclass(frozen=True)
class Driven:
    """A browser with one page, driven through WebDriver. `session`: the URL of its session."""

    session: str

    def call(self, path: str, **values: object) -> object:
        request = Request(f"{self.session}{path}", json.dumps(values).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def press(self, key: str) -> None:
        strokes = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("/actions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def ask(self, script: str) -> object:
        return self.call("/execute/sync", script=script, args=[])


@contextmanager
def driven(page: Path) -> Iterator[Driven]:
    """The page in a browser that takes keys."""
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        port = next(
            found[1] for line in driver.stdout if (found := re.search(r"started successfully on port (\d+)", line))
        )
        base = f"http://127.0.0.1:{port}/session"
        options = {"binary": CHROMIUM, "args": ["--headless=new", "--no-sandbox", "--disable-gpu", *NETWORK_OFF]}
        made = Driven(base).call("", capabilities={"alwaysMatch": {"goog:chromeOptions": options}})
        browser = Driven(f"{base}/{made['sessionId']}")
        browser.call("/url", url=page.resolve().as_uri())
        yield browser
        with urlopen(Request(browser.session, method="DELETE"), timeout=60):
            pass
    finally:
        driver.terminate()
        driver.communicate(timeout=30)
