"""Scripts that repeat what one shell line cannot: several requests in order, with waits. Sends and runs nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from conformance.cases.model import Case, Probe
from conformance.exchange.model import Exchange
from conformance.judge.model import Judgement
from conformance.report.curl import UNIQUE, UNIQUE_AGAIN, Shell, swapped
from conformance.report.redact import visible

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


def needs_script(case: Case, judgement: Judgement, exchanges: Sequence[Exchange]) -> bool:
    """Whether one request cannot show what `judgement` says."""
    if judgement.exchange is None:
        return len(exchanges) > 1
    if case.scheduling == "one-shot" or case.rule == "same-answer":
        return False
    broken = next((one for one in exchanges if one.number == judgement.exchange), None)
    return broken is None or broken.probe > 0


def write_script(shell: Shell, case: Case, exchanges: Sequence[Exchange]) -> Path:
    """Write `repro/CASE.sh`, which sends all of `exchanges` again; gives its path. OSError where it can't."""
    ordered = sorted(exchanges, key=lambda one: one.number or 0)
    lines = [HEAD.format(title=visible(f"{case.id}: {case.title}"), count=len(ordered), unique=UNIQUE)]
    lines += sorted({note for one in ordered if (note := shell.note(one, case))})
    probes = [_probe(case, one) for one in ordered]
    if any(probe is not None and probe.wait for probe in probes):
        lines.append(SIT_OUT)
    trips: dict[str, str] = {}
    for position, exchange in enumerate(ordered):
        lines += _prepared(shell, case, exchange, position, trips)
    numbers = [probe.connection if probe else 0 for probe in probes]
    for number in sorted(set(numbers)):
        steps = _steps(
            shell, case, [pair for pair, mine in zip(enumerate(ordered), numbers, strict=True) if mine == number]
        )
        lines += [f'{step} > "$tmp/{number}.txt" &' for step in steps] if case.together else _shown(steps)
    lines += ["wait", 'cat "$tmp"/*.txt'] if case.together else []
    shell.repro.mkdir(parents=True, exist_ok=True)
    file = shell.repro / f"{case.id}.sh"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="backslashreplace")
    file.chmod(0o755)
    return file


def _probe(case: Case, exchange: Exchange) -> Probe | None:
    return case.probes[exchange.probe] if exchange.case == case.id and exchange.probe < len(case.probes) else None


def _prepared(shell: Shell, case: Case, exchange: Exchange, position: int, trips: dict[str, str]) -> list[str]:
    """Lines that put the body of one request into place, with a fresh trip; one trip has one name in all of them."""
    if not exchange.request.body:
        return []
    file = f'"$here"/{shlex.quote(shell.write_body(exchange).name)}'
    lines, swaps = [], []
    if trip := shell.used_trip(exchange):
        if trip not in trips:
            trips[trip] = f"trip_{len(trips) + 1}"
            lines.append(f"{trips[trip]}={shell.trip.replace('{TRIP:', f'{{TRIP_{len(trips)}:')}")
        swaps.append((trip, f"${trips[trip]}"))
    unique = shell.unique(exchange, case)
    if unique and unique.encode() in exchange.request.body:
        swaps.append((unique, UNIQUE_AGAIN))
    source = swapped(swaps, file) if swaps else f"cat {file}"
    return [*lines, f'{source} > "$tmp/{position}.body"']


def _steps(shell: Shell, case: Case, numbered: list[tuple[int, Exchange]]) -> list[str]:
    """The calls of curl for one connection: those without a wait between them in one call, so that they share it."""
    steps: list[str] = []
    for index, exchange in numbered:
        call = shell.command(exchange, f'"@$tmp/{index}.body"', shell.unique(exchange, case)) + r" -w '\n\n'"
        probe = _probe(case, exchange)
        if steps and not (probe is not None and probe.wait):
            steps[-1] += f" \\\n  --next {call.removeprefix('curl ')}"
        else:
            steps.append(call)
    return steps


def _shown(steps: list[str]) -> list[str]:
    """The steps of a chain: each shows its answers, and waits first as long as the answers before it ask."""
    shown = [f'{step} | tee "$tmp/answers"' for step in steps]
    return [shown[0], *(f'sit_out "$tmp/answers"\n{step}' for step in shown[1:])]
