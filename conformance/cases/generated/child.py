"""Draw templates in two child processes at the same time. Loads neither Hypothesis nor Schemathesis itself.

Both are slow to load, and need up to 250 MB and a folder for tables. The memory is freed with the child processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from conformance.cases.generated.table import STRATEGIES
from conformance.cases.generated.template import Template
from conformance.errors import OwnFault

# The child uses the module search path of this process.
_START = (
    "import json, sys; request = json.loads(sys.argv[1]); sys.path[:] = request['path'];"
    "from conformance.cases.generated.draw import answer; answer(request)"
)
_NOT_PASSED_ON = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


def drawn(spec: Path, counts: dict[str, int | None], seed: int, storage: Path) -> dict[str, list[Template]]:
    """Draw this number of templates for each strategy (None: all there are). Raises `OwnFault` where a child fails.

    `storage` is the folder for Hypothesis' tables. It need not be writable.
    """
    request = {"path": sys.path, "spec": str(spec), "seed": seed}
    with ExitStack() as stack:
        children = [stack.enter_context(_started({**request, "counts": part}, storage)) for part in _halves(counts)]
        answers: dict[str, list[list[str]]] = {}
        for child in children:
            answers |= _answer(child)
    return {name: [Template(*fields) for fields in answers[name]] for name in counts}


def _halves(counts: dict[str, int | None]) -> list[dict[str, int | None]]:
    """Split the work into two parts of about the same time: the slowest strategies first, each to the smaller part."""
    costs = {name: STRATEGIES[name].cost * (1 if count is None else count) for name, count in counts.items()}
    halves: list[dict[str, int | None]] = [{}, {}]
    for name in sorted(costs, key=lambda name: -costs[name]):
        min(halves, key=lambda half: sum(costs[each] for each in half))[name] = counts[name]
    return [half for half in halves if half]


@contextmanager
def _started(request: dict[str, Any], storage: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a child process, which ends with the context."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    environment |= {
        "PYTHONHASHSEED": "0",
        "HYPOTHESIS_NO_PLUGINS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(storage),
    }
    command = [sys.executable, "-P", "-Wignore", "-c", _START, json.dumps(request)]
    try:
        child = subprocess.Popen(  # noqa: S603 - this interpreter, our own arguments
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise OwnFault(f"the generated bodies could not be drawn: {error}") from error
    with child:
        try:
            yield child
        finally:
            child.kill()


def _answer(child: subprocess.Popen[bytes]) -> dict[str, list[list[str]]]:
    out, err = child.communicate()
    if child.returncode == 0:
        answer: dict[str, list[list[str]]] = json.loads(out)
        return answer
    lines = err.decode(errors="replace").split("\n")
    reason = next((line for line in reversed(lines) if line.strip()), f"exit status {child.returncode}")
    raise OwnFault(f"the generated bodies could not be drawn: {reason}")
