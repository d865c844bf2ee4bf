"""The server's side of AWS Signature Version 4, written from its description and without botocore."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), "
    r"Signature=([0-9a-f]{64})"
)
SKEW_S = 300


def signature(
    method: str, target: str, fields: Sequence[tuple[str, str]], body: bytes, *, secret: str, signed: str, scope: str
) -> str:
    """The signature of a request. `signed`: the names of the signed fields; `scope`: date, region, service."""
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name.lower(), []).append(" ".join(value.split()))
    parts = urlsplit(target)
    canonical = [
        method,
        quote(parts.path, safe="/~"),
        "&".join(
            sorted(quote(pair, safe="-_.~%=") + "=" * ("=" not in pair) for pair in parts.query.split("&") if pair)
        ),
        *(f"{name}:{','.join(values[name])}" for name in signed.split(";")),
        "",
        signed,
        hashlib.sha256(body).hexdigest(),
    ]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", values["x-amz-date"][0], f"{scope}/aws4_request", digest])
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def refused(
    method: str,
    target: str,
    fields: Sequence[tuple[str, str]],
    body: bytes,
    *,
    key_id: str,
    secret: str,
    token: str | None = None,
    region: str = "eu-west-1",
    service: str = "execute-api",
    now: datetime | None = None,
) -> str:
    """Why a gateway refuses the request; empty where its signature is right. `now`: the clock of the gateway."""
    sent = {name.lower(): value for name, value in fields}
    match = AUTHORIZATION.fullmatch(sent.get("authorization", ""))
    if match is None:
        return "Missing Authentication Token"
    used_key, day, used_region, used_service, signed, found = match.groups()
    made = datetime.strptime(sent["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(((now or datetime.now(UTC)) - made).total_seconds()) > SKEW_S:
        return f"Signature expired: {sent['x-amz-date']} is too old"
    if (used_region, used_service, day) != (region, service, sent["x-amz-date"][:8]):
        return f"Credential should be scoped to a valid region, not '{used_region}'"
    if used_key != key_id or sent.get("x-amz-security-token") != token:
        return "The security token included in the request is invalid."
    must = {"host", *(name for name in sent if name.startswith("x-amz-") or name == "content-type")}
    if not must <= set(signed.split(";")) <= {name.lower() for name, _ in fields}:
        return "A field that must be signed is not, or a signed field is missing"
    scope = f"{day}/{used_region}/{used_service}"
    right = signature(method, target, fields, body, secret=secret, signed=signed, scope=scope)
    return "" if hmac.compare_digest(right, found) else "The request signature we calculated does not match"
