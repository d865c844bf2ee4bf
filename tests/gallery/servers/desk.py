"""Shared by all capture services of the gallery: stores, trips, currencies, and the windows that tests provoke."""

import math
import re
import sys
import threading
import time

PATH = "/v1/capture/charge"
STORES = {"store-001", "store-002", "L" * 255, "S"}
CURRENCIES = {"USD", "EUR", "JPY", "KWD"}
NO_TRIP = "00000000-0000-0000-0000-000000000000"
LONG_TRIP = "T" * 255
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_trip(trip: str) -> bool:
    """Whether the trip is on file: every UUID except the nil UUID is, and one id of the maximum length."""
    return trip == LONG_TRIP or (trip != NO_TRIP and _UUID.fullmatch(trip) is not None)


class Windows:
    """Rate limits of `length` seconds, one for each caller, opened by the first provoking request."""

    def __init__(self, length: float = 1.0) -> None:
        self.length = length
        self.ends: dict[str, float] = {}
        self.lock = threading.Lock()

    def wait(self, caller: str | None, provoked: str | None) -> int:
        """Whole seconds until the caller is served again; 0 if it is served now."""
        now = time.monotonic()
        with self.lock:
            if provoked == "429":
                self.ends.setdefault(caller or "", now + self.length)
            return max(0, math.ceil(self.ends.get(caller or "", now) - now))


def port() -> int:
    """The port to listen on, from the command line."""
    return int(sys.argv[1])
