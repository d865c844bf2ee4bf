"""The mock behind a gateway that checks credentials, called directly or over a connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from conformance.mock.exchange import Inquiry, Reply
from conformance.mock.server import Mock, MockServer
from tests.support.servers import ReceivedRequest, message

Gate = Callable[[Inquiry], tuple[int, str]]
"""Status and text of a refusal; status 0 lets the request through."""


class GuardedMock(Mock):
    """Asks `gate` before it answers; `refusals` lists the texts of the refusals."""

    def guard(self, gate: Gate) -> None:
        self.gate, self.refusals, self.served = gate, list[str](), 0

    def reply(self, inquiry: Inquiry) -> Reply:
        status, text = self.gate(inquiry)
        if not status:
            self.served += 1
            return super().reply(inquiry)
        self.refusals.append(text)
        body = json.dumps({"message": text}).encode()
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Reply(status, [("content-type", "application/json"), ("date", date)], body)


def guarded(gate: Gate) -> MockServer:
    """A mock server behind this gate, not started."""
    server = MockServer()
    server.mock = GuardedMock()
    server.mock.guard(gate)
    return server


def replying(mock: Mock) -> Callable[[ReceivedRequest], bytes]:
    """The mock as the function of a server of `answering`."""

    def reply(request: ReceivedRequest) -> bytes:
        fields = [(name.lower(), value) for name, value in request.headers.items()]
        answer = mock.reply(Inquiry(request.method, request.path, fields, request.body, "c", mock.memory, mock.hang_s))
        return message(answer.status, answer.headers, answer.body)

    return reply
