"""The store, with real processes: nothing twice, nothing torn, readers beside writers."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from inference.records import Prediction
from ingest.errors import ConfigurationError, UserError
from ingest.records import Rejection, Study
from tests.warehouse.places import Place
from tests.warehouse.rows import network, prediction, study
from warehouse.arrivals import append_studies, look_up
from warehouse.records import Region, Site
from warehouse.store import Warehouse, migration_names
from warehouse.versions import resolve

SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize(
    ("record", "table", "not_stored"),
    [
        (Study, "studies", {"pixels", "image", "entry_id"}),
        (Prediction, "predictions", set()),
        (Rejection, "rejections", {"entry_id"}),
        (Site, "sites", set()),
        (Region, "regions", set()),
    ],
)
def test_a_records_fields_are_its_tables_columns(
    warehouse: Warehouse, record: type, table: str, not_stored: set[str]
) -> None:
    rows = warehouse.sql(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_catalog = 'w' AND table_name = $table",
        table=table,
    )
    columns = {row["column_name"] for row in rows} - {"commit_number"}
    assert columns == {field.name for field in fields(record)} - not_stored


def test_a_home_that_is_not_there_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pneumowatch init"):
        Warehouse.open(tmp_path / "nowhere")


def test_a_damaged_catalog_is_named(local: Warehouse, tmp_path: Path) -> None:
    shutil.copytree(local.home.root, tmp_path / "damaged")
    catalog = tmp_path / "damaged" / "warehouse" / "catalog.sqlite"
    catalog.write_bytes(b"this is not a database" * 100)
    with pytest.raises(ConfigurationError, match=r"catalog\.sqlite cannot be opened"):
        Warehouse.open(tmp_path / "damaged")


def test_a_newer_warehouse_is_refused(warehouse: Warehouse) -> None:
    warehouse.sql("INSERT INTO migrations VALUES ('9999_future.sql', $now)", now=datetime.now(UTC))
    with pytest.raises(ConfigurationError, match="newer PneumoWatch"):
        Warehouse.open(warehouse.home.root, True, warehouse.settings)


def test_a_home_may_be_moved_and_named_by_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with network(Path("before")) as warehouse, warehouse.write("test") as transaction:
        append_studies(transaction, [study("s")] * 20, {"s": prediction("s", "NORMAL")})
    Path("before").rename("after")
    monkeypatch.chdir("/")
    with Warehouse.open(tmp_path / "after") as warehouse:
        assert warehouse.sql("SELECT count(*) AS n FROM studies") == [{"n": 20}]
        with warehouse.write("test") as transaction:
            append_studies(transaction, [study("t")] * 20, {"t": prediction("t", "NORMAL")})
        assert warehouse.sql("SELECT count(*) AS n FROM studies") == [{"n": 40}]


def test_migrations_are_applied_once(warehouse: Warehouse) -> None:
    assert warehouse.migrate() == []
    rows = warehouse.sql("SELECT name FROM migrations ORDER BY 1")
    assert [row["name"] for row in rows] == migration_names()


def test_a_failed_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    before = resolve(warehouse)
    with pytest.raises(RuntimeError, match="half way"):
        _fail_half_way(warehouse)
    assert resolve(warehouse) == before
    assert warehouse.sql("SELECT * FROM studies") == []


def _fail_half_way(warehouse: Warehouse) -> None:
    with warehouse.write("test") as transaction:
        append_studies(transaction, [study("s")], {"s": prediction("s", "NORMAL")})
        raise RuntimeError("half way")


def test_commit_numbers_rise_by_one_and_times_never_fall(warehouse: Warehouse) -> None:
    for _ in range(3):
        with warehouse.write("test"):
            pass
    rows = warehouse.sql("SELECT commit_number, recorded_at FROM commits ORDER BY 1")
    assert [row["commit_number"] for row in rows] == list(range(1, len(rows) + 1))
    times = [row["recorded_at"] for row in rows]
    assert times == sorted(set(times))


def test_versions_by_number_time_and_day(warehouse: Warehouse) -> None:
    newest = resolve(warehouse)
    assert resolve(warehouse, newest.commit_number) == newest
    assert resolve(warehouse, str(newest.commit_number)) == newest
    assert resolve(warehouse, newest.recorded_at) == newest
    assert resolve(warehouse, newest.recorded_at.isoformat()) == newest
    assert resolve(warehouse, newest.recorded_at.date().isoformat()) == newest
    with pytest.raises(UserError, match="had no version yet"):
        resolve(warehouse, "2001-01-01")


def _write_all(place: Place, ids: list[str], batch: int, pause: float = 0.0) -> None:
    with place.open() as warehouse:
        for at in range(0, len(ids), batch):
            studies = [study(name, day=date(2026, 5, 11)) for name in ids[at : at + batch]]
            with warehouse.write("race") as transaction:
                found = look_up(transaction, studies)
                scored = {item.study_id: prediction(item.study_id, "NORMAL") for item in found.new}
                append_studies(transaction, found.new, scored)
            time.sleep(pause)


def _doubled(warehouse: Warehouse) -> list[dict]:
    return warehouse.sql("SELECT study_id FROM studies GROUP BY 1 HAVING count(*) <> 1")


def test_two_writers_of_the_same_studies_write_each_once(place: Place) -> None:
    ids = [f"s{number:03d}" for number in range(60)]
    writers = [
        SPAWN.Process(target=_write_all, args=(place, order, 7)) for order in (ids, ids[::-1])
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    with place.open(read_only=True) as warehouse:
        assert _doubled(warehouse) == []
        rows = warehouse.sql("SELECT study_id FROM studies ORDER BY 1")
        assert [row["study_id"] for row in rows] == ids
        assert warehouse.sql("SELECT count(*) AS n FROM predictions") == [{"n": len(ids)}]


def test_a_writer_killed_at_any_moment_loses_and_doubles_nothing(place: Place) -> None:
    ids = [f"s{number:03d}" for number in range(60)]
    for pause in (0.8, 1.1, 1.4):
        writer = SPAWN.Process(target=_write_all, args=(place, ids, 3))
        writer.start()
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    _write_all(place, ids, 3)
    with place.open(read_only=True) as warehouse:
        assert _doubled(warehouse) == []
        (row,) = warehouse.sql(
            "SELECT count(*) AS n FROM studies JOIN predictions USING (study_id)"
        )
        assert row["n"] == len(ids)


def test_a_reader_in_another_process_sees_commits_while_a_writer_works(place: Place) -> None:
    ids = [f"s{number:03d}" for number in range(45)]
    writer = SPAWN.Process(target=_write_all, args=(place, ids, 3, 0.2))
    with place.open(read_only=True) as reader:
        writer.start()
        seen = []
        while writer.is_alive():
            (row,) = reader.sql("SELECT count(*) AS n FROM studies")
            (torn,) = reader.sql(
                "SELECT count(*) AS n FROM studies ANTI JOIN predictions USING (study_id)"
            )
            assert torn["n"] == 0
            seen.append(row["n"])
        writer.join()
        assert writer.exitcode == 0
        (row,) = reader.sql("SELECT count(*) AS n FROM studies")
    assert row["n"] == len(ids)
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "the reader saw no commit while the writer worked"


def test_a_read_only_warehouse_cannot_be_written(place: Place) -> None:
    with place.open(read_only=True) as reader, pytest.raises(duckdb.Error):
        _fail_half_way(reader)


def test_the_catalog_is_in_wal_mode_so_that_readers_do_not_block(local: Warehouse) -> None:
    with sqlite3.connect(local.home.catalog) as catalog:
        assert catalog.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    catalog.close()


def test_values_are_bound_not_pasted(warehouse: Warehouse) -> None:
    hostile = "x'); DROP TABLE studies; --"
    odd = Site(hostile, hostile, hostile, 0.0, 0.0)
    with warehouse.write("sites") as transaction:
        transaction.append("sites", [asdict(odd)])
    from warehouse.sites import current_sites

    assert hostile in [site.site_id for site in current_sites(warehouse)]
    assert warehouse.sql("SELECT count(*) AS n FROM studies") == [{"n": 0}]
