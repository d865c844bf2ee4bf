"""Faults that need two conditions at once: one of the other faults, or a refusal of good captures, under a condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.mock.exchange import Inquiry, Reply
from conformance.mock.faults import amount, body, request
from conformance.mock.faults.amount_hooks import amount_of, crash, decimal, refuse
from conformance.mock.faults.body_hooks import charset, chunked, content_type, has_unknown, is_json, refuse_early
from conformance.mock.faults.model import Fault, Hook, violates
from conformance.mock.faults.request import members

Condition = Callable[[Inquiry], bool]
_HOOKS = ("receive", "repair", "accept", "answer")
_SINGLE = {fault.name: fault for theme in (request, amount, body) for fault in theme.FAULTS}


def _currency(code: str) -> Condition:
    return lambda inquiry: amount_of(inquiry).get("code") == code


def _over(size: int) -> Condition:
    return lambda inquiry: len(inquiry.body) > size


_CONDITIONS: dict[str, tuple[str, Condition]] = {
    "chunked": ("in chunks", chunked),
    "expect": ("with Expect", lambda inquiry: inquiry.get("expect") is not None),
    "charset": ("with a charset", lambda inquiry: bool(charset(inquiry))),
    "capitals": ("with the media type in capitals", lambda inquiry: content_type(inquiry)[:1] == "A"),
    "second-store": ("at the second store", lambda inquiry: members(inquiry).get("storeId") == "store-002"),
    "euro": ("in EUR", _currency("EUR")),
    "yen": ("in JPY", _currency("JPY")),
    "dinar": ("in KWD", _currency("KWD")),
    "over-2-kb": ("over 2 KB", _over(2_000)),
    "over-64-kb": ("over 64 KB", _over(64_000)),
    "spaced": ("with line breaks", lambda inquiry: b"\n" in inquiry.body),
    "escaped": ("with escapes", lambda inquiry: b"\\u" in inquiry.body),
    "padded": ("with blanks around", lambda inquiry: inquiry.body != inquiry.body.strip(b" \t\r\n")),
    "beyond-ascii": ("beyond ASCII", lambda inquiry: not inquiry.body.isascii()),
    "turned": ("with amount before storeId", lambda inquiry: b'"storeId"' in inquiry.body.partition(b'"amount"')[2]),
}


def _both(*names: str) -> Condition:
    conditions = [_CONDITIONS[name][1] for name in names]
    return lambda inquiry: all(condition(inquiry) for condition in conditions)


def _limited(hook: Hook | None, condition: Condition) -> Hook | None:
    def limited(inquiry: Inquiry) -> None:
        if hook and condition(inquiry):
            hook(inquiry)

    return limited if hook else None


def _only(name: str, condition: str) -> Fault:
    """One of the other faults, under a condition."""
    fault, (words, test) = _SINGLE[name], _CONDITIONS[condition]
    hooks = {each: _limited(getattr(fault, each), test) for each in _HOOKS}
    limited: Fault = replace(fault, name=f"{name}-{condition}", wrong=f"Only {words}: {fault.wrong}", **hooks)
    return limited


def _good(first: str, second: str, *breaks: str, crashes: bool = False) -> Fault:
    """A good capture under two conditions is refused, or causes a server error."""
    words = f"{_CONDITIONS[first][0]} and {_CONDITIONS[second][0]}"
    what, make = ("causes a server error", crash) if crashes else ("is refused", refuse)
    name = f"{first}-{second}-{'crashes' if crashes else 'refused'}"
    return Fault(name, f"A capture {words} {what}.", violates(*breaks), accept=make(_both(first, second)))


def _serve_object(inquiry: Inquiry) -> None:
    if is_json(inquiry.body) and inquiry.body.lstrip().startswith(b"{"):
        inquiry.reply = Reply(200)


_UNCHECKED = violates(
    *(f"{theme}.{rule}" for theme in ("store-id", "trip-id", "code") for rule in ("pattern", "max-length")),
    *(
        f"{theme}.{rule}"
        for theme in ("store-id", "trip-id", "amount", "value", "code")
        for rule in ("required", "not-null", "type")
    ),
    "store-id.unknown",
    "trip-id.unknown",
    "value.zero",
)

FAULTS: list[Fault] = [
    *(
        _only(name, condition)
        for name, condition in (
            ("store-missing", "chunked"),
            ("store-256", "yen"),
            ("store-any-type", "expect"),
            ("store-unknown-accepted", "chunked"),
            ("trip-null", "yen"),
            ("trip-any-type", "chunked"),
            ("trip-256", "second-store"),
            ("trip-unknown-accepted", "euro"),
            ("trip-unknown-accepted", "yen"),
            ("trip-unknown-crashes", "second-store"),
            ("trip-unknown-misnamed", "second-store"),
            ("amount-missing", "chunked"),
            ("amount-null", "second-store"),
            ("amount-number", "expect"),
            ("value-missing", "dinar"),
            ("value-null", "chunked"),
            ("value-text", "yen"),
            ("value-zero", "dinar"),
            ("code-null", "second-store"),
            ("code-any-type", "chunked"),
            ("code-lower-case", "chunked"),
            ("code-too-long", "expect"),
            ("truncated-taken", "chunked"),
            ("truncated-taken", "charset"),
            ("truncated-taken", "over-64-kb"),
            ("trailing-data-taken", "chunked"),
            ("trailing-data-taken", "over-2-kb"),
            ("invalid-utf-8-in-known-dropped", "chunked"),
            ("invalid-utf-8-in-known-dropped", "over-2-kb"),
            ("empty-body-crashes", "chunked"),
        )
    ),
    Fault(
        "chunked-unchecked",
        "Any JSON object in chunks is accepted.",
        _UNCHECKED,
        receive=_limited(_serve_object, chunked),
    ),
    _good("yen", "chunked", "request.chunked"),
    _good("escaped", "chunked", "request.chunked"),
    _good("padded", "chunked", "request.chunked"),
    _good("second-store", "chunked", "request.chunked", "answer.no-server-error", crashes=True),
    _good("turned", "expect", "request.expect-continue"),
    _good("yen", "expect", "answer.no-server-error", crashes=True),
    _good("charset", "second-store", "media-type.charset"),
    _good("capitals", "dinar", "media-type.case"),
    _good("spaced", "euro", "body.equivalent"),
    _good("yen", "second-store", "code.declared"),
    _good("over-2-kb", "yen", "answer.no-server-error", crashes=True),
    _good("over-64-kb", "chunked", "answer.no-server-error", crashes=True),
    _good("over-64-kb", "beyond-ascii", "answer.no-server-error", crashes=True),
]

BENIGN: list[Fault] = [
    Fault("unknown-attributes-refused-in-chunks", "Attributes that the contract does not define are refused in chunks.",
          benign=True, accept=_limited(refuse(has_unknown), chunked)),
    Fault("unknown-attributes-refused-at-second-store",
          "Attributes that the contract does not define are refused at the second store.",
          benign=True, accept=_limited(refuse(has_unknown), _CONDITIONS["second-store"][1])),
    Fault("chunked-411-over-2-kb", "A body of over 2 KB in chunks is answered with 411.", benign=True,
          receive=_limited(refuse_early(chunked, 411, "LengthRequired"), _over(2_000))),
    Fault("small-refused-in-yen", "Less than 100 JPY are refused: a minimum charge.", benign=True,
          accept=refuse(lambda inquiry: _currency("JPY")(inquiry) and (decimal(inquiry) or 100) < 100)),
]  # fmt: skip
