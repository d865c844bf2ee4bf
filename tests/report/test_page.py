"""`report.html` says the verdict first, holds no script but its writer's, and shows hostile text as text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")


def page(done) -> str:
    return (done.out / "report.html").read_text("utf-8")


def first_part(done) -> str:
    """What stands in the file itself, before any script runs."""
    return page(done).partition('<div class="additional-summary prefix">')[2].partition('<p class="run-count">')[0]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("clean", ["Conformant", "mandatory requirements were tested and met", "you can sign"]),
        ("faulty", ["Non-conformant", "Do not sign", "The server violates", "mandatory requirements"]),
        ("refused", ["Inconclusive", "Do not sign yet", "Why it stopped", "no connection to the server"]),
        ("elsewhere", ["Inconclusive", "wrong URL?"]),
        ("interrupted", ["Not finished", "so far: ", "stopped early", "Run it to its end"]),
    ],
)
def test_the_first_words_are_the_verdict_and_what_to_do(kind, words, request):
    text = " ".join(Tags(first_part(request.getfixturevalue(kind)).partition("</section>")[0]).text.split())
    assert all(word in text for word in words), text


def test_the_test_plan_names_what_was_left_out(clean, refused):
    told = {
        name: " ".join(Tags(plan_part(done)).text.split()) for name, done in (("clean", clean), ("refused", refused))
    }
    assert "rate-limit.window-end (not-" in told["refused"]
    assert "rate-limit.window-end" in told["clean"]
    assert "rate-limit.window-end (" not in told["clean"]


def plan_part(done) -> str:
    """The table of the test plan."""
    return first_part(done).partition('<h2 id="plan">')[2].partition("</table>")[0]


def test_a_finding_says_place_expected_received_and_how_to_see_it_again(faulty):
    text = " ".join(Tags(first_part(faulty)).text.split())
    value = json.loads((faulty.out / "results.json").read_text())
    broken = [row for row in value["requirements"] if row["outcome"] in ("failed", "warned")]
    assert broken
    for row in broken:
        assert row["id"] in text
        assert row["statement"] in text
        assert row["source"]["place"] in text
    assert text.count("# may charge") >= len(broken) - 1
    assert "curl -sS -i --http1.1" in text
    assert "sh out/repro/" in text


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile"])
def test_all_19_cases_of_the_test_plan_are_there(kind, request):
    table = plan_part(request.getfixturevalue(kind))
    assert re.findall(r"<tr><td>(\d+)</td>", table) == [str(number) for number in range(1, 20)]


@pytest.mark.parametrize("kind", ["clean", "faulty", "hostile"])
def test_the_page_is_self_contained_and_at_most_1_mb(kind, request):
    text = page(request.getfixturevalue(kind))
    assert len(text.encode()) <= 1_000_000
    tags = Tags(text).seen
    assert not [tag for tag, attributes in tags if tag == "link" or attributes.get("src", "").startswith("http")]
    assert str(Path(__file__).resolve().parents[2]) not in text
    assert str(Path.home()) not in text


def test_hostile_text_makes_no_tags(hostile):
    """Neither in the file nor in what the script of pytest-html puts into the page as markup."""
    text = page(hostile)
    blob = next(attributes["data-jsonblob"] for _, attributes in Tags(text).seen if "data-jsonblob" in attributes)
    inserted = [row for tests in json.loads(blob)["tests"].values() for row in tests]
    markup = [
        cell for row in inserted for cell in (*row["resultsTableRow"], *(one["content"] for one in row["extras"]))
    ]
    for part in (first_part(hostile), *markup):
        tags = Tags(part)
        assert not [
            tag for tag, attributes in tags.seen if tag in ("script", "img", "b\x1b") or "onerror" in attributes
        ]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", tags.text)
    assert "document.title='pwned'" in Tags("".join(markup)).text


def dumped(done, tmp_path: Path) -> tuple[str, str]:
    """The page as the browser holds it when its scripts have run, and what they complained of."""
    words = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr",
    ]
    ran = subprocess.run(
        [CHROMIUM, *words, "--virtual-time-budget=5000", "--dump-dom", (done.out / "report.html").resolve().as_uri()],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    lines = [line for line in ran.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    return ran.stdout.decode(), "\n".join(lines)


@needs_browser
@pytest.mark.parametrize(
    ("kind", "verdict"), [("clean", "Conformant"), ("faulty", "Non-conformant"), ("hostile", "Non-conformant")]
)
def test_a_browser_opens_it_and_runs_its_script_without_error(kind, verdict, request, tmp_path):
    done = request.getfixturevalue(kind)
    text, complaints = dumped(done, tmp_path)
    assert complaints == ""
    assert f'<p class="word">{verdict}</p>' in text
    assert '<title id="head-title">Capture Charge conformance: Mock server</title>' in text
    value = json.loads((done.out / "results.json").read_text())
    rows = re.findall(r'<td class="col-testId">([^<]+)</td>', text)
    assert sorted(rows) == sorted(case["id"] for case in value["cases"])


@needs_browser
def test_in_a_browser_hostile_text_is_text(hostile, tmp_path):
    text, _ = dumped(hostile, tmp_path)
    tags = Tags(text)
    assert not [attributes for _, attributes in tags.seen if "onerror" in attributes]
    assert not [attributes for tag, attributes in tags.seen if tag == "img" and attributes.get("src") == "x"]
    assert '<title id="head-title">Capture Charge conformance' in text
