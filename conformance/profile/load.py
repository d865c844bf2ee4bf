"""Read and check a profile file. Reports all problems at once, each with file, key, value found and what is allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from conformance.contract import Contract, load_contract
from conformance.errors import UsageError
from conformance.profile.checks import problems
from conformance.profile.model import Auth, Call, Data, Limits, Money, Profile, Provocation, Target, Trips, Waiver
from conformance.profile.schema import provocable
from conformance.profile.secrets import MASK, secret_values, without_user
from conformance.profile.values import loopback, table

ALLOWED = {
    "string_type": "write text in quotes",
    "list_type": "write a list, in brackets",
    "int_type": "write a whole number, without quotes",
    "float_type": "write a number, without quotes",
    "model_type": "write a table",
    "dict_type": "write a table",
    "bool_type": "write true or false",
    "too_short": "write at least one entry",
    "date_type": "a date is allowed, without quotes, such as 2027-03-31",
    "date_from_datetime_inexact": "a date without a time is allowed, such as 2027-03-31",
    "string_too_short": "a text that is not empty is allowed",
}
MOCK_NAME = "Mock server"
LOCAL_LIMITS = {"concurrency": 8, "requests_per_second": None}


def load_profile(
    file: Path | None,
    *,
    target: str | None = None,
    environ: Mapping[str, str] | None,
    allow_production: bool = False,
    contract: Contract | None = None,
    mock: bool = False,
) -> Profile:
    """Read and check a profile. `target` replaces its URL.

    Without a file it is that of the mock server, where there is no `target` or where that is the mock (`mock`). Of any
    other server only a part of it is assumed.

    `environ` is None for a command that sends nothing: no secret is read, and none is reported as missing.
    Raises `UsageError` with one line per problem and without any secret.
    """
    contract = contract or load_contract()
    if file is not None:
        raw = _read(file)
    else:
        raw = _assumed(target, contract) if target and not mock else _builtin(target or "http://127.0.0.1", contract)
    if target is not None and isinstance(raw.get("target"), dict):
        raw["target"]["url"] = target
    folder = str(file.resolve().parent) if file is not None else ""
    if file is not None:
        _resolve_paths(raw, Path(folder))
    found_problems = list(problems(raw, contract, environ, builtin=file is None, allow_production=allow_production))
    profile = None
    try:
        profile = _build(raw, contract)
    except ValidationError as error:
        reported_keys = {_key_of(problem) for problem in found_problems}
        found_problems += [line for line in _model_problems(error) if _key_of(line) not in reported_keys]
    if found_problems or profile is None:
        raise UsageError("\n".join(f"{_place_of(file, target, problem)}: {problem}" for problem in found_problems))
    return profile.completed(secrets=secret_values(raw, environ) if environ is not None else (), folder=folder)


def builtin_profile(url: str, contract: Contract | None = None) -> Profile:
    """The profile of the mock server at `url`."""
    contract = contract or load_contract()
    return _build(_builtin(url, contract), contract)


def _builtin(url: str, contract: Contract) -> dict[str, Any]:
    provocations = {
        status: {"kind": kind, "headers": {"X-Provoke": status, "X-Client": "${unique}"}}
        for status, kind in (("429", "limiter"), ("500", "forced"), ("503", "forced"))
    }
    cents = {"amount": "10.00", "max_amount": "90071992547409.93"}
    return {
        "target": {"name": MOCK_NAME, "url": url},
        "data": {
            "stores": ["store-001", "store-002"],
            "unknown_store": "store-999",
            "unknown_trip": "00000000-0000-0000-0000-000000000000",
            "currencies": ["USD", "EUR", "JPY", "KWD"],
            "long_store": "L" * contract.store_id.max_length,
            "short_store": "S",
            "long_trip": "T" * contract.trip_id.max_length,
            "trips": {"generate": "uuid4"},
        },
        "provoke": provocations,
        "limits": {"timeout_s": 5, "max_wait_s": 5},
        "money": {
            "USD": cents,
            "EUR": cents,
            "JPY": {"amount": "500", "max_amount": "9007199254740"},
            "KWD": {"amount": "1.000", "max_amount": "90071992547.409"},
        },
    }


def _assumed(url: str, contract: Contract) -> dict[str, Any]:
    """What is assumed of a server on this machine that has no profile: not what only the mock server can know."""
    raw = _builtin(url, contract)
    raw["target"]["name"] = url
    raw["data"] = {name: raw["data"][name] for name in ("stores", "unknown_store", "unknown_trip", "trips")}
    raw["data"]["currencies"] = ["USD"]
    raw["money"] = {"USD": raw["money"]["USD"]}
    return raw


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"{file}: cannot be read ({error.strerror}); name another file, or write a profile with `capture-conformance init`"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file}: not TOML: {error}; `capture-conformance init` writes a profile to start from"
        ) from None


def _resolve_paths(raw: dict[str, Any], folder: Path) -> None:
    """Make the paths in the profile relative to its own folder."""
    target = table(raw, "target")
    files = [(target, key) for key in ("ca_file", "client_cert", "client_key")]
    for names, key in (*files, (table(table(raw, "data"), "trips"), "file")):
        if isinstance(names.get(key), str):
            names[key] = str(folder / names[key])


def _build(raw: dict[str, Any], contract: Contract) -> Profile:
    raw = dict(raw)
    provoke, target, limits = raw.get("provoke"), raw.get("target"), raw.get("limits", {})
    if isinstance(provoke, dict):
        status_of = {str(status): status for status in provocable(contract)}
        raw["provoke"] = {status_of.get(key, key): provocation for key, provocation in provoke.items()}
    if isinstance(target, dict) and "environment" not in target and loopback(target.get("url")):
        raw["target"] = target = {**target, "environment": "local"}
    if isinstance(limits, dict) and isinstance(target, dict) and target.get("environment") == "local":
        raw["limits"] = {**LOCAL_LIMITS, **limits}
    return Profile.model_validate(raw)


def _key_of(problem: str) -> str:
    return problem.split(":", 1)[0]


def _place_of(file: Path | None, target: str | None, problem: str) -> str:
    """Where the problem was found: in the file, or on the command line if the URL was given there."""
    if target is not None and _key_of(problem) in ("target.url", "target"):
        return f"--target {without_user(target).split('?')[0]}"
    return str(file) if file is not None else "built-in profile"


def _model_problems(error: ValidationError) -> Iterator[str]:
    """The errors of the model, in the form of our own messages."""
    for detail in error.errors(include_url=False):
        loc = [str(part) for part in detail["loc"]]
        if loc[0] == "auth" and len(loc) > 1:
            del loc[1]  # the tag of the union
        if loc[0] == "money" and len(loc) > 2:
            if loc[2] == "int":
                continue
            del loc[2]
        if loc[-1] == "[key]":
            continue
        key, kind = ".".join(loc), detail["type"]
        if kind == "extra_forbidden":
            near = get_close_matches(loc[-1], _allowed_names(loc[:-1]), 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_allowed_names(loc[:-1]))}"
            yield f"{key}: unknown key; {hint}"
        elif kind == "missing":
            yield f"{key}: missing; add it"
        else:
            hidden = loc[0] == "auth" or {"headers", "body", "json", "proxy"} & {*loc}
            allowed = ALLOWED.get(kind, detail["msg"].removeprefix("Value error, "))
            yield f"{key}: found {MASK if hidden else _shortened(detail['input'])}; {allowed}"


def _shortened(value: Any) -> str:
    """The value found, cut if it is long. A table is shown by its keys, since its values may be secret."""
    if isinstance(value, dict):
        return f"a table of {', '.join(map(str, value)) or 'nothing'}"
    text = without_user(repr(value))
    return text if len(text) <= 100 else f"{text[:100]}…"


def _allowed_names(loc: list[str]) -> list[str]:
    """The keys that the table at `loc` may have."""
    models: dict[str, tuple[type[BaseModel], ...]] = {
        "": (Profile,), "target": (Target,), "data": (Data,), "data.trips": (Trips,), "limits": (Limits,),
        "auth": get_args(get_args(Auth)[0]), "waiver": (Waiver,),
    }  # fmt: skip
    if loc[:1] == ["waiver"]:
        loc = ["waiver"]
    provoke_model = Call if loc[-1:] in (["before"], ["after"]) else Provocation
    allowed_models = models.get(".".join(loc), (provoke_model,) if loc[:1] == ["provoke"] else (Money,))
    return list(
        dict.fromkeys(field.alias or name for model in allowed_models for name, field in model.model_fields.items())
    )
