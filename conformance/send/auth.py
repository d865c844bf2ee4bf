"""Header fields with the credentials of the profile. Reads only the environment given to it."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.profile import ApiKeyAuth, BasicAuth, BearerAuth, Profile, basic


def auth_headers(profile: Profile, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Header fields to add to every request; empty for kind "none". The variables are known to exist."""
    match profile.auth:
        case BearerAuth(token_env=name):
            return (("Authorization", f"Bearer {environ[name]}"),)
        case BasicAuth(user_env=user, password_env=password):
            return (("Authorization", f"Basic {basic(environ[user], environ[password])}"),)
        case ApiKeyAuth(header=header, key_env=name):
            return ((header, environ[name]),)
        case _:
            return ()
