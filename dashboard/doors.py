"""What every door of a home needs: its spool, its sites, and porters to carry things in."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dashboard.configuration import Configuration
from dashboard.context import open_warehouse
from ingest.discover import site_problem
from ingest.identity import load_key
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.settings import IngestSettings
from ingest.spool.porters import Porters
from ingest.spool.spool import Spool
from warehouse.home import Home
from warehouse.sites import current_sites

_SITES_FOR = 30.0  # seconds after which the loaded sites are looked up again


@dataclass(slots=True)
class Places:
    """The loaded sites and their time zones, never much older than half a minute."""

    home: Path
    _zones: dict[str, str] = field(default_factory=dict)
    _read: float = float("-inf")
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def zones(self) -> dict[str, str]:
        """IANA time zone by site. One thread looks them up again; others need not wait.

        A warehouse that cannot be read just now leaves what is known; the first time it raises.
        """
        first = self._read == float("-inf")
        if self._are_old() and self._reading.acquire(blocking=first):
            try:
                self._look(first)
            finally:
                self._reading.release()
        return self._zones

    def _are_old(self) -> bool:
        return time.monotonic() - self._read > _SITES_FOR

    def _look(self, first: bool) -> None:
        if not self._are_old():  # another thread was here before
            return
        try:
            with open_warehouse(self.home, read_only=True) as warehouse:
                self._zones = {one.site_id: one.time_zone for one in current_sites(warehouse)}
        except Exception:  # a door stays open
            if first:
                raise
        self._read = time.monotonic()

    def input(self, site_id: str, path: Path = Path()) -> Input:
        """An input from a site ("": the home's only one); a site not loaded is its problem.

        `path` is the file's, where there is one: of it only a keyed hash is stored.
        """
        zones = self.zones()
        site = site_id or (next(iter(zones)) if len(zones) == 1 else None)
        problem = site_problem(site, zones.keys())
        return Input(path, path.name, site, zones.get(site or "", "UTC"), problem=problem)


def open_spool(home: Path, settings: IngestSettings) -> Spool:
    """The home's spool."""
    return Spool(Home(home).spool, settings.spool_reserve)


@contextmanager
def open_porters(home: Path, configuration: Configuration) -> Iterator[Porters]:
    """Porters into the home's spool, until the block ends."""
    caps = configuration.ingest
    settings = ReaderSettings.of(caps, load_key(Home(home).key), unprepared)
    spool = open_spool(home, caps)
    with Porters(spool, settings, caps.porters, caps.time_cap, caps.memory_cap) as porters:
        yield porters
    spool.close()


def unprepared(film: np.ndarray) -> np.ndarray:
    """Porters look at no pixels, so there is nothing to prepare."""
    return film
