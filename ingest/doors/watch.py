"""The drop-folder door: whole files go into the spool and, once settled, out of the way.

Nothing is remembered on disk. After a kill the folders are looked through again: the same
bytes of a site are the same entry of the spool, so a file that was taken before and not yet
put away is found to be one, and ends as it would have.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ingest.discover import NO_LISTING, Found
from ingest.doors.drop_folder import DropFolder
from ingest.doors.folder_events import FolderEvents
from ingest.doors.settings import WatchSettings
from ingest.doors.stillness import Signature, Stillness, signature
from ingest.doors.under_way import Counts, UnderWay
from ingest.errors import DiskError, PneumoWatchError
from ingest.inputs import Input
from ingest.spool.porters import Porters
from ingest.spool.records import Delivery, Door, Receipt

_TICK = 0.25
_LONGEST_PAUSE = 60.0
_ONCE_PATIENCE = 5.0  # times quiet_seconds that `once` waits for a file that changes


class _Candidate(NamedTuple):
    """A file that may be whole; `closed`: its writer closed it or renamed it in."""

    folder: DropFolder
    found: Found
    closed: bool = False


@dataclass(frozen=True, slots=True)
class _Ready:
    """A whole file, before it is taken."""

    folder: DropFolder
    found: Found
    item: Input
    signature: Signature


class Watcher:
    """Watches the folders of the settings; `run` until stopped, or `once`."""

    def __init__(
        self,
        settings: WatchSettings,
        place: Callable[[str, Path], Input],
        porters: Porters,
        say: Callable[[str], None],
        threads: int = 2,
    ) -> None:
        """`place` makes an Input of a site and a path, `say` writes a line on standard error.
        `threads` files are taken at once."""
        self._settings, self._porters, self._say, self._threads = settings, porters, say, threads
        self._folders = [
            DropFolder(one, place, say, settings.quiet_seconds) for one in settings.folders
        ]
        self._under_way = UnderWay(porters.spool, say, settings.poll_seconds)
        self._still = Stillness(settings.quiet_seconds)
        self._pool = ThreadPoolExecutor(threads)
        self._unnamed: set[int] = set()  # files whose site is not known yet
        self._absent: set[Path] = set()
        self._unseen = False  # whether a folder could not be looked through
        self._pause, self._not_before = 1.0, 0.0

    def run(self, stopping: threading.Event) -> Counts:
        """Until `stopping` is set; what is being taken then is still taken."""
        due = 0.0
        with FolderEvents(self._say) as events:
            while not stopping.is_set():
                self._take_in(self._named(events.take, closed=True), stopping)
                self._take_in(self._named(self._still.due, closed=False), stopping)
                if time.monotonic() >= due:
                    for folder in self._folders:
                        events.follow(folder.root)
                    self._look_through(stopping)
                    due = time.monotonic() + self._settings.poll_seconds
                self._under_way.settle()
                stopping.wait(_TICK)
        return self._counted()

    def once(self, stopping: threading.Event, settled: bool = True) -> Counts:
        """What is there. With `settled` it waits until all that it took has its outcome.

        A file that goes on changing, or whose site is not known yet, is left and counted as
        waiting. Raises DiskError where the disk refused and files were left because of it.
        """
        patience = time.monotonic() + _ONCE_PATIENCE * self._settings.quiet_seconds
        self._under_way.patient = False
        while not stopping.is_set() and not self._not_before:
            before = self._seen()
            self._look_through(stopping)
            self._under_way.settle()
            changing = (self._still.count or self._unnamed) and time.monotonic() < patience
            busy = self._seen() != before or (settled and self._under_way)
            if not busy and not changing:
                break
            stopping.wait(_TICK)
        while settled and self._under_way and not stopping.is_set():
            self._under_way.settle()
            stopping.wait(_TICK)
        if self._not_before:
            raise DiskError("not everything could be taken in; see above")
        return self._counted()

    def _seen(self) -> int:
        return len(self._under_way) + self._under_way.counts.received

    def _counted(self) -> Counts:
        counts = self._under_way.counts
        counts.waiting = len(self._under_way) + self._still.count + len(self._unnamed)
        return counts

    def _look_through(self, stopping: threading.Event) -> None:
        """All folders; afterwards what is not there any more is forgotten."""
        self._unnamed.clear()
        self._unseen = False
        if self._take_in(self._walked(), stopping) and not self._unseen:
            self._still.turn()
            self._under_way.turn()

    def _walked(self) -> Iterator[_Candidate]:
        for folder in self._folders:
            try:
                if self._there(folder.root, folder.root.is_dir(), "is not there"):
                    yield from self._within(folder)
            except OSError as error:  # a share that went away meanwhile
                self._there(folder.root, False, f"cannot be looked through ({error.strerror})")

    def _within(self, folder: DropFolder) -> Iterator[_Candidate]:
        for found in folder.walk():
            if found.problem is not NO_LISTING:
                yield _Candidate(folder, found)
            elif found.path.exists():
                self._there(found.path, False, "may not be listed (check its permissions)")

    def _there(self, path: Path, there: bool, complaint: str) -> bool:
        """Says once that it is not, and once that it is again."""
        self._unseen |= not there
        if not there and path not in self._absent:
            self._absent.add(path)
            self._say(f"{path} {complaint}; it is looked for again")
        elif there and path in self._absent:
            self._absent.discard(path)
            self._say(f"{path} is there again")
        return there

    def _named(self, paths: Callable[[], Iterable[Path]], closed: bool) -> Iterator[_Candidate]:
        for path in paths():
            for folder in self._folders:
                with suppress(OSError):  # it is met again when the folder is looked through
                    if (found := folder.found(path)) is not None:
                        yield _Candidate(folder, found, closed)

    def _take_in(self, candidates: Iterator[_Candidate], stopping: threading.Event) -> bool:
        """Take those that are whole, a few at once; False where it had to stop before the end."""
        ready = (one for one in map(self._ready, candidates) if one is not None)
        settled_at = time.monotonic()
        while not stopping.is_set() and time.monotonic() >= self._not_before:
            if time.monotonic() - settled_at > 1 or self._under_way.full:
                self._under_way.settle()
                settled_at = time.monotonic()
            if self._under_way.full:
                return False
            try:
                batch = list(islice(ready, 4 * self._threads))
            except PneumoWatchError as error:  # the sites cannot be looked up
                self._hold_back(error)
                return False
            if not batch:
                return True
            if not self._taken(batch):
                return False
        return False

    def _ready(self, candidate: _Candidate) -> _Ready | None:
        """None for a file that is under way, was handled, has no site yet, or is not whole."""
        folder, found, closed = candidate
        now = signature(found.path)
        if now is None or self._under_way.knows(found.path, now):
            self._still.drop(found.path)
            return None
        item = folder.input(found)
        if item is None:
            self._unnamed.add(hash(found.path))
            return None
        if found.problem is None and not self._still.whole(found.path, now, closed):
            return None
        return _Ready(folder, found, item, now)

    def _taken(self, batch: Sequence[_Ready]) -> bool:
        """False where the disk refused one."""
        trouble = None
        for one, receipt in zip(batch, self._pool.map(self._take, batch), strict=True):
            if isinstance(receipt, PneumoWatchError):
                trouble = receipt
            # one that changed meanwhile comes again; what was taken of it ends as it may
            elif signature(one.found.path) == one.signature:
                self._under_way.add(one.folder, one.found, one.signature, receipt)
        if trouble is not None:
            self._hold_back(trouble)
        elif self._not_before:
            self._say("files are taken in again")
            self._pause, self._not_before = 1.0, 0.0
        return trouble is None

    def _take(self, ready: _Ready) -> Receipt | PneumoWatchError:
        try:
            return self._porters.take(Delivery(Door.WATCH, ready.item, ready.found.path))
        except PneumoWatchError as error:
            return error

    def _hold_back(self, error: PneumoWatchError) -> None:
        """Files stay where they are, and it is tried again after a while."""
        if not self._not_before:
            self._say(f"{error}; files stay where they are until they can be taken in")
        self._not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def overlapping(folders: Sequence[Path]) -> tuple[Path, Path] | None:
    """Two folders of which one lies in the other, or is it."""
    real = [(path.resolve(), path) for path in folders]
    for at, (one, named) in enumerate(real):
        for other, also_named in real[at + 1 :]:
            if one.is_relative_to(other) or other.is_relative_to(one):
                return named, also_named
    return None
