"""The clients of a run, and how many of their connections are open at a time: at most `concurrency`.

How it works
- A client needs a place for its connection before it sends, and keeps the place while its connection may stay open.
- Most requests take any idle shared client, the last used first. A chain of requests has clients of its own.
- If all places are taken, the client that has been idle longest loses its place and its connection. So a server that
  serves one connection at a time is served at concurrency 1. Until then a connection stays open: what the server still
  sends on it is noticed when it is closed. Where another thread needs the place, that look is short.
- A client that is sending, or is in the middle of a chain (`keep`), keeps its place. A thread that waits for a place
  holds nothing else, and a thread that holds one only waits for the pace, so that each gets a place in the end.
- Threads that wait for a place get one in the order in which they came: else requests that never wait would keep one
  whose window has ended, or a whole chain, from being sent.
- `_lock` guards all of this. A change wakes only the thread whose turn it is, since no other could go on.
- A thread that needs a place closes the idle client that loses it. It holds the place meanwhile, and not the lock; the
  client in `_closing` can be neither used nor given back until then.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from conformance.exchange.client import STRAY_WAIT_S, Client
from conformance.exchange.event import Stray

SHORT_LOOK_S = 0.005
"""How long after an answer stray bytes are waited for, where another request waits for the place."""


class Connections:
    """Shared by all sending threads. `limit`: the most connections that are open at a time. `found`: takes stray bytes."""

    def __init__(self, new_client: Callable[[], Client], limit: int, found: Callable[[Stray], None]) -> None:
        self._new_client, self._limit, self._found = new_client, limit, found
        self._lock = threading.Lock()
        self._idle: dict[Client, bool] = {}  # each client with a place, the one unused longest first
        self._shared: set[Client] = set()
        self._closing: set[Client] = set()
        self._queue: deque[threading.Condition] = deque()

    def own(self) -> Client:
        """A new client for one thread, without a place yet; it must be given back with `release`."""
        return self._new_client()

    @contextmanager
    def using(self, client: Client | None, *, keep: bool = False) -> Iterator[Client]:
        """Hold a place for `client`, or for a shared one. `keep`: it is not closed before its next request."""
        with self._lock:
            turn = threading.Condition(self._lock)
            self._queue.append(turn)
            while (found := self._with_place(client, turn)) is None:
                turn.wait()
            self._queue.remove(turn)
            self._wake_next()
            chosen, in_its_place = found
            self._idle.pop(chosen, None)
            self._idle[chosen] = False
        try:
            if in_its_place is not None:
                self._close(in_its_place, SHORT_LOOK_S)
            yield chosen
        finally:
            with self._lock:
                self._idle[chosen] = not keep
                self._wake_next()

    def release(self, client: Client) -> None:
        """Allow that the connection of a client is closed: its chain is over."""
        with self._lock:
            if client in self._idle:
                self._idle[client] = True
                self._wake_next()

    def close_all(self) -> None:
        """Close all connections."""
        for client in list(self._idle):
            self._close(client)

    def abort(self) -> None:
        """Cut off every request in flight."""
        for client in list(self._idle):
            client.abort()

    def _close(self, client: Client, stray_wait_s: float = STRAY_WAIT_S) -> None:
        client.close(stray_wait_s)
        with self._lock:
            self._idle.pop(client, None)
            self._shared.discard(client)
            self._closing.discard(client)
            self._wake_next()
        if (late := client.take_late_defect()) is not None:
            self._found(Stray(*late))

    def _wake_next(self) -> None:
        if self._queue:
            self._queue[0].notify()

    def _with_place(self, client: Client | None, turn: threading.Condition) -> tuple[Client, Client | None] | None:
        """The client to use, and the one to close before, if there is a place for it."""
        if client in self._closing:
            return None
        if client not in self._idle and self._queue[0] is not turn:
            return None
        if client is None:
            client = next((each for each in reversed(self._idle) if self._idle[each] and each in self._shared), None)
        if client in self._idle:
            return client, None
        oldest = None
        if len(self._idle) >= self._limit:
            oldest = next((each for each, idle in self._idle.items() if idle), None)
            if oldest is None:
                return None
            del self._idle[oldest]
            self._closing.add(oldest)
        if client is None:
            client = self._new_client()
            self._shared.add(client)
        return client, oldest
