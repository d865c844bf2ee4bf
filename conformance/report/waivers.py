"""Which violations are waived, and which waivers are out of date. Pure: must not read a clock or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from conformance.profile import Waiver
from conformance.run.model import CaseResult, Outcome

State = Literal["applied", "expired", "stale", "not-needed"]


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """One waiver of the profile in the report.

    applied: it covers a violation. expired: its last day is over. stale: what it covers was tested and is met.
    not-needed: what it covers was not tested, or not in full.
    """

    waiver: Waiver
    state: State

    @property
    def out_of_date(self) -> bool:
        """Whether the profile must be changed: the run ends with status 2."""
        return self.state in ("expired", "stale")

    def line(self) -> str:
        """The waiver for people."""
        waiver = self.waiver
        of = f"requirement {waiver.requirement}" if waiver.requirement else f"case {waiver.case}"
        ticket = f", {waiver.ticket}" if waiver.ticket else ""
        text = f"{of}: {waiver.reason} ({waiver.owner}{ticket})"
        match self.state:
            case "expired":
                return f"The waiver of {of} expired on {waiver.expires}; renew it or remove it ({waiver.owner}{ticket})"
            case "stale":
                return f"The waiver of {of} is no longer needed, since it is met; remove it ({waiver.owner}{ticket})"
            case "applied":
                return f"Waived until {waiver.expires}: {text}"
            case _:
                return f"Not needed in this run: the waiver of {text}"


class Waivers:
    """The waivers of one run. `whole`: every case of the contract was selected, so that what is met needs no waiver."""

    def __init__(self, waivers: Sequence[Waiver], today: date, *, whole: bool) -> None:
        self._all, self._today, self._whole = waivers, today, whole
        valid = [waiver for waiver in waivers if waiver.expires >= today]
        self._requirements = {waiver.requirement for waiver in valid if waiver.requirement}
        self._cases = {waiver.case for waiver in valid if waiver.case}

    def cover(self, requirement: str, case: str) -> bool:
        """Whether a violation of `requirement` that `case` showed is waived."""
        return requirement in self._requirements or case in self._cases

    def cover_case(self, result: CaseResult) -> bool:
        """Whether all violations that a case shows are waived."""
        violated = [judgement.requirement for judgement in result.judgements if judgement.kind == "breaks"]
        return bool(violated) and all(self.cover(requirement, result.case.id) for requirement in violated)

    def rows(self, requirements: Mapping[str, Outcome], cases: Mapping[str, Outcome]) -> tuple[WaiverRow, ...]:
        """Each waiver with its state, given the outcomes of all requirements and cases."""
        return tuple(
            WaiverRow(
                waiver,
                self._state(
                    waiver, requirements.get(waiver.requirement) if waiver.requirement else cases.get(waiver.case or "")
                ),
            )
            for waiver in self._all
        )

    def _state(self, waiver: Waiver, outcome: Outcome | None) -> State:
        if waiver.expires < self._today:
            return "expired"
        if outcome in ("failed", "warned"):
            return "applied"
        return "stale" if self._whole and outcome in ("passed", "observed") else "not-needed"
