"""The committed samples are small, valid, and contain nothing about the machine on which they were made."""

import json
import tempfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import conformance

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
