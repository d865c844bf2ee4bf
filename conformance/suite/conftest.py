"""The suite runs only if it is named: a pytest of a folder around it does not run it."""

from __future__ import annotations

import pytest

from conformance.suite.options import PLUGIN


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Do not collect the cases if no run was prepared."""
    return None if config.pluginmanager.has_plugin(PLUGIN) else True
