"""Never more connections are open than requests may be in flight, and chains keep theirs."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.runs import finished
from conformance.exchange.client import STRAY_WAIT_S
from conformance.exchange.event import Stray
from conformance.options import Options
from conformance.send.connections import SHORT_LOOK_S, Connections
from conformance.session import Run
from tests.support.profiles import profile_text
from tests.support.servers import answering, message

JSON = [("Content-Type", "application/json")]


class FakeClient:
    """A client that only knows whether its connection is open."""

    def __init__(self) -> None:
        self.open = False
        self.late: tuple[str, str] | None = None
        self.looked_s = 0.0

    def close(self, stray_wait_s: float = STRAY_WAIT_S) -> None:
        self.open, self.looked_s = False, stray_wait_s

    def take_late_defect(self) -> tuple[str, str] | None:
        return self.late


def connections_of(limit: int, found=None) -> Connections:
    return Connections(FakeClient, limit, (found if found is not None else []).append)


def use(connections: Connections, client: FakeClient | None = None, **more: bool) -> FakeClient:
    with connections.using(client, **more) as used:
        used.open = True
    return used


def test_shared_clients_are_used_again():
    connections = connections_of(4)
    assert use(connections) is use(connections)
    with connections.using(None) as first, connections.using(None) as second:
        assert first is not second


def test_the_client_that_is_idle_longest_loses_its_connection():
    connections = connections_of(2)
    shared, chain, other = use(connections), use(connections, connections.own()), connections.own()
    use(connections, other)
    assert (shared.open, chain.open, other.open) == (False, True, True)
    assert use(connections) is not shared
    assert (chain.open, other.open) == (False, True)


def test_the_look_for_stray_bytes_is_short_where_the_place_is_needed():
    connections = connections_of(1)
    first = use(connections, connections.own())
    last = use(connections, connections.own())
    connections.close_all()
    assert (first.looked_s, last.looked_s) == (SHORT_LOOK_S, STRAY_WAIT_S)


def test_a_chain_keeps_its_connection_and_others_wait():
    connections, chain, waited = connections_of(1), FakeClient(), threading.Event()
    use(connections, chain, keep=True)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: (use(connections), waited.set()))
        use(connections, chain, keep=True)
        assert not waited.wait(0.05)
        assert chain.open
        connections.release(chain)
        other.result(20)
    assert not chain.open


def test_bytes_that_a_closing_client_finds_are_told_once_for_their_case():
    found: list[Stray] = []
    connections = connections_of(1, found)
    first = use(connections)
    first.late = ("first", "5 stray bytes")
    use(connections, connections.own())
    assert found == [Stray("first", "5 stray bytes")]
    connections.close_all()
    assert len(found) == 1


def test_a_chain_that_stops_in_the_middle_gives_up_its_place():
    connections, chain = connections_of(1), FakeClient()
    use(connections, chain, keep=True)
    connections.release(chain)
    assert use(connections) is not chain
    assert not chain.open


def test_places_are_given_in_the_order_of_asking():
    """A thread that sends one request after the other does not keep others from sending."""
    connections, order = connections_of(1), []

    def send(client: FakeClient | None, name: str) -> None:
        with connections.using(client):
            order.append(name)

    with ThreadPoolExecutor(1) as pool:
        with connections.using(None):
            chain = pool.submit(send, connections.own(), "chain")
            while not connections._queue:
                time.sleep(0.001)
        send(None, "again")
        chain.result(20)
    assert order == ["chain", "again"]


class SlowToClose(FakeClient):
    """A client whose closing takes until `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.begun = threading.Event(), threading.Event()

    def close(self, stray_wait_s: float = STRAY_WAIT_S) -> None:
        self.begun.set()
        assert self.go.wait(20)
        super().close(stray_wait_s)


def test_a_client_that_another_thread_is_closing_is_neither_used_nor_given_back():
    """Else two connections would be open where one is allowed."""
    connections, chain, in_use = connections_of(1), SlowToClose(), threading.Event()
    use(connections, chain)
    with ThreadPoolExecutor(3) as pool:

        def hold() -> None:
            with connections.using(connections.own()):
                in_use.set()
                assert chain.go.wait(20)

        first = pool.submit(hold)
        assert chain.begun.wait(20)
        connections.release(chain)
        others = [pool.submit(use, connections, client) for client in (connections.own(), chain)]
        assert not in_use.wait(0.05)
        assert not any(other.done() for other in others)
        chain.go.set()
        for each in (first, *others):
            each.result(20)


def test_a_server_with_one_connection_is_served(tmp_path):
    """It serves a connection until its end, so that a second one beside it would get no answer."""

    def reply(request) -> bytes:
        if request.method != "POST":
            return message(405, [("Allow", "POST"), *JSON])
        return message(200) if request.body[-1:] == b"}" else message(400, JSON, b'{"errorMsg":"BadRequestException"}')

    with answering(reply, one_connection=True) as server:
        (tmp_path / "profile.toml").write_text(profile_text(server.url, limits="concurrency = 1", timeout_s=10))
        run = Run(Options(profile=tmp_path / "profile.toml", out=tmp_path / "out", depth="smoke"))
        run.make_folder()
        run.execute(run.cases)
    assert run.result().stop == ""
    assert not {"answer.in-time", "answer.connection"} & finished(run).broken
