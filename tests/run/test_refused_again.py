"""A case that stays refused is tried once more at the end of the run, alone, and judged by that answer."""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

import pytest

from conformance.exchange.event import Again, Sent
from conformance.exchange.record import read_record
from conformance.run.engine import REFUSED_IN_A_ROW
from tests.fair.layers import Layer, Refusing
from tests.support.runs import Ran, run_directly

NULL_STORE = re.compile(rb'"storeId": ?null').search
BAD_STORE = re.compile(b"INVALID@STORE#ID").search
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FEW = ("store-id-null", "store-id-missing", "code-digits")


def run_of(folder: Path, front: Layer, *faults: str, only=FEW) -> Ran:
    chosen = lambda case: case.theme in ("opening", "acceptance") or case.id in only or case.theme in only  # noqa: E731
    return run_directly(folder / "run", *faults, only=chosen, front=front)


def order_of(folder: Path) -> list[str]:
    """The cases of the exchanges, and "again" with a case where it is tried again."""
    events = [event for event in read_record(folder / "run/record.jsonl").events if isinstance(event, Sent | Again)]
    return [f"again {event.case}" if isinstance(event, Again) else event.exchange.case for event in events]


def not_judged(ran: Ran) -> dict[str, str]:
    return {row.result.case.id: row.reason for row in ran.summary.cases if row.outcome in ("not-judged", "error")}


@pytest.mark.parametrize("status", [429, 503])
def test_it_is_judged_by_the_answer_at_the_end(tmp_path, status):
    ran = run_of(tmp_path, Refusing(NULL_STORE, 3, status))
    assert (ran.broken, ran.result.stop, not_judged(ran)) == (frozenset(), "", {})
    assert order_of(tmp_path)[-2:] == ["again store-id-null", "store-id-null"]
    assert ran.judged_otherwise() == []


def test_what_it_violates_is_found_and_confirmed(tmp_path):
    ran = run_of(tmp_path, Refusing(NULL_STORE, 3), "store-null")
    assert ran.broken == {"store-id.not-null"}
    assert order_of(tmp_path)[-3:] == ["again store-id-null", "store-id-null", "store-id-null"]
    assert {row.unstable for row in ran.summary.requirements if row.outcome == "failed"} == {""}
    assert ran.judged_otherwise() == []


def test_what_stays_refused_to_the_end_is_not_judged(tmp_path):
    ran = run_of(tmp_path, Refusing(NULL_STORE))
    assert (ran.broken, ran.result.stop) == (frozenset(), "")
    assert not_judged(ran) == {"store-id-null": "The server kept answering 429"}
    assert order_of(tmp_path)[-4:] == ["again store-id-null", *["store-id-null"] * 3]
    assert ran.judged_otherwise() == []


def test_a_chain_begins_again(tmp_path):
    only = "independence-after-bad-store"
    ran = run_of(tmp_path, Refusing(BAD_STORE, 3), only=(only,))
    assert (ran.broken, ran.result.stop, not_judged(ran)) == (frozenset(), "", {})
    assert order_of(tmp_path)[-7:] == [*[only] * 4, f"again {only}", only, only]
    assert ran.judged_otherwise() == []


def test_the_tries_end_before_their_refusals_end_the_run(tmp_path):
    """Where many cases stay refused, the run still confirms what it found."""

    def each_fifth(body: bytes) -> bool:
        return not NULL_STORE(body) and crc32(UUID.sub(b"", body)) % 5 == 0

    ran = run_of(tmp_path, Refusing(each_fifth), "store-null", only=("store-id", "code", "trip-id"))
    assert (ran.broken, ran.result.stop) == ({"store-id.not-null"}, "")
    order = order_of(tmp_path)
    assert len(not_judged(ran)) > len([each for each in order if each.startswith("again ")]) == REFUSED_IN_A_ROW - 1
    assert {row.unstable for row in ran.summary.requirements if row.outcome == "failed"} == {""}
