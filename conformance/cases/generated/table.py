"""The generating strategies by name. Must not draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

COVERAGE, POSITIVE, NEGATIVE = "schemathesis-coverage", "schemathesis-positive", "schemathesis-negative"


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to generate bodies.

    `standard`: how many in a standard run (None: all there are). `deep`: its percentage of a deep run. `cost`: about
    how many milliseconds drawing one body takes, or all of them where `standard` is None.
    """

    title: str
    drawn_by: Literal["Hypothesis", "Schemathesis"]
    standard: int | None
    deep: int
    cost: float = 0.3


STRATEGIES = {
    # All coverage bodies are sent; in a deep run they count against the percentages of the next two.
    COVERAGE: Strategy("Bodies that Schemathesis derives from the document", "Schemathesis", None, 0, 2000),
    POSITIVE: Strategy("Random bodies of Schemathesis that match the document", "Schemathesis", 25, 10, 5),
    NEGATIVE: Strategy("Random bodies of Schemathesis that do not match the document", "Schemathesis", 25, 10, 9),
    "pattern-edges": Strategy("Characters at the edges of the patterns", "Hypothesis", 25, 26),
    "boundary-lengths": Strategy("Typical lengths of limits, columns and buffers", "Hypothesis", 22, 6),
    "currency-codes": Strategy("Currency codes: of ISO 4217, similar ones and random ones", "Hypothesis", 24, 10),
    "number-spellings": Strategy("Numbers in every spelling", "Hypothesis", 28, 14),
    "json-spellings": Strategy("JSON in every spelling", "Hypothesis", 28, 11),
    "named-mutations": Strategy("A good body with one change", "Hypothesis", 28, 13),
}
