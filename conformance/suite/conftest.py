"""The suite is for those who name it: a pytest of something around it does not run it."""

from __future__ import annotations

import pytest

from conformance.suite.options import PLUGIN


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave the cases out where no run was prepared."""
    return None if config.pluginmanager.has_plugin(PLUGIN) else True
