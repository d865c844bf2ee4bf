"""Statuses that a switch of the profile provokes for everybody: sent alone, and switched off in any event."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.cli import main
from conformance.mock.exchange import Inquiry, Reply
from conformance.mock.server import MockServer
from conformance.options import Options
from conformance.report.outcome import exit_status
from conformance.run.plan import cost_of_plan
from conformance.session import Run
from tests.fair.layers import SWITCH_PATH, Layer, Switch, put_before, switch_profile
from tests.support.profiles import profile_text
from tests.support.runs import Ran, finished

SWITCHED = {"provoked-429", "provoked-500", "provoked-503"}


class Watched(Layer):
    """Notes the requests, and calls `then` with each."""

    def __init__(self, then=lambda inquiry: None) -> None:
        super().__init__()
        self.seen: list[Inquiry] = []
        self.then = then

    def reply(self, inquiry, behind):
        self.seen.append(inquiry)
        self.then(inquiry)
        return behind(inquiry)


@contextmanager
def switched_server(*layers: Layer) -> Iterator[MockServer]:
    with MockServer() as server:
        put_before(server.mock, *layers)
        yield server


def run_of(folder, server, *statuses) -> Run:
    text = profile_text(server.url, timeout_s=10, more=switch_profile(server.url, *statuses))
    (folder / "p.toml").write_text(text)
    run = Run(Options(profile=folder / "p.toml", out=folder / "run"))
    run.make_folder()
    return run


def of_the_switch(run: Run):
    return [case for case in run.cases if case.id in SWITCHED or case.theme in ("acceptance", "store-id")]


def rows(ran: Ran, *names: str) -> dict[str, str]:
    return {row.requirement.id: row.outcome for row in ran.summary.requirements if row.requirement.id in names}


@pytest.mark.parametrize("lag", [0.0, 0.2])
def test_a_switch_for_everybody_is_no_finding(tmp_path, lag):
    switch = Switch(lag)
    with switched_server(switch) as server:
        run = run_of(tmp_path, server, 429, 500, 503)
        run.execute(of_the_switch(run))
    ran = finished(run)
    assert ran.broken == frozenset()
    assert ran.result.stop == ""
    assert set(rows(ran, "server-error.error-msg", "unavailable.seconds", "rate-limit.grammar").values()) == {"passed"}
    assert ran.judged_otherwise() == []
    assert switch.calls == ["PUT", "DELETE"] * 3


def test_what_a_switched_server_does_wrong_is_found(tmp_path):
    with switched_server(Switch(0.1)) as server:
        behind = server.mock.reply

        def without_text(inquiry):
            reply = behind(inquiry)
            if reply.status == 500:
                reply.body = b"{}"
            return reply

        server.mock.reply = without_text
        run = run_of(tmp_path, server, 500)
        run.execute(of_the_switch(run))
    assert finished(run).broken == {"server-error.error-msg"}


def test_nothing_else_is_in_flight_while_the_switch_is_on(tmp_path):
    switch, watched = Switch(), Watched()
    with switched_server(switch, watched) as server:
        run = run_of(tmp_path, server, 500, 503)
        run.execute(of_the_switch(run))
    paths = [inquiry.path for inquiry in watched.seen]
    on = [place for place, path in enumerate(paths) if path == SWITCH_PATH]
    assert [last - first for first, last in zip(on[::2], on[1::2], strict=True)] == [2, 2]


def test_the_after_call_is_tried_three_times(tmp_path):
    switch = Switch(failures=2)
    with switched_server(switch) as server:
        run = run_of(tmp_path, server, 500)
        run.execute(of_the_switch(run))
    assert switch.calls == ["PUT", "DELETE", "DELETE", "DELETE"]
    assert finished(run).summary.verdict == "partial"  # only because of the selection


def test_a_failed_after_call_ends_the_run_and_is_named(tmp_path):
    switch = Switch(failures=3)
    with switched_server(switch) as server:
        run = run_of(tmp_path, server, 500, 503)
        run.execute(of_the_switch(run))
    ran = finished(run)
    assert switch.calls == ["PUT", "DELETE", "DELETE", "DELETE"]
    assert (ran.broken, ran.summary.verdict) == (frozenset(), "inconclusive")
    assert ran.result.stop == (
        f"The profile's `after` call DELETE {server.url}{SWITCH_PATH} was answered with 502, three times; "
        "the server may still answer 500 to everybody"
    )
    assert exit_status(ran.summary, ran.result, require_complete=False, fail_on_warning=False) == 3


class Deaf(Layer):
    """Answers a DELETE without passing it on."""

    def reply(self, inquiry, behind):
        return Reply(204) if inquiry.method == "DELETE" else behind(inquiry)


def test_a_switch_that_stays_on_ends_the_run(tmp_path):
    with switched_server(Switch(), Deaf()) as server:
        run = run_of(tmp_path, server, 500, 503)
        run.execute(of_the_switch(run))
    ran = finished(run)
    assert (ran.broken, ran.summary.verdict) == (frozenset(), "inconclusive")
    assert ran.result.stop == "the server still answers 500 after that was provoked (provoked-500)"


def test_a_refused_before_call_is_the_reason(tmp_path):
    with MockServer() as server:
        run = run_of(tmp_path, server, 500)
        run.execute(of_the_switch(run))
    ran = finished(run)
    (case,) = (case for case in ran.result.cases if case.case.id == "provoked-500")
    assert case.sent == 0
    assert case.reason == f"The profile's `before` call PUT {server.url}{SWITCH_PATH} was answered with 404"


def test_an_interruption_still_switches_off(tmp_path):
    switch = Switch()

    def interrupt(inquiry):
        if switch.status == 500 and inquiry.path != SWITCH_PATH:
            signal.raise_signal(signal.SIGINT)

    with switched_server(switch, Watched(interrupt)) as server:
        run = run_of(tmp_path, server, 500, 503)
        run.execute(of_the_switch(run))
    assert run.result().interrupted
    assert switch.calls == ["PUT", "DELETE"]


def test_the_plan_names_the_cases_that_run_alone(tmp_path, capsys):
    with MockServer() as server:
        run_of(tmp_path, server, 500, 503)
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--profile", str(tmp_path / "p.toml"), "--depth", "smoke"])
    assert ended.value.code == 0
    assert "runs alone    provoked-500, provoked-503: nothing else is sent meanwhile" in capsys.readouterr().out


def test_the_plan_counts_the_requests_that_wait_for_a_switch(tmp_path):
    with MockServer() as server:
        run = run_of(tmp_path, server, 500)
    (case,) = (case for case in run.cases if case.id == "provoked-500")
    cost = cost_of_plan(run.profile, [case])
    assert (case.scheduling, cost.requests, cost.captures, cost.trips) == ("exclusive", 6, 6, 6)
