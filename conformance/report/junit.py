"""`junit.xml`: one test case for each case of the run, for dashboards of a CI. Valid by the schema of Jenkins' xUnit plugin.

That schema has no properties in a test case: outcome and requirements stand in its output.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

from conformance.contract import Contract
from conformance.judge.model import Judgement
from conformance.report.clean import Cleaner
from conformance.report.outcome import UNJUDGED, VIOLATED, CaseRow, Change, Summary
from conformance.run.model import RunResult

SUITE = "capture-charge"
RECEIVED = 300
"""Characters that a message shows of what was received."""
REASON = 1_000
"""Characters of the reason why a case was not tested."""
LINE = 2_000
"""The longest line to paste that a message contains; the text of the failure always has it."""
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JUnit:
    """Writes the file of one run. `replay_line`: what to paste to reproduce the first violation of a case."""

    def __init__(self, contract: Contract, clean: Cleaner, replay_line: Callable[[CaseRow], str]) -> None:
        self.contract, self.clean, self.replay_line = contract, clean, replay_line

    def document(self, summary: Summary, result: RunResult, status: int, why: str, *, fail_on_warning: bool) -> bytes:
        """The whole file. `why` explains the exit status; a run that could not judge has an error with it."""
        failing = {"failed", "warned"} if fail_on_warning else {"failed"}
        cases = [self._case(row, failing, summary) for row in summary.cases]
        if status not in (0, 1):
            cases.append(_of_the_run("error", status, self.clean(why)))
        elif status and all(case.find("failure") is None for case in cases):
            cases.append(_of_the_run("failure", status, self.clean(why)))
        counts = {
            "tests": len(cases),
            "failures": sum(case.find("failure") is not None for case in cases),
            "errors": sum(case.find("error") is not None for case in cases),
            "skipped": sum(case.find("skipped") is not None for case in cases),
        }
        numbers = {name: str(count) for name, count in counts.items()}
        seconds = sum(float(case.get("time", "0")) for case in cases)
        suite = ET.Element(
            "testsuite", numbers, name=SUITE, time=f"{seconds:.3f}", timestamp=result.started.rstrip("Z")
        )
        properties = ET.SubElement(suite, "properties")
        about = {
            "verdict": summary.headline, "exit status": str(status), "run": result.run_id, "target": result.url,
            "depth": result.depth, "seed": str(result.seed), "selection": result.selection,
        }  # fmt: skip
        for name, value in about.items():
            ET.SubElement(properties, "property", name=name, value=self._xml(value))
        suite.extend(cases)
        numbers.pop("skipped")  # testsuites of the schema has no such attribute
        root = ET.Element("testsuites", numbers, name=SUITE, time=f"{seconds:.3f}")
        root.append(suite)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))

    def _case(self, row: CaseRow, failing: set[str], summary: Summary) -> ET.Element:
        case = row.result.case
        item = ET.Element(
            "testcase",
            classname=f"{SUITE}.{case.theme}",
            name=self._xml(f"{case.id}: {case.title}"),
            time=f"{row.result.seconds:.3f}",
        )
        worse = _worse(row, summary)
        fails = row.outcome in (failing if worse is None else VIOLATED) and not row.waived and worse != []
        if row.outcome == "error":
            _add(item, "error", self._xml(row.reason), "")
        elif worse and row.outcome not in VIOLATED:
            _add(item, "failure", self._xml("; ".join(change.line() for change in worse)), self._xml(row.reason))
        elif fails:
            violations = [judgement for judgement in row.result.judgements if judgement.kind == "breaks"]
            first, *more = [self._violation(judgement) for judgement in violations]
            line = self._xml(self.replay_line(row))
            shown = "\n".join([first, *([line] if line and len(line) <= LINE else [])])
            _add(item, "failure", shown, "\n\n".join(filter(None, [first, *more, line])))
        elif row.outcome in UNJUDGED:
            _add(item, "skipped", self._xml(row.reason or row.outcome, REASON), "")
        elif row.outcome in failing:
            _add(
                item, "skipped", "waived by the profile" if row.waived else "known: not worse than in the baseline", ""
            )
        output = ET.SubElement(item, "system-out")
        output.text = f"outcome: {row.outcome}\nrequirements: {' '.join(case.requirements)}"
        return item

    def _violation(self, judgement: Judgement) -> str:
        """A violation in three lines: the requirement with its statement, what was expected, what was received."""
        requirement = self.contract.requirements[judgement.requirement]
        lines = [
            f"{requirement.level} {requirement.id}: {requirement.statement}",
            f"expected at {judgement.at}: {judgement.expected}",
        ]
        return self._xml("\n".join(lines)) + f"\nreceived: {self._xml(judgement.received, RECEIVED)}"

    def _xml(self, text: str, limit: int = 0) -> str:
        """`text`, cleaned, without characters that XML cannot contain."""
        return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", self.clean(text, limit))


def _add(item: ET.Element, tag: str, message: str, text: str) -> None:
    ET.SubElement(item, tag, message=message, type=tag).text = text


def _worse(row: CaseRow, summary: Summary) -> list[Change] | None:
    """What became worse in this case since the baseline: the case itself, or what it violates. None without a baseline."""
    if summary.worse is None:
        return None
    violated = {judgement.requirement for judgement in row.result.judgements if judgement.kind == "breaks"}
    concerned = {("case", row.result.case.id), *(("requirement", each) for each in violated)}
    return [change for change in summary.worse if (change.of, change.id) in concerned]


def _of_the_run(tag: str, status: int, why: str) -> ET.Element:
    """What no single case shows: that the run could not judge, or what a baseline had and this run does not test."""
    item = ET.Element("testcase", classname=f"{SUITE}.run", name="run: The run could judge the server", time="0.000")
    _add(item, tag, f"exit status {status}: {why}", "")
    return item


def message(row: CaseRow, clean: Cleaner) -> str:
    """What pytest prints of a case that failed, was skipped, or had an error of the suite itself."""
    if row.outcome != "failed":
        return clean(row.reason or row.outcome, REASON)
    lines = [
        clean(
            f"{found.requirement}: at {found.at}: expected {found.expected}, received {clean(found.received, RECEIVED)}"
        )
        for found in row.result.judgements
        if found.kind == "breaks"
    ]
    return "\n".join([*(["waived by the profile"] if row.waived else []), *lines])
