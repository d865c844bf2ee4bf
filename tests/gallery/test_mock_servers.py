"""Prism and Specmatic serve spec/openapi.yaml. The findings against them are exactly the rows of docs/gallery.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "spec" / "openapi.yaml"
ROW = re.compile(r"\| `([a-z0-9.-]+)` \| (failed|warned) \| .{40,}\|")


SOMETIMES = {"store-id.type", "body.several-faults"}
"""Requirements of deep bodies: what ends Prism may be answered with 500 before."""


def explained(server: str) -> dict[str, str]:
    """The findings that docs/gallery.md explains for this server."""
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {server}", 1)[1].split("\n## ", 1)[0]
    return dict(ROW.findall(section))


def test_the_findings_against_prism_are_explained(node_modules, judge_mock_server):
    prism = node_modules / "@stoplight" / "prism-cli" / "dist" / "index.js"
    findings = judge_mock_server(
        lambda port: ["node", str(prism), "mock", "--host", "127.0.0.1", "--port", str(port), str(SPEC)], "prism.toml"
    )
    assert findings.errors == []
    always = {name: outcome for name, outcome in findings.broken.items() if name not in SOMETIMES}
    assert always == explained("Prism"), findings.evidence


def test_the_findings_against_specmatic_are_explained(java, node_modules, judge_mock_server):
    jar = node_modules / "specmatic" / "specmatic.jar"
    options = ["--host", "127.0.0.1", "--hot-reload", "disabled", "--noConsoleLog", "--port"]
    findings = judge_mock_server(
        lambda port: [java, "-jar", str(jar), "mock", str(SPEC), *options, str(port)], "specmatic.toml"
    )
    assert findings.errors == []
    assert findings.broken == explained("Specmatic"), findings.evidence
