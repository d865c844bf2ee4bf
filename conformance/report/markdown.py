"""`summary.md`: the result for the page of a CI job or the note of a merge request. Decides nothing.

Text of a target is in code spans only, so that no part of it becomes markup, a link or a mention.
"""

from __future__ import annotations

import re

from conformance.report.clean import Cleaner
from conformance.report.findings import Finding
from conformance.report.outcome import UNJUDGED, Summary
from conformance.report.terminal import charges, plural
from conformance.run.model import RunResult

FINDINGS = 20
WIDTH = 200
"""Characters after which a text of the target is cut."""
FILES = "report.html, results.json, junit.xml, captures.csv, record.jsonl, evidence.har"
COLOURS = {"green": "🟢", "amber": "🟠", "red": "🔴"}


def summary_markdown(
    summary: Summary, result: RunResult, findings: tuple[Finding, ...], last: str, clean: Cleaner
) -> str:
    """The text of the file. `last`: the exit status and why it is that one."""
    requirements = [row for row in summary.requirements if row.requirement.level == "MUST"]
    untested = sum(row.outcome in UNJUDGED for row in requirements)
    failed = sum(row.outcome == "failed" for row in requirements)
    met = len(requirements) - untested - failed
    lines = [
        f"## {COLOURS[summary.colour]} {summary.headline}",
        "",
        f"{code(result.url, clean)}: {plural(result.requests, 'request')}, {charges(result)}. {code(last, clean)}",
        "",
        "| mandatory requirements | met | not met | not tested |",
        "|---|---|---|---|",
        f"| {len(requirements)} | {met} | {failed} | {untested} |",
    ]
    lines += [line for finding in findings[:FINDINGS] for line in _finding(finding, clean)]
    if more := findings[FINDINGS:]:
        lines += ["", f"{plural(len(more), 'more finding')}: {', '.join(each.row.requirement.id for each in more)}"]
    if groups := summary.untested():
        lines += ["", "<details><summary>Not tested</summary>", ""]
        for (outcome, reason), rows in groups.items():
            names = ", ".join(f"{row.requirement.id} ({row.requirement.level})" for row in rows)
            lines.append(f"- {outcome}: {names}: {code(reason, clean)}")
        lines += ["", "</details>"]
    return "\n".join([*lines, "", f"Files of the run: {FILES}", ""])


def _finding(finding: Finding, clean: Cleaner) -> list[str]:
    requirement = finding.row.requirement
    waived = " (waived)" if finding.row.waived else ""
    lines = ["", f"**{requirement.level} {requirement.id}**{waived}: {requirement.statement}", ""]
    for violation in finding.violations[:1]:
        judgement, cases = violation.judgement, len(finding.violations) + finding.more
        others = f" and {cases - 1} more" if cases > 1 else ""
        lines.append(f"- at {code(judgement.at, clean)}, case {violation.row.result.case.id}{others}")
        lines += [f"- sent {code(violation.sent, clean)}"] if violation.sent else []
        lines.append(f"- expected {code(judgement.expected, clean)}, received {code(judgement.received, clean)}")
    return lines


def code(text: str, clean: Cleaner) -> str:
    """`text` as a code span of one line: with more backticks around it than it contains in a row."""
    shown = " ".join(clean.line(text, WIDTH).split()) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}"
