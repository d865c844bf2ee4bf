"""The mock in a process of its own that behaves as no test can in its own process: it ends, or gives no end.

    python -m tests.support.ending PORT KIND [again]

With `again`, a server that has ended is started again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

from conformance.mock.exchange import Inquiry
from conformance.mock.faults.model import Fault
from conformance.mock.server import MockServer
from conformance.mock.wire import REWRITES

DEEP = b'"note":' + b"[" * 5_000 + b"]"
OPERATOR = b'"storeId":{"$ne":""}'
NEVER_S = 10**6


def _end(_: Inquiry) -> None:
    os._exit(1)


def _end_soon(_: Inquiry) -> None:
    asyncio.get_running_loop().call_soon(os._exit, 1)  # the answer is written before


def _at(body: bytes, act):
    return lambda inquiry: act(inquiry) if body in inquiry.body else None


def _wait(inquiry: Inquiry) -> None:
    inquiry.reply.delay = NEVER_S


def _endless(inquiry: Inquiry) -> None:
    if inquiry.reply.status == 200:
        inquiry.reply.body, inquiry.reply.chunks, inquiry.reply.pause = b"x" * 10**5, 10**5, 0.2


def _interim(inquiry: Inquiry) -> None:
    inquiry.reply.wire = "interim-100"


def _fault(**hooks) -> Fault:
    return Fault("ending", "For the table of ends.", benign=True, **hooks)


KINDS = {
    "ends at a deep body": _fault(receive=_at(DEEP, _end)),
    "ends after its answer to a deep body": _fault(answer=_at(DEEP, _end_soon)),
    "ends at an operator": _fault(receive=_at(OPERATOR, _end)),
    "ends after its answer to an operator": _fault(answer=_at(OPERATOR, _end_soon)),
    "never answers": _fault(answer=_wait, other=_wait),
    "successes never end": _fault(answer=_endless),
    "100 interim answers": _fault(answer=_interim),
}


def main(port: str, kind: str, again: str = "") -> None:
    if again:
        while True:
            subprocess.run([sys.executable, "-m", "tests.support.ending", port, kind], check=False)
    interim = b"HTTP/1.1 102 Processing\r\n\r\n" * 100
    REWRITES["interim-100"] = lambda head, body: (interim + head + body, "keep")
    MockServer(port=int(port), faults=[KINDS[kind]]).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
