"""Files whose bytes are in the spool, until their outcome is known and they are put away."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ingest.discover import Found
from ingest.doors.drop_folder import DropFolder
from ingest.doors.put_away import put_away
from ingest.doors.stillness import Lately, Signature, signature
from ingest.errors import DiskError
from ingest.spool.records import Outcome, Receipt, Settlement
from ingest.spool.spool import Spool

MOST = 10_000  # files at a time; more are not taken meanwhile
_ASKED = 1_000  # entries that are asked for in one go


@dataclass(slots=True)
class Counts:
    """What came of the files so far."""

    predicted: int = 0
    duplicates: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    waiting: int = 0  # files in the folders that are not whole, not named, or not settled

    @property
    def rejected(self) -> int:
        """Refused, for whatever reason."""
        return self.by_reason.total()

    @property
    def received(self) -> int:
        """Settled: predicted, duplicates and rejected."""
        return self.predicted + self.duplicates + self.rejected


@dataclass(slots=True)
class _Taken:
    """A file as it was when it was taken."""

    folder: DropFolder
    found: Found
    signature: Signature
    repeated: bool
    again_at: float = 0.0  # it could not be moved; monotonic


class UnderWay:
    """Asks the spool for outcomes, puts files away and counts them."""

    def __init__(self, spool: Spool, say: Callable[[str], None], retry_seconds: float) -> None:
        """`say` writes a line on standard error. After `retry_seconds` a move is tried again."""
        self.counts = Counts()
        self.patient = True  # or else a file that cannot be moved is left at once
        self._spool, self._say, self._retry_seconds = spool, say, retry_seconds
        self._entries: dict[str, list[_Taken]] = {}
        self._paths: set[Path] = set()
        self._handled: Lately[int, bool] = Lately()  # of what is left where it is
        self._said: set[str] = set()

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def full(self) -> bool:
        """Whether no more should be taken now."""
        return len(self._paths) >= MOST

    def knows(self, path: Path, now: Signature) -> bool:
        """Whether a file is under way, or was handled and left as it is now."""
        return path in self._paths or bool(self._handled.get(hash((path, now))))

    def add(self, folder: DropFolder, found: Found, then: Signature, receipt: Receipt) -> None:
        """A file that is in the spool from now on."""
        known = receipt.entry_id in self._entries
        settled = receipt.repeated and self._spool.outcome(receipt.entry_id) is not None
        taken = _Taken(folder, found, then, known or settled)
        self._entries.setdefault(receipt.entry_id, []).append(taken)
        self._paths.add(found.path)

    def turn(self) -> None:
        """All folders were looked through: forget the handled files that are gone."""
        self._handled.turn()

    def settle(self) -> None:
        """Put away some of those whose outcome is known; the others are asked for next time."""
        for entry_id in list(islice(self._entries, _ASKED)):
            try:
                settlement = self._spool.outcome(entry_id)
            except DiskError as error:
                self._say_once(str(error))
                return
            taken = self._entries.pop(entry_id)
            if settlement is not None:
                taken = [one for one in taken if not self._finished(one, settlement)]
            if taken:
                self._entries[entry_id] = taken  # at the end of the queue

    def _finished(self, taken: _Taken, settlement: Settlement) -> bool:
        """Whether nothing more is to be done about a file; one that changed is taken again."""
        if time.monotonic() < taken.again_at:
            return False
        path = taken.found.path
        now = signature(path)
        if now not in (None, taken.signature):
            self._paths.discard(path)
            return True
        if now is not None and taken.folder.moves and not self._moved(taken, settlement):
            return False
        self._handled.set(hash((path, taken.signature)), True)
        self._paths.discard(path)
        self._count(taken, settlement)
        return True

    def _moved(self, taken: _Taken, settlement: Settlement) -> bool:
        try:
            put_away(taken.found, settlement)
        except DiskError as error:
            self._say_once(f"settled files cannot be moved: {error}; it is tried again")
            taken.again_at = time.monotonic() + self._retry_seconds
            return not self.patient
        return True

    def _count(self, taken: _Taken, settlement: Settlement) -> None:
        problem = settlement.problem
        if problem is not None:
            self.counts.by_reason[problem.reason.value] += 1
            self._say(f"refused {taken.found.name!r}: {problem.reason.value}: {problem.sentence}")
        elif taken.repeated or settlement.outcome is Outcome.DUPLICATE:
            self.counts.duplicates += 1
        else:
            self.counts.predicted += 1

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)
