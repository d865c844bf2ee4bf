"""Characters that a pattern must refuse: all of ASCII outside a rule, and some beyond ASCII. Holds no case."""

from __future__ import annotations

from conformance.contract.load import StringRule

# Tried as prefix, suffix and in the middle: a server that trims, splits or has an unanchored pattern accepts them.
OUTSIDERS: dict[str, str] = {
    "exclamation mark": "!",
    "blank": " ",
    "zero-width space": "\u200b",
    "line feed": "\n",
    "no-break space": "\u00a0",
    "tab": "\t",
    "carriage return and line feed": "\r\n",
    "NUL": "\0",
    "line separator": "\u2028",
}
# Characters that \w or \d match where a pattern reads them as Unicode.
LETTERS: dict[str, str] = {
    "Latin letter with accent": "é",
    "Arabic-Indic digit": "٣",
    "emoji": "🛒",
    "combining accent": "e\u0301",
    "Cyrillic letter": "а",
    "Han character": "店",
    "superscript digit": "²",
    "full-width letter": "Ａ",
    "full-width digit": "１",
}
# Characters that case folding or NFKC turns into ASCII.
FOLDED: dict[str, str] = {
    "long s": "ſ",
    "Kelvin sign": "\u212a",
    "dotless i": "ı",
    "sharp s": "ß",
    "ligature fi": "ﬁ",
}
# Characters that look like the hyphen or underscore of the pattern or normalise to one, and invisible ones.
LOOKALIKES: dict[str, str] = {
    "hyphen of Unicode": "\u2010",
    "full-width low line": "\uff3f",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "full-width hyphen": "\uff0d",
    "zero-width joiner": "\u200d",
    "next line": "\u0085",
    "ideographic space": "\u3000",
}


def outside(rule: StringRule) -> list[str]:
    """Every ASCII character that the rule's pattern matches neither alone nor twice in a row."""
    return [chr(code) for code in range(128) if not rule.matches(chr(code)) and not rule.matches(chr(code) * 2)]


def full_width(text: str) -> str:
    """Give the text in full-width forms, which NFKC turns back into ASCII."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def around(text: str, inserted: str) -> tuple[str, str, str]:
    """Put `inserted` after, before and into the middle of `text`; `fill_trip` knows the halves."""
    half = len(text) // 2
    return text + inserted, inserted + text, text[:half] + inserted + text[half:]
