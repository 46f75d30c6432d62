"""DuckLake beside a native DuckDB file; the cube beside the base, and beside other engines."""

import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from tests.benchmarks.measure import machine, say
from tests.warehouse.rows import card
from warehouse.cube import Cube
from warehouse.models import register
from warehouse.records import Site
from warehouse.sites import load_sites
from warehouse.store import Warehouse
from warehouse.versions import resolve

TIMES = 7
SITES, REGIONS, DAYS = 200, 20, 1095
ROWS = 1_000_000  # 10,000,000 is the full run; 100,000,000 needs about 25 GB of disk
STUDIES = f"""
    SELECT 's' || (i + $from) AS study_id, md5((i + $from)::VARCHAR) AS content_hash,
        NULL::VARCHAR AS patient_key, 'S' || hash(i + $from) % {SITES} AS site_id,
        NULL::TIMESTAMPTZ AS acquired_at,
        DATE '2023-01-01' + (hash(i + $from, 1) % {DAYS})::INTEGER AS acquired_date,
        TIMESTAMPTZ '2026-01-01 00:00:00+00' AS received_at,
        (hash(i + $from, 2) % 90)::DOUBLE AS age_years,
        CASE WHEN hash(i + $from, 3) % 2 = 0 THEN 'F' ELSE 'M' END AS sex,
        'PA' AS view, 'image' AS source, '' AS flags, $commit::BIGINT AS commit_number
    FROM range($rows) r(i)
"""
PREDICTIONS = """
    SELECT 's' || (i + $from) AS study_id, 'm1' AS model_version,
        (hash(i + $from, 4) % 1000) / 1000.0 AS probability, 0.6 AS p_bacterial,
        0.4 AS p_viral, true AS in_scope,
        CASE WHEN hash(i + $from, 4) % 1000 > 850 THEN 'PNEUMONIA' ELSE 'NORMAL' END AS label,
        0.85 AS threshold, $commit::BIGINT AS commit_number
    FROM range($rows) r(i)
"""
# What all engines are asked: weekly positive and all X-rays by region.
WEEKLY = """
    SELECT region, date_trunc('week', acquired_date) AS week, count(*) AS xrays,
        count(*) FILTER (WHERE label = 'PNEUMONIA') AS positive
    FROM studies JOIN predictions USING (study_id) JOIN sites USING (site_id)
    GROUP BY 1, 2 ORDER BY 1, 2
"""
COHORT = """
    SELECT count(*) FROM studies JOIN predictions USING (study_id)
    WHERE site_id = 'S7' AND age_years >= 65 AND probability > 0.8
        AND acquired_date BETWEEN DATE '2024-01-01' AND DATE '2024-03-31'
"""
QUESTION: dict[str, Any] = {
    "period": "week", "mmwr": False, "first": None, "last": None, "regions": None, "sites": None,
    "by_region": True, "by_site": False, "by_age": False, "by_sex": False,
}  # fmt: skip


def main(rows: int | None) -> int:
    """Prints medians and ratios; returns 0."""
    rows = rows or ROWS
    load = os.getloadavg()[0]
    print(f"warehouse, {rows:,} predictions, median of {TIMES}, {machine()}, load {load:.1f}")
    with tempfile.TemporaryDirectory(prefix="pw-bench-") as folder:
        warehouse = _ducklake(Path(folder) / "home", rows)
        native = _native(Path(folder) / "native.duckdb", warehouse)
        _against_native(warehouse, native, rows)
        native.execute("CHECKPOINT")
        _say_size(Path(folder))
        cube_seconds = _cube(warehouse, rows)
        _others(Path(folder), native, cube_seconds)
    return 0


def _ducklake(home: Path, rows: int) -> Warehouse:
    warehouse = Warehouse.create(home)
    places = [Site(f"S{n}", f"Site {n}", f"R{n % REGIONS}", 0.0, 0.0) for n in range(SITES)]
    load_sites(warehouse, places, [])
    register(warehouse, card(), promote=True)
    for start in range(0, rows, 1_000_000):
        append(warehouse, start, min(1_000_000, rows - start))
    warehouse.sql("CALL ducklake_merge_adjacent_files('w')")
    return warehouse


def append(warehouse: Warehouse, start: int, rows: int) -> None:
    """One commit of so many studies and their predictions."""
    with warehouse.write("bench") as transaction:
        for table, text in (("studies", STUDIES), ("predictions", PREDICTIONS)):
            values = {"from": start, "rows": rows, "commit": transaction.commit_number}
            transaction.cursor.execute(f"INSERT INTO {table} BY NAME {text}", values)


def _native(path: Path, warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    native = duckdb.connect(str(path))
    for table in ("studies", "predictions", "sites", "promotions"):
        with warehouse.cursor() as cursor:
            arrow = cursor.execute(f"FROM {table}").to_arrow_table()  # noqa: F841
        native.execute(f"CREATE TABLE {table} AS FROM arrow")
    return native


def _against_native(warehouse: Warehouse, native: duckdb.DuckDBPyConnection, rows: int) -> None:
    at = rows
    for size, bound in ((1, 8), (32, 8), (4096, 5)):
        starts = iter(range(at, at + 2 * (TIMES + 1) * size, size))
        lake = median(lambda n=size, s=starts: append(warehouse, next(s), n))  # type: ignore[misc]
        file = median(lambda n=size, s=starts: _append_native(native, next(s), n))  # type: ignore[misc]
        at += 2 * (TIMES + 1) * size
        compared(f"append {size} rows: DuckLake, native", lake, file, f"<= {bound}")
    warehouse.sql("CALL ducklake_flush_inlined_data('w')")
    warehouse.sql("CALL ducklake_merge_adjacent_files('w')")
    for name, text, bound in (("weekly rate by region", WEEKLY, 2), ("cohort count", COHORT, 12)):
        lake = median(lambda t=text: warehouse.sql(t))  # type: ignore[misc]
        file = median(lambda t=text: native.execute(t).fetchall())  # type: ignore[misc]
        compared(f"{name}: DuckLake, native", lake, file, f"<= {bound}")


def _append_native(native: duckdb.DuckDBPyConnection, start: int, rows: int) -> None:
    native.execute("BEGIN")
    for table, text in (("studies", STUDIES), ("predictions", PREDICTIONS)):
        values = {"from": start, "rows": rows, "commit": 9}
        native.execute(f"INSERT INTO {table} BY NAME {text}", values)
    native.execute("COMMIT")


def _cube(warehouse: Warehouse, rows: int) -> float:
    """The cube beside the base; returns the seconds of its weekly question."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cube = Cube(warehouse)
    began = time.perf_counter()
    cube.refresh()
    say("cube: first build", time.perf_counter() - began, "s")
    say("cube: rows", cube.rows)
    used = warehouse.sql(
        "SELECT sum(memory_usage_bytes) / 1e6 AS mb FROM duckdb_memory() "
        "WHERE tag = 'IN_MEMORY_TABLE'"
    )
    say("cube: memory of tables", float(used[0]["mb"] or 0), "MB")
    say("process: growth of the peak while building", _peak_growth(before), "MB")
    commit = resolve(warehouse).commit_number
    through = median(lambda: cube.counts(commit=commit, **QUESTION))
    base = median(lambda: warehouse.query("counts", commit=commit, **QUESTION), 3)
    daily = QUESTION | {"last": date(2025, 12, 27)}  # a Saturday
    say("cube: the same, cut in mid-week", median(lambda: cube.counts(commit=commit, **daily)), "s")
    compared("weekly counts by region: cube, base", through, base, "<= 0.1")
    refreshes, builds = [], []
    for number in range(TIMES):
        append(warehouse, 2 * rows + 5000 * number, 5000)
        refreshes.append(seconds(cube.refresh))
        if number < 3:
            builds.append(seconds(Cube(warehouse).refresh))
            cube = Cube(warehouse)
            cube.refresh()
    compared(
        "refresh after 5,000 rows, rebuild",
        statistics.median(refreshes), statistics.median(builds), "<= 0.2",
    )  # fmt: skip
    return through


def _peak_growth(before: int) -> float:
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _others(folder: Path, native: duckdb.DuckDBPyConnection, cube_seconds: float) -> None:
    """The same question of the same rows elsewhere, in memory or indexed."""
    flat = native.execute(
        "SELECT site_id, region, acquired_date, label FROM studies "
        "JOIN predictions USING (study_id) JOIN sites USING (site_id)"
    ).to_arrow_table()
    engines: dict[str, Callable[[], Any]] = {"polars, one wide frame": _polars(flat)}
    try:
        engines["pandas, one wide frame"] = _pandas(flat)
    except ImportError:
        print("pandas is not installed: left out")
    for name, ask in engines.items():
        compared(f"weekly counts by region: {name}, cube", median(ask), cube_seconds, ">= 10")
    connection = _sqlite(folder / "other.sqlite", flat)
    text = "SELECT region, week, count(*), sum(positive) FROM xrays GROUP BY region, week"
    asked = median(lambda: connection.execute(text).fetchall())
    compared("weekly counts by region: SQLite, indexed, cube", asked, cube_seconds, ">= 10")
    with _postgres(folder) as postgres:
        if postgres is None:
            print("PostgreSQL or its client library is not installed: left out")
            return
        _fill_postgres(postgres, flat)
        asked = median(lambda: postgres.execute(text).fetchall())
    compared("weekly counts by region: PostgreSQL, indexed, cube", asked, cube_seconds, ">= 10")


def _polars(flat: Any) -> Callable[[], Any]:
    frame = pl.from_arrow(flat)
    assert isinstance(frame, pl.DataFrame)
    week = pl.col("acquired_date").dt.truncate("1w")
    positive = (pl.col("label") == "PNEUMONIA").sum().alias("positive")
    return lambda: frame.group_by("region", week).agg(pl.len(), positive)


def _pandas(flat: Any) -> Callable[[], Any]:
    import pandas as pd

    frame = flat.to_pandas()
    frame["acquired_date"] = pd.to_datetime(frame["acquired_date"])

    def ask() -> Any:
        week = frame["acquired_date"].dt.to_period("W")
        return (frame["label"] == "PNEUMONIA").groupby([frame["region"], week]).agg(["size", "sum"])

    return ask


def _rows(flat: Any) -> Iterator[tuple[str, int, int]]:
    """(region, week, positive) a row: the week is stored, as a user would for an index."""
    first = date(2022, 12, 26)  # a Monday
    for batch in flat.to_batches(max_chunksize=100_000):
        columns = (batch[name].to_pylist() for name in ("region", "acquired_date", "label"))
        for region, day, label in zip(*columns, strict=True):
            yield region, (day - first).days // 7, int(label == "PNEUMONIA")


def _sqlite(path: Path, flat: Any) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE xrays (region TEXT, week INTEGER, positive INTEGER)")
    connection.executemany("INSERT INTO xrays VALUES (?, ?, ?)", _rows(flat))
    connection.execute("CREATE INDEX covering ON xrays (region, week, positive)")
    connection.execute("ANALYZE")
    connection.commit()
    return connection


@contextmanager
def _postgres(folder: Path) -> Iterator[Any]:
    """A server of its own on a socket in the folder; None where it cannot be had."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    try:
        import psycopg
    except ImportError:
        binaries = []
    if not binaries:
        yield None
        return
    data, binary = folder / "pg", binaries[-1]
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to be root
        user = {"user": "nobody"}
        data.mkdir(mode=0o700)
        shutil.chown(data, "nobody")
        folder.chmod(0o711)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    init = [binary / "initdb", "-D", data, "-A", "trust", "-U", "bench"]
    subprocess.run(init, check=True, **quiet)
    options = f"-c listen_addresses= -c unix_socket_directories={data} -c shared_buffers=512MB"
    control = [binary / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-o", options, "start"], check=True, **quiet)
    try:
        with psycopg.connect(f"host={data} user=bench dbname=postgres", autocommit=True) as opened:
            yield opened
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=True, **quiet)


def _fill_postgres(postgres: Any, flat: Any) -> None:
    postgres.execute("CREATE TABLE xrays (region text, week int, positive int)")
    with postgres.cursor().copy("COPY xrays FROM STDIN") as copy:
        for row in _rows(flat):
            copy.write_row(row)
    postgres.execute("CREATE INDEX ON xrays (region, week) INCLUDE (positive)")
    postgres.execute("VACUUM ANALYZE xrays")


def _say_size(folder: Path) -> None:
    home = sum(p.stat().st_size for p in (folder / "home").rglob("*") if p.is_file())
    say("size on disk: DuckLake", home / 1e6, "MB")
    say("size on disk: native", (folder / "native.duckdb").stat().st_size / 1e6, "MB")


def compared(name: str, one: float, other: float, bound: str) -> None:
    """Two medians and their ratio on a line."""
    print(f"{name:58} {one:9.4f} s {other:9.4f} s  ratio {one / other:8.3f}  {bound}", flush=True)


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(work: Callable[[], Any], times: int = TIMES) -> float:
    """Median seconds; the first call warms up and is not counted."""
    work()
    return statistics.median(seconds(work) for _ in range(times))
