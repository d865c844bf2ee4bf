"""What a requirement means, for readers who do not know the contract page: read from `explanations.yaml`."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, fields
from typing import Any

_RFC = re.compile(r"RFC (\d+)(?: sections? ([\d.]*\d(?:(?:, | and )[\d.]*\d)*))?")
_STANDARDS = {
    "ECMA-262": "https://tc39.es/ecma262/#sec-regexp-regular-expression-objects",
    "ISO 4217": "https://www.iso.org/iso-4217-currency-codes.html",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A requirement in plain words, why it matters, the usual causes of a violation, and how to fix them.

    Of a MAY: what decides which behaviour is seen, and what to keep in mind. Text between backticks is code.
    `see` names further standards.
    """

    plain: str
    why: str
    cause: str
    fix: str
    see: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A section of a standard, with its address."""

    title: str
    url: str


def references(text: str) -> tuple[Reference, ...]:
    """The standards that `text` names, such as "RFC 9110 sections 5.3 and 5.5; ISO 4217", each only once."""
    found = [Reference(name, url) for name, url in _STANDARDS.items() if name in text]
    for number, sections in _RFC.findall(text):
        rfc = Reference(f"RFC {number}", f"https://www.rfc-editor.org/rfc/rfc{number}.html")
        found += [
            Reference(f"{rfc.title} section {section}", f"{rfc.url}#section-{section}")
            for section in re.findall(r"[\d.]+", sections)
        ] or [rfc]
    return tuple(dict.fromkeys(found))


def read_explanations(document: dict[str, Any], requirement_ids: Container[str]) -> dict[str, Explanation]:
    """The explanation of each requirement that has one. Raises `ValueError` with the key that is wrong."""
    rows = document.get("explanations")
    if not isinstance(rows, dict):
        raise ValueError("explanations: must be a mapping of requirement ids")  # noqa: TRY004 - about a file
    parts = [field.name for field in fields(Explanation)]
    for requirement_id, row in rows.items():
        if requirement_id not in requirement_ids:
            raise ValueError(f"{requirement_id}: requirements.yaml has no such requirement")
        if not isinstance(row, dict) or row.keys() - {*parts} or {*parts[:-1]} - row.keys():
            raise ValueError(f"{requirement_id}: must have the parts {', '.join(parts[:-1])}, and may have {parts[-1]}")
        if wrong := [part for part, text in row.items() if not isinstance(text, str) or not text.strip()]:
            raise ValueError(f"{requirement_id}: {wrong[0]} must be a text")
    return {requirement_id: Explanation(**row) for requirement_id, row in rows.items()}
