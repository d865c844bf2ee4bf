"""Read the files of `spec/` into frozen values. Must not judge, send, or import our other parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from conformance.contract.explanation import Explanation, read_explanations

Level = Literal["MUST", "SHOULD", "MAY"]

_CLASS = re.compile(r"\^\[([^\]^\\]+)\](?:[*+]|\{(\d+)\})\$")
_CHARACTERS = {"0-9a-zA-Z": "letters from A to Z, digits", "A-Z": "capital letters", "0-9": "digits"}
_NUMBERS = {"1": "one", "2": "two", "3": "three", "4": "four"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SpecError(ValueError):
    """A file of the spec folder is missing or does not have the expected form; the message names file and key."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the contract page, with a stable id."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One statement of the contract.

    `source` names further sources of the statement; empty where the page is the only one. A spec may have requirements
    without an explanation; the one that comes with the suite has none.
    """

    id: str
    level: Level
    statement: str
    place: Place
    source: str = ""
    test_plan: tuple[int, ...] = ()
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two readings of the contract that cannot both hold, what this suite does, and the requirement it decides that in."""

    requirement: str
    readings: tuple[str, ...]
    decision: str


@dataclass(frozen=True)
class StringRule:
    """What the schema asks of one string: at most `max_length` characters, which match `pattern` as a whole."""

    max_length: int
    pattern: str
    regex: re.Pattern[str] = field(repr=False, compare=False)

    def admits(self, text: str) -> bool:
        """Say whether `text` is within both limits, by ECMA-262 without flags (RFC 8259 counts characters)."""
        return len(text) <= self.max_length and self.matches(text)

    def in_words(self) -> str:
        """The rule for readers who know no patterns, such as "exactly three capital letters"."""
        match = _CLASS.fullmatch(self.pattern)
        if match is None:
            return f"1 to {self.max_length} characters that match {self.pattern}"
        characters: str = match[1]
        names: list[str] = []
        for shorthand, name in _CHARACTERS.items():
            if shorthand in characters:
                characters = characters.replace(shorthand, "")
                names.append(name)
        *first, last = [*names, *characters]
        words = f"{', '.join(first)} and {last}" if first else last
        return f"exactly {_NUMBERS.get(match[2], match[2])} {words}" if match[2] else f"1 to {self.max_length} {words}"

    def matches(self, text: str) -> bool:
        """Say whether the pattern alone admits `text`."""
        return self.regex.fullmatch(text) is not None


@dataclass(frozen=True)
class Contract:
    """The contents of `spec/`."""

    folder: Path
    digest: str
    path: str
    statuses: frozenset[int]
    store_id: StringRule
    trip_id: StringRule
    code: StringRule
    retry_after_seconds: re.Pattern[str]
    requirements: dict[str, Requirement]
    places: dict[str, Place]
    test_plan: dict[int, str]
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def openapi_file(self) -> Path:
        """The OpenAPI document that was read."""
        return self.folder / "openapi.yaml"

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The parsed OpenAPI document."""
        return _read_yaml(self.openapi_file)

    def of_theme(self, theme: str, without: Collection[str] = ()) -> tuple[str, ...]:
        """The requirements whose id begins with `theme` and a dot, in the order of the file, except those of `without`."""
        return tuple(name for name in self.requirements if name.startswith(f"{theme}.") and name not in without)

    def level(self, requirement: str) -> Level:
        """The level of the requirement with this id; KeyError where there is none."""
        return self.requirements[requirement].level


def default_spec() -> Path:
    """The spec folder of the installed package, or that of a checkout."""
    packaged = Path(__file__).resolve().parent.parent / "spec"
    if packaged.is_dir():
        return packaged
    return Path(__file__).resolve().parents[2] / "spec"


def ecma_pattern(pattern: str) -> re.Pattern[str]:
    """Compile `^…$` as ECMA-262 reads it without flags: with ASCII classes, for use with `fullmatch`.

    Raises `SpecError` where the pattern is not anchored at both ends: no other form is supported.
    """
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise SpecError(f"openapi.yaml: pattern {pattern!r} must begin with ^ and end with $")
    try:
        return re.compile(pattern[1:-1], re.ASCII)
    except re.error as error:
        raise SpecError(f"openapi.yaml: pattern {pattern!r} is not a regular expression ({error})") from error


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        with file.open(encoding="utf-8") as stream:
            value = yaml.load(stream, Loader=_Loader)  # noqa: S506 - a safe loader, in C where there is one
    except OSError as error:
        raise SpecError(f"{file}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise SpecError(f"{file}: is not YAML ({error})") from error
    if not isinstance(value, dict):
        raise SpecError(f"{file}: must be a mapping")
    return value


def _string_rule(name: str, schema: dict[str, Any]) -> StringRule:
    most, pattern = schema["maxLength"], schema["pattern"]
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise SpecError(f"openapi.yaml: maxLength of {name} is {most!r}; it must be a whole number, 1 or more")
    if not isinstance(pattern, str):
        raise SpecError(f"openapi.yaml: pattern of {name} is {pattern!r}; it must be a text")
    return StringRule(most, pattern, ecma_pattern(pattern))


def load_contract(folder: Path | None = None) -> Contract:
    """Read a spec folder, or once in a process that of this package.

    Raises `SpecError` with file and key where something is missing or malformed.
    """
    return _read(folder) if folder else _packaged()


@cache
def _packaged() -> Contract:
    return _read(default_spec())


def _read(folder: Path) -> Contract:
    api = _read_yaml(folder / "openapi.yaml")
    rules = _read_yaml(folder / "requirements.yaml")
    explained = _read_yaml(folder / "explanations.yaml")
    digest = hashlib.sha256()  # of what decides; explanations do not
    for name in ("openapi.yaml", "requirements.yaml"):
        digest.update((folder / name).read_bytes())
    try:
        explanations = read_explanations(explained, rules["requirements"])
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{folder}/explanations.yaml: {error}") from error
    try:
        (path,) = api["paths"]
        schemas = api["components"]["schemas"]
        request = schemas["CaptureRequest"]["properties"]
        seconds = schemas["Unavailable"]["allOf"][1]["properties"]["retryAfter"]["pattern"]
        places = {place_id: Place(place_id, title) for place_id, title in rules["places"].items()}
        contract = Contract(
            folder=folder,
            digest=digest.hexdigest(),
            path=path,
            statuses=frozenset(int(status) for status in api["paths"][path]["post"]["responses"]),
            store_id=_string_rule("storeId", request["storeId"]),
            trip_id=_string_rule("shoppingTripId", request["shoppingTripId"]),
            code=_string_rule("code", schemas["Amount"]["properties"]["code"]),
            retry_after_seconds=ecma_pattern(seconds),
            requirements={
                requirement_id: Requirement(
                    requirement_id,
                    row["level"],
                    row["statement"],
                    places[row["place"]],
                    row.get("source", ""),
                    tuple(row.get("test_plan", ())),
                    explanations.get(requirement_id),
                )
                for requirement_id, row in rules["requirements"].items()
            },
            places=places,
            test_plan=rules["test_plan"],
            contradictions=tuple(
                Contradiction(row["requirement"], tuple(row["readings"]), row["decision"])
                for row in rules.get("contradictions", ())
            ),
        )
    except SpecError as error:
        raise SpecError(f"{folder}/{error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SpecError(f"{folder}: {type(error).__name__}: {error} missing or malformed") from error
    if wrong := [name for name, row in contract.requirements.items() if row.level not in get_args(Level)]:
        raise SpecError(f"{folder}/requirements.yaml: level of {wrong[0]} must be one of {', '.join(get_args(Level))}")
    contract.__dict__["openapi"] = api
    return contract
