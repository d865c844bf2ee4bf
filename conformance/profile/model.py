"""The model that defines the profile file. `checks.py` checks what depends on the contract or the environment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from iso4217 import Currency
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, model_validator

from conformance.profile.secrets import masked
from conformance.profile.values import loopback
from conformance.redact import SHORTEST_SECRET


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Target(_Model):
    """The server under test. `url` does not include the path of the operation."""

    name: str = "Target"
    environment: Literal["local", "staging", "production"] | None = None
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    client_key_password_env: str | None = None
    proxy: str | None = None
    operator: str | None = None
    version: str | None = None
    version_header: str | None = None
    secret_attributes: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)


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


class SigV4Auth(_Model):
    """AWS Signature Version 4 with the credentials that botocore finds; `role` is assumed with them."""

    kind: Literal["sigv4"]
    region: str = Field(pattern=r"^[a-z0-9-]+$")
    service: str = Field(default="execute-api", pattern=r"^[a-z0-9-]+$")
    profile: str | None = None
    role: str | None = None


class CommandAuth(_Model):
    """The field `header` with the value that a command prints; printed again after `max_age_s` and after a 401."""

    kind: Literal["command"]
    command: list[str] = Field(min_length=1)
    header: str = "Authorization"
    max_age_s: float = Field(default=300, gt=0)
    timeout_s: float = Field(default=10, gt=0)


class OAuth2Auth(_Model):
    """An access token for the client's own credentials, RFC 6749 section 4.4."""

    kind: Literal["oauth2"]
    token_url: str
    client_id_env: str
    client_secret_env: str
    client_auth: Literal["basic", "post"] = "basic"
    scope: str | None = None
    audience: str | None = None


Auth = Annotated[
    NoAuth | BearerAuth | BasicAuth | ApiKeyAuth | SigV4Auth | CommandAuth | OAuth2Auth, Field(discriminator="kind")
]


class Trips(_Model):
    """Where trips come from: exactly one of the four sources."""

    generate: Literal["uuid4"] | None = None
    file: str | None = None
    command: list[str] | None = Field(default=None, min_length=1)
    reuse: list[str] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _exactly_one_source(self) -> Trips:
        given = [name for name in Trips.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of generate, file, command, reuse is allowed; given: {', '.join(given)}")
        return self


class Data(_Model):
    """Ids and currencies that the target accepts, and well-formed ids that it does not know."""

    stores: list[str] = Field(min_length=1)
    unknown_store: str | None = None
    unknown_trip: str | None = None
    currencies: list[str] = Field(min_length=1)
    long_store: str | None = None
    short_store: str | None = None
    long_trip: str | None = None
    trips: Trips


class Call(_Model):
    """A request to send before or after a provoked request."""

    method: str
    url: str
    json_body: JsonValue = Field(default=None, alias="json")


class Burst(_Model):
    """Requests that cannot charge, sent at this rate until the limit is reached."""

    requests: int = Field(ge=2, le=10_000)
    per_second: float = Field(gt=0, le=1000)


class Provocation(_Model):
    """How to make the target answer with a status."""

    kind: Literal["limiter", "forced"]
    scope: Literal["case", "run"] = "case"
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, JsonValue] | None = None
    before: Call | None = None
    after: Call | None = None
    burst: Burst | None = None


DIGITS = 15
"""Significant digits that a double holds."""


class Limits(_Model):
    """Times in seconds, rate in requests per second; None means no limit."""

    timeout_s: float = Field(default=10, gt=0)
    max_wait_s: float = Field(default=30, ge=0)
    requests_per_second: float | None = Field(default=20, gt=0)
    concurrency: int = Field(default=4, ge=1)
    max_requests: int | None = Field(default=None, ge=1)


class Money(_Model):
    """Amounts of one currency, as decimal text in major units."""

    amount: str | None = None
    max_amount: str | None = None
    max_total: str | None = None


class Waiver(_Model):
    """A violation that both parties accept until a date: of one requirement, or whatever one case shows."""

    requirement: str | None = None
    case: str | None = None
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    expires: date
    ticket: str | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> Waiver:
        if (self.requirement is None) == (self.case is None):
            raise ValueError("exactly one of requirement, case is allowed")
        return self


class Profile(_Model):
    """The checked profile of one target."""

    target: Target
    auth: Auth = NoAuth()
    data: Data
    provoke: dict[int, Provocation] = Field(default_factory=dict)
    limits: Limits = Limits()
    money: dict[str, int | Money] | None = None
    waiver: list[Waiver] = Field(default_factory=list)
    _secrets: tuple[str, ...] = PrivateAttr(default=())
    _folder: str = PrivateAttr(default="")

    @property
    def max_captures(self) -> int | None:
        """The highest number of charges in one run; None for no limit."""
        entry = (self.money or {}).get("max_captures")
        return entry if isinstance(entry, int) else None

    @property
    def charges_nothing(self) -> bool:
        """Whether nothing is charged: the server is on this machine, and the profile has no table `[money]`."""
        return self.money is None and self.target.environment == "local"

    @property
    def on_this_machine(self) -> bool:
        """Whether requests stay on this machine, by URL and proxy alone."""
        return loopback(self.target.url) and (self.target.proxy is None or loopback(self.target.proxy))

    @property
    def folder(self) -> str | None:
        """The folder of the profile file, in which a trips command is run; None without a file."""
        return self._folder or None

    def minor_units(self, code: str) -> int:
        """Decimals of the currency in ISO 4217; 2 for a code that is not in the list."""
        return minor_units(code)

    def amount_of(self, code: str) -> Decimal:
        """An accepted amount in major units. Default: ten where nothing is charged, else one minor unit."""
        text, unit = self._money(code).amount, Decimal(1).scaleb(-self.minor_units(code))
        return Decimal(text) if text else Decimal(10).quantize(unit) if self.charges_nothing else unit

    def max_amount_of(self, code: str) -> Decimal:
        """The largest amount of one charge. Default: all of 15 digits where nothing is charged, else the accepted one."""
        text = self._money(code).max_amount
        if self.charges_nothing:
            return Decimal(10**DIGITS - 1).scaleb(-self.minor_units(code))
        return Decimal(text) if text else self.amount_of(code)

    def max_total_of(self, code: str) -> Decimal | None:
        """The largest sum that the run may charge in this currency; None for no limit."""
        text = self._money(code).max_total
        return Decimal(text) if text else None

    def _money(self, code: str) -> Money:
        entry = (self.money or {}).get(code)
        return entry if isinstance(entry, Money) else Money()

    def secrets(self) -> tuple[str, ...]:
        """Unmasked values that must not be written anywhere."""
        return self._secrets

    @property
    def short_secret(self) -> str:
        """A warning if a secret is so short that it cannot be hidden everywhere; empty if none is."""
        if all(len(secret) >= SHORTEST_SECRET for secret in self._secrets):
            return ""
        return f"a secret has fewer than {SHORTEST_SECRET} characters: it is hidden only where it stands alone as a value; use a longer one"

    def redacted(self) -> dict[str, Any]:
        """The profile for report and record, as JSON values; every entry with the name of a secret is masked."""
        values: dict[str, Any] = masked(self.model_dump(mode="json", by_alias=True, exclude_none=True))
        return values

    def completed(self, *, secrets: tuple[str, ...], folder: str) -> Profile:
        """The same profile, with its secrets and the folder of its file."""
        profile = self.model_copy()
        profile._secrets, profile._folder = secrets, folder  # noqa: SLF001  of a new object of the same class
        return profile


def minor_units(code: str) -> int:
    """Decimals of a currency in ISO 4217; 2 for a code that is not in the list."""
    try:
        return Currency(code).exponent or 0
    except ValueError:
        return 2
