"""What each part of the package may import, as the table of ARCHITECTURE.md says."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "conformance"
FREE = {"__init__", "__main__"}


def allowed() -> dict[str, set[str]]:
    """Part to the parts or modules it may import, read from the table."""
    rows = re.findall(r"^\| (\w+) \| .+? \| ?(.*?) ?\|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    return {part: {word.strip() for word in parts.split(",") if word.strip()} for part, parts in rows if part != "part"}


def imported(file: Path) -> set[str]:
    """Modules of ours that `file` imports, without the package's name; names taken from a package count as modules."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ["conformance", *file.relative_to(PACKAGE).with_suffix("").parts][: -node.level] if node.level else []
            )
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{name.name}" for name in node.names} if module == "conformance" else {module}
    return {name.removeprefix("conformance.") for name in found if name.startswith("conformance.")}


def part_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def imports() -> dict[str, set[str]]:
    """Part to the parts that its files import."""
    found: dict[str, set[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        part = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if part not in FREE:
            others = {part_of(module) for module in imported(file)} - {part, "__version__"}
            found.setdefault(part, set()).update(others)
    return found


def test_each_part_imports_exactly_what_the_table_allows():
    assert imports() == allowed()


def test_there_is_no_circle_of_parts():
    left = imports()
    while free := {part for part, others in left.items() if not others & left.keys()}:
        left = {part: others for part, others in left.items() if part not in free}
    assert left == {}
