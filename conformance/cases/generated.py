"""Generated cases: one for each generating strategy, its bodies drawn by seed and classified on their bytes.

For the document that travels with the package, seed 0 and the standard depth the bodies are drawn beforehand, so that
an ordinary run loads neither Hypothesis nor Schemathesis.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from conformance.cases.build import probe
from conformance.cases.generated_template import Template
from conformance.cases.model import Case
from conformance.cases.oracle import classify
from conformance.cases.subject import Subject
from conformance.contract.load import Contract

THEME = "generated"
DATA_FILE = "generated.jsonl"
DEEP_REQUESTS = 10_000
# Bodies of each strategy in a standard run. The coverage cases are as many as Schemathesis has.
STANDARD = {
    "schemathesis-coverage": 50,
    "pattern-edges": 24,
    "boundary-lengths": 14,
    "currency-codes": 14,
    "number-spellings": 16,
    "json-spellings": 16,
    "named-mutations": 16,
}
# How a deep run shares out its requests.
_SHARES = {
    "pattern-edges": 32,
    "boundary-lengths": 8,
    "currency-codes": 12,
    "number-spellings": 17,
    "json-spellings": 14,
    "named-mutations": 17,
}
# Random bodies of Schemathesis take twenty times as long as ours, and tell little more than its coverage cases.
_RANDOM_SHARE = 100
# Drawn beyond what is wanted, since some bodies turn out to be known already.
_SURPLUS = 1.1
TITLES = {
    "schemathesis-coverage": "Bodies that Schemathesis derives from the document",
    "schemathesis-random": "Random bodies of Schemathesis",
    "pattern-edges": "Characters at the edges of the patterns",
    "boundary-lengths": "Lengths at which limits, columns and buffers end",
    "currency-codes": "Currency codes: of ISO 4217, near ones and random ones",
    "number-spellings": "Numbers, spelt in every way",
    "json-spellings": "JSON, spelt in every way",
    "named-mutations": "A good body with one thing done to it",
}


def generated_cases(
    contract: Contract,
    subject: Subject,
    depth: str,
    seed: int,
    count: int | None = None,
    sent: Iterable[bytes] = (),
) -> list[Case]:
    """One case per strategy; none in a smoke run. `count` is how many requests there may be in all.

    No body comes twice, and none of `sent`: what is sent more than once belongs to the cases that compare equals.

    The same arguments give the same bytes, as long as Hypothesis and Schemathesis stay the same.
    """
    if depth == "smoke" or count == 0:
        return []
    left = DEEP_REQUESTS if count is None else count
    if depth == "deep":
        drawn = _drawn(contract, tuple(shares(int(left * _SURPLUS)).items()), seed)
    else:
        drawn = standard_templates(contract, seed)
    seen = set(sent)
    bodies: dict[str, list[bytes]] = {}
    for name, templates in drawn.items():
        filled = dict.fromkeys(template.fill(subject) for template in templates)
        bodies[name] = [body for body in filled if body not in seen]
        seen.update(bodies[name])
    over = max(0, sum(map(len, bodies.values())) - left)
    for name in reversed(bodies):
        cut = min(over, len(bodies[name]) // 5) if over else 0
        bodies[name], over = bodies[name][: len(bodies[name]) - cut], over - cut
    return [_case(contract, subject, name, new) for name, new in bodies.items() if new]


def shares(count: int) -> dict[str, int]:
    """How many bodies each strategy has in a deep run of `count` requests."""
    coverage = min(STANDARD["schemathesis-coverage"], count)
    random = count // _RANDOM_SHARE
    rest = max(0, count - coverage - random)
    total = sum(_SHARES.values())
    counts = {name: rest * share // total for name, share in _SHARES.items()}
    return {"schemathesis-coverage": coverage, "schemathesis-random": random, **counts}


def standard_templates(contract: Contract, seed: int) -> dict[str, list[Template]]:
    """The templates of a standard run: read where they were drawn beforehand, drawn where not."""
    if seed == 0:
        header, templates = stored()
        if header.get("document") == document_digest(contract):
            return templates
    return _drawn(contract, tuple(STANDARD.items()), seed)


def document_digest(contract: Contract) -> str:
    """What tells one OpenAPI document from another."""
    return hashlib.sha256(contract.openapi_file.read_bytes()).hexdigest()


@lru_cache(1)
def stored() -> tuple[dict[str, str], dict[str, list[Template]]]:
    """The file of templates drawn beforehand: its header and the templates by strategy."""
    text = files("conformance.cases").joinpath("data", DATA_FILE).read_text(encoding="utf-8")
    header, *rows = map(json.loads, text.splitlines())
    templates: dict[str, list[Template]] = {}
    for row in rows:
        templates.setdefault(row["strategy"], []).append(Template(row["text"], row.get("coding", "utf-8")))
    return header, templates


_CACHE: dict[tuple[str, tuple[tuple[str, int], ...], int], dict[str, list[Template]]] = {}


def _drawn(contract: Contract, counts: tuple[tuple[str, int], ...], seed: int) -> dict[str, list[Template]]:
    """Draw, once in a process for the same arguments."""
    from conformance.cases.generated_draw import draw_templates

    key = (document_digest(contract), counts, seed)
    if key not in _CACHE:
        _CACHE[key] = draw_templates(contract, dict(counts), seed)
    return _CACHE[key]


def _case(contract: Contract, subject: Subject, name: str, bodies: list[bytes]) -> Case:
    """The case of one strategy; its requirements are those that its bodies speak for, the most frequent first."""
    probes = tuple(probe(classify(contract, subject, body), body) for body in bodies)
    spoken = Counter(one.expectation.requirement for one in probes if one.expectation.requirement)
    words = [word for word, _ in sorted(spoken.items(), key=lambda pair: (-pair[1], pair[0]))]
    calm = any(one.expectation.nature in {"either", "should-reject"} for one in probes)
    requirements = (*words, "answer.no-server-error") if calm else tuple(words)
    return Case(f"generated-{name}", THEME, TITLES[name], requirements, probes, strategy=name)
