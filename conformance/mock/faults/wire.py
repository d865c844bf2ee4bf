"""Faults below HTTP's semantics: framing, dropped connections, closing without a word."""

from __future__ import annotations

from conformance.mock.exchange import Inquiry
from conformance.mock.faults.model import Fault, Hook
from conformance.mock.faults.request import members


def _marked(mode: str, *statuses: int) -> Hook:
    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.reply.status in statuses:
            inquiry.reply.wire = mode

    return answer


def _without_amount(mode: str) -> Hook:
    """Mark the answer to a body without amount only, so that one case shows it."""

    def answer(inquiry: Inquiry) -> None:
        document = members(inquiry)
        if inquiry.reply and "storeId" in document and "amount" not in document:
            inquiry.reply.wire = mode

    return answer


_FRAMING = frozenset({"answer.framing"})

FAULTS: list[Fault] = [
    *[
        Fault(f"wire-{mode}", sentence, _FRAMING, answer=_marked(mode, *statuses))
        for mode, sentence, statuses in (
            ("truncated", "A 200 ends before as many bytes as its Content-Length says.", (200,)),
            ("half-body", "A 400 ends in the middle of its body.", (400,)),
            ("stray-bytes", "Bytes follow a 200 that are no part of it.", (200,)),
            ("stray-newline", "A line end follows a 400 that is no part of it.", (400,)),
            ("length-too-short", "The Content-Length of a 400 is too small.", (400,)),
            ("two-lengths", "A 400 has two Content-Length fields that differ.", (400,)),
            ("length-not-a-number", "The Content-Length of a 400 is no number.", (400,)),
            ("length-negative", "The Content-Length of a 400 is negative.", (400,)),
            ("chunk-size-wrong", "A 400 in chunks has a chunk size that is no number.", (400,)),
            ("chunks-cut-off", "A 400 in chunks lacks the last chunk.", (400,)),
            ("answer-twice", "A 400 is sent twice.", (400,)),
        )
    ],
    Fault("wire-dropped", "The connection is closed in place of an answer to a body without amount.",
          frozenset({"answer.connection"}), answer=_without_amount("dropped")),
    Fault("wire-reset", "The connection is reset in place of an answer to a body without amount.",
          frozenset({"answer.connection"}), answer=_without_amount("reset")),
    Fault("wire-closed-unannounced", "The connection is closed after each answer, without a word.",
          frozenset({"answer.close-announced"}), one_exchange=False, answer=_marked("closed-unannounced", 200, 400)),
]  # fmt: skip

BENIGN: list[Fault] = [
    Fault("wire-no-reason", "Status lines have no reason phrase.", benign=True,
          answer=_marked("no-reason", 200, 400, 429, 500, 503)),
    Fault("wire-other-reason", "Status lines have a reason phrase of their own.", benign=True,
          answer=_marked("other-reason", 200, 400, 429, 500, 503)),
    Fault("wire-capital-names", "Header names are written with capitals.", benign=True,
          answer=_marked("capital-names", 200, 400, 429, 500, 503)),
    Fault("wire-upper-names", "Header names are written in capitals throughout.", benign=True,
          answer=_marked("upper-names", 200, 400, 429, 500, 503)),
    Fault("wire-until-close", "A 400 ends with the connection, announced.", benign=True,
          answer=_marked("until-close", 400)),
]  # fmt: skip
