"""The lists of the repository are true."""

import configparser
import os
import re
import tomllib
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_ci_runs_the_environments_of_tox():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    envs = [name.strip() for name in tox["tox"]["env_list"].split(",")]
    assert workflow["jobs"]["tox"]["strategy"]["matrix"]["env"] == envs
    newest = workflow["jobs"]["pythons"]["strategy"]["matrix"]["python"][-1]
    assert f"Programming Language :: Python :: {newest}" in PROJECT["classifiers"]
    assert {f"testenv:{name}" for name in envs} <= set(tox.sections())


def test_ci_runs_the_test_command_of_the_readme():
    readme = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    script = (ROOT / ".ci/run").read_text().splitlines()
    assert len(readme) == 2
    assert script[-1] == readme[1]
    assert "capture-conformance run" in readme[0]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_every_test_file_is_collected(request):
    on_disk = sorted((ROOT / "tests").rglob("test_*.py"))
    twice = [name for name, count in Counter(file.name for file in on_disk).items() if count > 1]
    without = [
        str(file) for file in on_disk if not re.search(r"^\s*(async )?def test_", file.read_text(), re.MULTILINE)
    ]
    assert twice == []
    assert without == []
    if not request.config.invocation_params.args:
        collected = {item.path for item in request.session.items}
        ordinary = {
            file for file in on_disk if ROOT / "tests" / "gallery" not in file.parents
        }  # the gallery has its own tox environment
        assert ordinary <= collected
