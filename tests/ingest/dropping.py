"""Drop folders over a real spool, as their tests share them; the tests settle what is taken."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.discover import site_problem
from ingest.doors.settings import Folder, WatchSettings
from ingest.doors.under_way import Counts
from ingest.doors.watch import Watcher
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.reader import ReaderSettings
from ingest.records import Reason
from ingest.spool.porters import Porters
from ingest.spool.records import Outcome, Settlement
from ingest.spool.spool import Spool
from tests.ingest.films import KEY, film, png, small

COLLISION = Problem(Reason.ID_COLLISION, "the hash aaaa is stored, bbbb came")


@dataclass
class Drop:
    """A drop folder of site A, its spool, and what was said on standard error."""

    root: Path
    spool: Spool
    porters: Porters
    settings: WatchSettings
    said: list[str] = field(default_factory=list)
    taken: int = 0  # entries that were settled

    def watcher(self, **changed: Any) -> Watcher:
        values = {name: getattr(self.settings, name) for name in self.settings.__slots__}
        settings = WatchSettings(**values | changed)
        return Watcher(settings, place, self.porters, self.said.append, threads=1)

    def drain(self, problem: Problem | None = None) -> None:
        """What the ingest worker does, without a model."""
        entries = self.spool.take()
        self.taken += len(entries)
        for entry in entries:
            trouble = entry.facts.problem or problem
            outcome = Outcome.REJECTED if trouble else Outcome.PREDICTED
            study = entry.facts.study_id or entry.entry_id
            self.spool.settle([Settlement(entry.entry_id, outcome, study, trouble)])
        self.spool.went_well()

    def once(self, **changed: Any) -> Counts:
        """`watch --once` beside a worker."""
        with self._worker():
            return self.watcher(**changed).once(threading.Event())

    @contextmanager
    def watching(self, worker: bool = True, **changed: Any) -> Iterator[Watcher]:
        """`watch` as a service, beside a worker."""
        stopping, watcher = threading.Event(), self.watcher(**changed)
        thread = threading.Thread(target=watcher.run, args=(stopping,))
        thread.start()
        try:
            if worker:
                with self._worker():
                    yield watcher
            else:
                yield watcher
        finally:
            stopping.set()
            thread.join(30)
            assert not thread.is_alive()

    @contextmanager
    def _worker(self) -> Iterator[None]:
        ended = threading.Event()

        def work() -> None:
            while not ended.wait(0.05):
                self.drain()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(30)

    def names(self, inner: str = "") -> list[str]:
        """Files below a part of the folder, by their paths in it."""
        top = self.root / inner
        return sorted(str(one.relative_to(top)) for one in top.rglob("*") if not one.is_dir())


def place(site_id: str, path: Path) -> Input:
    site = site_id or None
    return Input(path, path.name, site, "UTC", problem=site_problem(site, {"A", "B"}))


@contextmanager
def dropping(folder: Path, reserve: int = 0, **settings: Any) -> Iterator[Drop]:
    """`settings` of the folder (after, manifest, site) and of [watch]."""
    root = folder / "drop"
    root.mkdir()
    mine = {name: settings.pop(name) for name in ("after", "manifest", "site") if name in settings}
    values = {"quiet_seconds": 0.3, "poll_seconds": 0.5} | settings
    watch = WatchSettings(folders=(Folder(str(root), **{"site": "A"} | mine),), **values)
    spool = Spool(folder / "spool", reserve)
    with Porters(spool, ReaderSettings(KEY, small), count=1) as porters:
        yield Drop(root, spool, porters, watch)
    spool.close()


def picture(number: int) -> bytes:
    """A film of its own."""
    return png(film(seed=number))


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for it."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)
