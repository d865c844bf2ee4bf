"""Options of the suite for pytest. Every pytest of the environment loads this file, so it imports little."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

SUITE = Path(__file__).resolve().parent
PLUGIN = "capture-charge-conformance-run"
PREFIX = "conformance_"
"""Prefix of the names under which pytest keeps the values of our options."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options of `capture-conformance run`, by the same names, if pytest was called with the suite.

    Every other pytest of the environment gets none of them, since other plugins may have options of these names.
    """
    config = pluginmanager.get_plugin("pytestconfig")
    if config is None or not any(names_suite(str(argument)) for argument in config.invocation_params.args):
        return
    from conformance.options import options
    from conformance.process import protect_streams

    protect_streams()
    group = parser.getgroup("capture charge conformance")
    for option in options():
        if option.name == "selection":  # pytest's own -k
            continue
        kinds = [kind for kind in (get_args(option.type) or (option.type,)) if kind is not type(None)]
        choices = [kind for kind in kinds if isinstance(kind, str)]
        parsing: dict[str, Any] = (
            {"action": "store_true"} if option.type is bool else {"type": str if choices else kinds[0]}
        )
        try:
            group.addoption(
                option.flag, dest=PREFIX + option.name, default=option.default, help=option.help, **parsing,
                **({"choices": choices} if choices else {}),
            )  # fmt: skip
        except ValueError:
            raise pytest.UsageError(
                f"{option.flag}: another plugin has an option of this name; turn that plugin off with -p no:NAME"
            ) from None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare a run if pytest was called with the suite; do nothing in every other pytest."""
    if config.pluginmanager.has_plugin(PLUGIN) or not any(names_suite(argument) for argument in config.args):
        return
    from conformance.errors import SuiteError, UsageError
    from conformance.options import Options, options
    from conformance.session import prepared
    from conformance.suite.plugin import ConformancePlugin

    try:
        if config.getoption("numprocesses", None) or config.getoption("dist", "no") != "no":
            raise UsageError("-n: a run is one process with one money budget; use --concurrency for parallel requests")
        values = {
            option.name: config.getoption(PREFIX + option.name) for option in options() if option.name != "selection"
        }
        chosen = Options(**values, selection=config.getoption("keyword") or "")
        plugin = ConformancePlugin(
            *prepared(chosen, collect_only=config.option.collectonly), quiet=config.option.verbose < 0
        )
    except SuiteError as error:
        pytest.exit(str(error), returncode=error.status)
    config.pluginmanager.register(plugin, PLUGIN)
    plugin.configure(config)


def names_suite(argument: str) -> bool:
    """Whether an argument of pytest names the suite: its folder, one of its files, or its dotted name."""
    name = argument.split("::", maxsplit=1)[0]
    if name in ("conformance.suite", "conformance.suite.test_cases"):
        return True
    try:
        path = Path(name).resolve()
    except OSError:
        return False
    return path == SUITE or SUITE in path.parents
