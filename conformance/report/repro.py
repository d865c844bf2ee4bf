"""Scripts for what one shell line cannot repeat: several requests in order, with waits. Sends and runs nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from conformance.cases.model import Case
from conformance.exchange.event import Sent
from conformance.judge.model import Judgement
from conformance.redact import visible
from conformance.report.curl import NEW_UNIQUE, UNIQUE_VARIABLE, Replay, ReplayWriter, swapped

HEAD = """\
#!/bin/sh
# {title}
# Sends {count} requests, which may charge, and shows every response. Credentials are read from variables.
here=$(dirname "$0")
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
unique={unique}
"""
WAIT_FUNCTION = """\
wait_for_window() {  # waits as long as the last Retry-After in the file says
    after=$(tr -d '\\r' < "$1" | sed -n 's/^[Rr]etry-[Aa]fter: *//p' | tail -n 1)
    case $after in
        *[!0-9]*) after=$(($(date -d "$after" +%s) - $(date +%s) + 1)) ;;
    esac
    echo "... waiting ${after:-0} s"
    sleep "${after:-0}"
}
"""


def needs_script(case: Case, judgement: Judgement, evidence: Sequence[Sent]) -> bool:
    """Whether one request is not enough to reproduce `judgement`."""
    if judgement.exchange is None:
        return len(evidence) > 1
    if case.scheduling == "one-shot" or case.rule == "same-answer":
        return False
    violating = next((sent for sent in evidence if sent.number == judgement.exchange), None)
    return violating is None or violating.exchange.probe > 0


def script(writer: ReplayWriter, case: Case, evidence: Sequence[Sent]) -> Replay:
    """What to paste to send all of `evidence` again: a call of the script `CASE.sh`, which reads the bodies."""
    ordered = sorted(evidence, key=lambda sent: sent.number or 0)
    lines = [HEAD.format(title=visible(f"{case.id}: {case.title}"), count=len(ordered), unique=NEW_UNIQUE)]
    lines += sorted({note for sent in ordered if (note := writer.note(sent))})
    if any(sent.probe.wait for sent in ordered):
        lines.append(WAIT_FUNCTION)
    trips: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for position, sent in enumerate(ordered):
        lines += _prepared(writer, sent, position, trips, files)
    for number in sorted({sent.probe.connection for sent in ordered}):
        on_connection = [(index, sent) for index, sent in enumerate(ordered) if sent.probe.connection == number]
        steps = _steps(writer, on_connection)
        lines += [f'{step} > "$tmp/{number}.txt" &' for step in steps] if case.together else _in_order(steps)
    lines += ["wait", 'cat "$tmp"/*.txt'] if case.together else []
    name = f"{case.id}.sh"
    files[name] = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
    return Replay(f"sh {shlex.quote(str(writer.repro / name))}", files)


def _prepared(
    writer: ReplayWriter, sent: Sent, position: int, trips: dict[str, str], files: dict[str, bytes]
) -> list[str]:
    """Lines that prepare the body of one request with a fresh trip. The same trip has the same variable in all bodies."""
    if not sent.exchange.request.body:
        return []
    name, files[name] = writer.body_file(sent)
    file = f'"$here"/{shlex.quote(name)}'
    lines, swaps = [], []
    if trip := writer.used_trip(sent):
        if trip not in trips:
            trips[trip] = f"trip_{len(trips) + 1}"
            lines.append(f"{trips[trip]}={writer.trip.replace('{TRIP:', f'{{TRIP_{len(trips)}:')}")
        swaps.append((trip, f"${trips[trip]}"))
    unique = writer.unique(sent)
    if unique and unique.encode() in sent.exchange.request.body:
        swaps.append((unique, UNIQUE_VARIABLE))
    source = swapped(swaps, file) if swaps else f"cat {file}"
    return [*lines, f'{source} > "$tmp/{position}.body"']


def _steps(writer: ReplayWriter, numbered: list[tuple[int, Sent]]) -> list[str]:
    """The calls of curl for one connection. Requests without a wait between them share one call, and so a connection."""
    steps: list[str] = []
    for index, sent in numbered:
        call = writer.command(sent, f'"@$tmp/{index}.body"', writer.unique(sent)) + r" -w '\n\n'"
        if steps and not sent.probe.wait:
            steps[-1] += f" \\\n  --next {call.removeprefix('curl ')}"
        else:
            steps.append(call)
    return steps


def _in_order(steps: list[str]) -> list[str]:
    """The steps of a chain. Each shows its responses; before each, the script waits as the last Retry-After says."""
    shown = [f'{step} | tee "$tmp/responses"' for step in steps]
    return [shown[0], *(f'wait_for_window "$tmp/responses"\n{step}' for step in shown[1:])]
