"""Each part of the package imports exactly what the table of ARCHITECTURE.md lists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "conformance"
NOT_PARTS = {"__init__", "__main__"}


def allowed_imports() -> dict[str, set[str]]:
    """For each part, the parts or modules it may import, read from the table."""
    rows = re.findall(r"^\| (\w+) \| .+? \| ?(.*?) ?\|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    return {part: {name.strip() for name in parts.split(",") if name.strip()} for part, parts in rows if part != "part"}


def imported(file: Path) -> set[str]:
    """Our modules that `file` imports, without the name of the package. Names imported from it count as modules."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ["conformance", *file.relative_to(PACKAGE).with_suffix("").parts][: -node.level] if node.level else []
            )
            module = ".".join([*base, *([node.module] if node.module else [])])
            modules |= {f"{module}.{name.name}" for name in node.names} if module == "conformance" else {module}
    return {name.removeprefix("conformance.") for name in modules if name.startswith("conformance.")}


def part_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def imports() -> dict[str, set[str]]:
    """For each part, the parts that its files import."""
    imported_by: dict[str, set[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        part = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if part not in NOT_PARTS:
            other_parts = {part_of(module) for module in imported(file)} - {part, "__version__"}
            imported_by.setdefault(part, set()).update(other_parts)
    return imported_by


def test_each_part_imports_exactly_what_the_table_lists():
    assert imports() == allowed_imports()


def test_parts_do_not_import_each_other_in_a_circle():
    remaining = imports()
    while leaves := {part for part, imported_parts in remaining.items() if not imported_parts & remaining.keys()}:
        remaining = {part: imported_parts for part, imported_parts in remaining.items() if part not in leaves}
    assert remaining == {}
