"""Bad input on the real command: its message, its exit status, and that nothing was sent where nothing may be sent."""

import signal
import socket
import time
from contextlib import ExitStack
from threading import Event
from uuid import uuid4

import pytest

from conformance.mock.server import MockServer

ONE_CASE = ("-k", "store-id-missing")
SMOKE = ("--depth", "smoke")


def test_all_problems_of_a_profile_are_reported_and_nothing_is_sent(command, listener):
    profile = command.profile(
        f"http://127.0.0.1:{listener.port}",
        auth='kind = "bearer"\ntoken_env = "NO_SUCH_TOKEN"',
        trips='generate = "uuid4"\nreuse = ["a"]',
        limits='concurrency = "4"\ntimeout = 3',
        more='[money.usd]\namount = "1"',
    )
    ran = command.run("--profile", profile)
    assert ran.returncode == 2
    assert [line.removeprefix(f"{profile}: ").split(";")[0] for line in ran.stderr.splitlines()] == [
        "auth.token_env: environment variable 'NO_SUCH_TOKEN' is not set",
        "money.usd: unknown key",
        "data.trips: found a table of generate, reuse",
        "limits.concurrency: found '4'",
        "limits.timeout: unknown key",
    ]
    assert listener.connections() == 0
    assert not command.out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[target", "not TOML"),
        ('[target]\nurl = "pay.example.com"', "a URL that begins with http:// or https://"),
        ('[target]\nurl = "https://a.example"\nenvironment = "local"', "local is only for loopback URLs"),
        ('[target]\nurl = "http://127.0.0.1:1/b/v1/capture/charge"', "write http://127.0.0.1:1/b"),
        ('[target]\nurl = "http://127.0.0.1:1"\n[data]\ncurrencies = ["usd"]', "data.currencies.0: found 'usd'"),
    ],
)
def test_one_thing_wrong_in_a_profile(command, text, message):
    (command.folder / "p.toml").write_text(text)
    ran = command.run("--profile", "p.toml")
    assert ran.returncode == 2
    assert message in ran.stderr
    assert all(line.startswith(("p.toml: ", "    ")) for line in ran.stderr.splitlines())


def test_a_profile_that_does_not_exist(command):
    ran = command.run("--profile", "none.toml")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr
        == "none.toml: cannot be read (No such file or directory); name another file, or write a profile with `capture-conformance init`\n"
    )


def outside(listener) -> str:
    """A URL that does not look like loopback, although it leads to the listener."""
    return f"http://0.0.0.0:{listener.port}"


def test_a_target_outside_loopback_needs_environment_and_money(command, listener):
    ran = command.run("--target", outside(listener))
    assert ran.returncode == 2
    assert "is outside loopback" in ran.stderr
    for line in ('environment = "staging"', "max_captures = 200", "[money.USD]", 'max_total = "150.00"'):
        assert f"    {line}\n" in ran.stderr
    without_money = command.profile(outside(listener), target='environment = "staging"')
    ran = command.run("--profile", without_money)
    assert ran.returncode == 2
    assert "    max_captures = 200\n" in ran.stderr
    assert "    environment" not in ran.stderr
    assert listener.connections() == 0


def test_production_needs_an_option(command, listener):
    profile = command.profile(
        outside(listener),
        target='environment = "production"',
        more="[money]\nmax_captures = 5",
        limits="max_wait_s = 0",
    )
    ran = command.run("--profile", profile)
    assert ran.returncode == 2
    assert "--allow-production" in ran.stderr
    assert listener.connections() == 0
    with MockServer() as server:
        ran = command.run(
            "--profile", profile, "--allow-production", "--yes", *ONE_CASE, "--target", f"http://0.0.0.0:{server.port}"
        )
    assert ran.returncode == 0, ran.stderr


def test_no_server_listens(command, silent_port):
    ran = command.run(*SMOKE, "--target", f"http://127.0.0.1:{silent_port}")
    assert ran.returncode == 3
    assert [line for line in ran.stdout.splitlines() if "no connection" in line and "Stopped: " in line]
    assert command.results()["verdict"] == "inconclusive"
    assert command.results()["run"]["requests"] == 1
    assert (command.out / "report.html").exists()
    assert (command.out / "junit.xml").exists()


def test_a_machine_that_never_accepts_a_connection(command):
    """As behind a firewall that drops packets: the queue of the listener is full, and no connection is accepted."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        start = time.monotonic()
        ran = command.run(*SMOKE, "--profile", command.profile(url, timeout_s=1))
    assert time.monotonic() - start < 20
    assert ran.returncode == 3
    assert "Stopped: no connection to the server: no connection within the time limit" in ran.stdout
    assert command.outcomes()["failed"] == 0


def test_an_unknown_host_name(command):
    profile = command.profile(
        "http://no-such-host.invalid", target='environment = "staging"', more="[money]\nmax_captures = 5"
    )
    ran = command.run(*SMOKE, "--profile", profile, "--yes")
    assert ran.returncode == 3
    assert "Stopped: no connection to the server: the name no-such-host.invalid is not known" in ran.stdout
    assert command.outcomes()["failed"] == 0


def test_a_certificate_that_is_not_trusted(command, serve, certificate):
    with serve(200, certificate=certificate) as server:
        ran = command.run(*SMOKE, "--profile", command.profile(server.url))
        assert server.requests == []
    assert ran.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in ran.stdout
    assert (command.out / "report.html").exists()


def test_ca_file_is_relative_to_the_profile(command, serve, certificate):
    (command.folder / "ca.pem").write_bytes(certificate.with_name("ca.pem").read_bytes())
    profile = command.profile("https://localhost", target='ca_file = "ca.pem"')
    with serve(404, certificate=certificate) as server:
        ran = command.run("--profile", profile, "--target", server.url, *ONE_CASE)
        assert server.requests
    assert ran.returncode in (1, 3)


@pytest.mark.parametrize("status", [401, 403])
def test_authentication_refused_to_the_first_request(command, serve, status):
    with serve(status) as server:
        ran = command.run(*SMOKE, "--target", server.url)
        assert len(server.requests) == 1
    assert ran.returncode == 3
    assert "authentication refused" in ran.stdout
    assert str(status) in ran.stdout


def test_authentication_refused_to_every_capture(command, serve):
    with serve(lambda request: 400 if request.body == b"{" else 403, [("Content-Type", "application/json")]) as server:
        ran = command.run(*SMOKE, "--target", server.url)
        assert 1 < len(server.requests) < 10
    assert ran.returncode == 3
    assert "authentication refused: every capture" in ran.stdout


def test_400_to_every_capture_is_a_wrong_profile(command, serve):
    body = b'{"errorMsg":"BadRequestException"}'
    with serve(400, [("Content-Type", "application/json")], body) as server:
        ran = command.run(*SMOKE, "--target", server.url)
        assert len(server.requests) < 10
    assert ran.returncode == 3
    assert "wrong profile?" in ran.stdout
    assert '"storeId":"store-001"' in command.results()["scope"]["stop"]
    assert "received 400" in command.results()["scope"]["stop"]
    assert command.outcomes()["failed"] == 0


@pytest.mark.parametrize(("status", "headers"), [(404, ()), (405, ()), (302, [("Location", "https://else.where/x")])])
def test_only_404_405_or_a_redirection_is_a_wrong_url(command, serve, status, headers):
    with serve(status, headers) as server:
        ran = command.run(*SMOKE, "--target", server.url)
        assert len(server.requests) < 10
    assert ran.returncode == 3
    assert "wrong URL?" in ran.stdout
    stop = command.results()["scope"]["stop"]
    assert f"received {status}" in stop
    assert not headers or "https://else.where/x" in stop
    assert command.outcomes()["failed"] == 0


def test_an_empty_or_invalid_selection_and_processes(command):
    for selection, text in (
        ("nonsense", "-k 'nonsense' matches no case; nonsense: `capture-conformance list` shows all ids"),
        ("store-id.typ", "store-id.typ: did you mean store-id.type"),
        ("store-id-missing and trip-id-missing", "matches no case; no case fits all of it"),
        ("(", "-k '(': found the end where a word is expected"),
        ("store-id and and", "found 'and' at character 14 where a word is expected"),
        ("store id", "found 'id' at character 7 where and, or is expected"),
    ):
        ran = command.run("-k", selection, "--depth", "smoke")
        assert (ran.returncode, ran.stdout, text in ran.stderr) == (2, "", True), ran.stderr
    assert not command.out.exists()
    ran = command.run("-n", "4")
    assert ran.returncode == 2
    assert "--concurrency" in ran.stderr


def test_a_folder_that_cannot_be_written(command):
    command.out.write_text("a file")
    ran = command.run(*ONE_CASE)
    assert ran.returncode == 2
    assert f"--out {command.out}: cannot be written" in ran.stderr
    assert command.out.read_text() == "a file"


def test_an_earlier_run_is_never_overwritten(command):
    assert command.run(*ONE_CASE).returncode == 0
    before = {file.name: file.read_bytes() for file in command.out.iterdir() if file.is_file()}
    ran = command.run(*ONE_CASE)
    assert ran.returncode == 2
    assert "already contains a run" in ran.stderr
    assert {file.name: file.read_bytes() for file in command.out.iterdir() if file.is_file()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--depth", "wild"),
        ("run", "--concurrency", "0"),
        ("run", "--no-such"),
        ("frobnicate",),
        ("run", "--seed", "x"),
    ],
)
def test_a_command_line_that_makes_no_sense(command, arguments):
    ran = command(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("blocks", [4, 120])
def test_a_full_disk_while_running_keeps_what_was_judged(command, blocks):
    """A limit on file sizes simulates the full disk: writing fails in the same way, with an OSError."""
    full = command.limited(blocks * 1024, "run", "--out", str(command.out))
    assert full.returncode == 4, full.stderr
    assert "Traceback" not in full.stderr
    assert "File too large" in full.stdout
    assert "mandatory requirements tested" in full.stdout
    assert "Files:" in full.stdout


def test_an_interruption_leaves_the_report_of_what_was_judged(command):
    with MockServer() as server:
        profile = command.profile(server.url, limits="requests_per_second = 20")
        with command.started("run", "--profile", profile, "--out", str(command.out)) as process:
            command.wait_for_record(process, 30)
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=40)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "interrupted" in stdout
    results = command.results()
    assert results["interrupted"] is True
    assert results["exit_status"] == 130
    assert command.outcomes()["passed"] > 0
    assert command.outcomes()["failed"] == 0
    assert any(row["reason"] == "interrupted" for row in results["requirements"])
    assert command.record()[-1]["kind"] == "footer"
    assert command.record()[-1]["interrupted"] is True
    assert "interrupted" in (command.out / "report.html").read_text()
    assert (command.out / "junit.xml").stat().st_size > 0


def test_a_request_in_flight_at_the_interruption_counts_as_unknown(command, serve):
    """It is not known whether it went through: its charge is listed, and it is no finding."""
    received, released = Event(), Event()

    def answer(request):
        if request.body == b"{":
            return 400
        received.set()
        released.wait(60)
        return 200

    with serve(answer, [("Content-Type", "application/json")], b'{"errorMsg":"BadRequestException"}') as server:
        profile = command.profile(server.url, limits="concurrency = 1", timeout_s=60)
        with command.started("run", "--profile", profile, "--out", str(command.out)) as process:
            assert received.wait(40)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=40)
        released.set()
    assert process.returncode == 130
    results = command.results()
    assert command.outcomes()["failed"] == 0
    assert [capture["state"] for capture in results["money"]["captures"]] == ["unknown"]


def test_too_few_trips_are_refused_before_the_first_request(command, listener):
    (command.folder / "trips.txt").write_text("# one\n5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11\n")
    profile = command.profile(f"http://127.0.0.1:{listener.port}", trips='file = "trips.txt"')
    needed = command("plan", "--summary", profile).stdout.split("trips needed  ")[1].split()[0]
    ran = command.run("--profile", profile)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"trips.txt has 1 unused trips, and this run needs {needed}; add trips" in ran.stderr
    assert (listener.connections(), command.out.exists()) == (0, False)


def test_as_many_trips_as_plan_needs_are_enough_and_a_server_that_uses_up_more_ends_the_run(command, serve):
    with MockServer() as server:
        profile = command.profile(server.url, trips='file = "trips.txt"')
        (command.folder / "trips.txt").write_text("one\n")
        selection = ("-k", "store-id.type or store-id.pattern or capture.accepted")
        needed = int(command("plan", profile, *selection).stdout.split("trips needed  ")[1].split()[0])
        (command.folder / "trips.txt").write_text("".join(f"{uuid4()}\n" for _ in range(needed)))
        assert command.run("--profile", profile, *selection).returncode == 0
    assert command.run("--profile", profile, *selection).returncode == 2
    (command.folder / "trips.txt.used").unlink()
    command.out = command.folder / "second"
    with serve(200) as server:
        ran = command.run("--profile", profile, "--target", server.url, *selection)
    assert ran.returncode == 2, ran.stdout
    assert "trips.txt are used up; add more lines" in ran.stdout.splitlines()[-1]
    assert command.results()["exit_status"] == 2
    assert command.outcomes()["passed"] > 0
    assert command.results()["errors"] == []


def test_a_baseline_that_cannot_be_read_ends_the_run_before_it_begins(command, listener):
    ran = command.run("--target", f"http://127.0.0.1:{listener.port}", "--baseline", "none")
    assert ran.returncode == 2
    assert "none: does not exist; name the folder of a run" in ran.stderr
    assert not command.out.exists()
    assert listener.connections() == 0


def test_a_known_violation_does_not_fail_a_run_with_a_baseline(command):
    with MockServer(faults=["code-lower-case"]) as server:
        few = ("--target", server.url, "-k", "code-wrong-case or code-lower")
        assert command("run", "--out", "before", *few).returncode == 1
        ran = command.run(*few, "--baseline", "before")
    assert ran.returncode == 0, ran.stdout
    assert "; since the run " in ran.stdout
    assert "exit 0: --baseline, and nothing became worse; 1 known violation" in ran.stdout.splitlines()[-1]
    junit = (command.out / "junit.xml").read_text("utf-8")
    assert 'failures="0" errors="0"' in junit
    assert 'message="known: not worse than in the baseline"' in junit
