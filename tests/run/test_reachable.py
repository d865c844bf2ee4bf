"""`--wait` waits until the target answers at all, without charging and no longer than asked."""

import socket

import pytest

from conformance.errors import UsageError
from conformance.profile import builtin_profile
from conformance.send.pace import Clock
from conformance.send.reachable import RETRY_S, wait_for_answer
from conformance.session import seconds_of
from tests.support.servers import answering, message


class Steps(Clock):
    """A clock that moves only while something waits."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds

    def wait(self, event, seconds):
        self.seconds += seconds
        return event.is_set()


def target(url):
    return builtin_profile(url).target


def test_a_gateway_without_its_server_is_not_an_answer_and_a_401_is_one():
    statuses, received, texts = [503, 502, 504, 401], [], []

    def reply(request):
        received.append(request)
        return message(statuses.pop(0))

    with answering(reply) as server:
        clock = Steps()
        assert wait_for_answer(target(server.url), 60, texts.append, clock)
    assert statuses == []
    assert clock.seconds == 3 * RETRY_S
    assert {request.method for request in received} == {"GET"}
    assert set(texts) == {f"{server.url} does not answer yet: waiting, at most 60 s"}


def test_nobody_there_ends_the_wait_in_time():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        clock = Steps()
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        assert not wait_for_answer(target(url), 1.2, lambda _text: None, clock)
        assert clock.seconds == pytest.approx(1.2)


@pytest.mark.parametrize(("text", "seconds"), [("", 0), ("60s", 60), ("90", 90), ("2m", 120), ("0.5s", 0.5)])
def test_a_time_is_read(text, seconds):
    assert seconds_of("--wait", text) == seconds


@pytest.mark.parametrize("text", ["soon", "-1s", "1h", "1 s", "60ms"])
def test_other_texts_are_refused(text):
    with pytest.raises(UsageError, match=r"--wait: found .*such as 60s or 2m"):
        seconds_of("--wait", text)
