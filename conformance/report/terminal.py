"""The summary on the terminal, at most 36 lines. Text of a target is never markup."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from shutil import get_terminal_size
from typing import TextIO

import typer

from conformance.report.causes import common_causes
from conformance.report.clean import Cleaner
from conformance.report.findings import Finding
from conformance.report.outcome import UNJUDGED, Summary
from conformance.report.preview import BUILTIN
from conformance.report.progress import is_interactive
from conformance.run.model import RunResult

FINDINGS_SHOWN = 4
REQUIREMENTS_NAMED = 4
REASONS_SHOWN = 4
WAIVERS_SHOWN = 6
WORSE_SHOWN = 6
CAUSES_SHOWN = 2
KNOWN = "known violation of a mandatory requirement"
PARTLY_SHOWN = 3
FILES = ("report.html", "results.json", "junit.xml", "captures.csv", "record.jsonl", "evidence.har")
MAX_LINES = 35
"""Lines of the summary, without the one about the exit status."""
WIDTH = 240
"""Characters after which a text of the target is cut."""
UNLIMITED = 100_000
TERMINAL_COLOURS = {"green": "green", "amber": "yellow", "red": "red"}
COLOURS = {"MUST ": "red", "SHOULD ": "yellow", "Stopped: ": "yellow", "Inconclusive ": "yellow", "Error of ": "red"}
TO_PASTE = re.compile(r" *((curl|printf|capture-conformance)(?=\S| )|[a-zA-Z_]+=|[$#{])")
"""Lines that a reader pastes into a shell; they are never wrapped."""


def summary_lines(
    summary: Summary, result: RunResult, findings: tuple[Finding, ...], out: Path, clean: Cleaner
) -> list[str]:
    """The summary: verdict, worst findings, what was not tested, and where the files are."""

    def cut(text: str) -> str:
        return clean.line(text, WIDTH)

    requests = plural(result.requests, "request")
    lines = [summary.headline, cut(f"{result.url}: {requests}, {charges(result)} (seed {result.seed})")]
    lines += [f"Stopped: {cut(result.stop)}"] if result.stop else []
    lines += [line for line in (other_limit(result), blocked(result)) if line]
    lines += [f"Inconclusive because of {cut(summary.why)}"] if summary.why else []
    lines += (
        [cut(f"Interrupted: below is what was tested until then; the same command with --resume {out} goes on")]
        if result.interrupted
        else []
    )
    lines += [f"Error of the test suite: {cut(error)}" for error in result.errors[:2]]
    lines += [cut(change.line()) for change in (summary.worse or ())[:WORSE_SHOWN]]
    lines += [cut(row.line()) for row in summary.waivers if row.state != "not-needed"][:WAIVERS_SHOWN]
    causes = common_causes(summary) if len(findings) > 1 else ()
    named = [cut(f"Common cause: {cause}") for cause in causes[:CAUSES_SHOWN] if len(cause.cases) > 1]
    lines += named
    shown = FINDINGS_SHOWN - bool(named)
    lines += ["Pasting a line below sends its request again, which may charge."] if findings else []
    for finding in findings[:shown]:
        lines += ["", *_finding(finding, cut, clean)]
    lines += [""] if findings else []
    if more := findings[shown:]:
        ids = ", ".join(finding.row.requirement.id for finding in more)
        lines.append(cut(f"{plural(len(more), 'more finding')}: {ids}"))
    if result.stop and not findings:
        count = sum(len(rows) for rows in summary.untested().values())
        lines.append(f"{count} requirements were not tested for this reason")
    else:
        lines += [*_partly_tested(summary, cut), *_untested(summary, cut)][: max(0, MAX_LINES - 1 - len(lines))]
    written = [name for name in FILES if (out / name).is_file()]
    return [*lines, f"Files: {out}/{', '.join(written)}" if written else f"No file could be written in {out}"]


def _partly_tested(summary: Summary, cut: Callable[[str], str]) -> list[str]:
    """The mandatory requirements of which some cases were left out although others gave a result."""
    rows = summary.partly_tested()
    lines = [cut(f"partly tested: {row.requirement.id} (MUST): {row.tested}") for row in rows[:PARTLY_SHOWN]]
    if more := rows[PARTLY_SHOWN:]:
        lines.append(cut(f"partly tested, {len(more)} more: {', '.join(row.requirement.id for row in more)}"))
    return lines


def other_limit(result: RunResult) -> str:
    """How often a rate limit answered that nothing had provoked, and which setting avoids that."""
    limit = result.other_limit
    if limit is None:
        return ""
    fitting = f"{limit.fitting:.0f}" if limit.fitting >= 1 else f"{limit.fitting:.1g}"
    return (
        f"Another limit answered {limit.answers} of {plural(result.requests, 'request')} with 429; the run waited and sent "
        f"them again. It got through at {fitting} a second: [limits] requests_per_second = {fitting} fits"
    )


def blocked(result: RunResult) -> str:
    """How many requests were answered 401, 403 or 407, and how many cases gave no result for that reason."""
    statuses = [status for case in result.cases for status in case.blocked]
    if not statuses:
        return ""
    codes = " or ".join(str(status) for status in sorted(set(statuses)))
    unjudged = sum(1 for case in result.cases if case.blocked and not case.judgements)
    were, cases = "was" if len(statuses) == 1 else "were", plural(unjudged, "case")
    return f"{len(statuses)} of {plural(result.requests, 'request')} {were} blocked with {codes}; {cases} could not be judged"


def charges(result: RunResult) -> str:
    """How many charges were made, and for how many it is not known whether they went through."""
    unknown = sum(capture.state == "unknown" for capture in result.captures)
    text = f"{plural(len(result.captures), 'charge')} made"
    they = "it" if unknown == 1 else "they"
    return f"{text}; for {unknown} it is not known whether {they} went through" if unknown else text


def plural(count: int, noun: str) -> str:
    """The count with its noun: "1 request", "2 requests"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _untested(summary: Summary, cut: Callable[[str], str]) -> list[str]:
    """The requirements that were not tested, by reason, mandatory requirements first."""
    lines = []
    for (outcome, reason), rows in summary.untested().items():
        names = [f"{row.requirement.id} ({row.requirement.level})" for row in rows[:REQUIREMENTS_NAMED]]
        more = f" and {len(rows) - REQUIREMENTS_NAMED} more" if len(rows) > REQUIREMENTS_NAMED else ""
        lines.append(cut(f"{outcome}: {', '.join(names)}{more}: {reason}"))
    if more_reasons := len(lines[REASONS_SHOWN:]):
        lines[REASONS_SHOWN:] = [f"See report.html for {plural(more_reasons, 'more reason')}"]
    return lines


def _finding(finding: Finding, cut: Callable[[str], str], clean: Cleaner) -> list[str]:
    requirement = finding.row.requirement
    notes = [*(["waived"] if finding.row.waived else []), *([finding.row.stability] if finding.row.stability else [])]
    note = f" ({', '.join(notes)})" if notes else ""
    head = f"{requirement.level} {requirement.id}{note}: {requirement.statement}"
    if not finding.violations:
        return [cut(head)]
    first, cases = finding.violations[0], len(finding.violations) + finding.more
    others = f" and {cases - 1} more" if cases > 1 else ""
    return [
        cut(head),
        cut(
            f"  at        {first.judgement.at}, case {first.row.result.case.id}{others}; contract page: {requirement.place.title}"
        ),
        *([cut(f"  sent      {first.sent}")] if first.sent else []),
        cut(f"  expected  {first.judgement.expected}"),
        cut(f"  received  {first.judgement.received}"),
        *([clean(f"  {first.replay_line.splitlines()[-1]}")] if first.replay_line else []),
    ]


def status_line(summary: Summary, result: RunResult, status: int, clean: Cleaner, *, builtin: bool) -> str:
    """The last line: the exit status and why it is that one."""
    where = f" ({BUILTIN})" if builtin else ""
    return clean.line(f"exit {status}: {why_status(summary, result, status)}{where}", WIDTH)


def why_status(summary: Summary, result: RunResult, status: int) -> str:  # noqa: PLR0911 - one return for each status
    """Why the run has this exit status."""
    untested = [row for row in summary.requirements if row.requirement.level == "MUST" and row.outcome in UNJUDGED]
    count = f"{plural(len(untested), 'mandatory requirement')} {'was' if len(untested) == 1 else 'were'} not tested"
    failed = sum(row.outcome == "failed" and not row.waived for row in summary.requirements)
    warned = sum(row.outcome == "warned" and not row.waived for row in summary.requirements)
    match status:
        case 130:
            return "interrupted; the results until then are reported"
        case 4:
            return f"the test suite itself failed{f': {result.errors[0]}' if result.errors else ''}"
        case 2:
            return result.usage or next(row.line() for row in summary.waivers if row.out_of_date)
        case 1 if summary.worse is not None:
            return f"--baseline, and {plural(len(summary.worse), 'outcome')} became worse: {summary.worse[0].line()}"
        case 1 if failed:
            return f"{plural(failed, 'mandatory requirement')} {'is' if failed == 1 else 'are'} violated"
        case 1:
            return f"--fail-on-warning, and {plural(warned, 'recommendation')} {'is' if warned == 1 else 'are'} not met"
        case 3 if result.stop or summary.why:
            return f"the run could not decide: {result.stop or summary.why}"
        case 3:
            return f"--require-complete, and {count}: {untested[0].reason}"
    if summary.worse is not None:
        return f"--baseline, and nothing became worse{f'; {plural(failed, KNOWN)}' if failed else ''}"
    return f"no mandatory requirement is violated{f'; {count}' if untested else ''}"


def print_lines(lines: Iterable[str], stream: TextIO | None, colours: Mapping[int, str] | None = None) -> None:
    """Print plain text, wrapped at words on a terminal, except lines to paste.

    Characters that the encoding of the stream lacks are escaped. `colours`: of lines by their index, for a terminal.
    Without a stream (Python has none if it was started with a closed output) nothing is printed.
    """
    if stream is None:
        return
    encoding, coloured = stream.encoding or "ascii", shows_colours(stream)
    width = get_terminal_size().columns if stream.isatty() else UNLIMITED
    for number, line in enumerate(lines):
        text = line.encode(encoding, "backslashreplace").decode(encoding)
        indent = " " * (len(text) - len(text.lstrip()) + 4)
        paste = TO_PASTE.match(text)
        rows = [text] if paste else textwrap.wrap(
            text, width, subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False
        )  # fmt: skip
        colour = (colours or {}).get(number) or _colour(text)
        for row in rows or [""]:
            print(typer.style(row, fg=colour) if coloured and colour else row, file=stream)


def shows_colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal that shows colours, and the user has not turned them off (no-color.org)."""
    return is_interactive(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _colour(line: str) -> str | None:
    """The colour of a line, by the word of ours that it begins with; text of a target never begins a line."""
    return next((colour for word, colour in COLOURS.items() if line.startswith(word)), None)
