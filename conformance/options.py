"""The options of a run: the one list of them, for the command line and for pytest. Imports nothing that takes long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

Depth = Literal["smoke", "standard", "deep"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run: the one list of them, for the command line and for pytest."""

    profile: Annotated[Path | None, "Profile of the target (TOML)."] = None
    target: Annotated[str | None, "URL to test; with a profile it replaces its url."] = None
    out: Annotated[Path | None, "Folder for the files of the run; default: reports/RUN."] = None
    depth: Annotated[Depth, "How much to try."] = "standard"
    seed: Annotated[int, "Seed of the generated cases."] = 0
    concurrency: Annotated[int | None, "Requests in flight at most."] = None
    selection: Annotated[str, "Only cases whose id matches, as in pytest."] = ""
    spec: Annotated[Path | None, "Folder with another copy of the spec."] = None
    require_complete: Annotated[bool, "3 unless every MUST was judged."] = False
    fail_on_warning: Annotated[bool, "1 where a SHOULD is violated."] = False
    allow_production: Annotated[bool, "Let the target be production."] = False


@dataclass(frozen=True, slots=True)
class Option:
    """One of them: its flag, the type of its value (bool: it takes none), its default and what it does."""

    name: str
    flag: str
    type: Any
    default: Any
    help: str


def options(*names: str) -> list[Option]:
    """The options of a run; of these names only, where any are given."""
    hints = get_type_hints(Options, include_extras=True)
    found = []
    for one in fields(Options):
        kind, text = get_args(hints[one.name])
        flag = "-k" if one.name == "selection" else "--" + one.name.replace("_", "-")
        found.append(Option(one.name, flag, kind, one.default, text))
    return [one for one in found if not names or one.name in names]
