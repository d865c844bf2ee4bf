"""The options of a run, shared by the command line and by pytest. Imports nothing that is slow to load."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

Depth = Literal["smoke", "standard", "deep"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run: each field is one option, with its type and its help text."""

    profile: Annotated[Path | None, "Profile of the target (TOML)."] = None
    target: Annotated[str | None, "URL to test; replaces the url of the profile."] = None
    out: Annotated[Path | None, "Folder for the files of the run; default: reports/<run>."] = None
    resume: Annotated[Path | None, "Go on with the run in this folder, which was cut off."] = None
    depth: Annotated[Depth, "How many requests to send."] = "standard"
    seed: Annotated[int, "Seed of the generated cases."] = 0
    concurrency: Annotated[int | None, "Most requests in flight at the same time."] = None
    max_captures: Annotated[int | None, "Most charges of the run, if the profile allows more."] = None
    selection: Annotated[
        str, "Send only these cases: parts of their ids, or ids of requirements, with and, or, not."
    ] = ""
    wait: Annotated[str, "Wait until the target answers, at most this long, for example 60s."] = ""
    max_time: Annotated[
        str, "Send nothing more after this time, for example 30m; what was judged until then counts."
    ] = ""
    spec: Annotated[Path | None, "Folder with another version of the spec."] = None
    require_complete: Annotated[bool, "Exit with 3 unless every MUST was tested."] = False
    fail_on_warning: Annotated[bool, "Exit with 1 if a SHOULD is violated."] = False
    baseline: Annotated[Path | None, "Run or bundle to compare with: exit with 1 only if something became worse."] = (
        None
    )
    yes: Annotated[bool, "Charge without asking; outside this machine a pipeline needs it."] = False
    allow_production: Annotated[bool, "Allow a target whose environment is production."] = False


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flag, the type of its value (a bool option takes none), its default and its help text."""

    name: str
    flag: str
    type: Any
    default: Any
    help: str


def options(*names: str) -> list[Option]:
    """All options of a run, or only those with these names."""
    hints = get_type_hints(Options, include_extras=True)
    listed = []
    for field in fields(Options):
        kind, text = get_args(hints[field.name])
        flag = "-k" if field.name == "selection" else "--" + field.name.replace("_", "-")
        listed.append(Option(field.name, flag, kind, field.default, text))
    return [option for option in listed if not names or option.name in names]
