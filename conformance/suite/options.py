"""Options of the suite for people who live in pytest. Loaded by every pytest of the environment, so it imports little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SUITE = Path(__file__).resolve().parent
PLUGIN = "capture-charge-conformance-run"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The options of `capture-conformance run`, by the same names, where pytest was pointed at the suite.

    Every other pytest of the environment is left alone: other plugins may have options of these names.
    """
    config = pluginmanager.get_plugin("pytestconfig")
    if config is None or not any(names_suite(str(argument)) for argument in config.invocation_params.args):
        return
    group = parser.getgroup("capture charge conformance")

    def option(name: str, **more: Any) -> None:
        try:
            group.addoption(name, dest=destination(name), **more)
        except ValueError:
            raise pytest.UsageError(
                f"{name}: another plugin has an option of this name; turn it off with -p no:NAME"
            ) from None

    option("--target", help="URL to test; without profile and target a mock server is started")
    option("--profile", type=Path, help="profile of the target (TOML)")
    option("--out", type=Path, help="folder for the files of the run; default: reports/RUN")
    option("--depth", choices=["smoke", "standard", "deep"], default="standard", help="how much to try")
    option("--seed", type=int, default=0, help="seed of the generated cases (default: 0)")
    option("--concurrency", type=int, help="requests in flight at most")
    option("--spec", type=Path, help="folder with another copy of the spec")
    option("--require-complete", action="store_true", help="status 3 unless every MUST was judged")
    option("--fail-on-warning", action="store_true", help="status 1 where a SHOULD is broken")
    option("--allow-production", action="store_true", help="let the environment be production")


def destination(name: str) -> str:
    """Where pytest keeps the value of an option of ours."""
    return "conformance_" + name.strip("-").replace("-", "_")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare a run where pytest was pointed at the suite; leave every other pytest alone."""
    if config.pluginmanager.has_plugin(PLUGIN) or not any(names_suite(argument) for argument in config.args):
        return
    from conformance.errors import SuiteError, UsageError
    from conformance.session import Options, prepared
    from conformance.suite.plugin import ConformancePlugin

    def value(name: str) -> Any:
        return config.getoption(destination(name))

    try:
        if config.getoption("numprocesses", None):
            raise UsageError("-n: one process shares one budget; use --concurrency for more requests in flight")
        if value("concurrency") is not None and value("concurrency") < 1:
            raise UsageError(f"--concurrency: found {value('concurrency')}; a whole number from 1 is allowed")
        options = Options(
            profile=value("profile"),
            target=value("target"),
            out=value("out"),
            depth=value("depth"),
            seed=value("seed"),
            concurrency=value("concurrency"),
            selection=config.getoption("keyword") or "",
            spec=value("spec"),
            require_complete=value("require-complete"),
            fail_on_warning=value("fail-on-warning"),
            allow_production=value("allow-production"),
        )
        plugin = ConformancePlugin(*prepared(options, collect_only=config.option.collectonly))
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
