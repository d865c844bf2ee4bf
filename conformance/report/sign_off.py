"""The sign-off: whether a run is fit to sign, and the page that both parties sign. Sends nothing; the record decides.

Everything is made from the record by the fold that a run uses, so that everybody who has the bundle can make it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.exchange.event import Sent
from conformance.exchange.har import write_har
from conformance.exchange.record import Record
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.comparison import differences, outcomes_of, read_outcomes
from conformance.report.findings import Violation, findings
from conformance.report.outcome import NOT_SELECTED, UNJUDGED, VIOLATED, RequirementRow, Summary, exit_status, summarise
from conformance.report.results import results_json, written
from conformance.report.templates import Templates, style, when
from conformance.run.model import RunResult
from conformance.run.result import judge_record, sound_record

PAGE, STATEMENT, RESULTS, RECORD = "sign-off.html", "sign-off.json", "results.json", "record.jsonl"
SPEC = ("openapi.yaml", "requirements.yaml", "explanations.yaml")
TARGET = ("name", "environment", "version", "operator")
PLAN_CASES = 2
"""Cases of one row of the test plan of which the appendix shows an exchange."""

EVIDENCE = 60
"""The highest number of exchanges that the appendix shows."""

SEEN = 6
"""The most behaviours of one requirement, and exclusions of the certificate, that are listed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What people add to a run. `gaps_accepted_by`: who accepts that requirements were not tested; empty if nobody does.

    `since`: the run that was signed before, and `changes`: what changed since then, one line each.
    """

    tester: str = ""
    provider: str = ""
    gaps_accepted_by: str = ""
    since: str = ""
    changes: tuple[str, ...] = ()


class SignOff:
    """The sign-off of the run whose record is in `folder`."""

    def __init__(self, folder: Path, contract: Contract, statement: Statement) -> None:
        """Judge the record. Raises `UsageError` where it cannot be judged, or was made for another contract."""
        self.folder, self.contract, self.statement = folder, contract, statement
        self.record: Record = sound_record(folder / RECORD)
        if self.record.header.get("spec_digest") != contract.digest:
            raise UsageError(
                f"{folder / RECORD}: the run used another version of the spec; name its folder with --spec"
            )
        self.result: RunResult = judge_record(self.record, contract)
        self.summary: Summary = summarise(contract, self.result)
        self.clean = Cleaner(Redactor(()))  # the record holds no secret

    def compared_with(self, old: Path | None) -> SignOff:
        """The same, with what changed since the run or the bundle `old`."""
        if old is None:
            return self
        before = read_outcomes(old, self.contract)
        changes = differences(before, outcomes_of(self.summary, self.result))
        statement = replace(self.statement, since=before.run, changes=tuple(change.line() for change in changes))
        return SignOff(self.folder, self.contract, statement)

    @property
    def refusal_status(self) -> int:
        """The exit status of a run that is not fit to sign."""
        if any(row.out_of_date for row in self.summary.waivers):
            return UsageError.status
        return 1 if self.summary.verdict == "non-conformant" else 3

    @property
    def profile(self) -> dict[str, Any]:
        """The redacted profile of the run."""
        profile: dict[str, Any] = self.record.header["profile"]
        return profile

    def results(self, status: int) -> bytes:
        """`results.json` as the record gives it. The exit status also depends on options that the record does not hold."""
        value = results_json(self.contract, self.profile, self.result, self.summary, status)
        return written(value, self.clean).encode("ascii")

    @property
    def statuses(self) -> set[int]:
        """The exit statuses that the run may have had, by its options."""
        flags = product((False, True), repeat=2)
        return {
            exit_status(self.summary, self.result, require_complete=complete, fail_on_warning=warning)
            for complete, warning in flags
        }

    def contents(self) -> dict[str, bytes]:
        """The files of the bundle."""
        har = self.folder / "evidence.har"
        if not har.exists():
            write_har(har, self.folder / RECORD)
        status = json.loads((self.folder / RESULTS).read_text("utf-8"))["exit_status"]
        spec = {f"spec/{name}": (self.contract.folder / name).read_bytes() for name in SPEC}
        return {
            PAGE: self.page.encode(),
            STATEMENT: json.dumps({"suite": __version__, **asdict(self.statement)}, indent=1).encode(),
            RESULTS: self.results(status),
            RECORD: (self.folder / RECORD).read_bytes(),
            "evidence.har": har.read_bytes(),
            "profile.json": json.dumps(self.profile, indent=1).encode(),
            **spec,
        }

    @cached_property
    def obstacles(self) -> tuple[str, ...]:
        """Why the run is not fit to sign, one line each; empty if it is."""
        return (*self._of_the_run(), *self._of_requirements())

    def _of_the_run(self) -> Iterator[str]:
        result, summary = self.result, self.summary
        before = read_outcomes(self.folder / RESULTS, self.contract)
        for change in differences(before, outcomes_of(summary, result))[:3]:
            yield f"{RESULTS} does not follow from the record: {change.line()}"
        if not self.record.complete:
            yield "The record is cut off: the run did not end in order. Run it again."
        elif result.interrupted or result.stop:
            yield f"The run ended early: {result.stop or 'it was interrupted'}. Run it again."
        for error in result.errors:
            yield f"The test suite itself failed: {error}. Run it again."
        if result.depth == "smoke":
            yield "Depth smoke tests too little to sign. Run it with depth standard or deep."
        if summary.verdict == "partial" or result.selection:
            yield "Only selected cases were run. Run all of them."
        for waiver in summary.waivers:
            if waiver.out_of_date:
                yield waiver.line()

    def _of_requirements(self) -> Iterator[str]:
        summary = self.summary
        accepted = {row.waiver.requirement for row in summary.waivers if not row.out_of_date}
        if self.statement.gaps_accepted_by:
            accepted |= set(self.contract.requirements)
        for row in summary.requirements:
            if row.requirement.level != "MUST":
                continue
            if row.outcome == "failed" and not row.waived:
                yield f"{row.requirement.id} is violated, and no waiver covers it: {row.requirement.statement}"
            elif row.outcome in UNJUDGED and row.requirement.id not in accepted and row.reason != NOT_SELECTED:
                yield f"{row.requirement.id} was not tested: {row.reason}"

    @property
    def versions_seen(self) -> tuple[str, ...]:
        """What the header field that names the version of the deployment said, the most frequent value first."""
        name = self.profile["target"].get("version_header", "").lower()
        values = Counter(
            value
            for sent in self.record.sent
            if name and sent.exchange.answer is not None
            for field, value in sent.exchange.answer.headers
            if field.lower() == name
        )
        return tuple(value for value, _ in values.most_common())

    @cached_property
    def page(self) -> str:
        """The page."""
        rows = self.summary.requirements
        mandatory = [row for row in rows if row.requirement.level == "MUST"]
        violated = [row for row in rows if row.outcome in VIOLATED]
        not_tested = [row for of_reason in self.summary.untested().values() for row in of_reason]
        to_fix = [row for row in violated if row.requirement.level == "MUST"]
        waived = [row for row in violated if row.waived]
        values = {
            "obstacles": self.obstacles,
            "seen_limit": SEEN,
            "colour": "amber" if self.summary.colour == "green" and (self.obstacles or waived) else self.summary.colour,
            "summary": self.summary,
            "result": self.result,
            "statement": self.statement,
            "target": {name: self.profile["target"].get(name) for name in TARGET},
            "versions": self.versions_seen,
            "contract": self.contract,
            "info": self.contract.openapi["info"],
            "suite": self.record.header["suite"],
            "when": when(self.result.started, self.result.ended),
            "mandatory": mandatory,
            "met": [row for row in mandatory if row.outcome in ("passed", "observed")],
            "untested": [row for row in mandatory if row.outcome in UNJUDGED],
            "waived": waived,
            "to_fix": to_fix,
            "recommendations": [row for row in violated if row.requirement.level == "SHOULD"],
            "not_tested": not_tested,
            "by_place": [
                (place, [row for row in rows if row.requirement.place == place])
                for place in self.contract.places.values()
            ],
            "row_of": {row.requirement.id: row for row in rows},
            "unknown": sum(1 for capture in self.result.captures if capture.state == "unknown"),
            "examples": self._examples(violated),
            "evidence": self._evidence(violated),
            "sections": [
                (name, title)
                for name, title, shown in (
                    (
                        "to-fix",
                        "Waived violations" if not self.obstacles else "What must be fixed",
                        to_fix or self.obstacles,
                    ),
                    ("recommendations", "Recommendations", len(violated) > len(to_fix)),
                    ("untested", "Not tested", True),
                    ("waivers", "Waivers", self.summary.waivers),
                    ("contradictions", "Contradictions", True),
                    ("changes", "What changed", self.statement.since),
                    ("contract", "Contract, statement by statement", True),
                    ("test-plan", "Test plan", True),
                    ("charges", "Charges", self.result.captures),
                    ("cases", "All cases", True),
                    ("proof", "What this proves", True),
                )
                if shown
            ],
        }
        return Templates(self.clean).get_template("sign_off.jinja2").render(css=style("sign_off.css"), **values)

    def _examples(self, violated: list[RequirementRow]) -> dict[str, Violation]:
        """For each violated requirement, its simplest violation."""
        return {
            finding.row.requirement.id: finding.violations[0]
            for finding in findings(self.summary, lambda _row, _judgement: "")
            if finding.violations and finding.row in violated
        }

    def _evidence(self, violated: list[RequirementRow]) -> dict[str, list[Sent]]:
        """By case, one exchange for each case of the test plan and for each violation."""
        named = {case for row in self.summary.test_plan for case in row.cases[:PLAN_CASES]}
        named |= {case for row in violated for case in row.cases}
        shown: dict[str, list[Sent]] = {}
        for row in self.summary.cases:
            if row.result.case.id in named and row.result.evidence and len(shown) < EVIDENCE:
                shown[row.result.case.id] = list(row.result.evidence[:1])
        return shown
