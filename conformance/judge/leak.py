"""Look for traces of the inside of a server in an answer's body, by their shape. Must not judge anything else.

A leak is recognised by how it is written (a frame, a class with its package, a path with a line), hardly ever by a
product's name: a message may speak of nginx or Django in prose. Names that the contract or HTTP give to an error are no
leak. Every repetition is bounded, and no two neighbours match the same text, so that a hostile body costs no time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from conformance.exchange.model import Answer
from conformance.json_text import Array, BrokenText, Object, Value
from conformance.judge.json_body import NotJsonError, decoded_body, parse_json
from conformance.judge.model import Judgement, breaks, holds
from conformance.judge.shown import shown

_LIMIT = 200_000  # bytes, and characters, that are looked at

# What stands before Error or Exception in a name that says no more than HTTP or the contract: BadRequestException.
_PUBLIC = (
    r"(?:Is|Has|No|Last|Api|Client|Service|Internal|(?:Internal)?Serv(?:er|ice)|Validation|Throttling"
    r"|RateLimit(?:Exceeded)?|Bad(?:Request|Gateway)|Unauthorized|PaymentRequired|Forbidden|NotFound|MethodNotAllowed"
    r"|NotAcceptable|(?:Request|Gateway)Timeout|Conflict|Gone|LengthRequired|PreconditionFailed"
    r"|(?:Payload|Content|RequestEntity)TooLarge|UnsupportedMediaType|Unprocessable(?:Entity|Content)|TooManyRequests"
    r"|ServiceUnavailable)"
)
_FIELD = r"(?:[Aa]mount|[Cc]ode|[Ss]toreId|[Ss]hoppingTripId|ErrorMsg|RetryAfter|Id)"
_ROOT = r"(?:srv|var|usr|opt|home|app|root|tmp|mnt|data|Users|workspace|build|src|go|layers)"
_SOURCE = r"(?:[cm]?[jt]s|[jt]sx|java|kts?|scala|clj[cs]?|groovy|cs|cshtml|vb|fs|php|phtml|rb|erb|go|cpp|hpp|swift|exs?|erl|lua)"
_SOURCE_OR_COUNTRY = r"(?:py|rs|pl|pm|hs|ml|cc|cgi)"  # also ends of host names

_KINDS: dict[str, tuple[str, ...]] = {
    "an HTML page": (
        r"(?i)<!doctype\s{1,9}html",
        r"(?i)<html\b[^<>]{0,200}>\s{0,99}<",
        r"(?im)^[ \t]{0,20}<(title|h[1-6]|pre|center)\b[^<>]{0,200}>[^<]{0,300}</\1\b",
    ),
    "a stack trace": (
        r"Traceback \(most recent call last",
        r'File "[^"\n]{1,300}", line \d',
        r"\((?:Native Method|Unknown Source)\)",
        r"at (?<!\wat )(?:[A-Z]\w{0,80}\.){2,12}[\w<>.`\[\],]{1,120}\([^()\n]{0,300}\)(?: in |\s{0,9}(?:\n|\Z))",
        r"goroutine \d{1,9} \[",
        r"thread '[^'\n]{1,80}' panicked at",
        r'\{file, ?"',
    ),
    "a source file and its line": (
        rf"\w\.{_SOURCE}(?::(?:line )?|\(|,? (?:on )?line )\d{{1,5}}\b",
        rf"\w\.{_SOURCE_OR_COUNTRY}(?::\d{{1,5}}:\d{{1,5}}\b| line \d)",
    ),
    "the path of a source file": (
        rf"/(?<![\w.-]/)(?<!:/){_ROOT}/[\w.@+/-]{{1,200}}\.(?:{_SOURCE}|{_SOURCE_OR_COUNTRY}|jar|war)\b(?![/?-])",
        rf"[A-Za-z]:\\{{1,2}}(?:[^\\/:*?\"<>|\n]{{1,80}}\\{{1,2}}){{0,20}}[\w.-]{{1,80}}\.(?:{_SOURCE}|dll)\b",
    ),
    "the path of an installed library": (
        r"node_modules[/\\]",
        r"node:internal/",
        r"(?:site|dist)-packages[/\\]",
        r"/gems/[\w-]{1,80}-\d",
        r"BOOT-INF/",
    ),
    "a class or package": (
        rf"\b(?!{_PUBLIC}(?:Error|Exception)\b)[A-Z][A-Za-z0-9]{{1,100}}(?:Error|Exception)\b",
        rf"(?<![\w.@/$-])(?:[a-z][a-z0-9_]{{1,40}}\.){{2,12}}(?<!\.com\.)(?<!\.org\.)(?<!\.net\.)(?!{_FIELD}\b)[A-Z]\w",
        r"(?<![\w.@/-])(?:com|org)\.[a-z]\w{0,60}\.\w",
        r"\w\.\w{1,60}\.exceptions\b",
        r"\b[A-Za-z]\w{0,80}::(?=\w{0,80}[G-Zg-z])[A-Z]\w{2,80}",
        r"\w::\w{1,80}::\w",
        r"(?<![\w:\\])(?:[A-Z]\w{0,80}\\{1,2}){2,12}[A-Z][a-z]{1,80}[A-Z]",
        rf"\b[Tt]ype:? ['\"`\[(]?(?:[A-Z]\w{{0,80}}\.){{1,12}}(?!{_FIELD}\b)[A-Z]\w",
        r"\bSystem\.[A-Z]\w{1,80}+(?! [a-z])",
        r"\b(?:[A-Z]\w{0,80}\.){2,12}[a-z_]\w{0,80}[?!]?/\d",
        r"Go struct field ",
    ),
    "an object of the program": (
        r"<(?:class|module) '",
        r"object at 0x[\da-fA-F]{6}",
        r"#<[A-Z]\w{0,60}(?:::\w{1,60}){0,9}(?::0x| \w{1,60}[:=])",
        r"\b[A-Z]\w{2,80}@(?=[a-f]{0,7}\d)[\da-f]{6,8}(?![\w-]|\.\w)",
    ),
    "the words of a runtime": (
        r"'\w{1,80}' object (?:has no attribute|is not \w)",
        r'Cannot invoke "[^"\n]{1,200}" because ',
        r"nested exception is ",
        r"Cannot read propert(?:y|ies) (?:'|of )",
        r"Object reference not set to an instance",
        r"\| LineNumber: \d",
        r"(?:Undefined|Uninitialized) (?:array key|index|variable|offset|property)",
        r"Call to (?:a member|an? undefined) ",
        r"PHP (?:Fatal|Parse) error",
        r"undefined (?:local variable or )?method [`']",
        r"invalid memory address or nil pointer",
        r"called `(?:Option|Result)::",
        r"no function clause matching",
        r"\*\* \([A-Z]",
        r"(?:connect|read|getaddrinfo) E[A-Z]{4}",
        r"dial (?:tcp|udp|unix) ",
        r"rpc error: code = ",
    ),
    "the words of a data base": (
        r"SQLSTATE",
        r"\bORA-\d{5}",
        r"violates (?:unique|foreign key|not-null|check|exclusion) constraint",
        r"syntax error at or near",
        r"relation \"[^\"\n]{1,80}\" does not exist",
        r'near "[^"\n]{1,80}": syntax error',
        r"(?:UNIQUE|FOREIGN KEY|NOT NULL|CHECK) constraint failed",
        r"no such (?:table|column): ",
        r"error in your SQL syntax",
        r"Duplicate entry '[^'\n]{0,200}' for key",
        r"Unknown column '",
        r"Violation of (?:PRIMARY|UNIQUE|FOREIGN) KEY",
        r"Incorrect syntax near",
        r"E11000 duplicate key",
        r"(?i)insert into [\w.\"`\[\]]{1,80} ?\(",
        r"(?i)select [^;\n]{1,200} from [\w.\"`\[\]]{1,80}(?: (?:as )?\w{1,40})? where [\w.\"`\[\]]{1,80} ?[=<>]",
    ),
    "a server and its version": (
        r"\b(?:nginx|openresty|Apache|Tomcat|Jetty|Microsoft-IIS|PHP|Express|Werkzeug|gunicorn)/\d",
        r"https://errors\.\w{1,40}\.dev/\d",
    ),
}
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, patterns in _KINDS.items() for pattern in patterns)
_ESCAPE = re.compile(r'\\(?:([nrt])|(["/\\])|u(00[0-7][0-9a-fA-F]))')


def judge_leak(answer: Answer) -> list[Judgement]:
    """Judge whether the body shows something of the server's inside; says nothing about an empty body."""
    body = decoded_body(answer)
    return [_judge_body(body[:_LIMIT])] if body else []


@lru_cache(16)
def _judge_body(body: bytes) -> Judgement:
    """Judge one body; most answers of a run have one of few."""
    for text in _texts(body):
        for kind, pattern in _PATTERNS:
            match = pattern.search(text)
            if match is not None:
                received = f"{kind}: {shown(text[max(0, match.start() - 20) : match.end() + 40])}"
                return breaks("answer.no-leak", at="body", expected="nothing of the server's inside", received=received)
    return holds("answer.no-leak")


def _texts(body: bytes) -> Iterator[str]:
    """What to look at: the strings of a JSON body, else its text; then the same without escapes, as JSON may hold JSON."""
    try:
        text = "\n".join(_strings(parse_json(body).value))
    except NotJsonError:
        text = body.decode("utf-8", "replace")
    yield text
    if "\\" in text:
        yield _ESCAPE.sub(_unescaped, text)


def _strings(value: Value) -> Iterator[str]:
    """Names of members and values, in order; a list in place of recursion, since depth is the target's choice."""
    waiting: list[Value] = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Object):
            for name, member in reversed(value.members):
                waiting += (member, name)
        elif isinstance(value, Array):
            waiting += reversed(value.items)
        elif isinstance(value, str):
            yield value
        elif isinstance(value, BrokenText):
            yield value.text


def _unescaped(match: re.Match[str]) -> str:
    letter, mark, code = match.groups()
    return chr(int(code, 16)) if code else mark or {"t": "\t"}.get(letter, "\n")
