"""A shell line that sends a request again. Credentials stand as variables, the trip is a fresh one where it can be."""

from __future__ import annotations

import shlex
from pathlib import Path

from conformance.exchange.model import Exchange
from conformance.report.redact import Redactor

LEFT_OUT = frozenset({"host", "content-length", "connection", "user-agent", "accept-encoding", "transfer-encoding"})
FRESH = "$(cat /proc/sys/kernel/random/uuid)"


def curl_line(
    exchange: Exchange,
    url: str,
    redactor: Redactor,
    repro: Path,
    *,
    fresh_trip: bool,
    variables: dict[str, str],
) -> str:
    """One POSIX shell line, with its body in `repro` where it has one. Raises OSError where that can't be written."""
    request = exchange.request
    scheme, rest = url.split("://", 1)
    words = [
        "curl",
        "-sS",
        "-i",
        "--http1.1",
        "-X",
        request.method,
        shlex.quote(f"{scheme}://{rest.split('/', 1)[0]}{request.target}"),
    ]
    names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        if name in variables:
            words += ["-H", f'"{name}: {variables[name]}"']
        elif name.lower() not in LEFT_OUT:
            words += ["-H", shlex.quote(redactor(f"{name}: {value}"))]
    words += ["-H", "'Accept:'"] if "accept" not in names else []
    if not request.body:
        return " ".join(words)
    repro.mkdir(parents=True, exist_ok=True)
    file = repro / f"{exchange.case}-{exchange.probe}.body"
    file.write_bytes(request.body)
    words += ["-H", "'Content-Type:'"] if "content-type" not in names else []
    line = " ".join([*words, "--data-binary"])
    if fresh_trip and exchange.trip and exchange.trip.encode() in request.body:
        return f'sed "s/{exchange.trip}/{FRESH}/" {shlex.quote(str(file))} | {line} @-'
    return f"{line} {shlex.quote(f'@{file}')}"
