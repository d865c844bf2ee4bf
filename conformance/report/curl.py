"""Shell lines that send a request again, exactly as it was sent. Makes text only: sends, runs and writes nothing.

A line contains the body of its request and works in any folder: as a quoted argument if it is printable ASCII, otherwise
through printf and base64, packed with gzip if that is shorter.
"""

from __future__ import annotations

import gzip
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from conformance.cases.model import Headers
from conformance.exchange.event import Sent
from conformance.profile import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    CommandAuth,
    OAuth2Auth,
    Profile,
    Provocation,
    SigV4Auth,
    Target,
)
from conformance.redact import SECRET_HEADERS, Redactor

# curl sets these fields itself, as in the request or without a difference to the target.
SET_BY_CURL = frozenset({"host", "content-length", "connection", "user-agent"})
FRESH_TRIP = "$(python3 -c 'import uuid; print(uuid.uuid4())' || uuidgen | tr A-F a-f)"
PLAIN_CHARACTERS = 2_000
"""Up to this length, printable text stands in a line as it is."""
EXPECT_BYTES = 1024
"""Size of a body in bytes from which some versions of curl send `Expect: 100-continue`."""
TRIP_VARIABLE = "${TRIP:?set it to a fresh trip}"
NEW_UNIQUE = "$(date +%s%N)"
UNIQUE_VARIABLE = "${unique}"


@dataclass(frozen=True, slots=True)
class Replay:
    """`text` to paste in a shell to send requests again. `body`: what it sends, without secrets, with the old trip."""

    text: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ReplayWriter:
    """Writes the shell lines of one run.

    `variables`: for each header field with a secret, its value with a shell variable in place of the secret.
    `trip`: the shell expression for a trip that was not used yet; empty if a trip may be used again.
    `options`: options of curl for every line. `left_out`: header fields, in lower case, that curl sets itself.
    `provoking`, `calls`: for each status, the header fields and the other calls with which the profile provokes it.
    """

    url: str
    redactor: Redactor
    variables: dict[str, str] = field(default_factory=dict)
    trip: str = FRESH_TRIP
    options: tuple[str, ...] = ()
    left_out: frozenset[str] = SET_BY_CURL
    provoking: dict[int, Headers] = field(default_factory=dict)
    calls: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def note(self, sent: Sent) -> str:
        """A comment line that names the profile's calls before and after a provoked request; empty without calls."""
        status = sent.probe.provoke
        calls = self.calls.get(status or 0, ())
        return f"# [provoke.{status}] of the profile also has: {'; '.join(calls)}\n" if calls else ""

    def line(self, sent: Sent) -> Replay:
        """One POSIX shell line for one exchange."""
        trip, unique = self.used_trip(sent), self.unique(sent)
        assignments = f"trip={self.trip}; " if trip else ""
        assignments += f"unique={NEW_UNIQUE}; " if unique else ""
        body = self.redactor(sent.exchange.request.body.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )
        if not body:
            return Replay(assignments + self.command(sent, "", unique))
        swaps = {old.encode(): variable for old, variable in ((trip, "$trip"), (unique, "$unique")) if old}
        pieces = _pieces(body, swaps)
        if all(isinstance(piece, str) or _is_plain(piece) for piece in pieces) and len(body) <= PLAIN_CHARACTERS:
            quoted = "".join(f'"{p}"' if isinstance(p, str) else shlex.quote(p.decode()) for p in pieces)
            return Replay(assignments + self.command(sent, f"--data-raw {quoted}", unique), body)
        prints = "; ".join(f'printf %s "{p}"' if isinstance(p, str) else _printed(p) for p in pieces)
        shown = prints if len(pieces) == 1 else f"{{ {prints}; }}"
        return Replay(f"{assignments}{shown} | {self.command(sent, '--data-binary @-', unique)}", body)

    def command(self, sent: Sent, body: str, unique: str) -> str:
        """The call of curl. `body` is its option for the body, quoted for the shell."""
        exchange, request = sent.exchange, sent.exchange.request
        scheme, rest = self.url.split("://", 1)
        arguments = ["curl", "-sS", "-i", "--http1.1", *self.options]
        stray = any("stray bytes" in defect for defect in exchange.defects)
        if stray:
            arguments += ["--raw", "--ignore-content-length"]  # else curl hides bytes after the end
        arguments += ["--head"] if request.method == "HEAD" and not stray else ["-X", shlex.quote(request.method)]
        arguments.append(shlex.quote(f"{scheme}://{rest.split('/', 1)[0]}{request.target}"))
        names = {name.lower() for name, _ in request.headers}
        for name, value in request.headers:
            if name.lower() not in self.left_out:
                arguments += ["-H", self._field(name, value, unique)]
        arguments += ["-H", "Accept:"] if "accept" not in names else []
        if request.body or "transfer-encoding" in names:  # without an option for the body, curl sends no last chunk
            arguments += ["-H", "Content-Type:"] if "content-type" not in names else []
            arguments += ["-H", "Expect:"] if len(request.body) >= EXPECT_BYTES and "expect" not in names else []
            arguments.append(body or "--data-binary ''")
        elif "content-length" in names:
            arguments += ["-H", "'Content-Length: 0'"]
        return " ".join(arguments)

    def _field(self, name: str, value: str, unique: str) -> str:
        for secret_field, variable_value in self.variables.items():
            if secret_field.lower() == name.lower():
                return f'"{name}: {variable_value}"'
        if name.lower() in SECRET_HEADERS:
            return f'"{name}: ${re.sub("[^A-Z0-9]", "_", name.upper())}"'
        if not value:
            return shlex.quote(f"{name};")
        text = self.redactor(f"{name}: {value}")
        if unique and unique in text:
            return f'"{_plain(text).replace(unique, UNIQUE_VARIABLE)}"'
        return shlex.quote(text)

    def used_trip(self, sent: Sent) -> str:
        """The trip in the body that must be replaced; empty if there is none or it can be sent again."""
        trip = sent.exchange.trip
        unused = sent.status == 400 and self.trip != FRESH_TRIP
        if not trip or not self.trip or unused or trip.encode() not in sent.exchange.request.body:
            return ""
        return trip

    def unique(self, sent: Sent) -> str:
        """The value of `${unique}` in the request; empty if the request has none."""
        for name, template in self.provoking.get(sent.probe.provoke or 0, ()):
            before, placeholder, after = template.partition("${unique}")
            for sent_name, value in sent.exchange.request.headers if placeholder else ():
                if sent_name == name and value.startswith(before) and value.endswith(after):
                    return value[len(before) : len(value) - len(after)]
        return ""


def replay_writer(profile: Profile, redactor: Redactor, ignored: Iterable[str] = ()) -> ReplayWriter:
    """The writer for the target of a profile. `ignored`: variables that the run ignored and curl would obey."""
    trips, target = profile.data.trips, profile.target
    options = ["-m", f"{profile.limits.timeout_s:g}"]
    options += ["--cacert", shlex.quote(target.ca_file)] if target.ca_file else []
    options += _certificate_options(target)
    options += _signing_options(profile.auth) if isinstance(profile.auth, SigV4Auth) else []
    if target.proxy:
        options += ["--proxy", shlex.quote(target.proxy)]
    elif any("PROXY" in name.upper() for name in ignored):
        options += ["--noproxy", "'*'"]
    return ReplayWriter(
        target.url,
        redactor,
        credentials(profile),
        FRESH_TRIP if trips.generate else "" if trips.reuse else TRIP_VARIABLE,
        tuple(options),
        SET_BY_CURL | ({"authorization", "x-amz-date"} if isinstance(profile.auth, SigV4Auth) else set()),
        {status: tuple(provocation.headers.items()) for status, provocation in profile.provoke.items()},
        {status: tuple(_calls(provocation)) for status, provocation in profile.provoke.items()},
    )


def _certificate_options(target: Target) -> list[str]:
    """The client certificate and its key; the key's password is read from its variable."""
    if not target.client_cert:
        return []
    options = ["--cert", shlex.quote(re.sub(r"([\\:])", r"\\\1", target.client_cert))]
    options += ["--key", shlex.quote(target.client_key)] if target.client_key else []
    return options + (["--pass", f'"${target.client_key_password_env}"'] if target.client_key_password_env else [])


def _signing_options(auth: SigV4Auth) -> list[str]:
    """Let curl sign, with credentials from the variables that the AWS tools use."""
    return [
        "--aws-sigv4", f"aws:amz:{auth.region}:{auth.service}", "--user", '"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
    ]  # fmt: skip


def _calls(provocation: Provocation) -> Iterator[str]:
    for when, call in (("before", provocation.before), ("after", provocation.after)):
        if call is not None:
            yield f"{call.method} {call.url} {when} it"
    if burst := provocation.burst:
        yield f"a burst of {burst.requests} requests, {burst.per_second:g} per second"


def credentials(profile: Profile) -> dict[str, str]:
    """Header fields with credentials, each with its value as a shell line writes it: a variable for the secret."""
    auth = profile.auth
    match auth:
        case BearerAuth():
            fields = {"Authorization": f"Bearer ${auth.token_env}"}
        case BasicAuth():
            variables = f'"${auth.user_env}:${auth.password_env}"'
            fields = {"Authorization": f'Basic $(printf %s {variables} | base64 | tr -d "\\n")'}
        case ApiKeyAuth():
            fields = {auth.header: f"${auth.key_env}"}
        case CommandAuth():
            folder = f"cd {shlex.quote(profile.folder)} && " if profile.folder else ""
            fields = {auth.header: f"$({folder}{shlex.join(auth.command)})"}
        case OAuth2Auth():
            fields = {"Authorization": "Bearer ${ACCESS_TOKEN:?a token from the token_url of the profile}"}
        case SigV4Auth():
            fields = {"X-Amz-Security-Token": "$AWS_SESSION_TOKEN"}
        case _:
            fields = {}
    return fields


def _pieces(body: bytes, swaps: dict[bytes, str]) -> list[bytes | str]:
    """`body` cut at each old text; there stands the shell variable that replaces it, as `str`."""
    if not swaps:
        return [body]
    cut = re.split(b"(" + b"|".join(map(re.escape, swaps)) + b")", body)
    return [swaps.get(piece, piece) for piece in cut if piece]


def _is_plain(piece: bytes) -> bool:
    return piece.isascii() and piece.decode("ascii").isprintable()


def _printed(piece: bytes) -> str:
    """A shell command that prints these bytes."""
    if _is_plain(piece) and len(piece) <= PLAIN_CHARACTERS:
        return f"printf %s {shlex.quote(piece.decode('ascii'))}"
    packed = gzip.compress(piece, mtime=0)
    content, unpack = (packed, " | gunzip") if len(packed) < len(piece) else (piece, "")
    return f"printf %s {b64encode(content).decode()} | base64 -d{unpack}"


def _plain(text: str) -> str:
    r"""`text` escaped for use within double quotes of a shell."""
    return re.sub(r'([\\"$`])', r"\\\1", text)
