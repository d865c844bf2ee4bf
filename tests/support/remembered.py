"""What many runs make from the same frozen values is made once in each process: plans, cases, compiled templates.

Processes that tests start make their own, and so do deep runs and runs with another spec.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import Environment

from conformance import session
from conformance.cases import tables
from conformance.cases.generated import cache
from conformance.cases.generated.cache import ENVIRONMENT
from conformance.cases.generated.template import Template
from conformance.cases.model import Case
from conformance.cases.testdata import TestData
from conformance.contract import Contract, load_contract
from conformance.profile import Profile
from conformance.report.templates import Templates

PLANS = 24
_drawing = f"{os.environ[ENVIRONMENT]}.lock"
_plan = session.planned_cases
_templates = cache._templates
_plans: dict[str, list[Case]] = {}
_cases: dict[tuple[str, str, str], list[Case]] = {}
_codes: dict[tuple[str, str | None], CodeType] = {}


def planned_cases(contract: Contract, profile: Profile, data: TestData, depth: str, seed: int) -> list[Case]:
    """The plan, kept by all that decides it."""
    if depth == "deep" or contract is not load_contract():
        return _plan(contract, profile, data, depth, seed)
    key = repr((profile.limits, profile.money, profile.data, data, depth, seed, os.environ.get(ENVIRONMENT)))
    if key not in _plans:
        if len(_plans) >= PLANS:
            del _plans[next(iter(_plans))]
        _plans[key] = _plan(contract, profile, data, depth, seed)
    return list(_plans[key])


def templates(file: Path, *how: Any) -> dict[str, list[Template]]:
    """Drawn by one process, while the others wait to read them."""
    if file.exists():
        return _templates(file, *how)
    with Path(_drawing).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _templates(file, *how)


templates.cache_clear = _templates.cache_clear  # type: ignore[attr-defined]


def all_cases(contract: Contract, data: TestData, depth: str) -> list[Case]:
    """The cases of the tables, for tests that look through them."""
    key = (contract.digest, repr(data), depth)
    if key not in _cases:
        if len(_cases) >= PLANS:
            del _cases[next(iter(_cases))]
        _cases[key] = tables.all_cases(contract, data, depth)
    return list(_cases[key])


def compiled(self: Templates, source: str, name: str | None = None, filename: str | None = None) -> CodeType:
    """All environments have the same settings."""
    if (source, name) not in _codes:
        _codes[source, name] = Environment.compile(self, source, name, filename)
    return _codes[source, name]


def remember() -> None:
    """Use these in place of what makes each anew."""
    session.planned_cases = planned_cases
    cache._templates = templates  # type: ignore[assignment]
    Templates.compile = compiled
