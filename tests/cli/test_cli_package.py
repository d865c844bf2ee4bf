"""The wheel contains all files that the installed suite reads."""

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    (file,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(file) as opened:
        yield opened


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    package = ROOT / "conformance"
    files = {f"conformance/{file.relative_to(package)}": file for file in package.rglob("*") if file.is_file()}
    files |= {f"conformance/spec/{file.name}": file for file in (ROOT / "spec").iterdir()}
    expected = {name: file.read_bytes() for name, file in files.items() if "__pycache__" not in name}
    assert {name: wheel.read(name) for name in wheel.namelist() if name.startswith("conformance/")} == expected


def test_command_and_pytest_plugin_are_entry_points(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert wheel.read(name).decode().split("\n\n") == [
        "[console_scripts]\ncapture-conformance = conformance.__main__:main",
        "[pytest11]\ncapture-charge-conformance = conformance.suite.options\n",
    ]
