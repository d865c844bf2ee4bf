"""The server's book of charges against what a run says it charged, with random profiles, budgets and faults.

`BOOKS=200` (tox -e money) makes that many runs; the ordinary tests make a few. They call the mock directly, on one
thread or on eight.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from conformance.mock.exchange import PATH, Inquiry, Reply, error
from conformance.mock.server import Mock
from conformance.options import Options
from conformance.session import Machinery, Run
from tests.fair.layers import EveryNth, put_before
from tests.support.direct import DirectClient, SimulatedClock, on_mock
from tests.support.profiles import profile_text
from tests.support.runs import finished

RUNS = int(os.environ.get("BOOKS", "6"))


class Entry(NamedTuple):
    """One charge in the book: its amount and currency where the body has them."""

    amount: Decimal
    currency: str


class Bank(Mock):
    """A mock that keeps a book. `fault` turns the answer to a charge into another one."""

    def __init__(self, fault: str, random: Random, clock: SimulatedClock) -> None:
        super().__init__((), hang_s=30.0, clock=clock.now)
        self.fault, self.random, self.book, self.lock = fault, random, list[Entry](), threading.Lock()

    def reply(self, inquiry: Inquiry) -> Reply:
        with self.lock:
            answer = super().reply(inquiry)
            charging = inquiry.method not in ("GET", "HEAD") and inquiry.path == PATH
            if charging and self.fault == "accepts-everything":
                answer = Reply(200)
            if answer.status == 200 and charging:
                capture = inquiry.capture
                self.book.append(Entry(Decimal(capture.value.text), capture.code) if capture else Entry(Decimal(0), ""))
                answer = self._changed(answer)
            elif charging and self.fault == "fails-without-charging" and self.random.random() < 0.3:
                return error(500, "ServiceException")
            return answer

    def _changed(self, answer: Reply) -> Reply:
        """The answer to a charge; the charge stays in the book."""
        change: Callable[[], Reply] = {
            "charges-then-500": lambda: error(500, "ServiceException"),
            "charges-then-hangs": lambda: Reply(200, delay=99.0),
            "charges-then-201": lambda: Reply(201),
            "charges-then-302": lambda: Reply(302, [("location", "/")]),
        }.get(self.fault, lambda: answer)
        return change() if self.random.random() < 0.7 else answer


FAULTS = (
    "none", "accepts-everything", "charges-then-500", "charges-then-hangs", "charges-then-201", "charges-then-302",
    "fails-without-charging", "limited",
)  # fmt: skip


def money(random: Random, currencies: list[str]) -> str:
    """A random budget; some are too small for the first capture."""
    lines = ["[money]", f"max_captures = {random.choice([1, 3, 10, 40, 150, 400])}"]
    for code in currencies:
        unit = Decimal(1).scaleb(-{"JPY": 0, "KWD": 3}.get(code, 2))
        amount = unit * random.choice([1, 1, 50, 199])
        lines += [f"[money.{code}]", f'amount = "{amount}"', f'max_amount = "{amount * random.choice([1, 3, 100])}"']
        lines += [f'max_total = "{amount * random.randrange(1, 300)}"'] if random.random() < 0.7 else []
    return "\n".join(lines)


def machinery(mock: Bank, clock: SimulatedClock, concurrency: int) -> Machinery:
    if concurrency == 1:
        return on_mock(mock, clock)
    return Machinery(lambda endpoint: DirectClient(endpoint, mock, clock), clock, ThreadPoolExecutor)


def run(folder: Path, seed: int) -> tuple[str, Bank, Run]:
    random = Random(seed)
    fault, concurrency = FAULTS[seed % len(FAULTS)], (1, 8)[seed // len(FAULTS) % 2]
    clock = SimulatedClock()
    bank = Bank(fault, random, clock)
    if fault == "limited":
        put_before(bank, EveryNth(random.choice([2, 3, 7])))
    currencies = random.sample(["USD", "EUR", "JPY", "KWD"], random.randrange(1, 5))
    trips = random.choice(['generate = "uuid4"', 'file = "trips.txt"', 'reuse = ["a-1", "b-2"]'])
    (folder / "trips.txt").write_text("".join(f"trip-{number}\n" for number in range(3000)))
    text = profile_text(
        "http://127.0.0.1", target='environment = "staging"', currencies=str(currencies).replace("'", '"'), trips=trips,
        limits=f"concurrency = {concurrency}\nmax_wait_s = 5\nrequests_per_second = 5000",
        more=money(random, currencies),
    )  # fmt: skip
    (folder / "profile.toml").write_text(text)
    planned = Run(
        Options(
            profile=folder / "profile.toml", out=folder / "out", depth=random.choice(["smoke", "smoke", "standard"])
        )
    )
    planned.make_folder()
    planned.execute(
        [case for case in planned.cases if not case.strategy], machinery=machinery(bank, clock, concurrency)
    )
    return fault, bank, planned


@pytest.mark.parametrize("seed", range(RUNS))
def test_the_books_agree(tmp_path, seed):
    fault, bank, done = run(tmp_path, seed)
    result = finished(done).result
    captured = sum(capture.state == "captured" for capture in result.captures)
    unknown = len(result.captures) - captured
    assert result.errors == ()
    if fault == "fails-without-charging":
        assert captured <= len(bank.book) <= captured + unknown
    else:
        assert len(bank.book) == captured + unknown, (fault, len(bank.book), captured, unknown)
    assert unknown == 0 or fault not in ("none", "limited", "accepts-everything")
    assert captured + unknown <= done.profile.max_captures
    for code in done.profile.data.currencies:
        charged = sum(entry.amount for entry in bank.book if entry.currency == code)
        most = done.profile.max_total_of(code)
        assert most is None or charged <= most, (fault, code, charged, most)
