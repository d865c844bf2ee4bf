"""When requests may be sent: alone, paused, slower. Threads wait for events; times are simulated."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.mock.exchange import error
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.send.pace import LEAST_RATE, Halted, Pace
from conformance.session import Run
from tests.fair.layers import Layer, put_before
from tests.support.direct import SimulatedClock
from tests.support.profiles import profile_text
from tests.support.runs import finished

PATIENCE_S = 30.0


class Passenger:
    """A thread in a passage, until `leave` is set."""

    def __init__(self, pool, pace, **how):
        self.inside, self.leave, self.pace, self.how = threading.Event(), threading.Event(), pace, how
        self.future = pool.submit(self._pass)

    def _pass(self):
        with self.pace.passage(**self.how):
            self.inside.set()
            assert self.leave.wait(PATIENCE_S)

    def go(self):
        self.leave.set()
        self.future.result(PATIENCE_S)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def waiting_alone(pace, count=1):
    """Wait until so many requests that must be alone are in the queue."""
    while len(pace._alone) < count:
        threading.Event().wait(0.001)


def test_a_request_alone_waits_for_those_in_flight_and_holds_up_later_ones(pool):
    pace = Pace(None, 4)
    first = Passenger(pool, pace)
    assert first.inside.wait(PATIENCE_S)
    alone = Passenger(pool, pace, alone=True)
    waiting_alone(pace)
    later = Passenger(pool, pace)
    assert not alone.inside.is_set()
    first.go()
    assert alone.inside.wait(PATIENCE_S)
    assert not later.inside.wait(0.05)
    alone.go()
    assert later.inside.wait(PATIENCE_S)
    later.go()


def test_an_exempt_request_waits_only_for_one_that_is_alone_in_flight(pool):
    pace = Pace(None, 4)
    first = Passenger(pool, pace)
    assert first.inside.wait(PATIENCE_S)
    alone = Passenger(pool, pace, alone=True)
    waiting_alone(pace)
    exempt = Passenger(pool, pace, exempt=True)
    assert exempt.inside.wait(PATIENCE_S)
    first.go()
    assert not alone.inside.wait(0.05)
    exempt.go()
    assert alone.inside.wait(PATIENCE_S)
    exempt = Passenger(pool, pace, exempt=True)
    assert not exempt.inside.wait(0.05)
    alone.go()
    assert exempt.inside.wait(PATIENCE_S)
    exempt.go()


def test_the_next_request_alone_is_before_others_that_wait_to_be_alone(pool):
    pace = Pace(None, 4)
    first = Passenger(pool, pace)
    assert first.inside.wait(PATIENCE_S)
    waits = Passenger(pool, pace, alone=True)
    waiting_alone(pace)
    following = Passenger(pool, pace, alone=True, next_alone=True)
    waiting_alone(pace, 2)
    first.go()
    assert following.inside.wait(PATIENCE_S)
    assert not waits.inside.wait(0.05)
    following.go()
    assert waits.inside.wait(PATIENCE_S)
    waits.go()


def test_at_most_so_many_are_in_flight(pool):
    pace = Pace(None, 2)
    inside = [Passenger(pool, pace) for _ in range(2)]
    assert all(each.inside.wait(PATIENCE_S) for each in inside)
    third = Passenger(pool, pace)
    assert not third.inside.wait(0.05)
    inside[0].go()
    assert third.inside.wait(PATIENCE_S)
    third.go()
    inside[1].go()


def test_a_place_that_a_paused_request_cannot_use_goes_to_an_exempt_one(pool):
    pace = Pace(None, 1, SimulatedClock())
    first = Passenger(pool, pace)
    assert first.inside.wait(PATIENCE_S)
    paused = Passenger(pool, pace)
    while len(pace._changed._waiters) < 1:
        threading.Event().wait(0.001)
    exempt = Passenger(pool, pace, exempt=True)
    while len(pace._changed._waiters) < 2:
        threading.Event().wait(0.001)
    pace.clock.wait = lambda event, _seconds: event.wait(PATIENCE_S)  # the pause outlasts the test
    pace.pause_until(pace.clock.now() + 60)
    first.go()
    served = exempt.inside.wait(PATIENCE_S)
    exempt.leave.set()
    pace.halt("enough")
    assert isinstance(paused.future.exception(PATIENCE_S), Halted)
    assert served


def test_a_halt_wakes_all_who_wait(pool):
    pace = Pace(None, 1)
    first = Passenger(pool, pace)
    assert first.inside.wait(PATIENCE_S)
    others = [Passenger(pool, pace, alone=alone) for alone in (True, False)]
    pace.halt("enough")
    for other in others:
        with pytest.raises(Halted):
            other.future.result(PATIENCE_S)
    first.go()


def send(pace, count):
    """Send so many requests; gives the seconds that they took."""
    began = pace.clock.now()
    for _ in range(count):
        with pace.passage():
            pace.clock.wait(threading.Event(), 0.001)
    return pace.clock.now() - began


def refuse(pace):
    pace.pause_until(pace.clock.now() + 1, limited=True)


def test_a_rate_is_lowered_by_refusals_and_raised_again():
    pace = Pace(None, 1, SimulatedClock())
    assert send(pace, 100) < 1
    for _ in range(2):
        refuse(pace)
        assert send(pace, 100) < 2
    refuse(pace)
    slow = send(pace, 100)
    assert slow > 2
    for _ in range(30):
        fast = send(pace, 100)
    assert fast < 0.3


def test_a_refusal_of_the_same_moment_counts_once():
    pace = Pace(None, 1, SimulatedClock())
    send(pace, 100)
    for _ in range(10):
        refuse(pace)
    assert send(pace, 100) < 2


def test_a_limit_that_does_not_depend_on_the_rate_does_not_slow_the_run_down_for_ever():
    pace = Pace(None, 1, SimulatedClock())
    for _ in range(3):
        send(pace, 8)
        refuse(pace)
    assert send(pace, 3) > 1 + 2 / LEAST_RATE
    for _ in range(5):
        refuse(pace)
        send(pace, 3)
    assert send(pace, 100) < 1


class EverySecondBusy(Layer):
    """Answers every second request with 503 and a short time to wait."""

    seen = 0

    def reply(self, inquiry, behind):
        self.seen += 1
        return error(503, "busy", retryAfter="0.01") if self.seen % 2 else behind(inquiry)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_repetitions_trips_and_connections_do_not_wait_for_each_other(tmp_path, concurrency):
    trips = 'reuse = ["5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a11", "5f0c0c9e-7b1e-4a53-9a55-0d5b1d1f2a12"]'
    with MockServer() as server:
        put_before(server.mock, EverySecondBusy())
        limits = f"concurrency = {concurrency}"
        (tmp_path / "p.toml").write_text(profile_text(server.url, timeout_s=10, trips=trips, limits=limits))
        run = Run(Options(tmp_path / "p.toml", out=tmp_path / "run"))
        run.make_folder()
        run.execute([case for case in run.cases if case.theme in ("acceptance", "store-id", "independence")])
    ran = finished(run)
    assert (ran.broken, ran.result.errors, ran.result.stop) == (frozenset(), (), "")


def test_a_request_that_waited_for_money_is_not_sent_within_a_window_announced_meanwhile():
    clock = SimulatedClock()
    pace = Pace(None, 2, clock)
    with pace.passage():
        pace.pause_until(clock.now() + 7)
        before = clock.now()
        pace.wait_out_pause()
        assert clock.now() == before + 7
