"""Draw the bodies of an ordinary run and write them where the package keeps them: python -m conformance.cases.generate."""

from __future__ import annotations

import json
import sys
import unicodedata
from importlib.metadata import version
from pathlib import Path

from conformance.cases.generated import DATA_FILE, STANDARD, document_digest
from conformance.cases.generated_draw import draw_templates
from conformance.cases.generated_template import Template
from conformance.contract.load import Contract, load_contract


def versions() -> dict[str, str]:
    """What the drawing depends on beside document and seed."""
    found = {name: version(name) for name in ("hypothesis", "schemathesis")}
    return {
        **found,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "unicode": unicodedata.unidata_version,
    }


def file_text(contract: Contract) -> str:
    """The whole file: a header, then one line for each body."""
    rows: list[dict[str, str]] = [{"document": document_digest(contract), "seed": "0", **versions()}]
    for name, templates in draw_templates(contract, STANDARD, seed=0).items():
        rows += [_row(name, template) for template in templates]
    return "".join(json.dumps(row) + "\n" for row in rows)


def _row(strategy: str, template: Template) -> dict[str, str]:
    coding = {} if template.coding == "utf-8" else {"coding": template.coding}
    return {"strategy": strategy, "text": template.text, **coding}


def main() -> None:
    """Write the file."""
    file = Path(__file__).parent / "data" / DATA_FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(file_text(load_contract()), encoding="utf-8")
    sys.stdout.write(f"{file}: {file.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
