"""A server that is sometimes wrong: its violations stay findings, with how often they were seen."""

from __future__ import annotations

from zlib import crc32

from conformance.mock.exchange import Inquiry
from conformance.mock.faults import Fault
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.report.outcome import summarise
from conformance.session import Run


def one_in_twenty_is_201(inquiry: Inquiry) -> None:
    """One body in twenty, the first time it is sent: the same bodies in every run, at any concurrency."""
    if inquiry.capture is None or inquiry.reply is None:
        return
    text = inquiry.body.replace(inquiry.capture.trip.encode(), b"")
    if crc32(text) % 20 == 0 and inquiry.reply.status == 200 and inquiry.count(text.hex()) == 1:
        inquiry.reply.status = 201


FLAKY = Fault(
    "flaky", "One good answer in twenty is 201.", frozenset({"capture.accepted"}), answer=one_in_twenty_is_201
)


def test_one_answer_in_twenty(tmp_path):
    with MockServer() as server:
        server.mock.faults = (FLAKY,)
        run = Run(Options(target=server.url, out=tmp_path / "run"), builtin=True)
        run.make_folder()
        run.execute(run.cases)
    result = run.result()
    assert result.errors == ()
    violations = [
        judgement
        for case in result.cases
        if case.case.scheduling == "one-shot"
        for judgement in case.judgements
        if judgement.kind == "breaks" and judgement.received.startswith("201")
    ]
    assert len(violations) >= 5
    assert [judgement for judgement in violations if judgement.unstable != (1, 2)] == []
    rows = [row for row in summarise(run.contract, result).requirements if row.outcome == "failed"]
    assert any("1 of 2" in row.unstable for row in rows)
