"""Checks of a profile that its model cannot express: one line per problem, `key: what was found; what is allowed`.

Never shows a secret. Reads the environment it is given and the files that the profile names. Sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from conformance.contract import Contract, StringRule
from conformance.profile.auth_checks import auth_problems
from conformance.profile.model import minor_units
from conformance.profile.schema import provocable
from conformance.profile.secrets import MASK, without_user
from conformance.profile.trips import bad_trip, read_trips
from conformance.profile.values import VALUE, loopback, table, url_problem

SIGNIFICANT = 15  # decimal digits that every binary64 number can hold
BAD_TRIPS_SHOWN = 3
FIELDS_OF_THE_SUITE = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host",
     "transfer-encoding", "user-agent"}
)  # fmt: skip
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
MONEY_LINES = '[money]\nmax_captures = 200\n[money.{code}]\namount = "0.50"\nmax_amount = "25.00"\nmax_total = "150.00"'


def problems(
    raw: dict[str, Any], contract: Contract, environ: Mapping[str, str] | None, *, builtin: bool, allow_production: bool
) -> Iterator[str]:
    """All problems of the profile as read, except those that the model finds."""
    yield from _target(raw, contract, builtin=builtin, allow_production=allow_production)
    yield from auth_problems(raw, environ)
    yield from _header_fields(raw)
    yield from _ids(raw, contract)
    yield from _trips(raw, contract)
    yield from _provoke(raw, contract)
    yield from _amounts(raw)
    yield from _waivers(raw, contract)


def _target(raw: dict[str, Any], contract: Contract, *, builtin: bool, allow_production: bool) -> Iterator[str]:
    target = table(raw, "target")
    url, environment = target.get("url"), target.get("environment")
    if environment == "production" and not allow_production:
        yield "target.environment: found 'production'; add --allow-production if real charges are intended"
    proxy = target.get("proxy")
    if isinstance(proxy, str) and (wrong := url_problem(proxy, "http://proxy.example.com:3128")):
        yield f"target.proxy: {wrong}"
    if not isinstance(url, str):
        return
    if wrong := url_problem(url, "https://pay.example.com"):
        yield f"target.url: {wrong}"
        return
    shown, parts = without_user(url), urlsplit(url)
    if parts.query or parts.fragment:
        yield f"target.url: found {shown.split('?')[0]!r}; it must not contain a query or fragment"
    if parts.path.rstrip("/").endswith(contract.path):
        base = re.split("[?#]", shown)[0].rstrip("/").removesuffix(contract.path)
        yield f"target.url: found {shown!r}; {contract.path} is appended to it; write {base}"
    here = loopback(url) and (not isinstance(proxy, str) or loopback(proxy))
    yield from _permission(raw, shown, environment, here=here, builtin=builtin)


def _permission(raw: dict[str, Any], shown: str, environment: Any, *, here: bool, builtin: bool) -> Iterator[str]:
    """A target that is not local needs an environment and limits on money in the profile."""
    local = environment == "local" or (environment is None and here)
    if not here and environment == "local":
        yield f"target.environment: found 'local' with {shown}; local is only for loopback URLs; write staging or production"
    if local or (not here and environment == "local"):
        return
    lines = []
    if environment is None:
        lines += ["[target]", 'environment = "staging"']
    if not table(raw, "money") or builtin:
        code = next((code for code in _currencies(raw) if isinstance(code, str)), "USD")
        lines += MONEY_LINES.format(code=code).split("\n")
    elif "max_captures" not in table(raw, "money"):
        yield "money.max_captures: missing; add the highest number of charges for one run, such as 200"
    if not lines:
        return
    where = f"{shown} is outside loopback" if not here else f"environment is {environment!r}"
    start = "; write a profile (`capture-conformance init`) with" if builtin else "; add"
    yield "\n    ".join([f"target: {where}: nothing is sent without [target] environment and [money]{start}:", *lines])


def _header_fields(raw: dict[str, Any]) -> Iterator[str]:
    """Header fields that the profile adds: to every request, to provoked requests, and the field of an API key."""
    auth = table(raw, "auth")
    kind = auth.get("kind")
    auth_field = None if kind in ("none", None) else auth.get("header", "Authorization")
    if "header" in auth and isinstance(auth_field, str):
        yield from _header_field("auth.header", auth_field, None)
    target = table(raw, "target")
    for name, value in table(target, "headers").items():
        key = f"target.headers.{name}"
        yield from _header_field(key, name, value)
        if isinstance(auth_field, str) and name.lower() == auth_field.lower():
            yield f"{key}: [auth] already sends this field; remove one of the two"
    for status, provocation in table(raw, "provoke").items():
        for name, value in table(provocation, "headers").items() if isinstance(provocation, dict) else ():
            yield from _header_field(f"provoke.{status}.headers.{name}", name, value)


def _header_field(key: str, name: str, value: Any) -> Iterator[str]:
    if not TOKEN.fullmatch(name):
        yield f"{key}: {name!r} is not the name of a header field; write letters, digits and hyphens"
    elif name.lower() in FIELDS_OF_THE_SUITE:
        yield f"{key}: the suite sets this field itself; remove it"
    elif isinstance(value, str) and not VALUE.fullmatch(value):
        yield f"{key}: found {MASK}; write printable ASCII characters, without a space at the beginning or end"


def _ids(raw: dict[str, Any], contract: Contract) -> Iterator[str]:
    data = table(raw, "data")
    yield from _list(data, "stores", contract.store_id, "store-001")
    yield from _list(data, "currencies", contract.code, "USD")
    for key in ("unknown_store", "long_store", "short_store", "unknown_trip", "long_trip"):
        rule, example = (contract.store_id, "store-999") if key.endswith("store") else (contract.trip_id, "trip-0001")
        value = data.get(key)
        if isinstance(value, str) and (wrong := _id_problem(value, rule, example)):
            yield f"data.{key}: {wrong}"
        elif isinstance(value, str) and key.startswith("long_") and len(value) != rule.max_length:
            yield f"data.{key}: found {len(value)} characters; write an id of exactly {rule.max_length} characters, the limit"
        elif isinstance(value, str) and key.startswith("short_") and len(value) != 1:
            yield f"data.{key}: found {value!r}; write an id of one character"
    if data.get("unknown_store") is not None and data["unknown_store"] in _strings(data, "stores"):
        yield f"data.unknown_store: found {data['unknown_store']!r}, which data.stores lists as known; name another store"


def _list(data: dict[str, Any], name: str, rule: StringRule, example: str) -> Iterator[str]:
    listed: set[str] = set()
    for position, value in enumerate(_strings(data, name)):
        if wrong := _id_problem(value, rule, example):
            yield f"data.{name}.{position}: {wrong}"
        elif value in listed:
            yield f"data.{name}.{position}: found {value!r} twice; list each value once"
        listed.add(value)


def _strings(data: dict[str, Any], name: str) -> list[str]:
    listed = data.get(name)
    return [value for value in listed if isinstance(value, str)] if isinstance(listed, list) else []


def _id_problem(value: str, rule: StringRule, example: str) -> str:
    if value and rule.admits(value):
        return ""
    shown = value if len(value) <= rule.max_length + 20 else f"{value[:40]}… ({len(value)} characters)"
    return f"found {shown!r}; write {rule.in_words()}, for example {example}"


def _trips(raw: dict[str, Any], contract: Contract) -> Iterator[str]:
    trips, unknown = table(table(raw, "data"), "trips"), table(raw, "data").get("unknown_trip")
    named: list[tuple[str, str]] = [
        (f"data.trips.reuse.{position}", trip) for position, trip in enumerate(_strings(trips, "reuse"))
    ]
    file = trips.get("file")
    if isinstance(file, str):
        try:
            lines = read_trips(file)
        except (OSError, UnicodeDecodeError) as error:
            yield f"data.trips.file: {file} cannot be read ({error}); name a text file with one trip per line"
            return
        named += [(f"data.trips.file: {file} line {number}", trip) for number, trip in lines]
        if not lines:
            yield f"data.trips.file: {file} contains no trip; write one trip per line"
    bad = [f"{key}: found {trip[:60]!r}; {wrong}" for key, trip in named if (wrong := bad_trip(contract, trip))]
    yield from bad[:BAD_TRIPS_SHOWN]
    if len(bad) > BAD_TRIPS_SHOWN:
        yield f"data.trips: {len(bad) - BAD_TRIPS_SHOWN} more trips are malformed"
    for key, trip in named:
        if trip == unknown:
            yield f"{key}: found {trip!r}, which data.unknown_trip gives as unknown; remove it from one of the two"


def _provoke(raw: dict[str, Any], contract: Contract) -> Iterator[str]:
    provocable_statuses = [str(status) for status in provocable(contract)]
    for status, provocation in table(raw, "provoke").items():
        key = f"provoke.{status}"
        if status not in provocable_statuses:
            yield f"{key}: unknown key; known: {', '.join(provocable_statuses)}"
            continue
        if not isinstance(provocation, dict):
            continue
        if "kind" in provocation and not {"headers", "body", "before", "after", "burst"} & provocation.keys():
            yield f"{key}: no way to trigger the status is given; add headers, body, before, after or burst"
        if "burst" in provocation:
            yield from _burst(key, provocation)
        for when in ("before", "after"):
            call = table(provocation, when)
            url, method = call.get("url"), call.get("method")
            if isinstance(url, str) and (wrong := url_problem(url, "https://admin.example.com/fault")):
                yield f"{key}.{when}.url: {wrong}"
            if isinstance(method, str) and not TOKEN.fullmatch(method):
                yield f"{key}.{when}.method: found {method!r}; write an HTTP method, such as PUT"


def _burst(key: str, provocation: dict[str, Any]) -> Iterator[str]:
    """A burst reaches the limit for all callers, so the scope must say so. None of its requests may charge."""
    if not key.endswith(".429"):
        yield f"{key}.burst: a burst can only trigger a 429; use headers, body, before or after"
        return
    for name, needed, default in (("kind", "limiter", None), ("scope", "run", "case")):
        if provocation.get(name, default) not in (needed, None):
            yield f'{key}.{name}: found {provocation.get(name, default)!r}; with a burst, only {name} = "{needed}" is allowed'
    if "body" in provocation:
        yield f"{key}.body: a burst must not have a body, since its requests must not charge; use headers"


def _waivers(raw: dict[str, Any], contract: Contract) -> Iterator[str]:
    """Each waiver of a requirement names one of the contract."""
    listed = raw.get("waiver")
    for position, waiver in enumerate(listed if isinstance(listed, list) else []):
        name = waiver.get("requirement") if isinstance(waiver, dict) else None
        if isinstance(name, str) and name not in contract.requirements:
            near = get_close_matches(name, contract.requirements, 1)
            hint = f"did you mean {near[0]}?" if near else "`capture-conformance list` shows all ids"
            yield f"waiver.{position}.requirement: found {name!r}; there is no requirement with this id; {hint}"


def _amounts(raw: dict[str, Any]) -> Iterator[str]:
    currencies = _currencies(raw)
    for code, entry in table(raw, "money").items():
        key = f"money.{code}"
        if code == "max_captures":
            if not isinstance(entry, int) or isinstance(entry, bool) or entry < 1:
                yield f"{key}: found {entry!r}; write a whole number, 1 or more"
        elif code not in currencies:
            near = get_close_matches(code, ["max_captures"])
            hint = "did you mean max_captures?" if near else f"add {code} to data.currencies, or remove the table"
            yield f"{key}: unknown key; {hint}"
        elif isinstance(entry, dict):
            yield from _money_entry(key, code, entry)
        else:
            yield f"{key}: found {entry!r}; write a table with amount, max_amount and max_total, such as [{key}]"


def _currencies(raw: dict[str, Any]) -> list[Any]:
    listed = table(raw, "data").get("currencies")
    return listed if isinstance(listed, list) else []


def _money_entry(key: str, code: str, entry: dict[str, Any]) -> Iterator[str]:
    decimals = minor_units(code)
    values: dict[str, Decimal] = {"amount": Decimal(1).scaleb(-decimals)}
    for name in ("amount", "max_amount", "max_total"):
        text = entry.get(name)
        if not isinstance(text, str):
            continue
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII) or not Decimal(text):
            yield f'{key}.{name}: found {text!r}; write a positive number in quotes, such as "0.50"'
            continue
        values[name] = Decimal(text)
        if -int(values[name].as_tuple().exponent) > decimals:
            yield f"{key}.{name}: found {text!r}; {code} has {decimals or 'no'} digits after the decimal point"
        if name == "amount" and len(values[name].as_tuple().digits) > SIGNIFICANT:
            yield f"{key}.{name}: found {text!r}; write at most {SIGNIFICANT} digits, not counting zeros at the beginning"
    for name in ("max_amount", "max_total"):
        if name in values and values[name] < values["amount"]:
            yield f"{key}.{name}: found {entry[name]!r}; write {values['amount']} (the amount) or more"
