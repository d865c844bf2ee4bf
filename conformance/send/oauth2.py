"""Access tokens for the client's own credentials (RFC 6749, section 4.4), by authlib."""

from __future__ import annotations

from collections.abc import Mapping

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from requests import RequestException

from conformance.profile import OAuth2Auth, Profile, is_field_value
from conformance.send import NoCredentials
from conformance.send.calls import by_profile

EARLY_S = 30.0
"""Seconds before its end at which a token is renewed; half of its time for a token that ends sooner."""


class TokenSource:
    """Asks the token endpoint for a token: a call gives the value of `Authorization` and for how long to use it."""

    def __init__(self, auth: OAuth2Auth, profile: Profile, environ: Mapping[str, str]) -> None:
        self._auth, self._target = auth, profile.target
        self._client = (environ[auth.client_id_env], environ[auth.client_secret_env])
        self._timeout = profile.limits.timeout_s

    def __call__(self) -> tuple[str, float | None]:
        """Obtain a token. Raises `NoCredentials`."""
        auth, more = self._auth, {"audience": self._auth.audience} if self._auth.audience else {}
        try:
            with self._session() as session:
                token = session.fetch_token(
                    auth.token_url,
                    grant_type="client_credentials",
                    timeout=self._timeout,
                    allow_redirects=False,
                    **more,
                )
        except (OAuthError, RequestException, ValueError) as error:
            raise NoCredentials(f"authentication: no token from {auth.token_url}: {_reason(error)}") from None
        text, seconds = token.get("access_token"), token.get("expires_in")
        value = f"Bearer {text}"
        if not isinstance(text, str) or not is_field_value(value):
            raise NoCredentials(f"authentication: the answer of {auth.token_url} contains no access_token")
        left = float(seconds) if isinstance(seconds, int | float) or str(seconds).isdecimal() else None
        return value, None if left is None else left - min(EARLY_S, left / 2)

    def _session(self) -> OAuth2Session:
        """A session that reads nothing from the environment and trusts the certificates of the profile too."""
        session = OAuth2Session(*self._client, f"client_secret_{self._auth.client_auth}", scope=self._auth.scope)
        return by_profile(session, self._target, usual=True)


def _reason(error: Exception) -> str:
    """What went wrong, without the answer itself, which may contain a secret."""
    if isinstance(error, OAuthError):
        return f"the server refused the client ({error.error})"
    return str(error) if isinstance(error, RequestException) else "the answer is not JSON"
