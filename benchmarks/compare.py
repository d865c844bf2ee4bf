"""Time a standard run beside Schemathesis, a bare replay and the floor of a slow target. Prints; asserts nothing.

Run it from the top of a checkout, in the environment that has the suite installed: python benchmarks/compare.py
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import requests

from conformance.exchange.event import Plan, Sent
from conformance.exchange.record import Record, read_record

ROUNDS, SEED, DELAY_S, CONCURRENCY = 5, 0, 0.15, 8
SLOW_FAULT = "slow-150ms"
SKIPPED = {"host", "content-length", "transfer-encoding", "expect", "connection"}
# By default Schemathesis leaves a phase at its first failure; with this it does all its work.
THOROUGH = "--continue-on-failure"
ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
# With these hooks Schemathesis sends a known store, trip and currency and an amount above zero where its own are only
# well-formed. Otherwise every server refuses its good cases, and it stops there.
KNOWN_IDS = ENVIRONMENT | {"SCHEMATHESIS_HOOKS": "known_ids", "PYTHONPATH": str(ROOT / "benchmarks")}
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def free_port() -> int:
    """Find a port of the loopback address that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def mock_process(*flags: str) -> Iterator[str]:
    """Serve the mock in a process of its own; give its URL. SystemExit where it does not start."""
    port = free_port()
    command = [sys.executable, "-m", "conformance", "mock", "--port", str(port), *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        limit = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < limit:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        else:
            process.kill()
            raise SystemExit(f"the mock did not start: {' '.join(command)}\n{process.communicate()[1]}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def timed(command: list[str], environment: dict[str, str] = ENVIRONMENT) -> tuple[float, int]:
    """Take the seconds of a whole process, in an empty folder (Schemathesis keeps failures there), and its status."""
    with tempfile.TemporaryDirectory() as empty:
        start = time.perf_counter()
        done = subprocess.run(command, cwd=empty, check=False, env=environment, **QUIET)
        return time.perf_counter() - start, done.returncode


def suite_command(url: str, out: Path, *flags: str) -> list[str]:
    """Name the main job against `url`."""
    base = [sys.executable, "-m", "conformance", "run", "--profile", str(ROOT / "benchmarks" / "mock.toml")]
    return [*base, "--target", url, "--out", str(out), "--seed", str(SEED), *flags]


def schemathesis_command(url: str, *flags: str) -> list[str]:
    """Name Schemathesis with its defaults, but for the seed."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    return [program, "run", str(ROOT / "spec" / "openapi.yaml"), "--url", url, "--seed", str(SEED), *flags]


def recorded(out: Path) -> Record:
    """Read what a run recorded; an empty record where it left none."""
    file = out / "record.jsonl"
    return read_record(file) if file.exists() else Record()


def idle(record: Record) -> float:
    """Add up the seconds in which a run did nothing but wait for the end of a window that it had provoked."""
    waited = 0.0
    for sent in record.sent:
        began = sent.exchange.sent_at
        if sent.probe.wait and began is not None:
            before = (each.exchange for each in record.sent if (each.exchange.sent_at or 0.0) < began)
            waited += max(0.0, began - max(each.answered_at for each in before if each.answered_at is not None))
    return waited


def sending(record: Record) -> float:
    """Take the seconds from the first request to the last answer; judging happens in between."""
    exchanges = [sent.exchange for sent in record.sent]
    began = [exchange.sent_at for exchange in exchanges if exchange.sent_at is not None]
    ended = [exchange.answered_at for exchange in exchanges if exchange.answered_at is not None]
    return max(ended, default=0.0) - min(began, default=0.0)


def exclusive(record: Record) -> list[Sent]:
    """Select the exchanges of cases that a run sends alone."""
    cases = [case for event in record.events if isinstance(event, Plan) for case in event.cases]
    alone = {case.id for case in cases if case.scheduling == "exclusive"}
    return [sent for sent in record.sent if sent.exchange.case in alone]


def schemathesis_requests(url: str, folder: Path, *flags: str, environment: dict[str, str] = ENVIRONMENT) -> int:
    """Count the requests of one run that is not timed, in the HAR file that it writes."""
    file = folder / "schemathesis.har"
    timed(schemathesis_command(url, *flags, "--report", "har", "--report-har-path", str(file)), environment)
    return len(json.loads(file.read_text(encoding="utf-8"))["log"]["entries"])


def replay(url: str, sent: list[Sent]) -> float:
    """Take the seconds that a bare session takes for the recorded requests, in this process, one after the other."""
    with requests.Session() as session:
        session.trust_env = False
        start = time.perf_counter()
        for each in sent:
            request = each.exchange.request
            fields = {name: value for name, value in request.headers if name.lower() not in SKIPPED}
            with suppress(requests.RequestException):
                session.request(
                    request.method,
                    url + request.target,
                    data=request.body,
                    headers=fields,
                    timeout=10,
                    allow_redirects=False,
                )
        return time.perf_counter() - start


def line(name: str, times: list[float], rest: str = "") -> None:
    """Print one row: median and all times."""
    each = " ".join(f"{value:.2f}" for value in times)
    print(f"{name:<34} median {statistics.median(times):6.2f} s   ({each})  {rest}")


def compare_fast(folder: Path) -> None:
    """Go A B C A B C against the mock: the suite, a replay of what it sent, Schemathesis in each way."""
    others = {
        "defaults": ((), ENVIRONMENT),
        THOROUGH: ((THOROUGH,), ENVIRONMENT),
        "known ids": ((), KNOWN_IDS),
        f"known ids, {THOROUGH}": ((THOROUGH,), KNOWN_IDS),
    }
    ours, working, judging, bare, statuses = [], [], [], [], []
    theirs: dict[str, list[float]] = {name: [] for name in others}
    sent: list[Sent] = []
    with mock_process() as url, mock_process() as other_url:
        timed(suite_command(url, folder / "first"))  # leaves compiled modules and drawn bodies behind
        counts = {
            name: schemathesis_requests(url, folder, *flags, environment=environment)
            for name, (flags, environment) in others.items()
        }
        for number in range(ROUNDS):
            out = folder / f"run-{number}"
            seconds, status = timed(suite_command(url, out))
            record = recorded(out)
            sent, waited = record.sent, idle(record)
            ours.append(seconds)
            working.append(seconds - waited)
            judging.append(sending(record) - waited)
            statuses.append(status)
            bare.append(replay(other_url, sent))
            for name, (flags, environment) in others.items():
                theirs[name].append(timed(schemathesis_command(url, *flags), environment)[0])
    print("suite:       ", " ".join(suite_command("URL", Path("TMP"))[1:]), "  exit", statuses)
    print("schemathesis:", " ".join(schemathesis_command("URL")[1:]))
    line("suite, whole process", ours, f"{len(sent)} requests")
    line("  waits for windows not counted", working)
    line("  sending and judging alone", judging, "waits not counted")
    for name, times in theirs.items():
        line(f"schemathesis, {name}", times, f"{counts[name]} requests")
    line("requests.Session, replay only", bare, f"{len(sent)} requests, waits not repeated")
    if not sent:
        print("the suite left no record: its times say nothing")
        return
    whole, work = statistics.median(ours), statistics.median(working)
    for name, times in theirs.items():
        median = statistics.median(times)
        print(f"suite / schemathesis, {name:<38} {whole / median:.2f}   waits not counted {work / median:.2f}")
    replayed = statistics.median(bare)
    print(
        f"suite / replay {whole / replayed:.2f}   sending and judging alone {statistics.median(judging) / replayed:.2f}"
    )
    print(
        "bars: 0.4 of Schemathesis with known ids that does all its work, waits not counted; 1.5 of the replay, sending"
    )


def compare_slow(folder: Path) -> None:
    """Time one whole run against a mock that takes 150 ms for each answer, over the floor that its requests allow."""
    with mock_process("--fault", SLOW_FAULT) as url:
        out = folder / "slow"
        seconds, status = timed(suite_command(url, out, "--concurrency", str(CONCURRENCY)))
    record = recorded(out)
    alone = exclusive(record)
    count = len(record.sent) - len(alone)
    floor = count * DELAY_S / CONCURRENCY
    apart = sum(sent.exchange.elapsed or 0.0 for sent in alone)
    ratio = f"{seconds / floor:.2f}" if floor else "none: no record"
    print(
        f"slow mock: {seconds:.2f} s (exit {status}), {count} requests x {DELAY_S} s / {CONCURRENCY} = {floor:.2f} s;",
        end="",
    )
    print(f" ratio {ratio}, bar 1.15 x {floor:.2f} s + 1.5 s = {1.15 * floor + 1.5:.2f} s; waits are in it")
    print(f"exclusive cases: {len(alone)} requests, {apart:.2f} s, which are in the seconds and not in the floor")


def main() -> None:
    """Print everything that was measured and with what."""
    names = ("capture-charge-conformance", "schemathesis", "requests", "pytest", "hypothesis", "uvicorn")
    print("Python", sys.version.split()[0], *(f"{name} {version(name)}" for name in names), sep="  ")
    print(f"{os.cpu_count()} cores, seed {SEED}, {ROUNDS} rounds A B A B")
    with tempfile.TemporaryDirectory() as folder:
        compare_fast(Path(folder))
        compare_slow(Path(folder))


if __name__ == "__main__":
    main()
