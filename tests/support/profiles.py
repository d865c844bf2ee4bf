"""The text of a profile for the server of a test."""

from __future__ import annotations

PROFILE = """
[target]
url = "{url}"
{target}
[auth]
{auth}
[data]
stores = {stores}
unknown_store = "store-999"
unknown_trip = "00000000-0000-0000-0000-000000000000"
currencies = {currencies}
[data.trips]
{trips}
[limits]
timeout_s = {timeout_s}
{limits}
{more}
"""


def profile_text(
    url: str,
    *,
    target: str = "",
    auth: str = 'kind = "none"',
    stores: str = '["store-001", "store-002"]',
    currencies: str = '["USD", "EUR"]',
    trips: str = 'generate = "uuid4"',
    timeout_s: float = 2,
    limits: str = "",
    more: str = "",
) -> str:
    """A profile with the ids of the mock. Each argument fills the section of its name; `more` is appended."""
    return PROFILE.format(
        url=url, target=target, auth=auth, stores=stores, currencies=currencies, trips=trips, timeout_s=timeout_s,
        limits=limits, more=more,
    )  # fmt: skip
