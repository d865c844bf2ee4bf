"""AWS Signature Version 4, by botocore: signs each request over its final bytes and header fields."""

from __future__ import annotations

from functools import partial

from botocore.auth import SigV4Auth as Signer
from botocore.awsrequest import AWSRequest
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from conformance.cases.model import Headers
from conformance.errors import UsageError
from conformance.exchange.model import Request, field_values
from conformance.profile import SigV4Auth
from conformance.redact import Redactor
from conformance.send import NoCredentials

# Not signed, in addition to what botocore leaves out: a proxy or a gateway may change them on the way.
CHANGED_ON_THE_WAY = frozenset({"accept-encoding", "connection", "content-length", "date"})
ADDED = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
SESSION_NAME = "capture-charge-conformance"


class Signature:
    """Signs with the credentials that botocore finds. They are looked up before the first request."""

    def __init__(self, auth: SigV4Auth, redactor: Redactor) -> None:
        self._auth, self._redactor = auth, redactor
        self._source: Credentials | None = None
        self._current: ReadOnlyCredentials | None = None

    def prepare(self) -> None:
        """Look the credentials up; botocore renews those that end, one thread at a time."""
        try:
            if self._source is None:
                self._source = _source(self._auth)
            current = self._source.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise NoCredentials(f"authentication: AWS credentials could not be obtained: {error}") from None
        if current != self._current:
            self._redactor.learn(*(secret for secret in current if secret))
            self._current = current

    def fields(self, request: Request, url: str) -> Headers:
        """The fields of a signature that is made now."""
        signed = AWSRequest(request.method, url, data=request.body)
        for name, value in request.headers:
            if name.lower() not in CHANGED_ON_THE_WAY:
                signed.headers[name] = value  # adds a further field line
        Signer(self._current, self._auth.service, self._auth.region).add_auth(signed)
        fields = tuple((name, signed.headers[name]) for name in ADDED if name in signed.headers)
        self._redactor.learn_signature(field_values(fields, "Authorization")[0].rpartition("=")[2])
        return fields

    def answered(self, request: Request, status: int | None) -> bool:  # noqa: ARG002
        """A refusal is final: every request has a signature of its own."""
        return False


def _source(auth: SigV4Auth) -> Credentials:
    """The credentials of the environment, of the named profile, or of the role that is assumed with them."""
    session = Session(profile=auth.profile)
    found = session.get_credentials()
    if found is None:
        raise UsageError(
            "auth.kind: no AWS credentials were found; export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or name a profile of ~/.aws in auth.profile"
        )
    if auth.role is None:
        return found
    create = partial(session.create_client, region_name=auth.region)
    fetcher = AssumeRoleCredentialFetcher(create, found, auth.role, extra_args={"RoleSessionName": SESSION_NAME})
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
