"""Wheel and sdist contain all files that the installed suite reads; the sdist installs and runs elsewhere."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
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


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    (file,) = SdistBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(file)


def test_the_sdist_makes_the_same_wheel(wheel, sdist, tmp_path):
    with tarfile.open(sdist) as opened:
        opened.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    (file,) = WheelBuilder(str(source)).build(directory=str(tmp_path / "dist"), versions=["standard"])
    with zipfile.ZipFile(file) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {
            name: wheel.read(name) for name in wheel.namelist()
        }


@pytest.mark.slow
def test_the_sdist_installs_and_runs_from_another_folder(sdist, tmp_path):
    python = tmp_path / "fresh/bin/python"
    commands = [
        [sys.executable, "-m", "venv", tmp_path / "fresh"],
        [python, "-m", "pip", "install", "-q", sdist],
        [tmp_path / "fresh/bin/capture-conformance", "run", "--depth", "smoke", "--out", "out"],
    ]
    for command in commands:
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
        assert ran.returncode == 0, ran
    assert (tmp_path / "out/results.json").is_file()
