"""A burst: one probe sent repeatedly, several at once, until the rate limit answers. Never judges."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from conformance.cases.model import Probe
from conformance.exchange.client import Client
from conformance.exchange.event import Sent, counting
from conformance.send.pace import Halted, Pace

Once = Callable[[Client, bool], Sent]


def send_burst(probe: Probe, once: Once, clients: list[Client], pace: Pace) -> Sent:
    """Send a probe at most `times` times, `per_second` of them, on several clients; gives the exchange that counts.

    `once` sends it a single time; its second argument is true for the last one. A final answer ends the burst.
    """
    over, done, lock, start = threading.Event(), list[Sent](), threading.Lock(), pace.clock.now()
    left = iter(range(2, probe.times + 1))

    def send(client: Client, number: int) -> None:
        if probe.per_second:
            pace.sleep_until(start + (number - 1) / probe.per_second)
        if over.is_set():
            return
        sent = once(client, number == probe.times)
        if sent.final:
            over.set()
        with lock:
            done.append(sent)

    def send_rest(client: Client) -> None:
        while not over.is_set():
            with lock:
                number = next(left, 0)
            if not number:
                return
            try:
                send(client, number)
            except BaseException:
                over.set()
                raise

    send(clients[0], 1)
    with ThreadPoolExecutor(len(clients), "burst") as threads:
        futures = [threads.submit(send_rest, client) for client in clients]
    failed = next((error for future in futures if (error := future.exception()) is not None), None)
    counts = counting(done)
    if failed is not None and not (isinstance(failed, Halted) and counts.provoked):
        raise failed
    return counts
