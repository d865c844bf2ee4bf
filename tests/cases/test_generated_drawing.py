"""Drawing and caching: both libraries draw, every process gets the same bytes, and the cache never stops a run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cases.generated import cache, child, openapi
from conformance.cases.generated.draw import draw_templates
from conformance.cli import main
from conformance.contract.load import Contract, load_contract
from conformance.errors import OwnFault

ROOT = Path(__file__).resolve().parents[2]
COVERAGE = "schemathesis-coverage"
OURS = (("json-spellings", 20),)
BOTH = (("schemathesis-positive", 3), ("schemathesis-negative", 3), ("named-mutations", 20), *OURS)
WHOLE = ((COVERAGE, None), *BOTH)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def everything(contract) -> cache.Templates:
    """All of it, drawn once; beside it lie Hypothesis' own tables, which take long to make."""
    return cache.templates(contract, WHOLE, 3)


@pytest.fixture
def folder(everything, tmp_path, monkeypatch) -> Iterator[Path]:
    """A cache without bodies, with nothing remembered in this process."""
    shutil.copytree(cache.cache_folder() / "hypothesis", tmp_path / "cache" / "hypothesis")
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    yield tmp_path / "cache"
    cache._templates.cache_clear()


@pytest.fixture(scope="module")
def known(everything) -> cache.Templates:
    """What `OURS` must give."""
    return {name: everything[name] for name, _ in OURS}


def drawn(contract: Contract, counts: cache.Counts = OURS, seed: int = 3):
    """The templates that a new process gets."""
    cache._templates.cache_clear()
    return cache.templates(contract, counts, seed)


def not_drawn(*_: object) -> None:
    raise AssertionError("drawn again")


def broken_library(folder: Path, name: str) -> Path:
    """A folder with a library that cannot be loaded."""
    folder.mkdir()
    (folder / f"{name}.py").write_text("raise ImportError('not to be loaded')")
    return folder


# --- drawn by both libraries, once -------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["hypothesis", "schemathesis"])
def test_an_empty_cache_needs_both_libraries_and_a_warm_one_neither(
    contract, everything, folder, tmp_path, monkeypatch, library
):
    broken = broken_library(tmp_path / "broken", library)
    with monkeypatch.context() as patched:
        patched.syspath_prepend(broken)
        with pytest.raises(OwnFault, match=r"could not be drawn: ImportError: not to be loaded"):
            drawn(contract, BOTH)
    assert not list(folder.glob("bodies-*.json"))
    monkeypatch.undo()
    cache._templates.cache_clear()
    monkeypatch.syspath_prepend(broken)
    assert cache.templates(contract, WHOLE, 3) == everything
    assert {name: len(everything[name]) for name, _ in BOTH} == dict(BOTH)


SCRIPT = """
import sys
from conformance.cases.generated import cache
from conformance.contract import load_contract
from conformance.options import Options
from conformance.session import Run
run = Run(Options())
assert any(case.strategy for case in run.cases)
assert cache.templates(load_contract(), (("json-spellings", 5),), int(sys.argv[1]))
print([name for name in ('hypothesis', 'schemathesis') if name in sys.modules])
"""


def test_a_run_loads_neither_library_even_when_it_draws():
    before = set(cache.cache_folder().glob("bodies-*.json"))
    seed = time.time_ns()  # for which nothing is in the cache
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(seed)], capture_output=True, text=True, cwd=ROOT, check=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert set(cache.cache_folder().glob("bodies-*.json")) - before


def test_templates_are_read_from_the_cache(contract, known, folder, monkeypatch):
    monkeypatch.setattr(child, "drawn", lambda *_: known)
    first = drawn(contract)
    monkeypatch.setattr(child, "drawn", not_drawn)
    assert drawn(contract) == first


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("versions", lambda: {"hypothesis": "7.0"}),
        ("__version__", "9.9"),
        ("_sources", lambda: b"another state of the strategies"),
    ],
)
def test_other_versions_and_sources_are_drawn_again(contract, known, folder, monkeypatch, name, replacement):
    monkeypatch.setattr(child, "drawn", lambda *_: known)
    drawn(contract)
    monkeypatch.setattr(child, "drawn", not_drawn)
    monkeypatch.setattr(cache, name, replacement)
    with pytest.raises(AssertionError, match="drawn again"):
        drawn(contract)


def test_the_digest_covers_all_our_modules_that_a_drawing_process_loads():
    script = (
        "import sys, conformance.cases.generated.openapi, conformance.cases.generated.draw as draw\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('conformance.') and m.__file__))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    sources = cache._sources()
    missing = {Path(file).name for file in done.stdout.split() if Path(file).read_bytes() not in sources}
    assert missing <= {"errors.py", "json_text.py", "model.py"}, "modules that do not change what is drawn"


# --- a cache is never in the way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"[1", None])
def test_a_damaged_cache_is_drawn_anew_without_a_word(contract, known, folder, content, capfd, monkeypatch):
    monkeypatch.setattr(child, "drawn", lambda *_: known)
    first = drawn(contract)
    (file,) = folder.glob("bodies-*.json")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"storeId", b"storeID", 1) if content is None else content)
    assert drawn(contract) == first
    assert file.read_bytes() == whole
    assert capfd.readouterr() == ("", "")


def test_a_cache_that_cannot_be_written_or_read_is_as_good_as_none(contract, known, folder, monkeypatch, capfd):
    file = folder.with_name("file")
    file.touch()
    for wrong in (file, file / "below", os.devnull):
        monkeypatch.setenv(cache.ENVIRONMENT, str(wrong))
        assert drawn(contract) == known
    assert capfd.readouterr() == ("", "")


def test_a_write_that_fails_leaves_nothing_behind(contract, known, folder, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr(child, "drawn", lambda *_: known)
    assert drawn(contract) == known
    assert [file for file in folder.iterdir() if file.is_file()] == []


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    monkeypatch.delenv(cache.ENVIRONMENT)
    for home, expected in (("/home/me/.cache/x", "/home/me/.cache/x"), ("~/.cache/x", os.devnull)):
        monkeypatch.setattr(cache, "user_cache_path", lambda *_, path=home, **__: Path(path))
        assert cache.cache_folder() == Path(expected)


def test_only_the_newest_files_stay_in_the_cache(contract, folder, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 2)
    monkeypatch.setattr(child, "drawn", lambda *_: {})
    for seed in range(4):
        before = set(folder.glob("*"))
        drawn(contract, seed=seed)
        (new,) = set(folder.iterdir()) - before
        os.utime(new, (seed, seed))
    assert sorted(file.stat().st_mtime for file in folder.glob("bodies-*")) == [2, 3]


# --- the same from anywhere --------------------------------------------------------------------------------------

PARENT = """
import hashlib, json, sys
sys.path.insert(0, "more")
import full_of_constants, hypothesis, conformance.mock.server
from conformance.cases.generated.cache import templates
from conformance.contract.load import load_contract
made = templates(load_contract(), tuple(map(tuple, json.loads(sys.argv[1]))), 3)
print(hashlib.sha256(repr(made).encode("utf-8", "backslashreplace")).hexdigest())
"""


def test_every_process_draws_the_same_bytes(everything, tmp_path):
    """Whatever modules it has loaded, where it works, how it orders sets, whether it can keep them; nothing is left."""
    work = tmp_path / "work"
    (work / "more").mkdir(parents=True)
    lines = [f"A{number} = {number * 7919}\nB{number} = 'text {number}'" for number in range(400)]
    (work / "more" / "full_of_constants.py").write_text("\n".join(lines))
    (work / "json.py").write_text("raise ImportError('the one of the working folder')")
    (work / "schemathesis.toml").write_text("[generation]\nallow-x00 = false\n")
    (work / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    before = sorted(work.rglob("*"))
    same = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "--no-such-option"}
    different = {"PYTHONHASHSEED": "2", "PYTHONWARNINGS": "error", "CI": "true", cache.ENVIRONMENT: os.devnull}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PARENT, json.dumps(WHOLE)],
        capture_output=True, text=True, cwd=work, env=os.environ | same | different, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == hashlib.sha256(repr(everything).encode("utf-8", "backslashreplace")).hexdigest()
    assert sorted(work.rglob("*")) == before


def test_a_process_of_its_own_draws_what_this_one_would(contract, everything):
    assert everything == draw_templates(contract, dict(WHOLE), 3)


# --- our own fault -----------------------------------------------------------------------------------------------


def test_a_failing_child_process_is_an_error_of_the_suite(contract, folder, tmp_path, monkeypatch):
    for program, reason in (("/bin/false", "exit status 1"), (str(tmp_path / "none"), "No such file")):
        monkeypatch.setattr(sys, "executable", program)
        with pytest.raises(OwnFault, match=f"the generated bodies could not be drawn: .*{reason}"):
            drawn(contract)
    assert not list(folder.glob("bodies-*.json"))


def test_a_schemathesis_without_coverage_phase_has_a_clear_message(contract, monkeypatch):
    monkeypatch.setitem(openapi._COVERAGE["phases"], "coverage", {"enabled": False})
    with pytest.raises(RuntimeError, match="Schemathesis gave no cases of its coverage phase"):
        openapi.coverage_cases(contract)


def test_the_command_line_ends_with_status_4_and_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(broken_library(tmp_path / "broken", "schemathesis"))
    with pytest.raises(SystemExit) as ended:
        main(["run", "--out", str(tmp_path / "out")])
    assert ended.value.code == OwnFault.status == 4
    assert capsys.readouterr().err == "the generated bodies could not be drawn: ImportError: not to be loaded\n"
    assert not (tmp_path / "out").exists()
