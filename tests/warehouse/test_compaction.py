"""Compaction: fewer files, the same answers, and nobody stopped."""

import multiprocessing
import os
import time
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import UserError
from tests.warehouse.rows import load, prediction, study
from warehouse.arrivals import append_studies
from warehouse.care.compaction import compact
from warehouse.care.lake import care, data_files
from warehouse.measures import MeasureRequest, compute
from warehouse.store import Warehouse
from warehouse.versions import resolve

SPAWN = multiprocessing.get_context("spawn")


def answers(warehouse: Warehouse, versions: list[int]) -> list[object]:
    return [
        compute(warehouse, MeasureRequest("positivity", by=("site",), as_of=number))
        for number in versions
    ]


def films(warehouse: Warehouse) -> int:
    """How many files studies and predictions are read from."""
    (row,) = warehouse.sql(
        "SELECT count(*) AS n FROM __ducklake_metadata_w.ducklake_data_file AS file "
        "JOIN __ducklake_metadata_w.ducklake_table AS own USING (table_id) "
        "WHERE file.end_snapshot IS NULL AND own.end_snapshot IS NULL "
        "AND own.table_name IN ('studies', 'predictions')"
    )
    return int(row["n"])


def test_every_version_answers_as_before_and_files_become_fewer(warehouse: Warehouse) -> None:
    for day in range(10, 14):
        load(warehouse, f"A1 2026-05-{day} {'PN' * 8}\nB1 2026-05-{day} {'PNN' * 2}")
    load(warehouse, "A2 2026-05-15 PP")  # few enough to be inlined in the catalog
    versions = list(range(1, resolve(warehouse).commit_number + 1))
    before = answers(warehouse, versions)
    with Warehouse.open(warehouse.home.root, read_only=True) as reader:
        assert answers(reader, versions) == before
        assert films(warehouse) == 8
        done = compact(warehouse)
        assert answers(reader, versions) == before, "a reader that was open before"
    assert answers(warehouse, versions) == before
    assert films(warehouse) == 2
    (row,) = warehouse.sql("SELECT count(*) AS n, count(DISTINCT study_id) AS ids FROM studies")
    assert (row["n"], row["ids"]) == (90, 90)
    assert compact(warehouse).files_after == done.files_after


def test_replaced_files_go_after_the_safe_age(warehouse: Warehouse) -> None:
    for day in range(10, 13):
        load(warehouse, f"A1 2026-05-{day} {'PN' * 8}")
    orphan = warehouse.home.data / "main" / "studies" / "ducklake-left-by-a-kill.parquet"
    orphan.write_bytes(b"PAR1")
    done = compact(warehouse)
    assert done.on_disk_after > done.files_after, "they are kept for readers that began with them"
    assert orphan.exists()
    two_days = time.time() - 2 * 86400
    for path in data_files(warehouse):
        os.utime(path, (two_days, two_days))
    assert compact(warehouse).removed >= 1
    assert not orphan.exists()


def test_a_second_care_of_the_home_is_refused(warehouse: Warehouse) -> None:
    with care(warehouse.home), pytest.raises(UserError, match="is running"):
        compact(warehouse)
    with pytest.raises(UserError, match="safe-hours"):
        compact(warehouse, 0)


def _write(home: Path, commits: int) -> None:
    with Warehouse.open(home) as warehouse:
        for number in range(commits):
            one = study(f"s{number}", day=date(2026, 5, 11))
            with warehouse.write("test") as transaction:
                append_studies(
                    transaction, [one], {one.study_id: prediction(one.study_id, "NORMAL")}
                )


def test_writers_and_readers_go_on_meanwhile(warehouse: Warehouse) -> None:
    home = warehouse.home.root
    writer = SPAWN.Process(target=_write, args=(home, 25))
    with Warehouse.open(home, read_only=True) as reader:
        writer.start()
        seen, rounds = [], 0
        while writer.is_alive() or not rounds:
            compact(warehouse)
            rounds += 1
            seen.append(reader.sql("SELECT count(*) AS n FROM studies")[0]["n"])
        writer.join()
        assert writer.exitcode == 0
        assert reader.sql("SELECT count(*) AS n FROM studies") == [{"n": 25}]
    assert seen == sorted(seen)
    (row,) = warehouse.sql("SELECT count(*) AS n FROM studies JOIN predictions USING (study_id)")
    assert row["n"] == 25
