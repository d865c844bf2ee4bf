"""What becomes of reservation and trip where a sending goes wrong."""

import socket
import threading
from contextlib import contextmanager
from decimal import Decimal
from uuid import uuid4

import pytest

from conformance.cases.model import TRIP, Case, Expectation, Probe
from conformance.exchange.client import Endpoint
from conformance.exchange.record import Recorder, read_record
from conformance.mock.server import MockServer
from conformance.run.engine import Engine
from conformance.run.gate import Gate
from conformance.run.prepare import Options, Run
from conformance.run.progress import Unwatched
from conformance.run.sender import Sender, Unsent

BODY = b'{"storeId":"store-001","shoppingTripId":"@TRIP@","amount":{"amount":1.00,"code":"USD"}}'
PROFILE = """
[target]
url = "{url}"
[data]
stores = ["store-001"]
currencies = ["USD"]
[data.trips]
{trips}
[provoke.500]
kind = "forced"
headers = {{ "X-Provoke" = "500" }}
before = {{ method = "PUT", url = "{before}" }}
[limits]
timeout_s = 5
concurrency = 2
[money.USD]
amount = "1.00"
{money}
"""


@pytest.fixture
def made(tmp_path):
    """A sender for a profile, and what it keeps."""

    def sender(url, *, trips, before="http://127.0.0.1:1/", money="", known=("t-1", "t-2", "t-3")) -> Sender:
        (tmp_path / "trips.txt").write_text("\n".join(known))
        (tmp_path / "p.toml").write_text(PROFILE.format(url=url, trips=trips, before=before, money=money))
        run = Run(Options(profile=tmp_path / "p.toml", out=tmp_path / "out"))
        run.make_folder()
        recorder = Recorder(run.out / "record.jsonl", {"format": 1}, run.redactor)
        gate = Gate(None, 2)
        endpoint = Endpoint(url, timeout_s=5)
        recorders.append(recorder)
        return Sender(run.contract, run.profile, endpoint, gate, run.ledger, run.trips, recorder)

    recorders = []
    yield sender
    for recorder in recorders:
        recorder.close()


def good(trip="fresh", provoke=None) -> Case:
    body = BODY.replace(b"@TRIP@", TRIP.encode())
    headers = (("Content-Type", "application/json"),)
    probe = Probe(Expectation("accept", "capture.accepted"), body=body, headers=headers, trip=trip, provoke=provoke)
    return Case("good", "test", "A good capture", ("capture.accepted",), (probe,))


@contextmanager
def dying():
    """A server that answers one request of a connection with 200 and dies of the next; tells what it read."""
    read = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""):
                        data = b""
                        while b"}}" not in data and (more := connection.recv(65536)):
                            data += more
                        read.append(data.partition(b"\r\n\r\n")[2])
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", read
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def trips_in(read) -> list[str]:
    return [body.split(b'"shoppingTripId":"')[1].split(b'"')[0].decode() for body in read if body]


def test_a_sending_that_the_connection_swallowed_stays_counted_and_the_next_has_its_own(made, tmp_path):
    with dying() as (url, read):
        sender = made(url, trips='file = "trips.txt"')
        client = sender.client()
        for _ in range(2):
            sent = sender.send(client, good(), 0, unique="u")
        client.close()
    assert sent.exchange.answer.status == 200
    assert trips_in(read) == ["t-1", "t-2", "t-3"]
    assert [(one.trip, one.state) for one in sender.captures] == [
        ("t-1", "captured"),
        ("t-2", "unknown"),
        ("t-3", "captured"),
    ]
    assert sender.ledger.totals() == {"USD": Decimal("3.00")}
    sender.recorder.footer({})
    assert (tmp_path / "out" / "record.jsonl").read_text().count('"intent"') == 3
    assert read_record(tmp_path / "out" / "record.jsonl").broken == ""


def test_a_second_sending_beyond_the_budget_is_not_made(made):
    with dying() as (url, read):
        sender = made(url, trips='file = "trips.txt"', money='max_total = "2.00"')
        client = sender.client()
        sender.send(client, good(), 0, unique="u")
        with pytest.raises(Unsent, match="money budget"):
            sender.send(client, good(), 0, unique="u")
        client.close()
    assert trips_in(read) == ["t-1", "t-2"]
    assert sender.ledger.totals() == {"USD": Decimal("2.00")}


def test_a_reused_trip_is_used_again_and_handed_back(made):
    with dying() as (url, read):
        sender = made(url, trips='reuse = ["t-1"]')
        client = sender.client()
        for _ in range(2):
            sender.send(client, good(), 0, unique="u")
        client.close()
    assert trips_in(read) == ["t-1"] * 3
    assert sender.trips.take() == "t-1"


def test_nothing_is_counted_for_a_request_that_could_not_be_prepared(made, silent):
    with MockServer() as server:
        sender = made(server.url, trips='file = "trips.txt"', before=silent)
        client = sender.client()
        with pytest.raises(Unsent, match="`before` call"):
            sender.send(client, good(provoke=500), 0, unique="u")
        client.close()
    assert (sender.ledger.totals(), sender.captures, sender.ledger.held()) == ({}, [], ())
    assert sender.trips.take() == "t-1"


@pytest.fixture
def silent():
    """A URL where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


def test_trips_that_run_out_are_a_mistake_of_the_profile_and_no_error_of_a_case(made):
    with MockServer() as server:
        sender = made(server.url, trips='file = "trips.txt"', known=[str(uuid4()) for _ in range(3)])
        engine = Engine(sender.contract, sender.profile, sender, Unwatched(), lambda _body: Expectation("observe"))
        cases = [Case(f"good-{n}", "test", "", ("capture.accepted",), good().probes) for n in range(5)]
        engine.run(cases)
    assert engine.errors == []
    assert "trips.txt has no trip left" in engine.usage
    assert [bool(engine.results[case.id].sent) for case in cases].count(True) <= 3
    assert {result.error for result in engine.results.values()} == {""}


def test_where_nobody_listens_nothing_was_charged(made, silent):
    sender = made(silent, trips='file = "trips.txt"')
    assert sender.send(sender.client(), good(), 0, unique="").charged == "no"
    assert sender.captures == []
    assert sender.ledger.totals() == {}
    assert sender.trips.take() == "t-1"
