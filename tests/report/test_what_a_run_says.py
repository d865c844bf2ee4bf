"""What a run says, for some forty kinds of run: verdict, colour, exit status, rows of test plan and requirements.

The truths are written by hand, from the contract and from what the target does; nothing here is computed by the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from conformance.cases.model import Case
from conformance.mock.exchange import Reply, error, raw_error
from conformance.mock.faults.model import Fault
from conformance.report.outcome import UNJUDGED, exit_status
from tests.support.profiles import profile_text
from tests.support.targets import busy, everywhere, instead_of, only_from, run_of, unprocessable

HTML = b"<html><body>Bad Gateway</body></html>"
PROVOKE = '[provoke.{0}]\nkind = "{1}"\nheaders = {{ "X-Provoke" = "{0}", "X-Client" = "${{unique}}" }}\n'
NO_PROVOCATION = profile_text("http://127.0.0.1", target='environment = "local"')
EVERYTHING = dict.fromkeys(range(1, 20), "passed")
NOTHING = dict.fromkeys(range(1, 20), "not-exercised")
REFUSALS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 18, 19)


def rows(outcome: str, *numbers: int) -> dict[int, str]:
    return dict.fromkeys(numbers, outcome)


def target(name: str, change, first: int = 1) -> tuple[Fault]:
    return (everywhere(name, only_from(first, change)),)


def named(*prefixes: str) -> Callable[[Case], bool]:
    return lambda case: case.id.startswith(prefixes)


@dataclass(frozen=True)
class Truth:
    """`status`: the exit status without options, and with --require-complete and --fail-on-warning.

    `says`: for requirements, the outcome and words of its row.
    """

    name: str
    verdict: str
    colour: str
    status: tuple[int, int]
    plan: dict[int, str] = field(default_factory=dict)
    says: dict[str, tuple[str, str]] = field(default_factory=dict)
    faults: tuple = ()
    only: Callable[[Case], bool] | None = None
    profile: str = ""
    depth: str = "smoke"


def provoking(*statuses: int, kind: str = "limiter") -> str:
    more = "".join(PROVOKE.format(status, kind if status == 429 else "forced") for status in statuses)
    return profile_text("http://127.0.0.1", target='environment = "local"', more=more)


OF_422 = "not judged here: answered 422, which is counted under answer.status-set"
TRUTHS = (
    # --- a target without a fault ----------------------------------------------------------------------------------
    Truth("smoke, nothing wrong", "partial", "amber", (0, 3), EVERYTHING,
          {"store-id.required": ("passed", "1 of 1 case tested"), "body.equivalent": ("not-exercised", "no case of its own")}),
    Truth("standard tables, nothing wrong", "conformant", "green", (0, 0), EVERYTHING,
          {"value.accepted": ("passed", "2 left out: 90071992547409.93 has more than 15 significant digits")},
          only=lambda case: not case.strategy, depth="standard"),
    Truth("one refusal selected", "partial", "amber", (0, 3), {**NOTHING, 4: "passed"},
          {"store-id.required": ("passed", "1 of 1 case tested"), "store-id.pattern": ("not-exercised", "2 left out: Not selected"),
           "bad-request.json": ("passed", "0 of 1 case tested; 1 left out: Not selected; seen in")},
          only=named("store-id-missing")),
    Truth("two of the three lengths selected", "partial", "amber", (0, 3), {**NOTHING, 12: "not-exercised", 9: "not-exercised"},
          {"code.max-length": ("not-exercised", "1 left out: Not selected"), "trip-id.max-length": ("passed", "1 of 1 case")},
          only=named("store-id-over", "trip-id-over")),
    Truth("all three lengths selected", "partial", "amber", (0, 3), {**NOTHING, 12: "passed", 9: "passed"}, only=named("store-id-over", "trip-id-over", "code-too-long")),
    Truth("one of two cases of a requirement", "partial", "amber", (0, 3), {3: "passed", 10: "not-exercised"},
          {"store-id.pattern": ("passed", "1 of 2 cases tested; 1 left out: Not selected")}, only=named("store-id-bad-format")),
    Truth("everything but one refusal", "partial", "amber", (0, 3), {**EVERYTHING, 8: "not-exercised"},
          {"code.pattern": ("passed", "1 of 2 cases tested; 1 left out: Not selected")}, only=lambda case: case.id != "code-lower-case"),
    Truth("acceptance only", "partial", "amber", (0, 3), {**NOTHING, 1: "passed"}, only=named("accept-")),
    Truth("one currency left out", "partial", "amber", (0, 3), {1: "not-exercised"}, only=lambda case: case.id != "accept-currency-eur"),
    Truth("only what needs no answer", "partial", "amber", (0, 3), NOTHING,
          {"answer.close-announced": ("passed", "")}, only=named("run-announced")),
    # --- a profile that cannot do everything -----------------------------------------------------------------------
    Truth("no provocation, tables", "conformant", "amber", (0, 3), {**EVERYTHING, **rows("not-exercised", 13, 14, 15)},
          {"rate-limit.retry-after": ("not-exercised", "1 left out: The profile does not say how to provoke a 429")},
          profile=NO_PROVOCATION, only=lambda case: not case.strategy, depth="standard"),
    Truth("no provocation, smoke", "partial", "amber", (0, 3), {**EVERYTHING, **rows("not-exercised", 13, 14, 15)}, profile=NO_PROVOCATION),
    Truth("a forced 429", "partial", "amber", (0, 3), {**EVERYTHING, **rows("not-exercised", 14, 15)},
          {"rate-limit.window-end": ("not-exercised", "The profile forces the 429")}, profile=provoking(429, kind="forced")),
    Truth("no unknown trip in the profile", "partial", "amber", (0, 3), {2: "not-exercised", 3: "passed"},
          {"trip-id.unknown": ("not-exercised", "left out")},
          profile=NO_PROVOCATION.replace('unknown_trip = "00000000-0000-0000-0000-000000000000"\n', "")),
    Truth("few requests", "partial", "amber", (0, 3), {4: "passed", 17: "not-exercised"},
          profile=profile_text("http://127.0.0.1", target='environment = "local"', limits="max_requests = 12")),
    Truth("little money", "inconclusive", "amber", (3, 3), {1: "not-exercised", 4: "not-exercised"},
          profile=profile_text("http://127.0.0.1", target='environment = "local"', more="[money]\nmax_captures = 2\n")),
    # --- one fault -------------------------------------------------------------------------------------------------
    Truth("a missing store is accepted", "non-conformant", "red", (1, 1), {**EVERYTHING, 4: "failed"},
          {"store-id.required": ("failed", "1 of 1 case tested")}, faults=("store-missing",)),
    Truth("the fault is not selected", "partial", "amber", (0, 3), {4: "not-exercised", 5: "passed"},
          {"store-id.required": ("not-exercised", "Not selected")}, faults=("store-missing",), only=named("trip-id-missing", "accept-")),
    Truth("zero is accepted", "partial", "amber", (0, 1), {**EVERYTHING, 16: "warned"}, {"value.zero": ("warned", "1 of 1 case tested")},
          faults=("value-zero",)),
    Truth("success has a body", "non-conformant", "red", (1, 1), {**EVERYTHING, **rows("failed", 1, 13)}, {"success.empty-body": ("failed", "")},
          faults=target("null", lambda inquiry: Reply(200, body=b"null") if inquiry.reply.status == 200 else None)),
    Truth("refusals are pages", "non-conformant", "red", (1, 1), {1: "passed", 13: "passed", **rows("failed", *REFUSALS)},
          {"bad-request.name": ("not-judged", "answered 400, which is counted under bad-request.media-type")},
          faults=target("page", instead_of(400, by=lambda: raw_error(400, HTML, "text/html")))),
    Truth("no Retry-After", "non-conformant", "red", (1, 1), {**EVERYTHING, 13: "failed"},
          {"rate-limit.grammar": ("not-judged", "answered 429, which is counted under rate-limit.retry-after")},
          faults=target("bare 429", instead_of(429, by=lambda: error(429, "Busy")))),
    # --- 422 and other statuses outside the contract -----------------------------------------------------------------
    Truth("422 everywhere", "non-conformant", "red", (1, 1), rows("failed", *range(1, 20)),
          {"store-id.required": ("not-judged", OF_422), "success.empty-body": ("not-judged", OF_422), "unavailable.seconds": ("not-judged", OF_422)},
          faults=target("422", instead_of(by=unprocessable))),
    Truth("422 in place of 400", "non-conformant", "red", (1, 1), {**EVERYTHING, **rows("failed", *REFUSALS)},
          {"store-id.required": ("not-judged", OF_422), "success.empty-body": ("passed", "1 of 1 case tested")},
          faults=target("422", instead_of(400, by=unprocessable))),
    Truth("422, refusals only", "non-conformant", "red", (1, 1), {**NOTHING, 4: "failed"}, {"store-id.required": ("not-judged", OF_422)},
          faults=target("422", instead_of(400, by=unprocessable)), only=named("store-id-missing")),
    Truth("418 for the provoked answers", "non-conformant", "red", (1, 1), {**EVERYTHING, **rows("failed", 13, 14, 15)},
          {"unavailable.seconds": ("not-judged", "answered 418, which is counted under answer.status-set")},
          faults=target("418", instead_of(429, 500, 503, by=lambda: error(418, "Teapot")))),
    Truth("provocation does not work", "inconclusive", "amber", (3, 3), {13: "not-judged", 14: "not-judged", 15: "not-judged", 4: "passed"},
          {"unavailable.seconds": ("not-judged", "way of triggering a 503 did not work")},
          faults=target("calm", instead_of(429, 500, 503, by=lambda: Reply(200)))),
    Truth("500 to every refusal", "non-conformant", "red", (1, 1), {1: "passed", **rows("failed", 3, 4, 5)},
          {"bad-request.name": ("not-judged", "answered 500, which is counted under")},
          faults=target("500", instead_of(400, by=lambda: error(500, "ServiceException")))),
    Truth("204 for success", "non-conformant", "red", (1, 1), {1: "failed", 4: "passed"}, {"success.empty-body": ("not-judged", "answered 204, which is counted under success.exactly-200")},
          faults=target("204", instead_of(200, by=lambda: Reply(204)))),
    # --- the target cannot be reached, or stops ---------------------------------------------------------------------
    Truth("503 everywhere", "inconclusive", "amber", (3, 3), {1: "not-judged", 4: "not-exercised", 15: "not-exercised"},
          {"store-id.required": ("not-exercised", "the server kept answering 503"), "unavailable.seconds": ("passed", "0 of 1 case tested; 1 left out")},
          faults=target("503", instead_of(by=lambda: busy(503, 1)))),
    Truth("503 from the twentieth request", "inconclusive", "amber", (3, 3), {1: "passed", 4: "passed", 17: "not-exercised"},
          {"bad-request.name": ("passed", "left out: the server kept answering 503")},
          faults=target("503", instead_of(by=lambda: busy(503, 1)), 20)),
    Truth("a limiter in front asks to wait ten minutes", "inconclusive", "amber", (3, 3), {1: "passed", 4: "passed", 17: "not-exercised"},
          {"value.negative": ("not-exercised", "asks to wait 600 s, longer than max_wait_s")},
          faults=target("429", instead_of(by=lambda: busy(429, 600)), 20)),
    Truth("a limiter in front answers with pages", "non-conformant", "red", (1, 1), {1: "passed", 4: "passed"},
          {"rate-limit.media-type": ("failed", "")},
          faults=target("429", instead_of(by=lambda: Reply(429, [("content-type", "text/html"), ("retry-after", "1")], HTML)), 20)),
    Truth("401 everywhere", "inconclusive", "amber", (3, 3), NOTHING, {"store-id.required": ("not-exercised", "authentication refused")},
          faults=target("401", instead_of(by=lambda: error(401, "Who?")))),
    Truth("401 from the twentieth request", "inconclusive", "amber", (3, 3), {1: "passed", 4: "passed", 17: "not-judged"},
          {"value.negative": ("not-judged", "The server answered 401")}, faults=target("401", instead_of(by=lambda: error(401, "Who?")), 20)),
    Truth("404 everywhere", "inconclusive", "amber", (3, 3), {1: "not-judged", 4: "not-exercised"}, {"store-id.required": ("not-exercised", "wrong URL?")},
          faults=target("404", instead_of(by=lambda: error(404, "NotFound")))),
    Truth("every capture is refused", "inconclusive", "amber", (3, 3), {1: "not-judged", 4: "not-exercised"}, {"store-id.required": ("not-exercised", "wrong profile?")},
          faults=target("400", instead_of(by=lambda: error(400, "BadRequestException")))),
    Truth("it hangs from the twentieth request", "non-conformant", "red", (1, 1), {1: "passed", 2: "failed", 4: "passed", 16: "not-exercised"},
          {"trip-id.unknown": ("not-judged", "no proper answer, which is counted under answer.in-time")},
          faults=target("hang", instead_of(by=lambda: Reply(200, delay=99.0)), 20)),
    Truth("a page of a gateway from the twentieth request", "non-conformant", "red", (1, 1), {1: "passed", 16: "failed"},
          {"value.zero": ("not-judged", "answered 502, which is counted under answer.status-set")},
          faults=target("502", instead_of(by=lambda: raw_error(502, HTML, "text/html")), 20)),
    Truth("an empty 200 to everything", "non-conformant", "red", (1, 1), {1: "passed", **rows("failed", 2, 3, 4, 12, 19), 13: "not-judged"},
          {"bad-request.json": ("not-judged", "answered 200, which is counted under body.not-json")},
          faults=target("200", instead_of(by=lambda: Reply(200)))),
)  # fmt: skip


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_a_run_says_what_is_true(truth, tmp_path):
    ran = run_of(tmp_path / "out", *truth.faults, only=truth.only, profile=truth.profile, depth=truth.depth)
    summary = ran.summary
    statuses = tuple(
        exit_status(summary, ran.result, require_complete=strict, fail_on_warning=strict) for strict in (False, True)
    )
    assert (summary.verdict, summary.colour, statuses) == (truth.verdict, truth.colour, truth.status), summary.headline
    plan = {row.number: row.outcome for row in summary.test_plan}
    assert {number: plan[number] for number in truth.plan} == truth.plan
    said = {row.requirement.id: (row.outcome, f"{row.tested} {row.reason}") for row in summary.requirements}
    for requirement_id, (outcome, words) in truth.says.items():
        assert said[requirement_id][0] == outcome
        assert words in said[requirement_id][1]
    consistent(ran)


def consistent(ran) -> None:
    """What holds for every run."""
    summary, result = ran.summary, ran.result
    sent = {case.case.id for case in result.cases if case.sent}
    for row in summary.test_plan:
        assert row.outcome != "passed" or (row.cases and set(row.cases) <= sent), row
        assert (row.outcome in (*UNJUDGED, "error")) <= bool(row.reason or not row.cases)
    for row in summary.cases:
        made_for = set(row.result.case.requirements)
        assert row.outcome != "passed" or {judgement.requirement for judgement in row.result.judgements} & made_for
    unjudged = [row for row in summary.requirements if row.requirement.level == "MUST" and row.outcome in UNJUDGED]
    left_out = {requirement_id for case in result.deselected for requirement_id in case.requirements}
    if summary.verdict == "conformant":
        assert not [row for row in unjudged if row.requirement.id in left_out or not row.coverage.cases]
    assert (summary.colour == "green") == (summary.verdict == "conformant" and not unjudged)
    for row in summary.requirements:
        counts = row.coverage
        left, undecided = (sum(count for _, count in reasons) for reasons in (counts.left_out, counts.undecided))
        assert counts.judged + left + undecided == counts.cases
