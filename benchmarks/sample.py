"""Makes the sample reports in `reports/sample/` again: one conformant run against the mock, one against a faulty mock."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from conformance.mock.server import MockServer

SAMPLE = Path(__file__).resolve().parents[1] / "reports" / "sample"
FAULTS = ("value-zero-exponent", "code-lower-case", "server-error-nan", "put-crashes", "window-late")
LEFT_OUT = ("junit.xml", "record.jsonl", "evidence.har", "sign-off.zip")
PARTIES = ("--tested-by", "Example Retail Ltd", "--provider", "Example Payments Inc")


def command(*arguments: str) -> None:
    """Call the command line in the root of the repository, in a process of its own."""
    subprocess.run([sys.executable, "-m", "conformance", *arguments], cwd=SAMPLE.parents[1], check=False)


def make(name: str, *arguments: str) -> None:
    """One sample: the run, and its page to sign."""
    folder = SAMPLE / name
    shutil.rmtree(folder, ignore_errors=True)
    place = str(folder.relative_to(SAMPLE.parents[1]))
    command("run", "-q", "--out", place, *arguments)
    command("sign-off", place, *PARTIES)
    for file in LEFT_OUT:
        (folder / file).unlink(missing_ok=True)


def main() -> None:
    """Both samples."""
    make("conformant")
    with MockServer(faults=FAULTS) as server:
        make("non-conformant", "--target", server.url)


if __name__ == "__main__":
    main()
