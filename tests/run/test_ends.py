"""A server whose successes never end is done with soon, and the requirement is named."""

from __future__ import annotations

from conformance.mock import reading
from conformance.mock.exchange import PATH
from conformance.options import Options
from conformance.report.outcome import summarise
from conformance.run.engine import SILENT_IN_A_ROW
from conformance.session import Run
from tests.support.servers import answering, message

ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
REFUSED = message(400, [("Content-Type", "application/json")], b'{"errorMsg":"BadRequestException"}')


def endless_success(request):
    """Refuses what is wrong as it should; each 200 begins and never ends."""
    try:
        reading.validate(reading.parse(request.body))
    except reading.Refused:
        return REFUSED
    return ENDLESS if request.path == PATH and request.method == "POST" else REFUSED


def test_successes_without_an_end_end_the_run(tmp_path):
    with answering(endless_success) as server:
        run = Run(Options(target=server.url, out=tmp_path / "run"), builtin=True)
        run.profile = run.profile.model_copy(
            update={"limits": run.profile.limits.model_copy(update={"timeout_s": 0.3})}
        )
        run.make_folder()
        run.execute([case for case in run.cases if not case.strategy])
    result = run.result()
    summary = summarise(run.contract, result)
    assert result.errors == ()
    assert result.stop == f"the server gave no answer within 0.3 s ({SILENT_IN_A_ROW} requests in a row)"
    assert "answer.in-time" in {row.requirement.id for row in summary.requirements if row.outcome == "failed"}
    assert result.requests < len([probe for case in run.cases for probe in case.probes]) / 2
