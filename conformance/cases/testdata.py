"""What the cases must know of one target. Must not read a profile: the caller fills in the values."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Provoked:
    """How a status can be provoked.

    `limiter`: the first such request opens a window; later ones are served after its end. `forced`: a switch, on until
    it is turned off. `scope`: whether it applies to one case or to all requests of the run. `burst`: how many requests
    reach the limit, and how many of them are sent in a second; None where one request is enough. `switched`: calls of the
    profile change the server before and after.
    """

    kind: Literal["limiter", "forced"] = "forced"
    scope: Literal["case", "run"] = "case"
    burst: tuple[int, float] | None = None
    switched: bool = False

    @property
    def alone(self) -> bool:
        """Whether it changes the answers to other requests, so that nothing else may be in flight."""
        return self.switched or self.scope == "run"


@dataclass(frozen=True, slots=True)
class TestData:
    """The data with which a target accepts captures.

    `amounts`: an accepted amount in major units for each currency; `max_amounts`: the most that a capture may cost;
    `minor_units`: decimals of the currency by ISO 4217. Ids that the profile does not have are None. `any_uuid`: every
    UUID is a trip. `reusable_trips`: a trip may be captured any number of times.
    """

    __test__: ClassVar[bool] = False  # the name looks like a test class to pytest

    stores: tuple[str, ...]
    currencies: tuple[str, ...]
    amounts: dict[str, Decimal]
    max_amounts: dict[str, Decimal]
    minor_units: dict[str, int]
    unknown_store: str | None = None
    unknown_trip: str | None = None
    long_store: str | None = None
    short_store: str | None = None
    long_trip: str | None = None
    any_uuid: bool = False
    reusable_trips: bool = False
    provocations: dict[int, Provoked] = field(default_factory=dict)

    @property
    def store(self) -> str:
        """The store that cases about anything else use."""
        return self.stores[0]

    @property
    def currency(self) -> str:
        """The currency that cases about anything else use."""
        return self.currencies[0]
