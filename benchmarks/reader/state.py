"""Faults that remember earlier requests, or that depend on others at the same time."""

from __future__ import annotations

import json

import benchmarks.reader.rewrites  # noqa: F401 - the changes of bytes that are named here
from conformance.mock.exchange import Inquiry, raw_error
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.reading import LONG_TRIP, Refused, is_trip


def _trip(inquiry: Inquiry) -> str:
    """The known trip of a request, read from its bytes; empty where it has none of its own."""
    try:
        document = json.loads(inquiry.body)
    except (ValueError, RecursionError):
        return ""
    trip = document.get("shoppingTripId") if isinstance(document, dict) else None
    return trip if isinstance(trip, str) and is_trip(trip) and trip != LONG_TRIP else ""


def _burn_after(*statuses: int) -> Hook:
    """Remember the trips of requests that got one of these statuses."""

    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.reply.status in statuses and (trip := _trip(inquiry)):
            inquiry.memory[f"burned {trip}"] = 1

    return answer


def _refuse_burned(inquiry: Inquiry) -> None:
    if inquiry.capture and inquiry.memory.get(f"burned {inquiry.capture.trip}"):
        raise Refused


def _remember_refusal(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400:
        inquiry.memory[f"refused {inquiry.connection}"] = int(inquiry.now * 1000)


def _refuse_by_neighbour(inquiry: Inquiry) -> None:
    since = int(inquiry.now * 1000) - 5
    own = f"refused {inquiry.connection}"
    if any(key.startswith("refused ") and key != own and at >= since for key, at in inquiry.memory.items()):
        raise Refused


def _close_after_20(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.count(f"answers on {inquiry.connection}") % 20 == 0:
        inquiry.reply.wire = "closed-unannounced"


def _tarpit(inquiry: Inquiry) -> None:
    if inquiry.reply and inquiry.reply.status == 400 and inquiry.count(f"refusals on {inquiry.connection}") > 10:
        inquiry.reply.delay = inquiry.hang_s


def _shed_load(inquiry: Inquiry) -> None:
    if inquiry.count("requests") % 40 == 0:
        inquiry.reply = raw_error(503, b"upstream connect error or disconnect/reset before headers", "text/plain")


FAULTS: list[Fault] = [
    Fault(
        "trip-burned-by-refusal",
        "The trip of a refused request counts as captured: the corrected request is refused.",
        violates("answer.independent"),
        one_exchange=False,
        accept=_refuse_burned,
        answer=_burn_after(400),
    ),
    Fault(
        "trip-burned-by-limit",
        "The trip of a request answered 429 counts as captured: the same capture is refused after the window.",
        violates("answer.independent", "capture.accepted"),
        one_exchange=False,
        accept=_refuse_burned,
        answer=_burn_after(429),
    ),
    Fault(
        "refusal-shared-by-threads",
        "A good request within 5 ms after a bad one on another connection gets its 400.",
        violates("answer.independent"),
        one_exchange=False,
        accept=_refuse_by_neighbour,
        answer=_remember_refusal,
    ),
    Fault(
        "closed-after-20-answers",
        "Every connection is closed after 20 answers, unannounced.",
        violates("answer.close-announced"),
        one_exchange=False,
        answer=_close_after_20,
    ),
    Fault(
        "tarpit-after-10-refusals",
        "After ten refusals on a connection, each further one takes a long time.",
        violates("answer.in-time"),
        one_exchange=False,
        answer=_tarpit,
    ),
    Fault(
        "overload-plain-503",
        "Every fortieth request is shed by the proxy with a 503 of plain text.",
        violates("unavailable.json", "unavailable.media-type", "unavailable.retry-after", "unavailable.error-msg"),
        one_exchange=False,
        receive=_shed_load,
    ),
]
