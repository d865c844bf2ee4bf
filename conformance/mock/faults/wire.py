"""Faults below HTTP's semantics: framing, dropped connections, closing without an announcement."""

from __future__ import annotations

from conformance.mock.exchange import Inquiry
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.faults.request import members


def _marked(mode: str, *statuses: int) -> Hook:
    def answer(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.reply.status in statuses:
            inquiry.reply.wire = mode

    return answer


def _without_amount(mode: str) -> Hook:
    """Mark only the answer to a body without amount, so that one case shows the fault."""

    def answer(inquiry: Inquiry) -> None:
        document = members(inquiry)
        if inquiry.reply and "storeId" in document and "amount" not in document:
            inquiry.reply.wire = mode

    return answer


def _other_methods(mode: str) -> Hook:
    def other(inquiry: Inquiry) -> None:
        if inquiry.reply and inquiry.method not in ("POST", "HEAD"):
            inquiry.reply.wire = mode

    return other


_FRAMING = violates("answer.framing")

FAULTS: list[Fault] = [
    *[
        Fault(f"wire-{mode}", sentence, _FRAMING, answer=_marked(mode, *statuses))
        for mode, sentence, statuses in (
            ("truncated", "A 200 has fewer bytes than its Content-Length.", (200,)),
            ("half-body", "A 400 ends in the middle of its body.", (400,)),
            ("stray-bytes", "Extra bytes follow a 200.", (200,)),
            ("stray-newline", "An extra line break follows a 400.", (400,)),
            ("length-too-short", "The Content-Length of a 400 is too small.", (400,)),
            ("two-lengths", "A 400 has two Content-Length fields that differ.", (400,)),
            ("length-not-a-number", "The Content-Length of a 400 is not a number.", (400,)),
            ("length-negative", "The Content-Length of a 400 is negative.", (400,)),
            ("chunk-size-wrong", "A 400 in chunks has a chunk size that is not a number.", (400,)),
            ("chunks-cut-off", "A 400 in chunks lacks the last chunk.", (400,)),
            ("answer-twice", "A 400 is sent twice.", (400,)),
        )
    ],
    *[
        Fault(f"wire-method-{mode}", sentence, violates("method.framing"), other=_other_methods(mode))
        for mode, sentence in (
            ("truncated", "A 405 has fewer bytes than its Content-Length."),
            ("stray-bytes", "Extra bytes follow a 405."),
        )
    ],
    Fault("wire-dropped", "The connection is closed instead of answering a body without amount.",
          violates("answer.connection"), answer=_without_amount("dropped")),
    Fault("wire-reset", "The connection is reset instead of answering a body without amount.",
          violates("answer.connection"), answer=_without_amount("reset")),
    Fault("wire-closed-unannounced", "The connection is closed after each answer, unannounced.",
          violates("answer.close-announced"), one_exchange=False, answer=_marked("closed-unannounced", 200, 400)),
]  # fmt: skip

BENIGN: list[Fault] = [
    Fault("wire-no-reason", "Status lines have no reason phrase.", benign=True,
          answer=_marked("no-reason", 200, 400, 429, 500, 503)),
    Fault("wire-other-reason", "Status lines have an unusual reason phrase.", benign=True,
          answer=_marked("other-reason", 200, 400, 429, 500, 503)),
    Fault("wire-capital-names", "Header names begin with capitals.", benign=True,
          answer=_marked("capital-names", 200, 400, 429, 500, 503)),
    Fault("wire-upper-names", "Header names are all capitals.", benign=True,
          answer=_marked("upper-names", 200, 400, 429, 500, 503)),
    Fault("wire-until-close", "A 400 ends with its connection, as announced.", benign=True,
          answer=_marked("until-close", 400)),
]  # fmt: skip
