"""Bodies that Schemathesis derives from the OpenAPI document. Imports Schemathesis, which is slow to load."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

from conformance.cases.body import quoted
from conformance.cases.generated.parts import AMOUNT, CODE, STORE
from conformance.cases.generated.template import Template, without_tokens
from conformance.cases.model import TRIP
from conformance.contract.load import Contract

_MEMBERS = ("storeId", "shoppingTripId", "amount", "code")
# Without a configuration Schemathesis would look for a schemathesis.toml around the working folder.
_COVERAGE = {"phases": {name: {"enabled": False} for name in ("examples", "fuzzing", "stateful")}}
# For any other codec Hypothesis tries all characters of Unicode, which takes seconds and 200 MB.
_RANDOM = {"generation": {"codec": "ascii"}}


def coverage_templates(contract: Contract) -> list[Template]:
    """The bodies of the coverage phase. Examples of the document in them are replaced by data that the target knows."""
    hold = partial(_from_example, _examples(contract))
    bodies = (case.body for case in coverage_cases(contract) if case.method == "POST" and not case.headers)
    return list(dict.fromkeys(_template(body, hold) for body in bodies))


def coverage_cases(contract: Contract) -> list[schemathesis.Case[Any]]:
    """All cases of Schemathesis' coverage phase. RuntimeError where it gives none.

    Its only public interface for them is a pytest test, so this runs pytest with one test that collects them.
    """
    import pytest

    schema = _schema(contract, _COVERAGE)
    cases: list[schemathesis.Case[Any]] = []
    problems: list[str] = []

    class Watcher:
        @staticmethod
        def pytest_exception_interact(call: pytest.CallInfo[object]) -> None:
            problems.append(str(call.excinfo))

    @schema.parametrize()
    def test_coverage(case: schemathesis.Case[Any]) -> None:
        cases.append(case)

    globals()[test_coverage.__name__] = test_coverage  # so that pytest finds it
    here = Path(__file__)
    pytest.main(
        ["-c", os.devnull, "--rootdir", str(here.parent), "--noconftest", "--disable-plugin-autoload", "-pschemathesis",
         "-pno:terminal", "-pno:cacheprovider", "-pno:warnings", "--capture=no", "--assert=plain",
         "-o", f"python_files={here.name}", str(here)],
        plugins=[Watcher()],
    )  # fmt: skip
    if problems or not cases:
        raise RuntimeError(f"Schemathesis gave no cases of its coverage phase: {' '.join(problems)}")
    return cases


def random_bodies(contract: Contract, mode: str) -> st.SearchStrategy[Template]:
    """Random bodies of one mode: "positive" (the document admits them) or "negative" (it does not).

    All good members except one are replaced by known values, so that an unknown trip or store hides no other fault.
    """
    cases = _schema(contract, _RANDOM)[contract.path]["POST"].as_strategy(generation_mode=GenerationMode(mode))
    drawn = st.tuples(cases.filter(lambda case: not case.headers), st.sampled_from(_MEMBERS))
    return drawn.map(lambda pair: _template(pair[0].body, partial(_held, contract, pair[1])))


def _schema(contract: Contract, settings: dict[str, Any]) -> schemathesis.BaseSchema:
    config = schemathesis.Config.from_dict(settings)
    return schemathesis.openapi.from_path(contract.openapi_file, config=config)


# --- bodies as text ----------------------------------------------------------------------------------------------


def _examples(contract: Contract) -> dict[str, list[Any]]:
    """The examples of the document by member: the first amount and code, and every id."""
    content = contract.openapi["paths"][contract.path]["post"]["requestBody"]["content"]["application/json"]
    values = [example["value"] for example in content["examples"].values()]
    return {
        "storeId": [value["storeId"] for value in values],
        "shoppingTripId": [value["shoppingTripId"] for value in values],
        "number": [values[0]["amount"]["amount"]],
        "code": [values[0]["amount"]["code"]],
    }


def _from_example(examples: dict[str, list[Any]], member: str, value: Any) -> str | None:
    known = {"storeId": quoted(STORE), "shoppingTripId": quoted(TRIP), "number": AMOUNT, "code": quoted(CODE)}
    is_example = any(type(value) in {str, int, float} and value == each for each in examples.get(member, []))
    return known[member] if is_example and not isinstance(value, bool) else None


def _held(contract: Contract, left: str, member: str, value: Any) -> str | None:
    """The known text in place of a good value, unless its member stays as drawn (`left`)."""
    if member == left or (member == "number" and left == "amount"):
        return None
    rules = {"storeId": contract.store_id, "shoppingTripId": contract.trip_id, "code": contract.code}
    known = {"storeId": STORE, "shoppingTripId": TRIP, "code": CODE}
    if member in rules and isinstance(value, str) and rules[member].admits(value):
        return quoted(known[member])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return AMOUNT if member == "number" and is_number else None


def _template(body: Any, hold: Callable[[str, Any], str | None]) -> Template:
    """The bytes that Schemathesis would send: JSON values as JSON, raw bytes unchanged, none where there is no body."""
    if isinstance(body, bytes):
        return Template(without_tokens(body.decode("utf-8", "surrogateescape")))
    return Template(_text(body, "", hold) if isinstance(body, dict | list | str | int | float | None) else "")


def _text(value: Any, member: str, hold: Callable[[str, Any], str | None]) -> str:
    """Write a value as compact JSON; `hold` may replace the text of a member."""
    held = hold(member, value)
    if held is not None:
        return held
    if isinstance(value, dict):
        inner = "number" if member == "amount" else "amount"
        names = {"storeId": "storeId", "shoppingTripId": "shoppingTripId", "amount": inner, "code": "code"}
        if member not in {"", "amount"}:
            names = {}
        pairs = [f"{_string(name)}:{_text(each, names.get(name, 'other'), hold)}" for name, each in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(each, "other", hold) for each in value) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _string(text: str) -> str:
    return quoted(without_tokens(text))
