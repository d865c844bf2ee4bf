"""What the suite must know of one target: the model is the definition of the profile file. Sends nothing."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from iso4217 import Currency
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from conformance.errors import UsageError

OPERATION = "/v1/capture/charge"
MASK = "***"
SHORTEST_SECRET = 8  # characters; shorter ones would be masked all over the report
SIGNIFICANT = 15  # digits that every binary64 number carries
_SECRET_NAME = re.compile(r"auth|token|key|secret|pass|cookie|credential|signature|session", re.IGNORECASE)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Target(_Model):
    """Where the target is and whose it is. `url` is without the path of the operation."""

    name: str = "Target"
    environment: Literal["local", "staging", "production"] | None = None
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    operator: str | None = None


class NoAuth(_Model):
    """No credentials."""

    kind: Literal["none"] = "none"


class BearerAuth(_Model):
    """`Authorization: Bearer` with the token in the environment variable `token_env`."""

    kind: Literal["bearer"]
    token_env: str


class BasicAuth(_Model):
    """`Authorization: Basic`, RFC 7617."""

    kind: Literal["basic"]
    user_env: str
    password_env: str


class ApiKeyAuth(_Model):
    """A key in the header field `header`."""

    kind: Literal["api-key"]
    header: str
    key_env: str


Auth = Annotated[NoAuth | BearerAuth | BasicAuth | ApiKeyAuth, Field(discriminator="kind")]


class Trips(_Model):
    """Where trips come from: exactly one of the four."""

    generate: Literal["uuid4"] | None = None
    file: str | None = None
    command: list[str] | None = Field(default=None, min_length=1)
    reuse: list[str] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Trips:
        given = [name for name in Trips.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of generate, file, command, reuse; given: {', '.join(given) or 'none'}")
        return self


_StoreId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]+\z", max_length=255)]
_Code = Annotated[str, Field(pattern=r"^[A-Z]{3}\z")]


class Data(_Model):
    """What the target accepts, and well-formed ids that it does not know."""

    stores: list[_StoreId] = Field(min_length=1)
    unknown_store: _StoreId | None = None
    unknown_trip: _StoreId | None = None
    currencies: list[_Code] = Field(min_length=1)
    long_store: _StoreId | None = None
    short_store: _StoreId | None = None
    long_trip: _StoreId | None = None
    trips: Trips


class Call(_Model):
    """A request made before or after a provoked one."""

    method: str
    url: str
    json_body: Any = Field(default=None, alias="json")


class Provocation(_Model):
    """How to make the target answer a status."""

    kind: Literal["limiter", "forced"]
    scope: Literal["case", "run"] = "case"
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    before: Call | None = None
    after: Call | None = None


class Limits(_Model):
    """Times in seconds, rate in requests per second; None is no limit."""

    timeout_s: float = Field(default=10, gt=0)
    max_wait_s: float = Field(default=30, ge=0)
    requests_per_second: float | None = Field(default=20, gt=0)
    concurrency: int = Field(default=4, ge=1)
    max_requests: int | None = Field(default=None, ge=1)


class Money(_Model):
    """Amounts of one currency, decimal text in major units."""

    amount: str | None = None
    max_amount: str | None = None
    max_total: str | None = None


class Profile(_Model):
    """The checked profile of one target."""

    target: Target
    auth: Auth = NoAuth()
    data: Data
    provoke: dict[int, Provocation] = Field(default_factory=dict)
    limits: Limits = Limits()
    money: dict[str, int | Money] | None = None
    _secrets: tuple[str, ...] = PrivateAttr(default=())

    @property
    def max_captures(self) -> int | None:
        """The most captures of a run; None for no limit."""
        most = (self.money or {}).get("max_captures")
        return most if isinstance(most, int) else None

    def minor_units(self, code: str) -> int:
        """Decimals of the currency by ISO 4217; 2 where the list does not know it."""
        try:
            return Currency(code).exponent or 0
        except ValueError:
            return 2

    def amount_of(self, code: str) -> Decimal:
        """An accepted amount in major units; one minor unit where the profile names none."""
        text = self._money(code).amount
        return Decimal(text) if text else Decimal(1).scaleb(-self.minor_units(code))

    def max_amount_of(self, code: str) -> Decimal:
        """The most that one capture may cost; the accepted amount where the profile names none."""
        text = self._money(code).max_amount
        return Decimal(text) if text else self.amount_of(code)

    def max_total_of(self, code: str) -> Decimal | None:
        """The most that the run may capture in this currency; None for no limit."""
        text = self._money(code).max_total
        return Decimal(text) if text else None

    def _money(self, code: str) -> Money:
        entry = (self.money or {}).get(code)
        return entry if isinstance(entry, Money) else Money()

    def secrets(self) -> tuple[str, ...]:
        """True values that must not be written anywhere."""
        return self._secrets

    def redacted(self) -> dict[str, Any]:
        """The profile for report and record, as JSON values; header values that look secret are masked."""
        shown = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        for headers in (shown["target"]["headers"], *(one["headers"] for one in shown["provoke"].values())):
            for name in headers:
                headers[name] = MASK if _SECRET_NAME.search(name) else headers[name]
        for key in ("url", "proxy"):
            if key in shown["target"]:
                shown["target"][key] = re.sub(r"//[^/@]*@", f"//{MASK}@", shown["target"][key])
        return shown

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the file, for editors."""
        return cls.model_json_schema(by_alias=True)


def builtin_profile(url: str) -> Profile:
    """The profile of the mock server at `url`."""
    return _build(_builtin(url))


def _builtin(url: str) -> dict[str, Any]:
    means = {
        status: {"kind": kind, "headers": {"X-Provoke": status, "X-Client": "${unique}"}}
        for status, kind in (("429", "limiter"), ("500", "forced"), ("503", "forced"))
    }
    cents = {"amount": "10.00", "max_amount": "90071992547409.93"}
    return {
        "target": {"name": "Mock server", "environment": "local", "url": url},
        "data": {
            "stores": ["store-001", "store-002"],
            "unknown_store": "store-999",
            "unknown_trip": "00000000-0000-0000-0000-000000000000",
            "currencies": ["USD", "EUR", "JPY", "KWD"],
            "long_store": "L" * 255,
            "short_store": "S",
            "long_trip": "T" * 255,
            "trips": {"generate": "uuid4"},
        },
        "provoke": means,
        "limits": {"timeout_s": 5, "max_wait_s": 5},
        "money": {
            "USD": cents,
            "EUR": cents,
            "JPY": {"amount": "500", "max_amount": "9007199254740"},
            "KWD": {"amount": "1.000", "max_amount": "90071992547.409"},
        },
    }


def load_profile(
    file: Path | None,
    *,
    target: str | None = None,
    environ: Mapping[str, str],
    allow_production: bool = False,
) -> Profile:
    """Read, check and complete a profile. UsageError with one line per problem, all at once, never with a secret."""
    where = str(file) if file is not None else "built-in profile"
    raw = _builtin(target or "http://127.0.0.1") if file is None else _read(file)
    if target is not None and isinstance(raw.get("target"), dict):
        raw["target"]["url"] = target
    problems = [*_unsupported(raw), *_target(raw, builtin=file is None, allow_production=allow_production)]
    problems += [*_environment(raw, environ), *_amounts(raw)]
    profile = None
    try:
        profile = _build(raw)
    except ValidationError as error:
        taken = {problem.split(":", 1)[0] for problem in problems}
        problems += [line for line in _explained(error) if line.split(":", 1)[0] not in taken]
    if problems or profile is None:
        raise UsageError("\n".join(f"{where}: {problem}" for problem in problems))
    profile._secrets = _secret_values(raw, environ)  # noqa: SLF001  own module
    return profile


def _build(raw: dict[str, Any]) -> Profile:
    raw = dict(raw)
    raw.pop("waiver", None)
    provoke = raw.get("provoke")
    if isinstance(provoke, dict):
        raw["provoke"] = {int(key) if str(key) in {"429", "500", "503"} else key: one for key, one in provoke.items()}
    limits = raw.get("limits", {})
    if isinstance(limits, dict) and _table(raw, "target").get("environment") == "local":
        raw["limits"] = {"concurrency": 8, "requests_per_second": None, **limits}
    return Profile.model_validate(raw)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); name a profile, `init` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not TOML: {error}; `init` writes a profile to start from") from None


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _unsupported(raw: dict[str, Any]) -> Iterator[str]:
    if _table(raw, "auth").get("kind") in ("sigv4", "command"):
        yield f"auth.kind: found {raw['auth']['kind']!r}; not supported yet; use none, bearer, basic or api-key"
    for key in ("client_cert", "client_key"):
        if key in _table(raw, "target"):
            yield f"target.{key}: not supported yet; leave it out"
    for status, one in _table(raw, "provoke").items():
        if isinstance(one, dict) and "burst" in one:
            yield f"provoke.{status}.burst: not supported yet; use headers, body, before or after"
    if "waiver" in raw:
        yield "waiver: not supported yet; leave [[waiver]] out"


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _target(raw: dict[str, Any], *, builtin: bool, allow_production: bool) -> Iterator[str]:
    target = _table(raw, "target")
    url, environment = target.get("url"), target.get("environment")
    if environment == "production" and not allow_production:
        yield "target.environment: found 'production'; add --allow-production if real captures are meant"
    if not isinstance(url, str):
        return
    shown = re.sub(r"//[^/@]*@", f"//{MASK}@", url)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield f"target.url: found {shown!r}; not a URL; write https://HOST[:PORT]"
        return
    if parts.scheme not in ("http", "https") or not host:
        yield f"target.url: found {shown!r}; a URL with scheme is needed, such as https://pay.example.com"
        return
    if parts.query or parts.fragment or parts.username is not None:
        yield f"target.url: found {shown.split('?')[0]!r}; no query, fragment or user may be in it"
    if parts.path.rstrip("/").endswith(OPERATION):
        base = shown.split("?")[0].rstrip("/").removesuffix(OPERATION)
        yield f"target.url: found {shown!r}; {OPERATION} is appended to it; write {base}"
    if environment in ("staging", "production") and "money" in raw and "max_captures" not in _table(raw, "money"):
        yield "money.max_captures: missing; add the most captures that a run may make, such as 200"
    if _loopback(host):
        if environment is not None and environment != "local" and "money" not in raw:
            yield 'money: missing; add [money] max_captures = 200 and [money.USD] amount = "0.50"'
    elif builtin or environment is None or (environment != "local" and not _table(raw, "money")):
        yield (
            f"target: {shown} is outside loopback; nothing is sent without environment and money; add to a profile: "
            '[target] environment = "staging" / [money] max_captures = 200 / '
            '[money.USD] amount = "0.50" max_amount = "25.00" max_total = "150.00"'
        )
    elif environment == "local":
        yield f"target.environment: found 'local' with {shown}; local is for loopback only; write staging or production"


def _variables(raw: dict[str, Any]) -> list[tuple[str, Any, bool]]:
    auth = _table(raw, "auth")
    names = {"bearer": ["token_env"], "basic": ["user_env", "password_env"], "api-key": ["key_env"]}
    kind = auth.get("kind")
    keys = names.get(kind, []) if isinstance(kind, str) else []
    return [(key, auth.get(key), key != "user_env") for key in keys]


def _environment(raw: dict[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    for key, name, secret in _variables(raw):
        if not isinstance(name, str):
            continue
        value = environ.get(name)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
            yield f"auth.{key}: found {MASK}; the name of an environment variable is allowed, never the secret itself"
            continue
        if not value:
            yield f"auth.{key}: environment variable {_named(name)} is not set; export it"
        elif secret and len(value) < SHORTEST_SECRET:
            yield f"auth.{key}: the value of {_named(name)} is shorter than {SHORTEST_SECRET} characters; use a longer secret"
        elif not value.isprintable():
            yield f"auth.{key}: the value of {_named(name)} has characters that no header may carry, such as a line end"


def _named(name: str) -> str:
    """The name as found, or a mask where it looks like a secret that was put in place of a name."""
    return repr(name) if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) else MASK


def _secret_values(raw: dict[str, Any], environ: Mapping[str, str]) -> tuple[str, ...]:
    values = [environ[name] for _, name, secret in _variables(raw) if secret]
    if _table(raw, "auth").get("kind") == "basic":
        pair = ":".join(environ[name] for _, name, _ in _variables(raw))
        values.append(b64encode(pair.encode()).decode("ascii"))
    headers = _table(_table(raw, "target"), "headers")
    values += [value for name, value in headers.items() if _SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET]
    return tuple(dict.fromkeys(values))


def _amounts(raw: dict[str, Any]) -> Iterator[str]:
    for code, entry in _table(raw, "money").items():
        key = f"money.{code}"
        if code == "max_captures":
            if not isinstance(entry, int) or isinstance(entry, bool) or entry < 1:
                yield f"{key}: found {entry!r}; a whole number from 1 is allowed"
            continue
        if code not in _listed(raw):
            near = get_close_matches(code, ["max_captures"])
            yield f"{key}: unknown key; {'did you mean max_captures?' if near else 'data.currencies does not name it'}"
        elif isinstance(entry, dict):
            yield from _entry(key, code, entry)


def _listed(raw: dict[str, Any]) -> list[Any]:
    listed = _table(raw, "data").get("currencies")
    return listed if isinstance(listed, list) else []


def _entry(key: str, code: str, entry: dict[str, Any]) -> Iterator[str]:
    try:
        decimals = Currency(code).exponent or 0
    except ValueError:
        decimals = 2
    values: dict[str, Decimal] = {"amount": Decimal(1).scaleb(-decimals)}
    for name in ("amount", "max_amount", "max_total"):
        text = entry.get(name)
        if not isinstance(text, str):
            continue
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII) or not Decimal(text):
            yield f'{key}.{name}: found {text!r}; positive decimal text is allowed, such as "0.50"'
            continue
        values[name] = Decimal(text)
        if -int(values[name].as_tuple().exponent) > decimals:
            yield f"{key}.{name}: found {text!r}; {code} has {decimals} decimals"
        if name == "amount" and len(values[name].as_tuple().digits) > SIGNIFICANT:
            yield f"{key}.{name}: found {text!r}; at most {SIGNIFICANT} significant digits are allowed"
    for name in ("max_amount", "max_total"):
        if name in values and values[name] < values["amount"]:
            yield f"{key}.{name}: found {entry[name]!r}; at least the amount {values['amount']} is allowed"


def _explained(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False):
        loc = [str(part) for part in one["loc"]]
        if loc[0] == "auth" and len(loc) > 1:
            del loc[1]  # the tag of the union
        if loc[0] == "money" and len(loc) > 2:
            if loc[2] == "int":
                continue
            del loc[2]
        key, kind = ".".join(loc), one["type"]
        if kind == "extra_forbidden":
            near = get_close_matches(loc[-1], _known(loc[:-1]), 1)
            yield f"{key}: unknown key; " + (
                f"did you mean {near[0]}?" if near else f"known: {', '.join(_known(loc[:-1]))}"
            )
        elif kind == "missing":
            yield f"{key}: missing; add it"
        else:
            hidden = loc[0] == "auth" or "headers" in loc or "body" in loc or "json" in loc or "proxy" in loc
            yield f"{key}: found {MASK if hidden else repr(one['input'])}; {one['msg']}"


def _known(loc: list[str]) -> list[str]:
    models: dict[str, list[type[BaseModel]]] = {
        "": [Profile], "target": [Target], "data": [Data], "data.trips": [Trips], "limits": [Limits],
        "auth": [NoAuth, BearerAuth, BasicAuth, ApiKeyAuth],
    }  # fmt: skip
    path = ".".join(loc)
    nested = Call if loc[-1:] in (["before"], ["after"]) else Provocation
    chosen = models.get(path, [nested] if loc[:1] == ["provoke"] else [Money])
    return [name for model in chosen for name in model.model_fields]
