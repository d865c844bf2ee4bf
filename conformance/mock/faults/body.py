"""Faults in reading the body as JSON and the headers around it, and in the methods and paths that are served."""

from __future__ import annotations

import re

from conformance.mock.exchange import Reply, error
from conformance.mock.faults import body_hooks as hooks
from conformance.mock.faults.amount_hooks import crash, refuse
from conformance.mock.faults.model import Fault

FAULTS: list[Fault] = [
    Fault(
        "empty-body-served",
        "A request without content is answered 200.",
        hooks.one("body.empty"),
        receive=hooks.empty_served,
    ),
    Fault(
        "empty-body-crashes",
        "A request without content causes a server error.",
        hooks.one("body.empty"),
        receive=crash(lambda inquiry: not inquiry.body),
    ),
    Fault(
        "trailing-data-taken",
        "Whatever follows the first JSON value is ignored.",
        hooks.one("body.not-json"),
        receive=hooks.mend(hooks.first_value),
    ),
    Fault(
        "truncated-taken",
        "Missing closing brackets are added.",
        hooks.one("body.not-json"),
        receive=hooks.mend(hooks.closed),
    ),
    Fault(
        "list-unwrapped", "An array around the body is served.", hooks.one("body.not-object"), repair=hooks.unwrapped
    ),
    Fault(
        "not-object-served",
        "JSON that is no object is served.",
        hooks.one("body.not-object"),
        repair=hooks.not_object_served,
    ),
    Fault(
        "not-object-crashes",
        "JSON that is no object causes a server error.",
        hooks.one("body.not-object"),
        repair=crash(lambda inquiry: not isinstance(inquiry.document, dict)),
    ),
    Fault(
        "invalid-utf-8-dropped",
        "Bytes that are no UTF-8 are dropped wherever they stand.",
        hooks.one("body.invalid-utf-8", "body.lenient"),
        receive=hooks.mend(hooks.ignoring),
    ),
    Fault(
        "invalid-utf-8-in-known-dropped",
        "Bytes that are no UTF-8 are dropped within known attributes.",
        hooks.one("body.invalid-utf-8"),
        receive=hooks.mend(hooks.ignoring_known),
    ),
    Fault(
        "invalid-utf-8-in-known-crashes",
        "Bytes that are no UTF-8 within known attributes cause a server error.",
        hooks.one("body.invalid-utf-8"),
        receive=crash(lambda inquiry: hooks.invalid_in_known(inquiry.body)),
    ),
    Fault(
        "invalid-utf-8-elsewhere-taken",
        "Bytes that are no UTF-8 are taken within unknown attributes.",
        hooks.one("body.lenient"),
        receive=hooks.mend(hooks.ignoring_elsewhere),
    ),
    Fault(
        "trailing-commas-taken",
        "Trailing commas are taken.",
        hooks.one("body.lenient"),
        receive=hooks.mend(hooks.without_commas),
    ),
    Fault(
        "comments-taken", "Comments are taken.", hooks.one("body.lenient"), receive=hooks.mend(hooks.without_comments)
    ),
    Fault(
        "single-quotes-taken",
        "Single quotes are taken for double ones.",
        hooks.one("body.lenient"),
        receive=hooks.mend(hooks.double_quotes),
    ),
    Fault(
        "nan-elsewhere-taken",
        "NaN in an unknown attribute is taken.",
        hooks.one("body.lenient"),
        receive=hooks.mend(hooks.constants_elsewhere),
    ),
    Fault(
        "utf-16-taken",
        "UTF-16 and UTF-32 are taken for UTF-8.",
        hooks.one("body.lenient"),
        receive=hooks.mend(hooks.wide),
    ),
    Fault(
        "member-order-matters",
        "Members in another order than the page's are refused.",
        hooks.one("body.equivalent"),
        accept=refuse(hooks.order),
    ),
    Fault(
        "escapes-refused", "Escapes in strings are refused.", hooks.one("body.equivalent"), accept=refuse(hooks.escapes)
    ),
    Fault(
        "blanks-refused",
        "Line ends and tabs between tokens are refused.",
        hooks.one("body.equivalent"),
        accept=refuse(hooks.blanks),
    ),
    Fault(
        "nul-crashes",
        "U+0000 in an unknown attribute causes a server error.",
        hooks.NO_5XX,
        repair=crash(hooks.unknown_with(r"\\u0000")),
    ),
    Fault(
        "surrogate-crashes",
        "A lone surrogate in an unknown attribute causes a server error.",
        hooks.NO_5XX,
        repair=crash(hooks.unknown_with(r"\\ud[89a-f]")),
    ),
    Fault(
        "unknown-attribute-crashes",
        "An unknown attribute beside a good capture causes a server error.",
        hooks.NO_5XX,
        accept=crash(hooks.has_unknown),
    ),
    Fault(
        "deep-nesting-crashes",
        "Deep nesting, once it is closed, causes a server error.",
        hooks.NO_5XX,
        receive=crash(hooks.deep),
    ),
    Fault(
        "big-body-crashes",
        "A body of about 1 MB causes a server error.",
        hooks.NO_5XX,
        receive=crash(hooks.big),
    ),
    Fault(
        "duplicate-keys-crash",
        "A member named twice causes a server error.",
        hooks.NO_5XX,
        receive=crash(hooks.duplicates),
    ),
    Fault(
        "byte-order-mark-crashes",
        "A byte order mark causes a server error.",
        hooks.NO_5XX,
        receive=crash(hooks.bom),
    ),
    Fault(
        "other-media-type-crashes",
        "Another media type causes a server error.",
        hooks.NO_5XX,
        receive=crash(hooks.other_media_type),
    ),
    Fault(
        "charset-refused",
        "A charset parameter is refused with 400.",
        hooks.one("media-type.charset"),
        receive=hooks.refuse_early(
            lambda inquiry: hooks.content_type(inquiry).startswith("application/json") and bool(hooks.charset(inquiry))
        ),
    ),
    Fault(
        "charset-quoted-refused",
        "A quoted charset is refused with 400.",
        hooks.one("media-type.charset"),
        receive=hooks.refuse_early(lambda inquiry: hooks.is_utf8(inquiry) and '"' in hooks.charset(inquiry)),
    ),
    Fault(
        "charset-upper-case-refused",
        "A charset in capitals is refused with 400.",
        hooks.one("media-type.charset"),
        receive=hooks.refuse_early(
            lambda inquiry: hooks.is_utf8(inquiry) and hooks.charset(inquiry) != hooks.charset(inquiry).lower()
        ),
    ),
    Fault(
        "media-type-case-refused",
        "A media type with capitals is refused with 400.",
        hooks.one("media-type.case"),
        receive=hooks.refuse_early(
            lambda inquiry: re.search("[A-Z]", hooks.content_type(inquiry).split(";")[0]) is not None
        ),
    ),
    Fault(
        "accept-needed",
        "A request without Accept is refused.",
        hooks.one("accept.neutral"),
        receive=hooks.refuse_early(lambda inquiry: inquiry.get("accept") is None),
    ),
    Fault(
        "accept-any-refused",
        "A request that accepts anything (`*/*`) is refused.",
        hooks.one("accept.neutral"),
        receive=hooks.refuse_early(lambda inquiry: (inquiry.get("accept") or "").strip() == "*/*"),
    ),
    Fault(
        "chunked-refused",
        "A body sent in chunks is refused with 400.",
        hooks.one("request.chunked"),
        receive=hooks.refuse_early(hooks.chunked),
    ),
    Fault(
        "chunked-crashes",
        "A body sent in chunks causes a server error.",
        hooks.one("request.chunked"),
        receive=crash(hooks.chunked),
    ),
    Fault(
        "expect-refused",
        "A request that expects 100-continue is refused with 400.",
        hooks.one("request.expect-continue"),
        receive=hooks.refuse_early(lambda inquiry: inquiry.get("expect") is not None),
    ),
    Fault(
        "get-not-found",
        "GET on the path is answered 404, as is HEAD.",
        hooks.one("method.not-allowed"),
        other=hooks.method("GET HEAD", lambda: error(404, "NotFound")),
    ),
    Fault(
        "delete-served",
        "DELETE on the path is answered 200.",
        hooks.one("method.not-allowed"),
        other=hooks.method("DELETE", lambda: Reply(200)),
    ),
    Fault(
        "put-crashes",
        "PUT on the path is answered 500.",
        hooks.one("method.not-allowed"),
        other=hooks.method("PUT", lambda: error(500, "ServiceException")),
    ),
    Fault(
        "patch-bad-request",
        "PATCH on the path is answered 400.",
        hooks.one("method.not-allowed"),
        other=hooks.method("PATCH", lambda: error(400, "BadRequestException")),
    ),
    Fault("allow-missing", "A 405 has no Allow field.", hooks.one("method.allow"), other=hooks.no_allow),
    Fault(
        "allow-without-post",
        "The Allow field of a 405 does not list POST.",
        hooks.one("method.allow"),
        other=hooks.allow_get,
    ),
    Fault(
        "head-differs",
        "HEAD is answered 404 where GET is answered 405.",
        hooks.one("method.head"),
        other=hooks.method("HEAD", lambda: error(404, "NotFound")),
    ),
    Fault(
        "unknown-path-served",
        "Every path is answered 200.",
        hooks.one("path.unknown"),
        other=hooks.elsewhere(lambda: Reply(200)),
    ),
    Fault(
        "unknown-path-bad-request",
        "An unknown path is answered 400.",
        hooks.one("path.unknown"),
        other=hooks.elsewhere(lambda: error(400, "BadRequestException")),
    ),
]

BENIGN: list[Fault] = [
    Fault(
        "unknown-attributes-refused",
        "Attributes that the page does not name are refused.",
        benign=True,
        accept=refuse(hooks.has_unknown),
    ),
    Fault(
        "duplicate-keys-refused",
        "A member named twice is refused.",
        benign=True,
        receive=hooks.refuse_early(hooks.duplicates),
    ),
    Fault("byte-order-mark-accepted", "A byte order mark is dropped.", benign=True, receive=hooks.bom_dropped),
    Fault(
        "big-body-413",
        "A body of about 1 MB is answered 413.",
        benign=True,
        receive=hooks.refuse_early(hooks.big, 413, "PayloadTooLarge"),
    ),
    Fault(
        "chunked-411",
        "A body sent in chunks is answered 411.",
        benign=True,
        receive=hooks.refuse_early(hooks.chunked, 411, "LengthRequired"),
    ),
    Fault("other-media-type-served", "The media type is not looked at.", benign=True, receive=hooks.take_any_type),
    Fault(
        "other-media-type-400",
        "Another media type is answered 400.",
        benign=True,
        receive=hooks.refuse_early(hooks.other_media_type),
    ),
    Fault(
        "other-charset-415",
        "A charset other than utf-8 is answered 415.",
        benign=True,
        receive=hooks.unsupported(lambda inquiry: bool(hooks.charset(inquiry)) and not hooks.is_utf8(inquiry)),
    ),
    Fault("trailing-slash-served", "The path with a trailing slash is served.", benign=True, other=hooks.slash_served),
    Fault("path-in-any-case", "The path is served in any letter case.", benign=True, other=hooks.case_served),
    Fault(
        "allow-more",
        "The Allow field lists OPTIONS too.",
        benign=True,
        other=lambda inquiry: (
            inquiry.reply.put("allow", "OPTIONS, POST") if inquiry.reply and inquiry.reply.status == 405 else None
        ),
    ),
]
