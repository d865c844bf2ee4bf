"""Scripts that repeat what one shell line cannot: several requests in order, with waits. Sends and runs nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from conformance.cases.model import Case
from conformance.exchange.event import Sent
from conformance.judge.model import Judgement
from conformance.redact import visible
from conformance.report.curl import UNIQUE, UNIQUE_AGAIN, Replay, ReplayLine, swapped

HEAD = """\
#!/bin/sh
# {title}
# Sends {count} requests, which may charge, and shows every answer. Credentials are read from variables.
here=$(dirname "$0")
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
unique={unique}
"""
SIT_OUT = """\
sit_out() {  # waits as long as the last Retry-After in the file asks
    after=$(tr -d '\\r' < "$1" | sed -n 's/^[Rr]etry-[Aa]fter: *//p' | tail -n 1)
    case $after in
        *[!0-9]*) after=$(($(date -d "$after" +%s) - $(date +%s) + 1)) ;;
    esac
    echo "... waiting ${after:-0} s"
    sleep "${after:-0}"
}
"""


def needs_script(case: Case, judgement: Judgement, evidence: Sequence[Sent]) -> bool:
    """Whether one request cannot show what `judgement` says."""
    if judgement.exchange is None:
        return len(evidence) > 1
    if case.scheduling == "one-shot" or case.rule == "same-answer":
        return False
    violating = next((one for one in evidence if one.number == judgement.exchange), None)
    return violating is None or violating.exchange.probe > 0


def script(line: ReplayLine, case: Case, evidence: Sequence[Sent]) -> Replay:
    """What to paste to send all of `evidence` again: a script, `CASE.sh`, with the bodies that it sends."""
    ordered = sorted(evidence, key=lambda one: one.number or 0)
    lines = [HEAD.format(title=visible(f"{case.id}: {case.title}"), count=len(ordered), unique=UNIQUE)]
    lines += sorted({note for one in ordered if (note := line.note(one))})
    if any(one.probe.wait for one in ordered):
        lines.append(SIT_OUT)
    trips: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for position, sent in enumerate(ordered):
        lines += _prepared(line, sent, position, trips, files)
    for number in sorted({one.probe.connection for one in ordered}):
        mine = [(index, one) for index, one in enumerate(ordered) if one.probe.connection == number]
        steps = _steps(line, mine)
        lines += [f'{step} > "$tmp/{number}.txt" &' for step in steps] if case.together else _shown(steps)
    lines += ["wait", 'cat "$tmp"/*.txt'] if case.together else []
    name = f"{case.id}.sh"
    files[name] = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
    return Replay(f"sh {shlex.quote(str(line.repro / name))}", files)


def _prepared(line: ReplayLine, sent: Sent, position: int, trips: dict[str, str], files: dict[str, bytes]) -> list[str]:
    """Lines that put the body of one request into place, with a fresh trip; one trip has one name in all of them."""
    if not sent.exchange.request.body:
        return []
    name, files[name] = line.body_file(sent)
    file = f'"$here"/{shlex.quote(name)}'
    lines, swaps = [], []
    if trip := line.used_trip(sent):
        if trip not in trips:
            trips[trip] = f"trip_{len(trips) + 1}"
            lines.append(f"{trips[trip]}={line.trip.replace('{TRIP:', f'{{TRIP_{len(trips)}:')}")
        swaps.append((trip, f"${trips[trip]}"))
    unique = line.unique(sent)
    if unique and unique.encode() in sent.exchange.request.body:
        swaps.append((unique, UNIQUE_AGAIN))
    source = swapped(swaps, file) if swaps else f"cat {file}"
    return [*lines, f'{source} > "$tmp/{position}.body"']


def _steps(line: ReplayLine, numbered: list[tuple[int, Sent]]) -> list[str]:
    """The calls of curl for one connection: those without a wait between them in one call, so that they share it."""
    steps: list[str] = []
    for index, sent in numbered:
        call = line.command(sent, f'"@$tmp/{index}.body"', line.unique(sent)) + r" -w '\n\n'"
        if steps and not sent.probe.wait:
            steps[-1] += f" \\\n  --next {call.removeprefix('curl ')}"
        else:
            steps.append(call)
    return steps


def _shown(steps: list[str]) -> list[str]:
    """The steps of a chain: each shows its answers, and waits first as long as the answers before it ask."""
    shown = [f'{step} | tee "$tmp/answers"' for step in steps]
    return [shown[0], *(f'sit_out "$tmp/answers"\n{step}' for step in shown[1:])]
