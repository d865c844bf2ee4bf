"""Options of the suite for people who live in pytest. Loaded by every pytest of the environment, so it imports little."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

SUITE = Path(__file__).resolve().parent
PLUGIN = "capture-charge-conformance-run"
PREFIX = "conformance_"
"""Before the names under which pytest keeps the values of our options."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The options of `capture-conformance run`, by the same names, where pytest was pointed at the suite.

    Every other pytest of the environment is left alone: other plugins may have options of these names.
    """
    config = pluginmanager.get_plugin("pytestconfig")
    if config is None or not any(names_suite(str(argument)) for argument in config.invocation_params.args):
        return
    from conformance.options import options

    group = parser.getgroup("capture charge conformance")
    for one in options():
        if one.name == "selection":  # pytest's own -k
            continue
        kinds = [kind for kind in (get_args(one.type) or (one.type,)) if kind is not type(None)]
        choices = [kind for kind in kinds if isinstance(kind, str)]
        how: dict[str, Any] = {"action": "store_true"} if one.type is bool else {"type": str if choices else kinds[0]}
        try:
            group.addoption(
                one.flag, dest=PREFIX + one.name, default=one.default, help=one.help, **how,
                **({"choices": choices} if choices else {}),
            )  # fmt: skip
        except ValueError:
            raise pytest.UsageError(
                f"{one.flag}: another plugin has an option of this name; turn it off with -p no:NAME"
            ) from None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare a run where pytest was pointed at the suite; leave every other pytest alone."""
    if config.pluginmanager.has_plugin(PLUGIN) or not any(names_suite(argument) for argument in config.args):
        return
    from conformance.errors import SuiteError, UsageError
    from conformance.options import Options, options
    from conformance.session import prepared
    from conformance.suite.plugin import ConformancePlugin

    try:
        if config.getoption("numprocesses", None):
            raise UsageError("-n: one process shares one budget; use --concurrency for more requests in flight")
        values = {one.name: config.getoption(PREFIX + one.name) for one in options() if one.name != "selection"}
        chosen = Options(**values, selection=config.getoption("keyword") or "")
        plugin = ConformancePlugin(*prepared(chosen, collect_only=config.option.collectonly))
    except SuiteError as error:
        pytest.exit(str(error), returncode=error.status)
    config.pluginmanager.register(plugin, PLUGIN)
    plugin.configure(config)


def names_suite(argument: str) -> bool:
    """Whether an argument of pytest means the suite: its folder, a file of it, or its dotted name."""
    name = argument.split("::", maxsplit=1)[0]
    if name in ("conformance.suite", "conformance.suite.test_cases"):
        return True
    try:
        path = Path(name).resolve()
    except OSError:
        return False
    return path == SUITE or SUITE in path.parents
