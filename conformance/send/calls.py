"""Sessions of `requests` for the calls beside the run: switches, tokens, and whether the target answers yet."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import requests

from conformance.exchange.endpoint import TlsAdapter, tls_context
from conformance.profile import Target

AnySession = TypeVar("AnySession", bound=requests.Session)


def by_profile(session: AnySession, target: Target, *, usual: bool = False) -> AnySession:
    """`session` with proxy and certificates of the profile and nothing of the environment.

    `usual`: it trusts the usual authorities too where the profile names its own.
    """
    session.trust_env = False
    session.proxies = {"http": target.proxy, "https": target.proxy} if target.proxy else {}
    context = partial(tls_context, target.ca_file, usual=usual)
    for scheme in ("http://", "https://"):
        session.mount(scheme, TlsAdapter(context, context))
    return session
