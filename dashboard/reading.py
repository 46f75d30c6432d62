"""The web application's one way into the warehouse: consistent snapshots, read once each."""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

import duckdb

from dashboard.context import configuration, has_home
from ingest.errors import ConfigurationError, UserError
from warehouse.cube import Cube
from warehouse.freshness import freshness
from warehouse.home import Home
from warehouse.measures import MeasureRequest, compute
from warehouse.records import Freshness, Measure, Region, Site, Version
from warehouse.settings import WarehouseSettings
from warehouse.sites import current_regions, current_sites
from warehouse.store import Row, Warehouse
from warehouse.versions import resolve

log = logging.getLogger(__name__)
REMEMBERED = 400  # results kept; a page needs up to about ten
ROWS_REMEMBERED = 48  # answers of the database kept; the largest are a few megabytes
Key = TypeVar("Key")
Value = TypeVar("Value")


class UnavailableError(Exception):
    """The warehouse cannot be read now; the sentence says why and what to do."""


@dataclass
class Snapshot:
    """One version of the warehouse. All numbers of a page come from one of these."""

    version: Version
    audience: str
    warehouse: Warehouse = field(repr=False)
    settings: WarehouseSettings
    results: "Results" = field(repr=False)

    @property
    def commit(self) -> int:
        return self.version.commit_number

    def compute(self, request: MeasureRequest) -> list[Measure]:
        """The measures of a request, at this version and for this audience."""
        asked = replace(request, as_of=self.commit, audience=self.audience)
        found = self.results.get(asked)
        if found is None:
            found = compute(self.warehouse, asked, self.settings)
            self.results.put(asked, found)
        return found

    @cached_property
    def sites(self) -> list[Site]:
        return current_sites(self.warehouse, self.commit)

    @cached_property
    def regions(self) -> list[Region]:
        return current_regions(self.warehouse, self.commit)

    @cached_property
    def freshness(self) -> Freshness:
        return freshness(self.warehouse, self.commit)

    @cached_property
    def region_names(self) -> dict[str, str]:
        """A name for each region: its own, or its code where it has none."""
        names = {site.region: site.region for site in self.sites}
        return names | {region.region: region.name for region in self.regions}

    @cached_property
    def place_names(self) -> dict[str, str]:
        """A name for each place that can be picked: "region:KE-110", "site:NBO-01"."""
        used = sorted({site.region for site in self.sites}, key=self.region_names.__getitem__)
        regions = {f"region:{code}": self.region_names[code] for code in used}
        return regions | {f"site:{site.site_id}": site.name for site in self.sites}

    @cached_property
    def span(self) -> tuple[date, date] | None:
        """First and last day with X-rays, by weeks; None where there are none."""
        weeks = self.compute(MeasureRequest(measure="xrays", period="week", by=()))
        return (weeks[0].period_start, weeks[-1].period_end) if weeks else None


class Remembered(Generic[Key, Value]):
    """The last results by what was asked. Every question names its commit: none goes stale."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._found: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._found[key] = value
            while len(self._found) > self._size:
                self._found.popitem(last=False)


Results = Remembered[MeasureRequest, list[Measure]]


class RememberingWarehouse(Warehouse):
    """A warehouse that asks each question about a commit once, and counts by the cube.

    Rows of a commit never change, and the measures of one page differ in what they make of
    the same counts. One question is asked at a time: whoever waits finds the answer there.
    What the cube does not hold (age, sex, older versions) the base answers.
    """

    def __init__(self, home: Home, settings: WarehouseSettings, *, read_only: bool, create: bool):
        super().__init__(home, settings, read_only=read_only, create=create)
        self._rows: Remembered[str, list[Row]] = Remembered(ROWS_REMEMBERED)
        self._asking = threading.Lock()
        self.cube = Cube(self)

    def query(self, name: str, **parameters: object) -> list[Row]:
        try:
            return self._answer(name, **parameters)
        except duckdb.CatalogException:  # inlined rows were flushed, their table is gone; an
            self._reopen()  # open connection would look for it for ever
            return self._answer(name, **parameters)

    def _reopen(self) -> None:
        self._connection = Warehouse.open(self.home.root, read_only=True)._connection
        self.cube = Cube(self)

    def _answer(self, name: str, **parameters: object) -> list[Row]:
        if "commit" not in parameters and name != "version_numbered":
            return super().query(name, **parameters)
        key = f"{name} {sorted(parameters.items())}"
        with self._asking:
            rows = self._rows.get(key)
            if rows is None:
                rows = self.cube.counts(**parameters) if name == "counts" else None
                rows = super().query(name, **parameters) if rows is None else rows
                self._rows.put(key, rows)
        return [dict(row) for row in rows]  # the caller may change what it gets


class Reader:
    """Opens the home when it is there, and again after a failure; safe between threads."""

    def __init__(self, home: Path, audience: str) -> None:
        self.home = home
        self.audience = audience
        self._results: Results = Remembered()
        self._lock = threading.Lock()
        self._settings = WarehouseSettings()
        self._warehouse: Warehouse | None = None
        self._snapshot: Snapshot | None = None

    def commit(self) -> int | None:
        """The newest commit number; None while the warehouse cannot be read. Cheap."""
        try:
            return self._resolve().commit_number
        except UnavailableError:
            return None

    def snapshot(self) -> Snapshot:
        """The newest version; the same object until the next commit."""
        version = self._resolve()
        with self._lock:
            kept = self._snapshot
            if kept is None or kept.version != version or kept.warehouse is not self._warehouse:
                assert self._warehouse is not None  # _resolve has just opened it
                kept = Snapshot(
                    version, self.audience, self._warehouse, self._settings, self._results
                )
                self._snapshot = kept
            return kept

    def _resolve(self) -> Version:
        """Tries twice: a connection that failed is dropped and the home opened afresh."""
        for last_try in (False, True):
            try:
                return resolve(self._opened())
            except ConfigurationError as error:
                raise UnavailableError(str(error)) from error
            except (UserError, duckdb.Error, OSError) as error:
                self.drop()
                if last_try:
                    log.warning("the warehouse cannot be read: %s", error)
                    raise UnavailableError("The warehouse cannot be read just now.") from error
        raise AssertionError("unreachable")

    def _opened(self) -> Warehouse:
        with self._lock:
            if self._warehouse is not None and not has_home(self.home):
                self._warehouse = None  # the home was removed or moved
            if self._warehouse is None:
                self._settings = configuration(self.home).warehouse
                self._warehouse = RememberingWarehouse.open(
                    self.home, read_only=True, settings=self._settings
                )
                self._results = Remembered()  # another home may have come in its place
            return self._warehouse

    def drop(self) -> None:
        """Forgets the connection; the next read opens the home again."""
        with self._lock:
            self._warehouse = None
