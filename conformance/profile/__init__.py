"""The profile of one target: its model, its checks, and loading it from a file. Sends nothing."""

from conformance.profile.load import MOCK_NAME, builtin_profile, load_profile
from conformance.profile.model import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    Call,
    CommandAuth,
    Data,
    Limits,
    Money,
    NoAuth,
    OAuth2Auth,
    Profile,
    Provocation,
    SigV4Auth,
    Target,
    Trips,
    Waiver,
    minor_units,
)
from conformance.profile.schema import profile_schema
from conformance.profile.secrets import MASK, basic, without_user
from conformance.profile.trips import bad_trip, read_trips
from conformance.profile.values import is_field_value
from conformance.redact import SHORTEST_SECRET

__all__ = [
    "MASK",
    "MOCK_NAME",
    "SHORTEST_SECRET",
    "ApiKeyAuth",
    "BasicAuth",
    "BearerAuth",
    "Call",
    "CommandAuth",
    "Data",
    "Limits",
    "Money",
    "NoAuth",
    "OAuth2Auth",
    "Profile",
    "Provocation",
    "SigV4Auth",
    "Target",
    "Trips",
    "Waiver",
    "bad_trip",
    "basic",
    "builtin_profile",
    "is_field_value",
    "load_profile",
    "minor_units",
    "profile_schema",
    "read_trips",
    "without_user",
]
