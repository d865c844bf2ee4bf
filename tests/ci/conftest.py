"""The certificate of the tests of the command line."""

from tests.cli.conftest import certificate

__all__ = ["certificate"]
