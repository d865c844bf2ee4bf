"""Makes the samples in `reports/sample/` and the pictures of the README again: a conformant run on the mock, and a faulty one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.runs import MOCK_PROFILE
from conformance.mock.server import MockServer

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = Path("reports/sample")
FAULTS = ("value-zero-exponent", "code-lower-case", "server-error-nan", "put-crashes", "window-late")
LEFT_OUT = ("junit.xml", "record.jsonl", "evidence.har", "sign-off.zip")
PARTIES = ("--tested-by", "Example Retail Ltd", "--provider", "Example Payments Inc")
PICTURES = {"report.png": "non-conformant/report.html", "sign-off.png": "conformant/sign-off.html"}


def command(root: Path, *arguments: str) -> None:
    """Call the command line in the folder `root`, in a process of its own."""
    subprocess.run([sys.executable, "-m", "conformance", *arguments], cwd=root, check=False)


def make(root: Path, name: str, *arguments: str) -> None:
    """One sample below `root`: the run, and its page to sign."""
    folder = root / SAMPLE / name
    shutil.rmtree(folder, ignore_errors=True)
    place = (SAMPLE / name).as_posix()
    command(root, "run", "-q", "--out", place, *arguments)
    command(root, "sign-off", place, *PARTIES)
    for file in LEFT_OUT:
        (folder / file).unlink(missing_ok=True)


def samples(root: Path) -> None:
    """Both samples below `root`."""
    profile = root / MOCK_PROFILE.relative_to(ROOT)
    if not profile.exists():
        profile.parent.mkdir()
        shutil.copy(MOCK_PROFILE, profile)
    make(root, "conformant")
    with MockServer(faults=FAULTS) as server:
        make(root, "non-conformant", "--profile", str(profile.relative_to(root)), "--target", server.url)


def pictures() -> None:
    """The first screens of two of the pages, if a browser is installed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    for name, page in PICTURES.items() if browser else ():
        with TemporaryDirectory() as profile:
            subprocess.run(
                [str(browser), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                 "--hide-scrollbars", "--window-size=900,760", f"--screenshot={ROOT / 'docs' / name}",
                 (ROOT / SAMPLE / page).as_uri()],
                check=True,
            )  # fmt: skip


if __name__ == "__main__":
    samples(ROOT)
    pictures()
