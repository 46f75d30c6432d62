"""The reader follows the home: there, gone, back, and written to by others."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from dashboard.reading import Reader, Remembered, RememberingWarehouse, UnavailableError
from ingest.records import Source
from tests.dashboard import network
from tests.dashboard.samples import share
from warehouse.measures import MeasureRequest, compute
from warehouse.records import Measure
from warehouse.store import Warehouse

WEEKLY = MeasureRequest("xrays", by=())


def test_a_home_that_comes_goes_and_comes_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    reader = Reader(home, "internal")
    assert reader.commit() is None
    with pytest.raises(UnavailableError, match="pneumowatch init"):
        reader.snapshot()
    network.create(home, weeks=1)
    first = reader.snapshot()
    assert reader.commit() == first.commit == 3
    assert len(first.compute(WEEKLY)) == 1
    shutil.rmtree(home)
    assert reader.commit() is None
    network.create(home, weeks=2)
    assert len(reader.snapshot().compute(WEEKLY)) == 2  # the same number, another home


def test_a_snapshot_stays_what_it_was_while_others_write(tmp_path: Path) -> None:
    home = network.create(tmp_path / "home", weeks=1)
    reader = Reader(home, "internal")
    before = reader.snapshot()
    number = before.compute(WEEKLY)[0].numerator
    with Warehouse.open(home) as warehouse:
        films = network.films(network.SITES, date(2026, 2, 2), 1, Source.IMAGE, 5, seed=8)
        network.add(warehouse, list(films))
    after = reader.snapshot()
    assert after.commit == before.commit + 1
    assert (after.compute(WEEKLY)[0].numerator or 0) > (number or 0)
    positives = before.compute(MeasureRequest("positivity", by=()))[0]
    assert positives.as_of == before.commit
    assert (positives.denominator or 0) <= (number or 0)
    assert reader.snapshot() is after


def test_counts_come_from_the_cube_and_are_those_of_the_base(tmp_path: Path) -> None:
    home = network.create(tmp_path / "home", weeks=2)
    reader = Reader(home, "internal")
    request = MeasureRequest("positivity", by=("site",))
    reader.snapshot().compute(request)
    with Warehouse.open(home) as warehouse:
        films = network.films(network.SITES, date(2026, 2, 2), 1, Source.IMAGE, 5, seed=8)
        network.add(warehouse, list(films))
        snapshot = reader.snapshot()
        assert snapshot.compute(request) == compute(warehouse, request)
    kept = snapshot.warehouse
    assert isinstance(kept, RememberingWarehouse)
    assert kept.cube.rebuilds == 1  # built for the first page, then followed
    assert kept.cube.refresh() == snapshot.commit


def test_a_reader_outlives_the_flush_of_inlined_rows(tmp_path: Path) -> None:
    """DuckLake drops the table of inlined rows; an open connection still looks for it."""
    home = network.create(tmp_path / "home", weeks=1)
    reader = Reader(home, "internal")
    request = MeasureRequest("xrays", by=())
    before = reader.snapshot().compute(request)
    with Warehouse.open(home) as warehouse:
        warehouse.sql("CALL ducklake_flush_inlined_data('w')")
        with warehouse.write("test"):
            pass
    after = reader.snapshot().compute(request)
    assert [m.numerator for m in after] == [m.numerator for m in before]


def test_many_threads_read_the_same_numbers(tmp_path: Path) -> None:
    reader = Reader(network.create(tmp_path / "home", weeks=3), "internal")
    requests = [
        MeasureRequest(measure, by=by)
        for measure in ("xrays", "positivity", "prevalence")
        for by in ((), ("region",), ("site",))
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda r: reader.snapshot().compute(r), requests * 4))
    assert all(found[n] == found[n % len(requests)] for n in range(len(found)))


def test_the_oldest_result_is_forgotten_first() -> None:
    kept: Remembered[MeasureRequest, list[Measure]] = Remembered(size=2)
    one, two, three = (MeasureRequest(as_of=number) for number in (1, 2, 3))
    kept.put(one, [share(1, 2)])
    kept.put(two, [])
    assert kept.get(one) == [share(1, 2)]
    kept.put(three, [])
    assert kept.get(two) is None
    assert kept.get(one) is not None
