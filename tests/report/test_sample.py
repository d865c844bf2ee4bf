"""The committed samples are small, valid, and contain nothing about the machine on which they were made."""

import json
import os
import re
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import conformance
from benchmarks.sample import PICTURES, samples
from tests.support.browser import Tags

SAMPLE = Path(__file__).resolve().parents[2] / "reports" / "sample"
LOCAL_PATHS = (str(SAMPLE.parents[1]), str(Path.home()), tempfile.gettempdir() + "/")
SCHEMA = json.loads((Path(conformance.__file__).parent / "report" / "results.schema.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "status"), [("conformant", 0), ("non-conformant", 1)])
def test_a_sample_has_the_verdict_of_its_name(name, status):
    value = json.loads((SAMPLE / name / "results.json").read_text("ascii"))
    Draft202012Validator(SCHEMA).validate(value)
    assert (value["verdict"], value["exit_status"]) == (name, status)
    assert f'<p class="word">{name.capitalize()}</p>' in (SAMPLE / name / "report.html").read_text("utf-8")


def test_the_samples_are_small_and_contain_no_path_of_a_machine():
    files = [file for file in SAMPLE.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 2_500_000
    for file in files:
        text = file.read_text("utf-8", errors="replace")
        assert not [part for part in (*LOCAL_PATHS, "/home/", "/Users/", "site-packages") if part in text], file


def test_the_readme_shows_the_pictures_which_are_small():
    docs = SAMPLE.parents[1] / "docs"
    readme = (docs.parent / "README.md").read_text("utf-8")
    for name in PICTURES:
        assert f"](docs/{name})" in readme
        content = (docs / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) <= 150_000


def outcomes(folder: Path) -> dict[str, object]:
    value = json.loads((folder / "results.json").read_text("ascii"))
    named = ("verdict", "complete", "exit_status", "counts", "scope")
    found = {name: value[name] for name in named}
    for kind in ("requirements", "cases"):
        found |= {
            f"{kind} {row['id']}": (row["outcome"], row.get("reason"), row.get("observed")) for row in value[kind]
        }
    return found


def shapes(page: Path) -> Counter:
    """The texts of a page without what differs in each run: messages, numbers, times, ids and digests."""
    text = Tags(re.sub(r"<pre.*?</pre>", "", page.read_text("utf-8"), flags=re.DOTALL)).text
    lines = (re.sub(r"[0-9a-f-]*\\?[0-9][0-9a-fA-F:.+-]*", "#", line.strip()) for line in text.splitlines())
    return Counter(line for line in lines if re.search("[a-z]{3}", line))


@pytest.mark.skipif("CONFORMANCE_AXE" not in os.environ, reason="slow: tox -e pages")
def test_the_samples_are_those_that_this_version_makes(tmp_path):
    samples(tmp_path)
    for name in ("conformant", "non-conformant"):
        made, committed = tmp_path / "reports" / "sample" / name, SAMPLE / name
        assert sorted(file.name for file in made.iterdir()) == sorted(file.name for file in committed.iterdir())
        assert outcomes(made) == outcomes(committed)
        for page in ("sign-off.html", "report.html"):
            found, expected = shapes(made / page), shapes(committed / page)
            assert [*(found - expected), *(expected - found)] == [], (name, page)
