"""Keep drawn templates in the user's cache folder, so that only the first run has to draw them.

Where the cache is missing, damaged or cannot be written, the templates are drawn again and nothing is reported.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from conformance import __version__
from conformance.cases.generated import child
from conformance.cases.generated.template import Template
from conformance.contract.load import Contract

ENVIRONMENT = "CAPTURE_CONFORMANCE_CACHE"
KEPT = 50  # files; older ones are removed
Counts = tuple[tuple[str, int | None], ...]


def templates(contract: Contract, counts: Counts, seed: int) -> dict[str, list[Template]]:
    """Give this number of templates for each strategy (None: all there are), from the cache or drawn now.

    Raises `OwnFault` where drawing fails.
    """
    document = contract.openapi_file.read_bytes()
    inputs = [document, _sources(), *(repr(each).encode() for each in (seed, counts, __version__, versions()))]
    key = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in inputs)).hexdigest()
    return _templates(cache_folder() / f"bodies-{key}.json", contract.folder, counts, seed)


@lru_cache(1)
def versions() -> dict[str, str]:
    """The versions on which the bodies of a seed depend, in addition to that of this suite."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    libraries = {name: version(name) for name in ("hypothesis", "schemathesis")}
    return {"python": python, **libraries}


def cache_folder() -> Path:
    """The folder in CAPTURE_CONFORMANCE_CACHE, or the user's cache; without a home, a path that cannot be written."""
    named = os.environ.get(ENVIRONMENT)
    folder = Path(named).absolute() if named else user_cache_path("capture-charge-conformance", appauthor=False)
    return folder if folder.is_absolute() else Path(os.devnull)


@lru_cache(1)
def _sources() -> bytes:
    """The modules that decide what is drawn, and some others. A change to any of them makes everything drawn again."""
    folders = Path(__file__).parents[1], Path(__file__).parents[2] / "contract"
    return b"".join(file.read_bytes() for folder in folders for file in sorted(folder.rglob("*.py")))


@lru_cache(4)
def _templates(file: Path, spec: Path, counts: Counts, seed: int) -> dict[str, list[Template]]:
    found = _read(file)
    if found is None:
        found = child.drawn(spec, dict(counts), seed, file.parent / "hypothesis")
        with suppress(OSError):
            _write(file, found)
    return found


def _read(file: Path) -> dict[str, list[Template]] | None:
    try:
        digest, _, content = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    if digest != _digest(content):
        return None
    return {name: [Template(*fields) for fields in each] for name, each in json.loads(content).items()}


def _write(file: Path, made: dict[str, list[Template]]) -> None:
    """Write the file completely or not at all. OSError where it cannot be written."""
    content = json.dumps({name: [each.fields for each in rows] for name, rows in made.items()}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as stream:
        try:
            stream.write(_digest(content) + b"\n" + content)
            stream.close()
            Path(stream.name).replace(file)
        finally:
            Path(stream.name).unlink(missing_ok=True)
    for old in sorted(file.parent.glob("bodies-*.json"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
