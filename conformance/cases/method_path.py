"""Cases about other methods on the path, and about other paths."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from conformance.cases.body import parts_of
from conformance.cases.build import probe
from conformance.cases.model import Case, Expectation
from conformance.cases.testdata import TestData

THEME = "method-path"
METHODS = ("GET", "PUT", "PATCH", "DELETE")


def method_path_cases(data: TestData) -> list[Case]:
    """Methods without a body, so that nothing can be charged; paths with a good one."""
    found = []
    for method in METHODS:
        expectation = Expectation("method", "method.not-allowed")
        request = probe(expectation, b"", method=method, headers=(), trip="none")
        slug, title = f"method-{method.lower()}", f"{method} on the path"
        found.append(Case(slug, THEME, title, ("method.not-allowed", "method.allow", "method.framing"), (request,)))
    get = probe(Expectation("observe"), b"", method="GET", headers=(), trip="none")
    head = probe(Expectation("head", "method.head"), b"", method="HEAD", headers=(), trip="none")
    title = "HEAD compared with GET"
    found.append(
        Case(
            "method-head",
            THEME,
            title,
            ("method.head", "method.framing"),
            (get, head),
            scheduling="chain",
            rule="same-answer",
        )
    )
    good = parts_of(data).good
    unknown = probe(Expectation("unknown-path", "path.unknown"), good, path="unknown")
    both = (unknown, replace(unknown, path="below"))
    found.append(Case("path-unknown", THEME, "Paths that the API does not have", ("path.unknown",), both))
    variants: tuple[tuple[Literal["trailing-slash", "other-case"], str], ...] = (
        ("trailing-slash", "The path with a trailing slash"),
        ("other-case", "The path in another letter case"),
    )
    for path, title in variants:
        request = probe(Expectation("observe", "path.variants", label=path), good, path=path)
        found.append(Case(f"path-{path}", THEME, title, ("path.variants",), (request,)))
    return found
