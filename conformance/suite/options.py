"""Options of the suite for people who live in pytest. Loaded by every pytest of the environment, so it imports little."""

from __future__ import annotations

from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parent
PLUGIN = "capture-charge-conformance-run"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `capture-conformance run`, by the same names."""
    group = parser.getgroup("capture charge conformance")
    group.addoption("--target", help="URL to test; without profile and target a mock server is started")
    group.addoption("--profile", help="profile of the target (TOML)")
    group.addoption("--out", help="folder for the files of the run; default: reports/RUN")
    group.addoption("--depth", choices=["smoke", "standard", "deep"], default="standard", help="how much to try")
    group.addoption("--seed", type=int, default=0, help="seed of the generated cases (default: 0)")
    group.addoption("--concurrency", type=int, help="requests in flight at most")
    group.addoption("--spec", help="folder with another copy of the spec")
    group.addoption("--require-complete", action="store_true", help="status 3 unless every MUST was judged")
    group.addoption("--fail-on-warning", action="store_true", help="status 1 where a SHOULD is broken")
    group.addoption("--allow-production", action="store_true", help="let the environment be production")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare a run where pytest was pointed at the suite; leave every other pytest alone."""
    if config.pluginmanager.has_plugin(PLUGIN) or not any(names_suite(argument) for argument in config.args):
        return
    from conformance.errors import SuiteError, UsageError
    from conformance.run.prepare import Options
    from conformance.suite.plugin import ConformancePlugin, prepared

    value = config.getoption
    try:
        if value("numprocesses", None):
            raise UsageError("-n: one process shares one budget; use --concurrency for more requests in flight")
        options = Options(
            profile=Path(value("--profile")) if value("--profile") else None,
            target=value("--target"),
            out=Path(value("--out")) if value("--out") else None,
            depth=value("--depth"),
            seed=value("--seed"),
            concurrency=value("--concurrency"),
            selection=value("keyword") or "",
            spec=Path(value("--spec")) if value("--spec") else None,
            require_complete=value("--require-complete"),
            fail_on_warning=value("--fail-on-warning"),
            allow_production=value("--allow-production"),
        )
        plugin = ConformancePlugin(*prepared(options, collect_only=config.option.collectonly))
    except SuiteError as error:
        pytest.exit(str(error), returncode=error.status)
    config.pluginmanager.register(plugin, PLUGIN)
    plugin.configure(config)


def names_suite(argument: str) -> bool:
    """Whether an argument of pytest means the suite: its folder, a file of it, or its dotted name."""
    name = argument.split("::", maxsplit=1)[0]
    if name == "conformance.suite" or name.startswith("conformance.suite."):
        return True
    try:
        path = Path(name).resolve()
    except OSError:
        return False
    return path == SUITE or SUITE in path.parents
