"""Shopping trips for the requests of a run, from the source in the profile. Must not send or judge.

How it works
- A trip of a file is used once, by all runs together: `UsedTrips` notes it in a file beside that one before it is sent, so
  that a killed run loses no note. At the end of a run it notes which of them were refused with 400 and are unused still.
- `_changed` guards the trips of this run; a lock of the operating system guards the notes, whichever process writes them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import IO
from uuid import UUID

from conformance.contract import Contract
from conformance.errors import UsageError
from conformance.profile import Profile, bad_trip, read_trips
from conformance.send.command import printed_by

COMMAND_TIMEOUT_S = 60.0
UNUSED = " unused"
"""Ends a note that a trip was not used up after all."""


class UsedTrips:
    """The notes about the trips of a file, in a file beside it: one trip a line, the last line about it counts."""

    def __init__(self, trips: str) -> None:
        self.path = Path(f"{trips}.used")

    def read(self) -> set[str]:
        """The used trips. Raises `UsageError` where the notes cannot be read."""
        try:
            return _noted(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return set()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"data.trips.file: {self.path} cannot be read ({error})") from None

    def take(self, trips: Iterable[str]) -> str | None:
        """The first of these trips that no run used, noted as used from now on; None if there is none."""
        with self._locked() as notes:
            used = _noted(notes.read())
            found = next((trip for trip in trips if trip not in used), None)
            if found is not None:
                notes.write(f"{found}\n")
        return found

    def give_back(self, trips: Iterable[str]) -> None:
        """Note that these trips were not used up."""
        with self._locked() as notes:
            notes.write("".join(f"{trip}{UNUSED}\n" for trip in trips))

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        """The notes from their beginning, while no other run reads or writes them. Writing appends."""
        import fcntl  # not on every system, and only trips of a file need it

        try:
            with self.path.open("a+", encoding="utf-8") as notes:
                fcntl.flock(notes, fcntl.LOCK_EX)
                notes.seek(0)
                yield notes
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"data.trips.file: {self.path} cannot be written ({error}); the used trips are noted there"
            ) from None


def _noted(lines: str) -> set[str]:
    used: set[str] = set()
    for line in lines.splitlines():
        trip = line.removesuffix(UNUSED)
        (used.discard if trip != line else used.add)(trip)
    return used


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
        self._used = UsedTrips(self._trips.file) if self._trips.file is not None else None

    @property
    def left(self) -> int | None:
        """How many trips of the file are unused; None if the trips are not from a file."""
        return len(set(self._unread) - self._used.read()) if self._used is not None else None

    def take(self) -> str:
        """A trip that is not in use; waits while all reusable trips are in use. UsageError when none is left."""
        if self.any_uuid:
            return str(UUID(int=self._random.getrandbits(128), version=4))
        with self._changed:
            while self.reusable and not self._free:
                self._changed.wait()
            if self._free:
                return self._free.popleft()
            if self._used is not None:
                return self._unused()
        return self._run()

    def _unused(self) -> str:
        """The next trip of the file that no run has used."""
        assert self._used is not None
        trip = self._used.take(self._unread)
        if trip is None:
            raise UsageError(
                f"data.trips.file: all trips of {self._trips.file} are used up; add more lines, or remove {self._used.path} "
                "if the server accepts them again"
            )
        self._unread.remove(trip)
        return trip

    def close(self) -> None:
        """Note at the end of a run which trips of the file are unused still."""
        with self._changed:
            if self._used is not None and self._free:
                self._used.give_back(self._free)
                self._free.clear()

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
