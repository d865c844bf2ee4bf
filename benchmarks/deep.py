"""Time a deep run of 2,500, 5,000 and 10,000 requests beside a bare replay of its bytes. Prints; asserts nothing.

Run it from the top of a checkout, in the environment that has the suite installed: python benchmarks/deep.py
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import ROOT, mock_process, recorded, replay

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COUNTS = (2_500, 5_000, 10_000)


def profile_text(count: int) -> str:
    """Write the profile of the mock, with a limit of requests."""
    text = (ROOT / "benchmarks" / "mock.toml").read_text("utf-8")
    return text.replace("[limits]\n", f"[limits]\nmax_requests = {count}\n")


def opening(program: str, page: Path, folder: Path) -> float:
    """Take the seconds that Chromium needs from its start until it has the page, scripts run."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    start = time.perf_counter()
    subprocess.run(
        [program, *flags, f"--user-data-dir={folder}", "--dump-dom", page.as_uri()], check=True, capture_output=True
    )
    return time.perf_counter() - start


def main() -> None:
    """Print time, memory and sizes for each number of requests."""
    print(
        "bars: whole process / replay <= 5, memory <= 300 MB, report.html <= 5 MB, opening <= 2 s; time linear in requests"
    )
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            out, profile = Path(folder) / f"run-{count}", Path(folder) / f"{count}.toml"
            with mock_process() as url:
                profile.write_text(profile_text(count), encoding="utf-8")
                command = [
                    sys.executable,
                    "-m",
                    "conformance",
                    "run",
                    "--depth",
                    "deep",
                    "--profile",
                    str(profile),
                    "--target",
                    url,
                ]
                start = time.perf_counter()
                done = subprocess.run(
                    [*command, "--out", str(out)], cwd=ROOT, check=False, capture_output=True, text=True
                )
                took = time.perf_counter() - start
                sent = recorded(out).sent
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            if not sent:
                print(f"{count:>6}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
                continue
            with mock_process() as url:
                bare = replay(url, sent)
            report, blank = out / "report.html", Path(folder) / "blank.html"
            blank.write_text("<!doctype html><title>blank</title>")
            page = report.stat().st_size / 1e6
            shown = "not opened, since there is no Chromium"
            if browser := next((path for name in BROWSERS if (path := shutil.which(name))), None):
                times = [min(opening(browser, one, Path(folder) / "b") for _ in range(3)) for one in (report, blank)]
                shown = f"opens in {times[0]:.2f} s with the browser's start, a blank page in {times[1]:.2f} s"
            print(
                f"{count:>6}: {len(sent):>6} requests, exit {done.returncode}, {took:6.1f} s ({took / len(sent) * 1000:.2f} ms each), "
                f"replay {bare:5.1f} s, ratio {took / bare:.2f}, memory {memory:.0f} MB at most so far, report.html {page:.2f} MB, "
                f"{shown}"
            )


if __name__ == "__main__":
    main()
