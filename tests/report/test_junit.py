"""`junit.xml`: the result for each outcome, and well-formed XML for any text of the target."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from conformance.cases.model import Case
from conformance.contract import load_contract
from conformance.judge.model import breaks, holds
from conformance.mock.server import MockServer
from conformance.redact import Redactor
from conformance.report.clean import Cleaner
from conformance.report.comparison import against_baseline, outcomes_of
from conformance.report.junit import JUnit, message
from conformance.report.outcome import CaseRow, exit_status, summarise
from conformance.run.model import CaseResult, RunResult

from .conftest import ENVIRONMENT

JUNIT_RESULT = {"failed": "failure", "error": "error", "not-judged": "skipped", "not-exercised": "skipped"}
# What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows of what is used here: attributes and children by element.
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "property": {"name", "value"},
    "testcase": {"name"},
}
TEXT = {"failure", "error", "skipped", "system-out"}
"""Elements that may contain text."""
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PLUGINS = ("-p", "conformance.suite.options", "-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin")
"""The plugins that the suite needs, without those of other libraries, which take a second to load."""
KINDS = ["clean", "faulty", "hostile", "refused", "unauthorised", "elsewhere", "interrupted"]


def items_of(done) -> dict[str, ET.Element]:
    """The test cases by the id of their case."""
    root = ET.parse(done.out / "junit.xml").getroot()
    return {item.get("name").partition(":")[0]: item for item in root.iter("testcase")}


@pytest.mark.parametrize("kind", KINDS)
def test_each_outcome_has_its_result_in_junit(kind, request):
    done = request.getfixturevalue(kind)
    cases = {case["id"]: case for case in json.loads((done.out / "results.json").read_text())["cases"]}
    items = items_of(done)
    assert items.keys() - cases.keys() == ({"run"} if done.status not in (0, 1) else set())
    for name, case in cases.items():
        item, tag = items[name], "skipped" if case["waived"] else JUNIT_RESULT.get(case["outcome"])
        assert [child.tag for child in item] == ([tag] if tag else []) + ["system-out"]
        assert item.find("system-out").text.startswith(f"outcome: {case['outcome']}\nrequirements: ")
        if tag == "skipped" and not case["waived"]:
            assert item.find("skipped").get("message").split("\n")[0][:50] in case["reason"]
        if tag == "failure":
            message = item.find("failure").get("message")
            assert case["judgements"]["breaks"][0]["requirement"] in message
            assert all(part in message for part in ("\nexpected at ", "\nreceived: "))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_could_not_judge_is_not_green(kind, request):
    done = request.getfixturevalue(kind)
    (suite,) = JUnitXml.fromfile(str(done.out / "junit.xml"))
    assert suite.name == "capture-charge"
    assert bool(suite.failures + suite.errors) == bool(done.status)
    assert bool(suite.errors) == (done.status not in (0, 1))
    results = [case.result[0].__class__ for case in suite if case.result]
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (
        len(list(suite)), results.count(Failure), results.count(Error), results.count(Skipped),
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_valid_for_jenkins_and_names_nothing_of_pytest(kind, request):
    file = request.getfixturevalue(kind).out / "junit.xml"
    for element in ET.parse(file).getroot().iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.keys()) - attributes == set(), element.tag
        assert {child.tag for child in element} <= children
        assert set(element.keys()) >= REQUIRED.get(element.tag, set())
        assert (
            element.tag in TEXT or not "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
        )
        assert re.fullmatch(r"\d*\.\d{3}", element.get("time", "0.000"))
    assert not re.search(r"\.py\b|test_case|pytest", file.read_text("utf-8"))


def test_a_failure_has_the_statement_the_line_and_the_time(faulty):
    items = items_of(faulty).values()
    messages = [item.find("failure").get("message").splitlines() for item in items if item.find("failure") is not None]
    shown = next(message for message in messages if message[0].startswith("MUST code.pattern: "))
    assert shown[0].startswith("MUST code.pattern: A code that is not exactly three ASCII capital letters")
    assert shown[1] == "expected at status: 400"
    assert shown[2].startswith("received: 200")
    assert "curl -sS" in shown[-1]
    assert {item.get("classname").partition(".")[0] for item in items} == {"capture-charge"}
    assert float(items_of(faulty)["provoked-429-window"].get("time")) > 0.9


def test_the_users_own_paths_are_obeyed(tmp_path):
    with MockServer() as server:
        arguments = ["--pyargs", "conformance.suite", "--target", server.url, "--depth", "smoke", "--out", "out"]
        mine = ["--junitxml", "mine/j.xml", "--html", "mine/p.html"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *PLUGINS, *arguments, *mine],
            cwd=tmp_path, env=ENVIRONMENT | ALONE, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done
    for own, copy in (("junit.xml", "j.xml"), ("report.html", "p.html")):
        assert (tmp_path / "out" / own).read_bytes() == (tmp_path / "mine" / copy).read_bytes()


def judged_run(outcome: str) -> RunResult:
    """A run of one case that violates `code.pattern`, passes, or was not sent."""
    case = Case("c", "t", "title", ("code.pattern",), ())
    judgement = {
        "failed": breaks("code.pattern", at="status", expected="400", received="200"),
        "passed": holds("code.pattern"),
    }
    judgements = (judgement[outcome],) if outcome in judgement else ()
    cases = (CaseResult(case, judgements, sent=bool(judgements)),)
    return RunResult(cases, "r", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", 0, "smoke", "http://h", 1)


@pytest.mark.parametrize(
    ("before", "now", "result"),
    [
        ("failed", "failed", ["skipped: known: not worse than in the baseline"]),
        ("passed", "failed", ["failure: MUST code.pattern: "]),
        ("passed", "not-exercised", ["failure: worse: case c: passed before, not-exercised now"]),
        ("failed", "passed", []),
        ("passed", "passed", []),
    ],
)
def test_with_a_baseline_the_file_fails_where_the_run_does(before, now, result):
    contract = load_contract()
    old, run = judged_run(before), judged_run(now)
    summary = against_baseline(summarise(contract, run), run, outcomes_of(summarise(contract, old), old))
    status = exit_status(summary, run, require_complete=False, fail_on_warning=False)
    junit = JUnit(contract, Cleaner(Redactor(())), lambda _row: "")
    suite = ET.fromstring(junit.document(summary, run, status, "why", fail_on_warning=False)).find("testsuite")
    found = [
        f"{child.tag}: {child.get('message')}" for child in suite.findall("testcase/*") if child.tag != "system-out"
    ]
    assert len(found) == len(result)
    assert all(text.startswith(start) for text, start in zip(found, result, strict=True)), found
    assert bool(int(suite.get("failures"))) == bool(status)


def test_what_no_case_shows_any_more_is_a_failure_of_the_run():
    contract, old = load_contract(), judged_run("passed")
    run = replace(old, cases=())
    summary = against_baseline(summarise(contract, run), run, outcomes_of(summarise(contract, old), old))
    junit = JUnit(contract, Cleaner(Redactor(())), lambda _row: "")
    (case,) = ET.fromstring(junit.document(summary, run, 1, "why", fail_on_warning=False)).iter("testcase")
    assert (case.get("name").partition(":")[0], case.find("failure").get("message")) == ("run", "exit status 1: why")


def test_a_secret_is_hidden_before_it_is_made_visible():
    """In the other order, the escaped text would no longer match the secret."""
    clean = Cleaner(Redactor(("pass\x1bword-1",)))
    judged = breaks("answer.no-leak", at="body", expected="nothing", received="pass\x1bword-1 \x07")
    row = CaseRow(
        CaseResult(Case("c", "t", "title", (), ()), (judged,), reason="pass\x1bword-1"), "failed", "pass\x1bword-1"
    )
    contract = load_contract()
    run = RunResult((row.result,), "r", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", 0, "smoke", "http://h", 1)
    junit = JUnit(contract, clean, lambda _row: "")
    document = junit.document(summarise(contract, run), run, 1, "", fail_on_warning=True).decode()
    for text in (message(row, clean), document):
        assert "word" not in text
        assert "***" in text
    assert "\\x07" in message(row, clean)
