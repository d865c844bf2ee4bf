"""The parts of `report.html` that pytest-html puts in place. Every text is made visible, then escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from conformance.contract import Contract
from conformance.exchange.model import Exchange, Headers
from conformance.judge.model import Judgement
from conformance.profile import Profile
from conformance.report.outcome import CaseRow, Summary
from conformance.report.redact import Redactor, visible
from conformance.run.model import RunResult

EXCERPT = 1500
NEXT = {
    "conformant": "Nothing that was tried breaks the contract. Read below what was not tried, then sign.",
    "non-conformant": "The target breaks the contract. Send the findings below back to be mended; do not sign.",
    "inconclusive": "The run could not judge everything it set out to. Mend the reason below and run again.",
}


def safe(text: object) -> str:
    """Any text as HTML that shows it."""
    return escape(visible(str(text)))


def title(profile: Profile) -> str:
    """The title of the page."""
    return safe(f"Capture Charge conformance: {profile.target.name}")


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{safe(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table class='findings'><tr>{''.join(f'<th>{safe(cell)}</th>' for cell in head)}</tr>{body}</table>"


def summary_cells(summary: Summary, result: RunResult, profile: Profile) -> list[str]:
    """The top of the page: verdict and what to do, scope, findings, what was not judged, traceability, captures."""
    rows = summary.requirements
    broken = [row for row in rows if row.outcome in ("failed", "warned")]
    silent = [row for row in rows if row.outcome in ("not-judged", "not-exercised")]
    seen = [row for row in rows if row.observed]
    counts = ", ".join(f"{count} {outcome}" for outcome, count in summary.counts.items() if count)
    parts = [
        f"<p class='verdict {summary.verdict}'>{safe(summary.headline)}<br><small>{NEXT[summary.verdict]}</small></p>",
        (
            f"<p>Target {safe(result.url)} ({safe(profile.target.environment or 'unknown')}), operator "
            f"{safe(profile.target.operator or 'not named')}, {safe(result.started)} to {safe(result.ended)}, depth "
            f"{safe(result.depth)}, seed {result.seed}, {result.requests} requests. Requirements: {safe(counts)}.</p>"
        ),
        f"<p>{safe(result.stop)}</p>" if result.stop else "",
        "<p>Interrupted: what was judged so far.</p>" if result.interrupted else "",
        f"<p>Environment variables that were set and ignored: {safe(', '.join(result.ignored_environment) or 'none')}.</p>",
    ]
    if broken:
        parts += ["<h3>Findings</h3>", _table(("requirement", "level", "statement", "place on the page", "cases", "stability"), (
            (row.requirement.id, row.requirement.level, row.requirement.statement, row.requirement.place.title, len(row.cases), row.unstable)
            for row in broken))]  # fmt: skip
    if silent:
        parts += ["<h3>Not exercised or not judged</h3>", _table(("requirement", "level", "why"), (
            (row.requirement.id, row.requirement.level, row.reason) for row in silent))]  # fmt: skip
    if seen:
        parts += ["<h3>Observed, either way fine</h3>", _table(("requirement", "seen"), (
            (row.requirement.id, "; ".join(row.observed)) for row in seen))]  # fmt: skip
    parts += ["<h3>The provider's test plan</h3>", _table(("case", "title", "outcome", "cases of this suite"), (
        (row.number, row.title, row.outcome, len(row.cases)) for row in summary.test_plan))]  # fmt: skip
    if result.captures:
        parts += ["<details><summary>Captures initiated or unknown</summary>", _table(("trip", "amount", "currency", "time", "state"), (
            (one.trip, one.amount, one.currency, one.time, one.state) for one in result.captures)), "</details>"]  # fmt: skip
    return [part for part in parts if part]


def row_cells(contract: Contract, row: CaseRow) -> list[str]:
    """Requirement, level and outcome of one case."""
    words = row.result.case.requirements
    main = words[0] if words else ""
    level = contract.level(main) if main else ""
    return [f"<td>{safe(main)}</td>", f"<td>{level}</td>", f"<td>{safe(row.outcome)}</td>"]


def _head(headers: Headers) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers)


def _excerpt(content: bytes) -> str:
    more = f" … {len(content)} bytes" if len(content) > EXCERPT else ""
    return content[:EXCERPT].decode("utf-8", "backslashreplace") + more


def evidence(exchange: Exchange, judgements: Iterable[Judgement], redactor: Redactor, curl: str) -> str:
    """What was sent and received, what it breaks, and the line that repeats it."""
    request, answer = exchange.request, exchange.answer
    sent = f"{request.method} {request.target}\n{_head(redactor.redact_headers(request.headers))}\n\n{_excerpt(request.body)}"
    if answer is not None:
        got = f"{answer.status}\n{_head(redactor.redact_headers(answer.headers))}\n\n{_excerpt(answer.body)}"
    else:
        got = f"{exchange.failure.kind}: {exchange.failure.detail}" if exchange.failure else "nothing"
    broken = "\n".join(
        f"{one.requirement} at {one.at}: expected {one.expected}; received {one.received}"
        for one in judgements
        if one.kind == "breaks" and one.exchange == exchange.number
    )
    blocks = (("breaks", broken), ("request", sent), ("answer", got), ("again (may charge)", curl))
    return "".join(f"<h4>{name}</h4><pre>{safe(redactor(text))}</pre>" for name, text in blocks if text)
