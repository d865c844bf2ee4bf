"""Folders of runs on the mock, with the files that a sign-off reads."""

import shutil

import pytest

from conformance.cli import main
from conformance.report.reporter import Reporter
from tests.support.runs import of_the_tables, run_directly


def written_run(folder, *faults, only=of_the_tables, whole=False):
    """A run directly on the mock, with its record and results. Not `whole`: with some bodies of each case."""
    ran = run_directly(folder, *faults, only=only, whole=whole)
    ran.run.write_evidence()
    Reporter(ran.run).write()
    return folder


@pytest.fixture(scope="session")
def clean_run(tmp_path_factory):
    return written_run(tmp_path_factory.mktemp("clean") / "run")


@pytest.fixture(scope="session")
def faulty_run(tmp_path_factory):
    return written_run(
        tmp_path_factory.mktemp("faulty") / "run", "code-lower-case", "put-crashes", only=bool, whole=True
    )


@pytest.fixture
def folder(clean_run, tmp_path):
    """A copy of the clean run, to be changed."""
    shutil.copytree(clean_run, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def command(capsys):
    """Call the command line; gives its status and what it printed."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out + printed.err

    return call
