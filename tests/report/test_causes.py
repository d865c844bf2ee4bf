"""Common causes over all requirements, and the order of findings and of their examples."""

from __future__ import annotations

import pytest

from conformance.mock.exchange import Reply, raw_error
from conformance.report.causes import Form, common_causes, shape_of, why
from conformance.report.findings import findings
from tests.support.targets import everywhere, instead_of, run_of, unprocessable


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b"", "no body"),
        (b"\r\n", "white space"),
        (b"null", "the JSON text null"),
        (b"{}", "an empty object"),
        (b'{"detail": [1], "code": 2}', "an object with code, detail"),
        (b"[1]", "a JSON array"),
        (b'"OK"', "a JSON string"),
        (b"OK", "text that is not JSON"),
        (b"\xff", "text that is not JSON"),
        (b"[" * 100_000, "text that is not JSON"),
        (b" <!DOCTYPE HTML><p>", "an HTML page"),
    ],
)
def test_the_shape_of_a_body_has_no_values(body, shape):
    assert shape_of(body) == shape


def hurried(inquiry) -> Reply | None:
    """As a framework answers by default: 422 with detail, null, and an HTML page for what is not JSON."""
    status = inquiry.reply.status
    if status == 400 and not inquiry.body.endswith(b"}"):
        return raw_error(400, b"<html></html>", "text/html")
    return unprocessable() if status == 400 else Reply(200, body=b"null") if status == 200 else None


def test_wrong_answers_of_one_form_are_one_cause_over_all_requirements(tmp_path):
    ran = run_of(tmp_path / "out", everywhere("hurried", hurried), depth="smoke")
    causes = common_causes(ran.summary)
    assert [str(cause.form) for cause in causes] == [
        "422 with application/json, an object with detail",
        "200 with the JSON text null",
        "400 with text/html, an HTML page",
    ]
    assert len(causes[0].sent_for) > 15
    assert causes[0].violated == ("answer.status-set",)
    assert all(cause.why for cause in causes)
    assert str(causes[0]).startswith(
        f"{len(causes[0].cases)} cases of {len(causes[0].sent_for)} requirements: 422 with"
    )


def test_what_is_accepted_or_refused_wrongly_is_no_matter_of_the_answers_form(tmp_path):
    ran = run_of(tmp_path / "a", everywhere("lax", instead_of(400, by=lambda: Reply(200))), depth="smoke")
    assert [cause.form for cause in common_causes(ran.summary)] == [Form("accepted", 200, "", "")]


def test_statuses_without_an_answer_of_their_own_have_no_cause_of_another():
    assert "validation" in why(Form("answer", 422, "application/json", "an object with detail"))
    assert "detail" not in why(Form("answer", 422, "text/html", "an HTML page"))
    assert why(Form("answer", 299, "", "no body")) == ""


def test_findings_of_most_cases_come_first_and_each_with_its_simplest_example(tmp_path):
    lax = everywhere("lax", instead_of(400, by=lambda: Reply(200)))
    ran = run_of(tmp_path / "out", lax, only=lambda case: not case.strategy, depth="standard")
    found = findings(ran.summary, lambda _row, _judgement: "")
    levels = [finding.row.requirement.level for finding in found]
    assert levels == sorted(levels)
    musts = [len(finding.violations) + finding.more for finding in found if finding.row.requirement.level == "MUST"]
    assert musts == sorted(musts, reverse=True)
    first = {finding.row.requirement.id: finding.violations[0] for finding in found}
    assert first["store-id.pattern"].row.result.case.id in ("store-id-bad-format", "store-id-trailing-line-feed")
    assert first["body.not-json"].row.result.case.id in ("body-not-json", "opening-not-json", "body-cut-off")
    assert {name: violation.sent for name, violation in first.items() if len(violation.sent) > 600} == {}
