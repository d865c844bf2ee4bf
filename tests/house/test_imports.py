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


def test_each_part_imports_only_what_the_table_allows():
    rules = allowed()
    wrong = []
    for file in sorted(PACKAGE.rglob("*.py")):
        part = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if part in FREE:
            continue
        if part not in rules:
            wrong.append(f"{file.relative_to(ROOT)}: no row for {part}")
            continue
        for module in imported(file):
            near = {module, module.split(".")[0]}
            if (
                module != "__version__"
                and part not in near
                and not near & rules[part]
                and not any(module.startswith(f"{rule}.") for rule in rules[part])
            ):
                wrong.append(f"{file.relative_to(ROOT)}: imports {module}")
    assert wrong == []


def test_no_module_is_longer_than_400_lines():
    long = {file.name: n for file in PACKAGE.rglob("*.py") if (n := len(file.read_text("utf-8").splitlines())) > 400}
    assert long == {}
