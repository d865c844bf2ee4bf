"""A limit of the machine that the suite runs on ends the run with status 4, names itself, and is no finding."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from benchmarks.runs import finished
from conformance.errors import own_limit
from conformance.exchange import client as client_module
from conformance.exchange import wire
from conformance.options import Options
from conformance.report.outcome import exit_status
from conformance.session import Run
from tests.support.profiles import profile_text
from tests.support.servers import answering, message

REFUSED = message(400, [("Content-Type", "application/json")], b'{"errorMsg":"BadRequestException"}')


def failing(error: BaseException, at: int):
    """A function that raises `error` from its call number `at` on, and before that calls `original`."""
    calls = []

    def of(original):
        def replacement(*arguments, **named):
            calls.append(1)
            if len(calls) >= at:
                raise error
            return original(*arguments, **named)

        return replacement

    return of


LIMITS = {
    "files": (client_module, "create_connection", OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
    "buffers": (client_module, "create_connection", OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS)), "no more memory"),
    "threads": (threading.Thread, "start", RuntimeError("can't start new thread"), "no more threads"),
    "memory": (wire.Reading, "feed", MemoryError(), "no more memory"),
}  # fmt: skip


FEW_THREADS = 5
"""A run starts no more threads than its pools have, so that the later limit is met sooner."""


@pytest.mark.parametrize("at", [1, 30])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_of_our_own_machine(tmp_path, monkeypatch, limit, at):
    owner, name, error, text = LIMITS[limit]

    def reply(request) -> bytes:
        answer = message(200) if request.body[-1:] == b"}" else REFUSED
        return answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)  # so that each request needs a connection

    with answering(reply) as server:
        (tmp_path / "profile.toml").write_text(profile_text(server.url))
        run = Run(Options(profile=tmp_path / "profile.toml", out=tmp_path / "out", depth="smoke"))
        run.make_folder()
        original = getattr(owner, name)
        replacement = failing(error, min(at, FEW_THREADS) if limit == "threads" else at)(original)

        def start(thread):  # the threads of the server, in this process too, may start
            return (original if "process_request" in thread.name else replacement)(thread)

        monkeypatch.setattr(owner, name, start if limit == "threads" else replacement)
        run.execute(run.cases)
        monkeypatch.undo()
    ran = finished(run)
    assert exit_status(ran.summary, ran.result, require_complete=False, fail_on_warning=False) == 4
    assert text in ran.result.stop
    assert text in ran.result.errors[0]
    assert "answer.connection" not in ran.broken
    assert ran.judged_otherwise() == []


def test_an_error_of_the_target_is_not_our_limit():
    assert own_limit(ConnectionResetError(errno.ECONNRESET, "reset")) == ""
    assert own_limit(RuntimeError("no thread of thought")) == ""
    assert own_limit(ValueError("x")) == ""
