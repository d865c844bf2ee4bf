"""Hooks for Schemathesis: data that the mock server knows in place of data that is only well-formed."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import schemathesis

STORE, CURRENCY, AMOUNT = "store-001", "USD", 10.0


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Put known data into a case before it is sent. What is malformed stays as it is."""
    body = case.body
    if not isinstance(body, dict):
        return
    for name, known in (("storeId", STORE), ("shoppingTripId", str(uuid4()))):
        if _matches("[0-9a-zA-Z_-]{1,255}", body.get(name)):
            body[name] = known
    money = body.get("amount")
    if isinstance(money, dict):
        if _matches("[A-Z]{3}", money.get("code")):
            money["code"] = CURRENCY
        number = money.get("amount")
        if isinstance(number, int | float) and not isinstance(number, bool):
            money["amount"] = AMOUNT


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
