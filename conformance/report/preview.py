"""What a run prints before it sends anything: what is tested, with which profile, what it may charge, and whether it may."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal

from conformance.cases.model import Case
from conformance.profile import Profile
from conformance.report.clean import Cleaner
from conformance.report.money import amount_text
from conformance.run.engine import CONFIRMATIONS
from conformance.run.plan import Cost, cost_of_plan
from conformance.session import Run

BUILTIN = "built-in mock server: no profile given"


def preview_lines(run: Run, selected: Sequence[Case], clean: Cleaner) -> list[str]:
    """The lines, each with a label."""
    profile, options = run.profile, run.options
    cost = cost_of_plan(profile, run.with_opening(selected))
    chosen = f", only {options.selection!r}" if options.selection else ""
    return [
        *warnings(profile),
        clean(f"Target   {profile.target.url}{f' ({BUILTIN})' if run.builtin else ''}"),
        clean(f"Profile  {_profile(run)}"),
        clean(f"Depth    {options.depth}{chosen}, seed {options.seed}: {cost.requests} requests, and at most {CONFIRMATIONS} to confirm findings"),
        clean(f"Charges  {_charges(profile, cost)}"),
    ]  # fmt: skip


def _question(run: Run, selected: Sequence[Case], clean: Cleaner) -> str:
    """What must be confirmed before the run may charge; empty where nobody has to be asked."""
    profile = run.profile
    cost = cost_of_plan(profile, run.with_opening(selected))
    if run.options.yes or profile.on_this_machine or not cost.charging:
        return ""
    bounds = {code: _bound(profile, code) for code in cost.worst}
    sums = [f"{amount_text(bound, code)} {code}" for code, bound in bounds.items() if bound is not None]
    return clean(f"at most {' and '.join(sums)} in {profile.max_captures} charges at {profile.target.url}")


def refusal(run: Run, selected: Sequence[Case], clean: Cleaner) -> str:
    """Ask once on a terminal whether the run may charge. Gives why it may not; empty where nobody has to be asked."""
    charges = _question(run, selected, clean)
    if not charges:
        return ""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return f"--yes is missing: this run may charge {charges}; without a terminal nobody can be asked"
    sys.stderr.write(f"{charges[0].upper()}{charges[1:]}. Go on? [y/N] ")
    sys.stderr.flush()
    return "" if sys.stdin.readline().strip().lower() in ("y", "yes") else "nothing was sent"


def warnings(profile: Profile) -> list[str]:
    """What is printed also where little is printed."""
    return [f"Warning  {profile.short_secret}"] if profile.short_secret else []


def assumptions(run: Run) -> str:
    """What is assumed of a server that has no profile; empty for the mock server, which is known."""
    data = run.profile.data
    if run.options.profile is not None or run.builtin:
        return ""
    return (
        f"assumed as for the mock server: stores {', '.join(data.stores)}; currency {', '.join(data.currencies)}; "
        "any UUID is a trip"
    )


def _profile(run: Run) -> str:
    profile, file = run.profile, run.options.profile
    if file is not None:
        return f"{file}: {profile.target.name} ({profile.target.environment or 'no environment'})"
    if run.builtin:
        return "built-in"
    return f"none; {assumptions(run)}"


def _charges(profile: Profile, cost: Cost) -> str:
    """The most that the limits of the profile allow to charge."""
    expected = f"a conforming server makes {cost.captures}"
    bounds = {code: _bound(profile, code) for code in cost.worst}
    limited = [f"{amount_text(bound, code)} {code}" for code, bound in bounds.items() if bound is not None]
    if profile.max_captures is None and not limited:
        return f"no limit, since the target is on this machine; {expected}"
    most = [str(profile.max_captures)] if profile.max_captures is not None else []
    return f"at most {'; at most '.join([*most, *limited])}; {expected}"


def _bound(profile: Profile, code: str) -> Decimal | None:
    """The largest sum that the limits allow in a currency; None for no limit."""
    by_count = None if profile.max_captures is None else profile.max_captures * profile.max_amount_of(code)
    bounds = [bound for bound in (by_count, profile.max_total_of(code)) if bound is not None]
    return min(bounds, default=None)
