"""Look for traces of the inside of a server in an answer's body. Must not judge anything else."""

from __future__ import annotations

import re
from functools import lru_cache

from conformance.exchange.content import decoded_body
from conformance.exchange.model import Answer
from conformance.judge.model import Judgement, breaks, holds
from conformance.judge.text import text_of

_LEAKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("an HTML page", r"(?i)<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]|<h1[\s>]|<title>"),
        ("a Python trace", r'Traceback \(most recent call last\)|File "[^"\n]{1,300}", line \d'),
        (
            "a Java trace",
            r"\bat [\w.$/<>]{1,200}\((?:[\w$]+\.(?:java|kt|scala)(?::\d+)?|Native Method|Unknown Source)\)",
        ),
        ("a JavaScript trace", r"\bat [^\n]{0,200}\.[cm]?[jt]sx?:\d+:\d+|\bnode_modules\b|\bnode:internal\b"),
        ("a .NET trace", r"\bat [^\n]{1,200}\) in [^\n]{1,200}:line \d"),
        ("a PHP trace", r"#\d+ [^\n]{0,200}\.php\(\d+\)|\.php on line \d|\bStack trace:|PHP Fatal error"),
        ("a Ruby trace", r"\.rb:\d+:in\b"),
        ("a Go trace", r"\bgoroutine \d+ \[|\bruntime error: |\bpanic: "),
        (
            "a file path with a line",
            r"[\w/\\.-]\.(?:py|[cm]?[jt]sx?|java|kt|scala|cs|php|rb|go|rs|cpp|ex):(?:line )?\d+",
        ),
        ("a file path with a line", r"(?:/[\w.@-]{1,80}){2,20}:\d+:\d+"),
        (
            "the name of a framework",
            (
                r"\b(?:[Ww]erkzeug|[Dd]jango|[Ff]ast[Aa][Pp][Ii]|[Pp]ydantic\w*|[Ss]tarlette|[Uu]vicorn|[Gg]unicorn|nginx"
                r"|openresty"
                r"|Express/\d|expressjs|body-parser|Spring (?:Boot|Framework|MVC|Security)|Tomcat|Whitelabel Error Page"
                r"|Apache/\d|Laravel|Symfony|Illuminate|ASP\.NET|Microsoft\.AspNetCore|Newtonsoft\.Json|Ruby on Rails"
                r"|ActionController|ActiveRecord|Hibernate|SQLAlchemy|Jackson databind)\b|\bCannot POST /"
            ),
        ),
        (
            "a package or exception class",
            (
                r"\b(?:org\.(?:springframework|apache|hibernate|eclipse)|java\.(?:lang|util|io|net|sql)|javax|jakarta"
                r"|com\.(?:fasterxml|google\.gson|sun)|kotlin|scala)\.\w"
                r"|\bSystem\.[\w.]{1,120}Exception\b"
                r"|\b(?:NullPointer|NullReference|IllegalArgument|IllegalState|ClassCast|NumberFormat|IndexOutOfBounds"
                r"|HttpMessageNotReadable|MethodArgumentNotValid|JsonParse|JsonMapping|MismatchedInput|InvalidFormat"
                r"|UnrecognizedProperty|ConstraintViolation|ArrayIndexOutOfBounds)Exception\b"
                r"|\b(?:JSONDecode|RequestValidation|ResponseValidation|Key|Value|Type|Attribute|Syntax|Reference"
                r"|ZeroDivision|Recursion|UnicodeDecode|NoMethod|Integrity|Operational)Error\b"
            ),
        ),
    )
)
_ESCAPES = (
    ('\\"', '"'),
    ("\\/", "/"),
    ("\\n", "\n"),
    ("\\t", " "),
    ("\\u003c", "<"),
    ("\\u003C", "<"),
    ("\\u003e", ">"),
)


def judge_leak(answer: Answer) -> list[Judgement]:
    """Judge whether the body shows traces, HTML pages or names of frameworks; says nothing about an empty body."""
    body = decoded_body(answer)
    if not body:
        return []
    return [_judge_text(body[:200_000])]


@lru_cache(16)
def _judge_text(body: bytes) -> Judgement:
    """Judge one body; most answers of a run have one of few."""
    text = body.decode("latin-1")
    for old, new in _ESCAPES:
        text = text.replace(old, new)
    for what, pattern in _LEAKS:
        match = pattern.search(text)
        if match is not None:
            start = max(0, match.start() - 20)
            received = f"{what}: {text_of(text[start : match.end() + 40])}"
            return breaks("answer.no-leak", at="body", expected="nothing of the server's inside", received=received)
    return holds("answer.no-leak")
