"""What the first screen of a page counts and draws: coverage by topic, and windows over time. Decides no outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.exchange.retry_after import announced_delay
from conformance.report.outcome import UNJUDGED, CaseRow, RequirementRow

# Topics by the beginning of a requirement's id.
TOPICS: dict[str, tuple[str, ...]] = {
    "Store and trip": ("store-id", "trip-id"),
    "Amount and currency": ("amount", "value", "code"),
    "Request and body": ("capture", "body", "media-type", "accept", "request", "method", "path"),
    "Rate limit": ("rate-limit",),
    "Success and errors": ("answer", "success", "bad-request", "server-error", "unavailable"),
}


@dataclass(frozen=True, slots=True)
class Topic:
    """The mandatory requirements of one topic: how many were met, violated and not tested."""

    name: str
    met: int
    violated: int
    untested: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.met + self.violated + self.untested


@dataclass(frozen=True, slots=True)
class Moment:
    """One request of a window: seconds since the first, its status, and the seconds that the answer announced."""

    at: float
    status: int | None
    announced: float | None


def topic_of(row: RequirementRow) -> str:
    """The topic of a requirement."""
    theme = row.requirement.id.partition(".")[0]
    return next((name for name, themes in TOPICS.items() if theme in themes), "Other")


def topics_of(rows: Sequence[RequirementRow]) -> list[Topic]:
    """The topics that have mandatory requirements, in their order."""
    found = []
    for name in (*TOPICS, "Other"):
        own = [row for row in rows if row.requirement.level == "MUST" and topic_of(row) == name]
        untested = sum(row.outcome in UNJUDGED for row in own)
        violated = sum(row.outcome == "failed" for row in own)
        if own:
            found.append(Topic(name, len(own) - untested - violated, violated, untested))
    return found


def untested_by_topic(rows: Sequence[RequirementRow]) -> dict[str, dict[str, list[RequirementRow]]]:
    """The requirements without a result, by topic and reason, mandatory ones first."""
    found: dict[str, dict[str, list[RequirementRow]]] = {name: {} for name in (*TOPICS, "Other")}
    for row in sorted(rows, key=lambda row: row.requirement.level != "MUST"):
        if row.outcome in UNJUDGED:
            found[topic_of(row)].setdefault(row.reason, []).append(row)
    return {name: reasons for name, reasons in found.items() if reasons}


def window_of(row: CaseRow) -> list[Moment]:
    """The requests of a case that tests a window, in order; empty for other cases and where no window was announced."""
    if row.result.case.rule != "window":
        return []
    sent = [each for each in row.result.evidence if each.exchange.sent_at is not None]
    sent.sort(key=lambda each: each.exchange.sent_at or 0.0)
    start = sent[0].exchange.sent_at or 0.0 if sent else 0.0
    moments = [
        Moment(
            round((each.exchange.sent_at or 0.0) - start, 2),
            each.status,
            announced_delay(each.exchange.answer, each.exchange.wall_time) if each.exchange.answer else None,
        )
        for each in sent
    ]
    return moments if any(moment.announced for moment in moments) else []
