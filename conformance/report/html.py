"""The parts of `report.html` that pytest-html inserts. The markup is in the templates; nothing is decided here."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from itertools import cycle
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from conformance import __version__
from conformance.cases.model import Headers
from conformance.contract import Contract
from conformance.exchange.event import Sent
from conformance.profile import Profile
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.explain import parts, reading
from conformance.report.findings import Finding
from conformance.report.outcome import ORDER, UNJUDGED, CaseRow, Summary
from conformance.report.terminal import other_limit
from conformance.run.model import RunResult

FOLDER = Path(__file__).resolve().parent
EXCERPT = 800
"""Characters of a message that the page shows; the record has all of it."""


def title(profile: Profile) -> str:
    """The title of the page, which pytest-html escapes."""
    return Cleaner(Redactor(profile.secrets()))(f"Capture Charge conformance: {profile.target.name}")


CUT = 300
"""Characters of a request or an answer that a finding shows."""


class Page:
    """Fills the templates. Every text in them is cleaned and then escaped."""

    def __init__(self, contract: Contract, profile: Profile, clean: Cleaner) -> None:
        self.contract, self.profile, self.clean = contract, profile, clean
        environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            finalize=self._finalize,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "sent": self._sent,
            "received": self._received,
            "cut": self._cut,
            "sum_of_money": _sum_of_money,
            "parts": parts,
            "reading": reading,
            "code": self._code,
        }
        self._environment = environment

    def _cut(self, text: str) -> str:
        return self.clean(text, CUT)

    def _code(self, text: str) -> Markup:
        """`text` with what stands between backticks shown as code."""
        shapes = cycle((Markup("{}"), Markup("<code>{}</code>")))
        pieces = text.split("`")
        return Markup("").join(shape.format(self.clean(piece)) for shape, piece in zip(shapes, pieces, strict=False))

    def _finalize(self, value: object) -> object:
        return value if isinstance(value, Markup) else self.clean(str(value))

    def summary(self, summary: Summary, result: RunResult, findings: tuple[Finding, ...], files: str) -> str:
        """The top of the page: verdict, what to do, scope, findings, what was not tested, test plan, charges."""
        rows = summary.requirements
        levels = ("MUST", "SHOULD", "MAY")
        template = self._environment.get_template("summary.jinja2")
        return template.render(
            css=Markup((FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704  our own file
            summary=summary,
            result=result,
            target=self.profile.target,
            version=__version__,
            digest=self.contract.digest[:12],
            findings=findings,
            files=files,
            other_limit=other_limit(result),
            violated={
                level: sum(finding.row.requirement.level == level and not finding.row.waived for finding in findings)
                for level in levels
            },
            untested=summary.untested(),
            mandatory=sum(1 for row in rows if row.requirement.level == "MUST"),
            when=_when(result.started, result.ended),
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
        return self._environment.get_template("evidence.jinja2")

    def _sent(self, sent: Sent) -> str:
        request = sent.exchange.request
        return self._message(f"{request.method} {request.target} HTTP/1.1", self._hidden(request.headers), request.body)

    def _received(self, sent: Sent) -> str:
        exchange, answer = sent.exchange, sent.exchange.answer
        notes = "".join(f"[{defect}]\n" for defect in exchange.defects)
        if answer is not None:
            head = f"{notes}HTTP/1.1 {answer.status} {answer.reason}"
            return self._message(head, self._hidden(answer.headers), answer.body)
        if exchange.failure is None:
            return "nothing"
        return notes + self._message(f"[{exchange.failure.kind}: {exchange.failure.detail}]", (), exchange.raw)

    def _hidden(self, headers: Headers) -> Headers:
        return self.clean.redactor.redact_headers(headers)

    def _message(self, first: str, headers: Headers, body: bytes) -> str:
        head = "\n".join([first, *(f"{name}: {value}" for name, value in headers)])
        text = self.clean(head, 2 * EXCERPT)
        return f"{text}\n\n{self.clean.content(body, EXCERPT)}" if body else text


def _when(started: str, ended: str) -> str:
    """Two times of ISO 8601 in UTC as a readable text, with the day only once if it is the same."""
    day, hour = started.rstrip("Z").split("T")
    end_day, end_hour = ended.rstrip("Z").split("T")
    return f"{day} {hour} to {end_hour if end_day == day else f'{end_day} {end_hour}'} UTC"


def _sum_of_money(total: Decimal) -> str:
    """A sum as decimal text; from 16 digits on only its order of magnitude."""
    return f"{total:f}" if total.adjusted() < 16 else f"{total:.1E}"
