"""All handwritten cases, in the order of the plan. Generated cases are made elsewhere."""

from __future__ import annotations

from dataclasses import replace

from conformance.cases.acceptance import acceptance_cases, first_currency_case, limit_cases
from conformance.cases.amount import amount_cases
from conformance.cases.answers import provoked_cases, shared_window_case
from conformance.cases.body_form import body_form_cases
from conformance.cases.code import code_cases
from conformance.cases.independence import independence_cases
from conformance.cases.method_path import method_path_cases
from conformance.cases.model import Case
from conformance.cases.nesting import nesting_cases, still_there_case
from conformance.cases.pairs import pair_cases
from conformance.cases.request_form import repeated_cases, request_form_cases
from conformance.cases.store_id import store_id_cases
from conformance.cases.testdata import TestData
from conformance.cases.trip_id import trip_id_cases
from conformance.cases.value import currency_value_cases, value_cases
from conformance.contract.load import Contract

SMOKE_REQUESTS = 40
_LEVELS = {"MUST": 0, "SHOULD": 1, "MAY": 2}
# The test plan and the main requirements in few requests. Acceptance cases come first, as many as fit.
_SMOKE = (
    "store-id-missing",
    "store-id-null",
    "store-id-number",
    "store-id-bad-format",
    "store-id-trailing-line-feed",
    "store-id-over-limit",
    "store-id-empty",
    "store-id-unknown",
    "trip-id-missing",
    "trip-id-null",
    "trip-id-bad-format",
    "trip-id-over-limit",
    "trip-id-empty",
    "trip-id-unknown",
    "amount-missing",
    "amount-null",
    "amount-number",
    "value-missing",
    "value-null",
    "value-string",
    "value-empty-string",
    "value-zero",
    "code-missing",
    "code-null",
    "code-lower-case",
    "code-empty",
    "code-too-long",
    "body-empty",
    "body-not-json",
    "provoked-429",
    "provoked-429-window",
    "provoked-429-shared",
    "provoked-500",
    "provoked-503",
    "value-negative",
)
# The cases that stand for each case of the provider's test plan, by the beginnings of their ids. Each of these is sent at
# every depth, save acceptance cases beyond the first.
TEST_PLAN: dict[int, tuple[str, ...]] = {
    1: ("accept-store-", "accept-currency-"),
    2: ("trip-id-unknown",),
    3: ("store-id-bad-format",),
    4: ("store-id-missing",),
    5: ("trip-id-missing",),
    6: ("amount-missing", "value-missing"),
    7: ("amount-number", "value-string"),
    8: ("code-lower-case",),
    9: ("code-too-long",),
    10: ("store-id-bad-format", "store-id-trailing-line-feed"),
    11: ("trip-id-bad-format",),
    12: ("store-id-over-limit", "trip-id-over-limit", "code-too-long"),
    13: ("provoked-429",),
    14: ("provoked-500",),
    15: ("provoked-503",),
    16: ("value-zero",),
    17: ("value-negative",),
    18: ("store-id-empty", "trip-id-empty", "value-empty-string", "code-empty"),
    19: ("store-id-null", "trip-id-null", "amount-null", "value-null", "code-null"),
}


def all_cases(contract: Contract, data: TestData, depth: str) -> list[Case]:
    """Give the cases of a depth: `smoke`, `standard` or `deep`.

    `smoke` is a selection of at most 40 requests; `standard` has every case; `deep` has more of what takes long.

    Acceptance cases come first, then those for a MUST, a SHOULD, a MAY, then whether the server is still there; a window
    shared by all callers comes last.
    The order and the ids depend only on the arguments.
    """
    opening = acceptance_cases(data)
    shared = shared_window_case(contract, data)
    rest = sorted(_middle(contract, data, depth), key=lambda case: _rank(contract, case))
    if depth == "smoke":
        return _smoke(opening, rest, shared)
    return [*opening, *rest, still_there_case(), *shared]


def _middle(contract: Contract, data: TestData, depth: str) -> list[Case]:
    deep = depth == "deep"
    return [
        first_currency_case(data),
        *store_id_cases(contract, data),
        *trip_id_cases(contract, data),
        *amount_cases(data),
        *value_cases(data),
        *code_cases(contract, data),
        *body_form_cases(contract, data, deep=deep),
        *request_form_cases(data),
        *limit_cases(data),
        *provoked_cases(contract, data),
        *independence_cases(data),
        *method_path_cases(data),
        *repeated_cases(data),
        *(pair_cases(contract, data) if depth != "smoke" else ()),
        *currency_value_cases(data),
        *nesting_cases(data, deep=deep),
    ]


def _rank(contract: Contract, case: Case) -> tuple[int, bool]:
    levels = [_LEVELS[contract.level(requirement)] for requirement in case.requirements]
    return (levels[0] if levels else 2, len(case.probes) > 1)


def _first_body(case: Case) -> Case:
    """The case with its first body, if it is one of bodies only."""
    return case if case.scheduling != "one-shot" else replace(case, probes=case.probes[:1])


def _smoke(opening: list[Case], rest: list[Case], shared: list[Case]) -> list[Case]:
    chosen = [_first_body(case) for case in (*rest, *shared) if case.id in _SMOKE]
    room = SMOKE_REQUESTS - sum(len(case.probes) for case in chosen)
    return [*opening[: max(room, 1)], *chosen]
