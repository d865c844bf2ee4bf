"""Shopping trips for the requests of a run, from the source in the profile. Must not send or judge."""

from __future__ import annotations

import threading
from collections import deque
from random import Random
from uuid import UUID

from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.profile import Profile, bad_trip, read_trips
from conformance.send.command import printed_by

COMMAND_TIMEOUT_S = 60.0


class TripSource:
    """Gives out trips and takes them back. `reusable`: trips may be captured again; `any_uuid`: every UUID is a trip."""

    def __init__(self, profile: Profile, contract: Contract, *, command_timeout_s: float = COMMAND_TIMEOUT_S) -> None:
        """Read the trips of the profile; a file that cannot be read is a UsageError."""
        self._trips, self._folder, self._contract = profile.data.trips, profile.folder, contract
        self._timeout = command_timeout_s
        self.any_uuid, self.reusable = self._trips.generate is not None, self._trips.reuse is not None
        self._random = Random()  # noqa: S311 - a trip is not a secret
        self._changed = threading.Condition()
        self._free: deque[str] = deque(self._trips.reuse or ())
        self._unread: deque[str] = deque(_lines(self._trips.file) if self._trips.file is not None else ())

    @property
    def left(self) -> int | None:
        """How many trips of the file are unused; None if the trips are not from a file."""
        return len(self._unread) if self._trips.file is not None else None

    def take(self) -> str:
        """A trip that is not in use; waits while all reusable trips are in use. UsageError when none is left."""
        if self.any_uuid:
            return str(UUID(int=self._random.getrandbits(128), version=4))
        with self._changed:
            while self.reusable and not self._free:
                self._changed.wait()
            if self._free:
                return self._free.popleft()
            if self._trips.file is not None:
                if not self._unread:
                    raise UsageError(f"data.trips.file: all trips of {self._trips.file} are used up; add more lines")
                return self._unread.popleft()
        return self._run()

    def leave_out(self, used: frozenset[str]) -> None:
        """Do not give out these trips of the file."""
        with self._changed:
            self._unread = deque(trip for trip in self._unread if trip not in used)

    def shared(self) -> str:
        """A trip for several requests of one case; a reusable one stays free, and is held by one request at a time."""
        trip = self.take()
        if self.reusable:
            self.put_back(trip)
        return trip

    def hold(self, trip: str) -> str:
        """Take this reusable trip as soon as it is not in use."""
        with self._changed:
            while trip not in self._free:
                self._changed.wait()
            self._free.remove(trip)
        return trip

    def give_back(self, trip: str, status: int | None) -> None:
        """Hand a trip back with the status of its answer (None: no answer). A trip that may be used up is dropped."""
        if self.any_uuid or not (self.reusable or status == 400):
            return
        with self._changed:
            if trip not in self._free:
                self._free.append(trip)
                self._changed.notify_all()

    def put_back(self, trip: str) -> None:
        """Hand an unused trip back; it is the next to be taken."""
        if self.any_uuid:
            return
        with self._changed:
            self._free.appendleft(trip)
            self._changed.notify_all()

    def _run(self) -> str:
        """Run the command, which prints one trip."""
        command = self._trips.command or []
        lines = printed_by("data.trips.command", command, self._folder, self._timeout, secret=False).split()
        if len(lines) != 1:
            raise UsageError(f"data.trips.command: {command[0]} printed {len(lines)} words; it must print one trip")
        if wrong := bad_trip(self._contract, lines[0]):
            raise UsageError(f"data.trips.command: {command[0]} printed {lines[0][:60]!r}; {wrong}")
        return lines[0]


def _lines(path: str) -> list[str]:
    try:
        return [trip for _, trip in read_trips(path)]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"data.trips.file: {path} cannot be read ({error}); name a text file, one trip a line"
        ) from None
