"""Wait until a target answers at all, for example after a deploy. Sends GET, which charges nothing; judges nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import requests

from conformance.profile import Target
from conformance.send.calls import by_profile
from conformance.send.pace import Clock

RETRY_S = 0.5
PATIENCE_S = 2.0
"""Seconds for one connection and for the beginning of one answer."""
NOT_YET = frozenset({502, 503, 504})
"""Statuses of a gateway whose server is not there yet."""


def wait_for_answer(target: Target, seconds: float, waiting: Callable[[str], None], clock: Clock | None = None) -> bool:
    """Ask every half second until there is an answer, at most for `seconds`; gives whether there was one."""
    clock = clock or Clock()
    end = clock.now() + seconds
    never = threading.Event()
    with by_profile(requests.Session(), target) as session:
        while not _answers(session, target.url):
            if (left := end - clock.now()) <= 0:
                return False
            waiting(f"{target.url} does not answer yet: waiting, at most {seconds:g} s")
            clock.wait(never, min(RETRY_S, left))
    return True


def _answers(session: requests.Session, url: str) -> bool:
    try:
        with session.get(url, allow_redirects=False, stream=True, timeout=PATIENCE_S) as answer:
            return answer.status_code not in NOT_YET
    except requests.exceptions.SSLError:  # there is a server; the run itself says what is wrong with TLS
        return True
    except (requests.RequestException, OSError):
        return False
