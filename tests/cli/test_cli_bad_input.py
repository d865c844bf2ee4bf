"""Every line of bad input on the real command: what it says, its status, and that nothing was sent where none may be."""

import signal
import socket
import time
from contextlib import ExitStack
from threading import Event

import pytest

from conformance.mock.server import MockServer

FEW = ("-k", "store-id-missing")


def test_a_bad_profile_is_told_in_full_and_nothing_is_sent(command, listener):
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
    ("text", "said"),
    [
        ("[target", "not TOML"),
        ('[target]\nurl = "pay.example.com"', "a URL that begins with http:// or https://"),
        ('[target]\nurl = "https://a.example"\nenvironment = "local"', "local is only for loopback URLs"),
        ('[target]\nurl = "http://127.0.0.1:1/b/v1/capture/charge"', "write http://127.0.0.1:1/b"),
        ('[target]\nurl = "http://127.0.0.1:1"\n[data]\ncurrencies = ["usd"]', "data.currencies.0: found 'usd'"),
    ],
)
def test_one_thing_wrong_in_a_profile(command, text, said):
    (command.folder / "p.toml").write_text(text)
    ran = command.run("--profile", "p.toml")
    assert ran.returncode == 2
    assert said in ran.stderr
    assert all(line.startswith(("p.toml: ", "    ")) for line in ran.stderr.splitlines())


def test_what_comes_later_is_told_from_a_mistake(command):
    (command.folder / "p.toml").write_text(
        '[target]\nurl = "http://127.0.0.1:1"\nclient_cert = "c"\n[auth]\nkind = "sigv4"\n[[waiver]]\nreason = "x"'
    )
    ran = command.run("--profile", "p.toml")
    assert ran.returncode == 2
    assert [line.split(": ")[1] for line in ran.stderr.splitlines() if "not supported yet" in line] == [
        "auth.kind",
        "target.client_cert",
        "waiver",
    ]


def test_a_profile_that_is_not_there(command):
    ran = command.run("--profile", "none.toml")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr
        == "none.toml: cannot be read (No such file or directory); name another file, or write a profile with `capture-conformance init`\n"
    )


def outside(listener) -> str:
    """A URL that is not written as loopback, though it leads to the listener here."""
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


def test_production_needs_a_word(command, listener):
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
        ran = command.run("--profile", profile, "--allow-production", *FEW, "--target", f"http://0.0.0.0:{server.port}")
    assert ran.returncode == 0, ran.stderr


def test_nobody_listens(command, silent_port):
    ran = command.run("--target", f"http://127.0.0.1:{silent_port}")
    assert ran.returncode == 3
    assert [line for line in ran.stdout.splitlines() if "no connection" in line and "Stopped: " in line]
    assert command.results()["verdict"] == "inconclusive"
    assert command.results()["run"]["requests"] == 1
    assert (command.out / "report.html").exists()
    assert (command.out / "junit.xml").exists()


def test_a_machine_that_never_answers_the_knocking(command):
    """As behind a firewall that drops what comes: the queue of the listener is full, and nobody takes from it."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        start = time.monotonic()
        ran = command.run("--profile", command.profile(url, timeout_s=1))
    assert time.monotonic() - start < 20
    assert ran.returncode == 3
    assert "Stopped: no connection to the server: no connection within the time limit" in ran.stdout
    assert command.outcomes()["failed"] == 0


def test_a_name_that_nobody_knows(command):
    profile = command.profile(
        "http://no-such-host.invalid", target='environment = "staging"', more="[money]\nmax_captures = 5"
    )
    ran = command.run("--profile", profile)
    assert ran.returncode == 3
    assert "Stopped: no connection to the server: the name no-such-host.invalid is not known" in ran.stdout
    assert command.outcomes()["failed"] == 0


def test_a_certificate_that_nobody_trusts(command, serve, certificate):
    with serve(200, certificate=certificate) as server:
        ran = command.run("--profile", command.profile(server.url))
        assert server.asked == []
    assert ran.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in ran.stdout
    assert (command.out / "report.html").exists()


def test_a_certificate_of_ones_own_is_found_beside_the_profile(command, serve, certificate):
    (command.folder / "ca.pem").write_bytes(certificate.with_name("ca.pem").read_bytes())
    profile = command.profile("https://localhost", target='ca_file = "ca.pem"')
    with serve(404, certificate=certificate) as server:
        ran = command.run("--profile", profile, "--target", server.url, *FEW)
        assert server.asked
    assert ran.returncode in (1, 3)


@pytest.mark.parametrize("status", [401, 403])
def test_authentication_refused_at_the_door(command, serve, status):
    with serve(status) as server:
        ran = command.run("--target", server.url)
        assert len(server.asked) == 1
    assert ran.returncode == 3
    assert "authentication refused" in ran.stdout
    assert str(status) in ran.stdout


def test_authentication_refused_to_every_capture(command, serve):
    with serve(lambda asked: 400 if asked.body == b"{" else 403, [("Content-Type", "application/json")]) as server:
        ran = command.run("--target", server.url)
        assert 1 < len(server.asked) < 10
    assert ran.returncode == 3
    assert "authentication refused: every capture" in ran.stdout


def test_everything_answered_400_is_a_wrong_profile(command, serve):
    body = b'{"errorMsg":"BadRequestException"}'
    with serve(400, [("Content-Type", "application/json")], body) as server:
        ran = command.run("--target", server.url)
        assert len(server.asked) < 10
    assert ran.returncode == 3
    assert "wrong profile?" in ran.stdout
    assert '"storeId":"store-001"' in command.results()["scope"]["stop"]
    assert "received 400" in command.results()["scope"]["stop"]
    assert command.outcomes()["failed"] == 0


@pytest.mark.parametrize(("status", "headers"), [(404, ()), (405, ()), (302, [("Location", "https://else.where/x")])])
def test_only_404_405_or_a_redirection_is_a_wrong_url(command, serve, status, headers):
    with serve(status, headers) as server:
        ran = command.run("--target", server.url)
        assert len(server.asked) < 10
    assert ran.returncode == 3
    assert "wrong URL?" in ran.stdout
    stop = command.results()["scope"]["stop"]
    assert f"received {status}" in stop
    assert not headers or "https://else.where/x" in stop
    assert command.outcomes()["failed"] == 0


def test_a_selection_of_nothing_and_processes(command):
    ran = command.run("-k", "no-such-case")
    assert ran.returncode == 2
    assert "'no-such-case' matches no case; `capture-conformance list` shows" in ran.stdout + ran.stderr
    ran = command.run("-k", "(")
    assert ran.returncode == 2
    assert "-k" in ran.stdout + ran.stderr
    ran = command.run("-n", "4")
    assert ran.returncode == 2
    assert "--concurrency" in ran.stderr


def test_a_folder_that_cannot_be_written(command):
    command.out.write_text("a file")
    ran = command.run(*FEW)
    assert ran.returncode == 2
    assert f"--out {command.out}: cannot be written" in ran.stderr
    assert command.out.read_text() == "a file"


def test_an_earlier_run_is_never_overwritten(command):
    assert command.run(*FEW).returncode == 0
    before = {file.name: file.read_bytes() for file in command.out.iterdir() if file.is_file()}
    ran = command.run(*FEW)
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
    """A limit on the size of files stands for the full disk: writing fails the same way, with an OSError."""
    full = command.limited(blocks * 1024, "run", "--out", str(command.out))
    assert full.returncode == 4, full.stderr
    assert "Traceback" not in full.stderr
    assert "File too large" in full.stdout
    assert "mandatory requirements tested" in full.stdout
    assert "Files:" in full.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_the_report_of_what_was_judged(command, number):
    with MockServer() as server:
        profile = command.profile(server.url, limits="requests_per_second = 20")
        with command.started("run", "--profile", profile, "--out", str(command.out)) as process:
            command.grown(process, 30)
            process.send_signal(number)
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
    """Nobody knows what became of it: its capture is listed, and it is no finding."""
    asked, never = Event(), Event()

    def answer(request):
        if request.body == b"{":
            return 400
        asked.set()
        never.wait(60)
        return 200

    with serve(answer, [("Content-Type", "application/json")], b'{"errorMsg":"BadRequestException"}') as server:
        profile = command.profile(server.url, limits="concurrency = 1", timeout_s=60)
        with command.started("run", "--profile", profile, "--out", str(command.out)) as process:
            assert asked.wait(40)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=40)
        never.set()
    assert process.returncode == 130
    results = command.results()
    assert command.outcomes()["failed"] == 0
    assert [capture["state"] for capture in results["money"]["captures"]] == ["unknown"]


def test_trips_that_run_out_end_the_run(command):
    (command.folder / "trips.txt").write_text("# two\n5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11\n")
    with MockServer() as server:
        ran = command.run("--profile", command.profile(server.url, trips='file = "trips.txt"'))
    assert ran.returncode == 2, ran.stdout
    assert "trips.txt are used up; add more lines" in ran.stdout
    assert command.results()["exit_status"] == 2
    assert command.outcomes()["passed"] > 0
    assert command.results()["errors"] == []
