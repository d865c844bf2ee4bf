"""The command line, as in the tests of it."""

from tests.cli.conftest import certificate, command

__all__ = ["certificate", "command"]
