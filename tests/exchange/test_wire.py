"""Reading answers: the result does not depend on how the bytes are split, and the time is linear in their number."""

from __future__ import annotations

import time

import pytest

from conformance.exchange.wire import Reading, parse

ANSWERS = [
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nA: b\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\nT: u\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
    b"HTTP/1.1 200 OK\r\nContent-Le",
    b"nonsense",
    b"",
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_split_into_pieces_does_not_matter(answer):
    reading = Reading("POST")
    for at in range(len(answer)):
        reading.feed(answer[at : at + 1])
    assert reading.finish(ended=True) == parse(answer, "POST", ended=True)


@pytest.mark.parametrize(
    "head", [b"Content-Length: 400000", b"X: " + b"y" * 400_000, b"Transfer-Encoding: chunked", b"Connection: close"]
)
def test_many_small_pieces_are_cheap(head):
    reading = Reading("POST")
    start = time.process_time()
    reading.feed(b"HTTP/1.1 200 OK\r\n")
    for at in range(len(head)):
        reading.feed(head[at : at + 1])
    reading.feed(b"\r\n\r\n")
    for _ in range(80_000):
        reading.feed(b"1\r\nx\r\n")
    reading.finish(ended=True)
    assert time.process_time() - start < 5
