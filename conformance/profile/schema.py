"""The JSON Schema of the profile file, for editors: that of the model, with the limits of the contract. Pure."""

from __future__ import annotations

from typing import Any

from conformance.contract import Contract, StringRule
from conformance.profile.model import Profile


def profile_schema(contract: Contract) -> dict[str, Any]:
    """The schema as JSON values, with the limits, patterns and statuses of `contract`."""
    schema = Profile.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    schema["title"] = "Profile of a target of the capture charge conformance suite"
    data, amounts = schema["$defs"]["Data"]["properties"], schema["$defs"]["Money"]["properties"]
    data["stores"]["items"] |= {**_rule(contract.store_id), "minLength": 1}
    data["currencies"]["items"] |= _rule(contract.code)
    for name in ("unknown_store", "long_store", "short_store"):
        data[name] = {"type": "string", **_rule(contract.store_id), "minLength": 1}
    for name in ("unknown_trip", "long_trip"):
        data[name] = {"type": "string", **_rule(contract.trip_id), "minLength": 1}
    for name in amounts:
        amounts[name] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
    sources = schema["$defs"]["Trips"]
    sources["oneOf"] = [{"required": [name]} for name in sources["properties"]]
    provocation = {"$ref": "#/$defs/Provocation"}
    schema["properties"]["provoke"] = {
        "type": "object",
        "properties": {str(status): provocation for status in provocable(contract)},
        "additionalProperties": False,
    }
    schema["properties"]["money"] = {
        "type": "object",
        "properties": {"max_captures": {"type": "integer", "minimum": 1}},
        "patternProperties": {contract.code.pattern: {"$ref": "#/$defs/Money"}},
        "additionalProperties": False,
    }
    complete: dict[str, Any] = _without_null(schema)
    return complete


def provocable(contract: Contract) -> list[int]:
    """Statuses of the contract that a good request gets only if the target is made to answer with them."""
    return sorted(contract.statuses - {200, 400})


def _rule(rule: StringRule) -> dict[str, Any]:
    return {"pattern": rule.pattern, "maxLength": rule.max_length}


def _without_null(value: Any) -> Any:
    """The same schema without `null`, which TOML does not have."""
    if isinstance(value, list):
        return [_without_null(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {key: _without_null(inner) for key, inner in value.items() if not (key == "default" and inner is None)}
    choices = value.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        remaining = [choice for choice in choices if choice != {"type": "null"}]
        del value["anyOf"]
        value |= remaining[0] if len(remaining) == 1 else {"anyOf": remaining}
    return value
