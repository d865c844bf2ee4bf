"""Shell lines that send a request again, as it was sent. Values only: sends, runs and writes nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conformance.cases.model import Headers
from conformance.exchange.event import Sent
from conformance.profile import Profile, Provocation
from conformance.redact import SECRET_HEADERS, Redactor

# curl says these itself, as the request had them or with no difference to the target.
LEFT_OUT = frozenset({"host", "content-length", "connection", "user-agent"})
FRESH = "$(python3 -c 'import uuid; print(uuid.uuid4())')"
EXPECTS = 1024
"""Bytes of a body from which some versions of curl ask first whether they may send it."""
OWN_TRIP = "${TRIP:?a fresh trip, as long as the old one}"
UNIQUE = "$(date +%s%N)"
UNIQUE_AGAIN = "${unique}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What to paste to send something again: `text`, and the files that it reads, by name in `repro`."""

    text: str
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """How the lines of one run are written.

    `variables` give, by header field, its value with a shell variable in place of the secret. `trip` is the shell
    expression for a trip that was not used yet; empty where a trip may be used again. `options` come first in each line.
    `provoking` and `calls` are, by status, the header fields and the other calls by which the profile provokes it.
    """

    url: str
    repro: Path
    redactor: Redactor
    variables: dict[str, str] = field(default_factory=dict)
    trip: str = FRESH
    options: tuple[str, ...] = ()
    provoking: dict[int, Headers] = field(default_factory=dict)
    calls: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def note(self, sent: Sent) -> str:
        """A comment, with its line end, that names the profile's calls around a provoked request; empty without."""
        status = sent.probe.provoke
        calls = self.calls.get(status or 0, ())
        return f"# [provoke.{status}] of the profile also has: {'; '.join(calls)}\n" if calls else ""

    def line(self, sent: Sent) -> Replay:
        """One POSIX shell line for one exchange; its body is a file of `repro`."""
        trip, unique = self.used_trip(sent), self.unique(sent)
        first = f"unique={UNIQUE}; " if unique else ""
        if not sent.exchange.request.body:
            return Replay(first + self.command(sent, "", unique))
        name, content = self.body_file(sent)
        file = str(self.repro / name)
        swaps = [(trip, self.trip)] if trip else []
        swaps += [(unique, UNIQUE_AGAIN)] if unique and unique.encode() in sent.exchange.request.body else []
        if swaps:
            text = f"{first}{swapped(swaps, shlex.quote(file))} | {self.command(sent, '@-', unique)}"
        else:
            text = first + self.command(sent, shlex.quote(f"@{file}"), unique)
        return Replay(text, {name: content})

    def command(self, sent: Sent, body: str, unique: str) -> str:
        """The call of curl alone; `body` is where curl takes the body from, as a word of the shell."""
        exchange, request = sent.exchange, sent.exchange.request
        scheme, rest = self.url.split("://", 1)
        words = ["curl", "-sS", "-i", "--http1.1", *self.options]
        stray = any("stray bytes" in defect for defect in exchange.defects)
        if stray:
            words += ["--raw", "--ignore-content-length"]  # else curl hides what comes after the end of the answer
        words += ["--head"] if request.method == "HEAD" and not stray else ["-X", shlex.quote(request.method)]
        words.append(shlex.quote(f"{scheme}://{rest.split('/', 1)[0]}{request.target}"))
        names = {name.lower() for name, _ in request.headers}
        for name, value in request.headers:
            if name.lower() not in LEFT_OUT:
                words += ["-H", self._field(name, value, unique)]
        words += ["-H", "Accept:"] if "accept" not in names else []
        if request.body:
            words += ["-H", "Content-Type:"] if "content-type" not in names else []
            words += ["-H", "Expect:"] if len(request.body) >= EXPECTS and "expect" not in names else []
            words += ["--data-binary", body]
        elif "content-length" in names:
            words += ["-H", "'Content-Length: 0'"]
        return " ".join(words)

    def _field(self, name: str, value: str, unique: str) -> str:
        for known, text in self.variables.items():
            if known.lower() == name.lower():
                return f'"{name}: {text}"'
        if name.lower() in SECRET_HEADERS:
            return f'"{name}: ${re.sub("[^A-Z0-9]", "_", name.upper())}"'
        if not value:
            return shlex.quote(f"{name};")
        text = self.redactor(f"{name}: {value}")
        if unique and unique in text:
            return f'"{_plain(text).replace(unique, UNIQUE_AGAIN)}"'
        return shlex.quote(text)

    def body_file(self, sent: Sent) -> tuple[str, bytes]:
        """Name and content of the file with the body of a request, without secrets."""
        exchange = sent.exchange
        text = exchange.request.body.decode("utf-8", "surrogateescape")
        return f"{exchange.case}-{exchange.probe}.body", self.redactor(text).encode("utf-8", "surrogateescape")

    def used_trip(self, sent: Sent) -> str:
        """The trip in the body that has to be replaced; empty where there is none or it can be sent again."""
        trip = sent.exchange.trip
        unused = sent.status == 400 and self.trip != FRESH
        if not trip or not self.trip or unused or trip.encode() not in sent.exchange.request.body:
            return ""
        return trip

    def unique(self, sent: Sent) -> str:
        """The value that stood for `${unique}` in the request; empty where none did."""
        for name, template in self.provoking.get(sent.probe.provoke or 0, ()):
            before, found, after = template.partition("${unique}")
            for other, value in sent.exchange.request.headers if found else ():
                if other == name and value.startswith(before) and value.endswith(after):
                    return value[len(before) : len(value) - len(after)]
        return ""


def replay_line_of(profile: Profile, repro: Path, redactor: Redactor, ignored: Iterable[str] = ()) -> ReplayLine:
    """How lines are written for a target; `ignored` are the variables that the run ignored and curl would heed."""
    trips, target = profile.data.trips, profile.target
    options = ["-m", f"{profile.limits.timeout_s:g}"]
    options += ["--cacert", shlex.quote(target.ca_file)] if target.ca_file else []
    if target.proxy:
        options += ["--proxy", shlex.quote(target.proxy)]
    elif any("PROXY" in name.upper() for name in ignored):
        options += ["--noproxy", "'*'"]
    return ReplayLine(
        target.url,
        repro,
        redactor,
        credentials(profile),
        FRESH if trips.generate else "" if trips.reuse else OWN_TRIP,
        tuple(options),
        {status: tuple(one.headers.items()) for status, one in profile.provoke.items()},
        {status: tuple(_calls(one)) for status, one in profile.provoke.items()},
    )


def _calls(means: Provocation) -> Iterator[str]:
    for when, call in (("before", means.before), ("after", means.after)):
        if call is not None:
            yield f"{when} it {call.method} {call.url}"
    if burst := means.burst:
        yield f"a burst of {burst.requests} requests, {burst.per_second:g} a second"


def credentials(profile: Profile) -> dict[str, str]:
    """Header fields with credentials, and how a shell line writes them with a variable in place of the secret."""
    auth = profile.auth
    match auth.kind:
        case "bearer":
            return {"Authorization": f"Bearer ${auth.token_env}"}
        case "basic":
            return {
                "Authorization": f'Basic $(printf %s "${auth.user_env}:${auth.password_env}" | base64 | tr -d "\\n")'
            }
        case "api-key":
            return {auth.header: f"${auth.key_env}"}
        case _:
            return {}


def swapped(swaps: Iterable[tuple[str, str]], file: str) -> str:
    """A call of sed that prints `file`, a word of the shell, with texts replaced by expressions; other bytes stay."""
    words = " ".join(f'-e "s/{_pattern(old)}/{new}/g"' for old, new in swaps)
    return f"LC_ALL=C sed {words} {file}"


def _pattern(text: str) -> str:
    r"""`text` as a pattern of sed within double quotes. Trips and ids hold none of its characters but for the dot."""
    return re.sub(r"[^A-Za-z0-9_-]", ".", text)


def _plain(text: str) -> str:
    r"""`text` safe within double quotes of a shell."""
    return re.sub(r'([\\"$`])', r"\\\1", text)
