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


def test_lowest_and_newest_versions_run_the_same_commands():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    lowest, newest = tox["testenv:lowest"], tox["testenv:newest"]
    assert (lowest["uv_resolution"], newest["uv_resolution"]) == ("lowest-direct", "highest")
    assert newest["commands"] == "{[testenv:lowest]commands}"


def test_ci_runs_the_test_command_of_the_readme():
    blocks = re.findall(r"^```sh\n(.+?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    script = (ROOT / ".ci/run").read_text().splitlines()
    assert blocks[0].splitlines()[-1] == ".venv/bin/capture-conformance run"
    assert blocks[-1].splitlines() == [script[-1]]
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
