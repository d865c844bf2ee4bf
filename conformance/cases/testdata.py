"""What the cases must know of one target. Must not read a profile: whoever has one fills this in."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Provoked:
    """How a status can be provoked.

    `limiter`: the first such request opens a window, later ones are served when it has ended. `forced`: a switch, over
    which time has no power. `scope`: whether the window holds for one case or for everything the run sends. `burst`: how
    many requests meet the limit, and how many of them leave in a second; None where the status comes when asked for.
    """

    kind: Literal["limiter", "forced"] = "forced"
    scope: Literal["case", "run"] = "case"
    burst: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class TestData:
    """The data under which a target accepts captures.

    `amounts`: an accepted amount in major units for each currency; `max_amounts`: the most that a capture may cost;
    `minor_units`: decimals of the currency by ISO 4217. The ids that the target may not have are None. `any_uuid`: every
    UUID is a trip. `reusable_trips`: a trip may be captured again and again.
    """

    __test__: ClassVar[bool] = False  # for pytest: the name begins like that of a test

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
        """The store that all cases use whose matter is something else."""
        return self.stores[0]

    @property
    def currency(self) -> str:
        """The currency that all cases use whose matter is something else."""
        return self.currencies[0]
