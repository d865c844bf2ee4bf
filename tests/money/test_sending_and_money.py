"""Reservation and trip of a request that could not be sent or was not answered."""

import socket
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from conformance.cases.model import TRIP, Case, Expectation, PlannedRequest, Probe
from conformance.exchange import client as client_module
from conformance.exchange.client import Client, Endpoint
from conformance.exchange.event import Intent
from conformance.exchange.record import Recorder, read_record
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.profile import load_profile
from conformance.run.engine import Engine
from conformance.run.progress import NullProgress
from conformance.run.tally import Journal, Tally
from conformance.send import Unsent
from conformance.send.money import Ledger
from conformance.send.pace import Pace
from conformance.send.provocation import Provoking
from conformance.send.sender import Sender
from conformance.session import Run
from tests.support.profiles import profile_text
from tests.support.runs import run_directly
from tests.support.servers import Peer, message

BODY = b'{"storeId":"store-001","shoppingTripId":"@TRIP@","amount":{"amount":1.00,"code":"USD"}}'
PROVOKED = """
[provoke.500]
kind = "forced"
headers = {{ "X-Provoke" = "500" }}
before = {{ method = "PUT", url = "{before}" }}
[money.USD]
amount = "1.00"
"""


class SenderWithRun(Sender):
    """A sender with its run and its journal."""

    run: Run
    journal: Journal

    def good(self, client, number=0, provoke=None):
        """Send a good capture."""
        return self.send(client, PlannedRequest("good", number, good(provoke=provoke).probes[0]), unique="u")

    @property
    def captures(self):
        return [(charge.trip, charge.state) for charge in self.journal.tally.captures()]


@pytest.fixture
def make_sender(tmp_path):
    """Make a sender for a profile."""

    def sender(
        url, *, trips, before="http://127.0.0.1:1/", money="", trip_lines=("t-1", "t-2", "t-3")
    ) -> SenderWithRun:
        (tmp_path / "trips.txt").write_text("\n".join(trip_lines))
        text = profile_text(
            url, stores='["store-001"]', currencies='["USD"]', trips=trips, timeout_s=5, limits="concurrency = 2",
            more=PROVOKED.format(before=before) + money,
        )  # fmt: skip
        (tmp_path / "p.toml").write_text(text)
        run = Run(Options(profile=tmp_path / "p.toml", out=tmp_path / "out"))
        run.make_folder()
        recorder = Recorder(run.out / "record.jsonl", {}, run.redactor)
        recorders.append(recorder)
        journal = Journal(recorder, Tally(run.contract, 5.0))
        endpoint = Endpoint(url, timeout_s=5)
        sender = SenderWithRun(
            run.contract.path,
            run.profile,
            lambda: Client(endpoint),
            Pace(None, 2),
            Ledger(run.profile),
            run.trips,
            journal,
        )
        sender.run, sender.journal = run, journal
        journal.plan([good(count=3)])
        return sender

    recorders = []
    yield sender
    for recorder in recorders:
        recorder.close()


def good(provoke=None, count=1) -> Case:
    body = BODY.replace(b"@TRIP@", TRIP.encode())
    headers = (("Content-Type", "application/json"),)
    probe = Probe(Expectation("accept", "capture.accepted"), body=body, headers=headers, provoke=provoke)
    return Case("good", "test", "A good capture", ("capture.accepted",), (probe,) * count)


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch):
    """A close counts as early for a minute, so that a busy machine does not change the result."""
    monkeypatch.setattr(client_module, "EARLY_CLOSE_S", 60.0)


@contextmanager
def dying():
    """A server that answers the first request of each connection and closes at the second; yields URL and requests."""

    def script(peer, sock):
        for answer in (message(200), b""):
            peer.read(sock)
            sock.sendall(answer)

    peer = Peer([script] * 5)
    yield peer.url, peer.received
    peer.close()


def trips_in(read) -> list[str]:
    return [request.split(b'"shoppingTripId":"')[1].split(b'"')[0].decode() for request in read if request]


def test_a_lost_request_stays_reserved_and_the_next_has_its_own_trip(make_sender, tmp_path):
    with dying() as (url, read):
        sender = make_sender(url, trips='file = "trips.txt"')
        client = sender.connections.own()
        sent = [sender.good(client, number) for number in range(2)]
        client.close()
    assert sent[1].status == 200
    assert trips_in(read) == ["t-1", "t-2", "t-3"]
    assert sender.captures == [("t-1", "captured"), ("t-2", "unknown"), ("t-3", "captured")]
    assert sender.ledger.totals() == {"USD": Decimal("3.00")}
    sender.journal.recorder.footer({})
    assert (tmp_path / "out" / "record.jsonl").read_text().count('"kind":"intent"') == 3
    assert read_record(tmp_path / "out" / "record.jsonl").broken == ""


def test_a_request_is_not_sent_again_beyond_the_budget(make_sender):
    with dying() as (url, read):
        sender = make_sender(url, trips='file = "trips.txt"', money='max_total = "2.00"')
        client = sender.connections.own()
        sender.good(client)
        with pytest.raises(Unsent, match="money budget"):
            sender.good(client, 1)
        client.close()
    assert trips_in(read) == ["t-1", "t-2"]
    assert sender.ledger.totals() == {"USD": Decimal("2.00")}


def test_a_reused_trip_is_sent_again_and_given_back(make_sender):
    with dying() as (url, read):
        sender = make_sender(url, trips='reuse = ["t-1"]')
        client = sender.connections.own()
        for number in range(2):
            sender.good(client, number)
        client.close()
    assert trips_in(read) == ["t-1"] * 3
    assert sender.trips.take() == "t-1"


def test_a_request_that_could_not_be_prepared_is_not_counted(make_sender, unused_url):
    with MockServer() as server:
        sender = make_sender(server.url, trips='file = "trips.txt"', before=unused_url)
        with pytest.raises(Unsent, match="`before` call"), sender.switched(500, "u"):
            sender.good(sender.connections.own(), provoke=500)
    assert (sender.ledger.totals(), sender.captures) == ({}, [])
    assert sender.trips.take() == "t-1"


@pytest.fixture
def unused_url():
    """A URL where no server listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}/"


def test_trips_that_run_out_are_a_usage_error_and_no_error_of_a_case(make_sender):
    with MockServer() as server:
        sender = make_sender(server.url, trips='file = "trips.txt"', trip_lines=[str(uuid4()) for _ in range(3)])
        engine = Engine(
            sender.profile.limits, sender, sender.journal, NullProgress(), lambda _body: Expectation("observe")
        )
        engine.run([Case(f"good-{n}", "test", "", ("capture.accepted",), good().probes) for n in range(5)])
    assert engine.errors == []
    assert "trips.txt are used up" in engine.usage
    results = [result for result in sender.journal.tally.results(engine.stop) if result.case.id.startswith("good-")]
    assert [bool(result.sent) for result in results].count(True) <= 3
    assert {result.error for result in results} == {""}


def test_without_a_connection_nothing_is_charged(make_sender, unused_url):
    sender = make_sender(unused_url, trips='file = "trips.txt"')
    assert sender.good(sender.connections.own()).exchange.unsent
    assert sender.captures == []
    assert sender.ledger.totals() == {}
    assert sender.trips.take() == "t-1"


def test_every_request_that_is_not_safe_reserves_what_it_may_charge(tmp_path):
    """Those too that only provoke an answer, without a trip: a server may charge by mistake."""
    ran = run_directly(tmp_path / "run", only=lambda case: case.theme in ("opening", "answers", "method-path"))
    record = read_record(tmp_path / "run" / "record.jsonl")
    reserved = Counter(event.case for event in record.events if isinstance(event, Intent))
    unsafe = Counter(sent.exchange.case for sent in record.sent if sent.probe.method not in ("GET", "HEAD"))
    assert ran.result.errors == ()
    assert reserved == unsafe
    assert unsafe["provoked-503-others"] > 4


@pytest.mark.parametrize("body", [b"{", b"", b"[1]"])
def test_members_of_the_profile_are_added_to_objects_only(tmp_path, body):
    text = profile_text("http://127.0.0.1", more='[provoke.500]\nkind = "forced"\nbody = { storeId = "s-${unique}" }')
    (tmp_path / "p.toml").write_text(text)
    provoking = Provoking(load_profile(tmp_path / "p.toml", environ={}))
    probe = Probe(Expectation("provoked"), body, provoke=500)
    assert provoking.applied(probe, "x") == (body, probe.headers)
    assert provoking.applied(replace(probe, body=b'{"a":1}'), "x") == (b'{"a":1,"storeId":"s-x"}', probe.headers)
