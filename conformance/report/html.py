"""The parts of `report.html` that pytest-html inserts. The markup is in the templates; nothing is decided here."""

from __future__ import annotations

import re
from functools import cached_property

from jinja2 import Template
from markupsafe import Markup

from conformance import __version__
from conformance.contract import Contract
from conformance.profile import Profile
from conformance.redact import Redactor
from conformance.report.causes import common_causes
from conformance.report.clean import Cleaner
from conformance.report.findings import Finding
from conformance.report.outcome import ORDER, UNJUDGED, CaseRow, Summary
from conformance.report.templates import Templates, style, when
from conformance.report.terminal import blocked, other_limit
from conformance.report.topics import topics_of, untested_by_topic, window_of
from conformance.run.model import RunResult


def title(profile: Profile) -> str:
    """The title of the page, which pytest-html escapes."""
    return Cleaner(Redactor(profile.secrets()))(f"Capture Charge conformance: {profile.target.name}")


class Page:
    """Fills the templates. Every text in them is cleaned and then escaped."""

    def __init__(self, contract: Contract, profile: Profile, clean: Cleaner) -> None:
        self.contract, self.profile, self.clean = contract, profile, clean
        self._templates = Templates(clean)

    def summary(
        self, summary: Summary, result: RunResult, findings: tuple[Finding, ...], files: str, assumed: str = ""
    ) -> str:
        """The top of the page: verdict, what to do, scope, findings, what was not tested, test plan, charges.

        `assumed`: what is assumed of the server because no profile was given.
        """
        rows = summary.requirements
        self._templates.good = next((row.result.evidence[0] for row in summary.cases if _is_good(row)), None)
        levels = ("MUST", "SHOULD", "MAY")
        template = self._templates.get_template("summary.jinja2")
        return template.render(
            css=style("style.css"),
            summary=summary,
            result=result,
            target=self.profile.target,
            version=__version__,
            digest=self.contract.digest[:12],
            findings=findings,
            causes=common_causes(summary),
            files=files,
            assumed=assumed,
            other_limit=other_limit(result),
            blocked=blocked(result),
            violated={
                level: sum(finding.row.requirement.level == level and not finding.row.waived for finding in findings)
                for level in levels
            },
            untested=summary.untested(),
            untested_topics=untested_by_topic(rows),
            topics=topics_of(rows),
            windows=[(row, moments) for row in summary.cases if len(moments := window_of(row)) > 1],
            failed=sum(row.requirement.level == "MUST" and row.outcome == "failed" for row in rows),
            contract=self.contract.openapi["info"],
            script=style("copy.js"),
            mandatory=sum(1 for row in rows if row.requirement.level == "MUST"),
            when=when(result.started, result.ended),
            unjudged=sum(1 for row in rows if row.outcome in UNJUDGED and row.requirement.level == "MUST"),
            observed=[row for row in rows if row.observed],
            outcomes=[name for name in ORDER if summary.counts.get(name)],
            table={
                level: {
                    name: sum(1 for row in rows if row.requirement.level == level and row.outcome == name)
                    for name in ORDER
                }
                for level in levels
            },
            unknown=sum(1 for capture in result.captures if capture.state == "unknown"),
        )

    def row(self, row: CaseRow) -> list[str]:
        """The table cells of one case: outcome, title, requirement and level. A violated requirement comes first."""
        violated = [judgement.requirement for judgement in row.result.judgements if judgement.kind == "breaks"]
        requirement_id = next(iter((*violated, *row.result.case.requirements)), "")
        level = self.contract.level(requirement_id) if requirement_id in self.contract.requirements else ""
        title = row.result.case.title
        cells = (("outcome", row.outcome), ("what", title), ("requirement", requirement_id), ("level", level))
        return [self._cell(name, text) for name, text in cells]

    def _cell(self, name: str, text: str) -> str:
        outcome_class = f" {text}" if name == "outcome" else ""
        return str(Markup('<td class="col-{}{}">{}</td>').format(name, outcome_class, self.clean(text)))

    def evidence(self, row: CaseRow, replay_line: str) -> str:
        """What was sent and received in a case, what it violates, and what to paste to reproduce it."""
        violations = [judgement for judgement in row.result.judgements if judgement.kind == "breaks"]
        distinct = {
            (judgement.requirement, judgement.at, judgement.expected, judgement.received): judgement
            for judgement in violations
        }
        numbers = list({judgement.requirement: judgement.exchange for judgement in reversed(violations)}.values())
        exchanges = [sent for sent in row.result.evidence if sent.number in numbers] or list(row.result.evidence)
        return self._evidence.render(
            row=row,
            violations=list(distinct.values()),
            shown=exchanges[: 2 if violations else 1],
            replay_line=replay_line,
            count=len(row.result.numbers),
        )

    @cached_property
    def _evidence(self) -> Template:
        return self._templates.get_template("evidence.jinja2")


def _is_good(row: CaseRow) -> bool:
    """Whether the case is a plain capture that was accepted."""
    return bool(row.result.case.accepts and row.result.evidence and row.result.evidence[0].success)


_LEFT_OVER = re.compile(
    r'<h2>Summary</h2>|<p class="(?:run-count|filter)">.*?</p>|<div class="summary__reload">.*?</div>\s*</div>\s*</div>',
    re.DOTALL,
)


def finished(page: str) -> str:
    """The page that pytest-html wrote, with its language, names for its boxes, and without what only its script needs."""
    page = page.replace("<html>", '<html lang="en">', 1)
    page = _LEFT_OVER.sub("", page)
    return re.sub(r'(<input [^>]*data-test-result="([a-z]+)")', r'\1 aria-label="Show cases: \2"', page)
