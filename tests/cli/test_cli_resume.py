"""Runs that are killed go on with --resume; two runs never write into one folder."""

from __future__ import annotations

import signal
from collections import Counter
from random import Random

import pytest

from conformance.exchange.event import Intent
from conformance.exchange.record import Recorder, read_record
from conformance.mock.server import MockServer
from conformance.redact import Redactor

FAULTS = ("value-zero-exponent", "server-error-nan")
KILLS = 50
FULL_DISKS = 10
PROVOKED = """
[provoke.429]
kind = "limiter"
headers = { "X-Provoke" = "429", "X-Client" = "${unique}" }
[provoke.500]
kind = "forced"
headers = { "X-Provoke" = "500" }
"""


@pytest.fixture(scope="module")
def server():
    with MockServer(faults=FAULTS) as running:
        yield running


def arguments(command, server, *more: str) -> list[str]:
    """A run of the tables and one strategy. The time limit is long, so that a busy machine changes no outcome."""
    profile = command.profile(server.url, timeout_s=60, more=PROVOKED)
    left_out = (
        "schemathesis",
        "named-mutations",
        "json-spellings",
        "pattern-edges",
        "boundary-lengths",
        "currency-codes",
    )
    return ["run", "--profile", profile, "-k", " and ".join(f"not {name}" for name in left_out), *more]


def outcomes(command) -> dict[str, str]:
    return {row["id"]: row["outcome"] for kind in ("requirements", "cases") for row in command.results()[kind]}


def kill(command, server, lines: int, *more: str) -> None:
    """Start a run and kill it when its record has this many lines."""
    with command.started(*arguments(command, server, "--out", str(command.out), *more)) as process:
        command.wait_for_record(process, lines)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL


def resume(command, server, *more: str):
    return command(*arguments(command, server, "--resume", str(command.out), *more))


def assert_nothing_lost(command, server) -> None:
    """Every capture of the server is in the record, no trip was captured twice unless that is the case's purpose."""
    record = read_record(command.out / "record.jsonl")
    assert (record.broken, record.complete) == ("", True)
    repeating = {sent.exchange.case for sent in record.sent if sent.probe.trip in ("same", "case")}
    meant = {event.trip for event in record.events if isinstance(event, Intent) and event.case in repeating}
    trips = Counter(
        capture.trip for capture in server.mock.captures if len(capture.trip) == 36
    )  # not those of the profile
    assert [trip for trip, count in trips.items() if count > 1 and trip not in meant] == []
    captures = command.results()["money"]["captures"]
    assert len(server.mock.captures) <= len(captures)
    listed = {capture["trip"] for capture in captures}
    assert [trip for trip in trips if trip not in listed and trip.lower() not in listed] == []


def test_a_killed_run_goes_on_and_a_second_process_is_refused(command, server):
    server.use(*FAULTS)
    kill(command, server, 60, "--depth", "smoke")
    assert not (command.out / "results.json").exists()
    held = Recorder(command.out / "record.jsonl", None, Redactor(()))
    refused = resume(command, server, "--depth", "smoke")
    assert (refused.returncode, "another process writes this run" in refused.stderr) == (2, True)
    held.close()
    refused = command(*arguments(command, server, "--out", str(command.out)))
    assert (refused.returncode, "already contains a run" in refused.stderr) == (2, True)
    refused = resume(command, server)
    assert (refused.returncode, "the run had another depth" in refused.stderr) == (2, True)
    assert resume(command, server, "--depth", "smoke").returncode == 1
    assert_nothing_lost(command, server)
    resumed = outcomes(command)
    done = resume(command, server, "--depth", "smoke")
    assert (done.returncode, "the run is complete" in done.stderr) == (2, True)
    command.out = command.folder / "whole"
    assert command(*arguments(command, server, "--depth", "smoke", "--out", str(command.out))).returncode == 1
    assert outcomes(command) == resumed


def test_options_that_do_not_fit_are_refused(command, server):
    assert command("run", "--resume", "nowhere").returncode == 2
    done = command(*arguments(command, server, "--resume", "nowhere"))
    assert (done.returncode, "cannot be opened" in done.stderr) == (2, True)
    done = command(*arguments(command, server, "--resume", "nowhere", "--out", "out"))
    assert (done.returncode, "remove --out" in done.stderr) == (2, True)


def test_a_run_that_sends_nothing_leaves_no_folder(command, server):
    assert command("run", "--target", server.url, "--out", str(command.out), "-k", "no-such-case").returncode == 2
    assert not command.out.exists()


@pytest.mark.slow
def test_50_runs_killed_at_random_moments_have_the_outcomes_of_a_whole_run(command, server):
    random, expected = Random(15), {}
    assert command(*arguments(command, server, "--out", str(command.out))).returncode == 1
    expected, total = outcomes(command), len(command.record())
    unknown = 0
    for number in range(KILLS):
        server.use(*FAULTS)
        command.out = command.folder / str(number)
        kill(command, server, random.randrange(2, total - 50))
        assert resume(command, server).returncode == 1, number
        assert outcomes(command) == expected, number
        assert_nothing_lost(command, server)
        unknown += sum(capture["state"] == "unknown" for capture in command.results()["money"]["captures"])
    print(f"{KILLS} kills: same outcomes, no trip captured twice, no exchange lost; {unknown} charges unknown")


@pytest.mark.slow
def test_10_runs_on_a_full_disk_go_on_when_there_is_room(command, server):
    """A limit on file sizes simulates the full disk. It may come at any size of the record, or only after the last request."""
    random = Random(10)
    server.use(*FAULTS)
    assert command(*arguments(command, server, "--out", str(command.out))).returncode == 1
    expected, size = outcomes(command), (command.out / "record.jsonl").stat().st_size
    resumed = 0
    for number in range(FULL_DISKS):
        server.use(*FAULTS)
        command.out = command.folder / f"full-{number}"
        full = command.limited(
            random.randrange(2_000, size - 2_000), *arguments(command, server, "--out", str(command.out))
        )
        assert (full.returncode, "File too large" in full.stdout, "Traceback" in full.stderr) == (4, True, False), full
        done = resume(command, server)
        if (command.out / "record.jsonl").stat().st_size == 0:
            assert (done.returncode, "was cut off before it began" in done.stderr) == (2, True)
            continue
        assert done.returncode == 1, (number, done)
        assert outcomes(command) == expected, number
        assert_nothing_lost(command, server)
        resumed += 1
    print(f"{FULL_DISKS} full disks: {resumed} runs went on to the same outcomes")
