"""The profile's ways to make the target answer 429, 500 or 503: additions to a request, and calls around it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any, Literal

import requests

from conformance.cases.model import Headers, Probe
from conformance.profile import Call, Profile, Provocation
from conformance.send import Unsent
from conformance.send.calls import by_profile

CALL_LIMIT_S = 5.0
"""The most seconds for a call of the profile, so that an interrupted run ends soon."""


class Provoking:
    """Applies the entries of `[provoke]`, with `${unique}` replaced by one value for each case."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def applied(self, probe: Probe, unique: str) -> tuple[bytes, Headers]:
        """Body (with the placeholder for the trip) and header fields of the probe, with the profile's additions."""
        way = self._way(probe)
        if way is None:
            return probe.body, probe.headers
        added = tuple((name, _filled(value, unique)) for name, value in way.headers.items())
        return self._with_members(probe.body, way, unique), probe.headers + added

    @staticmethod
    def _with_members(body: bytes, way: Provocation, unique: str) -> bytes:
        """The body with the members that the profile adds; unchanged where it is not an object, which has no members."""
        if not way.body or not body.startswith(b"{") or not body.endswith(b"}"):
            return body
        return json.dumps({**json.loads(body), **_filled(way.body, unique)}, separators=(",", ":")).encode()

    def call(self, when: Literal["before", "after"], status: int, unique: str) -> None:
        """Make the profile's call before or after this status is provoked. Raises `Unsent` where it fails."""
        way = self._profile.provoke.get(status)
        call: Call | None = getattr(way, when) if way is not None else None
        if call is None:
            return
        url = _filled(call.url, unique)
        limit = min(self._profile.limits.timeout_s, CALL_LIMIT_S)
        content = None if call.json_body is None else _filled(call.json_body, unique)
        with by_profile(requests.Session(), self._profile.target) as session:
            try:
                answer = session.request(call.method, url, json=content, timeout=limit, allow_redirects=False)
            except requests.RequestException as error:
                raise Unsent(f"The profile's `{when}` call {call.method} {call.url} failed: {error}") from None
        if answer.status_code >= 400:
            raise Unsent(f"The profile's `{when}` call {call.method} {call.url} was answered with {answer.status_code}")

    def _way(self, probe: Probe) -> Provocation | None:
        return self._profile.provoke.get(probe.provoke) if probe.provoke is not None else None


def _filled(value: Any, unique: str) -> Any:
    """`value` with `${unique}` replaced in all its strings."""
    if isinstance(value, str):
        return value.replace("${unique}", unique)
    if isinstance(value, dict):
        return {key: _filled(inner, unique) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, unique) for inner in value]
    return value


def new_unique(probes: Iterable[Probe]) -> str:
    """A value of `${unique}` for all these probes; empty where none of them provokes anything."""
    return secrets.token_hex(8) if any(probe.provoke is not None for probe in probes) else ""
