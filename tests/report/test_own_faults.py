"""A file that cannot be written is an error of the suite, with its exit status, and no finding about the target."""

from __future__ import annotations

import json

from .conftest import started


def test_a_page_that_cannot_be_written(tmp_path):
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    done = started(tmp_path, "--depth", "smoke")
    assert done.status == 4
    assert "Error of the test suite: a report could not be written" in done.stdout
    assert "Traceback" not in done.stderr
    value = json.loads((done.out / "results.json").read_text())
    assert (value["verdict"], value["exit_status"]) == ("partial", 4)
    assert len(value["errors"]) == 1
    assert "report.html" not in next(line for line in done.stdout.splitlines() if line.startswith("Files: "))
