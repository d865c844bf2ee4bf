"""No budget is exceeded at any concurrency, and only one worker holds a trip at a time."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from conformance.contract import load_contract
from conformance.errors import UsageError
from conformance.exchange.event import charge_state
from conformance.exchange.model import Answer, Exchange, Failure, Request
from conformance.profile import Money, Profile, Trips, builtin_profile
from conformance.send.money import Ledger, cost_of
from conformance.send.trips import TripSource

CONTRACT = load_contract()
MOCK = builtin_profile("http://127.0.0.1:1")


def limited(captures=None, total=None) -> Profile:
    money = {"USD": Money(amount="0.10", max_total=total)} | ({"max_captures": captures} if captures else {})
    return MOCK.model_copy(update={"money": money})


def trips_of(*, timeout_s=60.0, **source) -> TripSource:
    data = MOCK.data.model_copy(update={"trips": Trips(**source)})
    return TripSource(MOCK.model_copy(update={"data": data}), CONTRACT, command_timeout_s=timeout_s)


@pytest.mark.parametrize("limit", [{"captures": 30}, {"total": "3.05"}])
def test_threads_spend_exactly_the_budget(limit):
    ledger = Ledger(limited(**limit))

    def spend(number):
        reservation = ledger.reserve("USD", Decimal("0.10"))
        if reservation is None:
            return "none"
        assert ledger.totals()["USD"] <= Decimal("3.05")
        state = ("captured", "released", "unknown", "released", "unknown")[number % 5]
        ledger.settle(reservation, state)
        return state

    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(spend, range(500)))
    assert sum(state in ("captured", "unknown") for state in states) == 30
    assert ledger.totals() == {"USD": Decimal("3.00")}


def test_a_waiting_reservation_is_granted_when_one_is_released():
    ledger = Ledger(limited(captures=1))
    held = ledger.reserve("USD", Decimal(1))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.reserve, "USD", Decimal(1))
        ledger.settle(held, "released")
        assert waiting.result(5) is not None


def test_reservations_are_granted_in_the_order_of_requests():
    """Small reservations that would fit wait behind a big one, so that the use of the budget is deterministic."""
    ledger = Ledger(limited(total="10"))
    held = ledger.reserve("USD", Decimal(9))
    granted: list[str] = []
    reservations = []

    def reserve(name, amount):
        reservation = ledger.reserve("USD", Decimal(amount))
        reservations.extend([reservation] if reservation else [])
        granted.append(name if reservation else f"{name}: none")

    with ThreadPoolExecutor(3) as pool:
        for waiting, (name, amount) in enumerate((("big", 8), ("small", 1), ("beyond", 2)), 1):
            pool.submit(reserve, name, amount)
            while len(ledger._queue) < waiting:
                time.sleep(0.001)
        assert granted == []
        ledger.settle(held, "released")
        while len(granted) < 2:
            time.sleep(0.001)
        for reservation in reservations:
            ledger.settle(reservation, "captured")
    assert granted == ["big", "small", "beyond: none"]
    assert ledger.totals() == {"USD": Decimal(9)}


def test_a_released_reservation_is_available_again():
    ledger = Ledger(limited(captures=1))
    reservation = ledger.reserve("USD", Decimal(1))
    ledger.settle(reservation, "released")
    ledger.settle(reservation, "captured")
    assert ledger.totals() == {}
    assert ledger.reserve("USD", Decimal(1)) is not None


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "captured"), (201, "unknown"), (302, "unknown"), (400, "released"), (429, "released"), (500, "unknown"),
     (503, "released"), (None, "unknown")],
)  # fmt: skip
def test_the_answer_decides_the_state_of_a_charge(status, state):
    answer = Answer(status, (), b"") if status else None
    failure = None if status else Failure("timeout", "none came")
    exchange = Exchange("case", 0, Request("POST", "/", (), b""), answer, failure, sent_at=1.0)
    assert charge_state(exchange) == state


def test_a_request_that_was_not_sent_charged_nothing():
    exchange = Exchange("case", 0, Request("POST", "/", (), b""), failure=Failure("refused", "no server listens"))
    assert charge_state(exchange) == "released"


def test_cost_of_a_body():
    assert cost_of(b'{"amount":{"amount":1.50,"code":"EUR"}}', MOCK) == ("EUR", Decimal("1.50"), True)
    for body in (b"", b"[", b'{"amount":{"amount":-1,"code":"USD"}}', b'{"amount":{"amount":NaN,"code":"USD"}}',
                 b'{"amount":{"amount":1,"code":"XXX"}}', b'{"amount":{"amount":1e99999,"code":"USD"}}',
                 b'{"amount":{"amount":1e-400,"code":"USD"}}', b'{"amount":{"amount":true,"code":"USD"}}', b"[" * 100000):  # fmt: skip
        assert cost_of(body, MOCK) == ("USD", Decimal("10.00"), False)


def test_trips_of_a_file_are_used_once_unless_refused(tmp_path):
    file = tmp_path / "t"
    file.write_text("a\nb\n")
    source = trips_of(file=str(file))
    first = source.take()
    source.give_back(first, 400)
    assert (first, source.take(), source.take()) == ("a", "a", "b")
    with pytest.raises(UsageError, match="are used up"):
        source.take()


def test_a_command_prints_a_trip_or_is_refused():
    assert trips_of(command=["echo", "t1"]).take() == "t1"
    for command in (["false"], ["/no/such"], ["echo"]):
        with pytest.raises(UsageError, match=r"trips\.command"):
            trips_of(command=command).take()
    with pytest.raises(UsageError, match="took more"):
        trips_of(command=["sleep", "5"], timeout_s=0.05).take()


def test_a_command_that_fails_is_shown_with_its_own_message():
    with pytest.raises(UsageError) as caught:
        trips_of(command=["sh", "-c", "echo no such desk >&2; exit 7"]).take()
    assert str(caught.value).endswith("sh ended with status 7; it must end with status 0. Its message: no such desk")


def test_a_command_that_prints_no_trip_is_refused():
    with pytest.raises(UsageError, match=r"printed 'a/b'; a trip has 1 to 255 letters"):
        trips_of(command=["echo", "a/b"]).take()


def test_an_unused_trip_is_taken_next():
    source = trips_of(reuse=["a", "b"])
    source.put_back(source.take())
    assert source.take() == "a"
    assert source.hold("b") == "b"


def test_a_reused_trip_has_one_holder():
    source = trips_of(reuse=["a"])
    held = source.take()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(source.take)
        assert not waiting.done()
        source.give_back(held, 200)
        assert waiting.result(5) == "a"


def used_trips(tmp_path) -> str:
    return (tmp_path / "t.used").read_text()


def test_a_trip_of_a_file_is_used_once_across_runs(tmp_path):
    file = tmp_path / "t"
    file.write_text("a\nb\nc\nd\n")
    first = trips_of(file=str(file))
    assert (first.left, first.take(), first.take(), first.left) == (4, "a", "b", 2)
    first.give_back("b", 400)
    assert used_trips(tmp_path) == "a\nb\n"  # as a killed run leaves it
    beside = trips_of(file=str(file))
    assert (beside.left, beside.take()) == (2, "c")
    first.close()
    assert used_trips(tmp_path) == "a\nb\nc\nb unused\n"
    assert (trips_of(file=str(file)).left, first.take(), beside.take()) == (2, "d", "b")
    with pytest.raises(UsageError, match=r"are used up; add more lines, or remove .*t\.used"):
        beside.take()


def test_runs_at_the_same_time_share_no_trip(tmp_path):
    file = tmp_path / "t"
    file.write_text("".join(f"{number}\n" for number in range(80)))
    sources = [trips_of(file=str(file)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda source: [source.take() for _ in range(10)], sources))
    assert len({trip for trips in taken for trip in trips}) == 80


def test_notes_that_cannot_be_written_end_the_run(tmp_path):
    (tmp_path / "t").write_text("a\n")
    (tmp_path / "t.used").mkdir()
    source = trips_of(file=str(tmp_path / "t"))
    for needs_notes in (source.take, lambda: source.left):
        with pytest.raises(UsageError, match=r"data\.trips\.file: .*t\.used cannot be"):
            needs_notes()
