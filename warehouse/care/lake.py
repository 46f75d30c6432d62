"""Upkeep of DuckLake's files: what is merged, rewritten and removed, and when.

Each step runs under the write lock, so that no writer meets it, and commits by itself;
between steps writers go on. A file that is replaced is not removed at once: a reader may have
begun with it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ingest.errors import UserError
from ingest.spool.erasing import compact_file
from warehouse.home import Home
from warehouse.sql_text import quoted
from warehouse.store import Warehouse

FLUSH = "CALL ducklake_flush_inlined_data('w')"
# Connections of other processes keep the names of the inlined tables that a flush drops, and
# fail until the schema's version rises (DuckLake 1.5.5): a comment makes it rise.
RENEW = "COMMENT ON TABLE migrations IS {}"
TIDY = (
    "CALL ducklake_rewrite_data_files('w', delete_threshold => 0)",
    "CALL ducklake_merge_adjacent_files('w')",
)
CLEAN = (
    "CALL ducklake_cleanup_old_files('w', older_than => now() - to_hours($hours))",
    "CALL ducklake_delete_orphaned_files('w', older_than => now() - to_hours($hours))",
)
# Only an erasure forgets DuckLake's own versions, and then all but the newest.
FORGET = "CALL ducklake_expire_snapshots('w', older_than => now() + INTERVAL 1 DAY)"
PURGE = (
    *TIDY,
    FORGET,
    "CALL ducklake_cleanup_old_files('w', cleanup_all => true)",
    "CALL ducklake_delete_orphaned_files('w', cleanup_all => true)",
)


@contextmanager
def care(home: Home) -> Iterator[None]:
    """One of compaction, erasure and backup at a time. UserError where another one runs, and
    where the catalog or its data lie outside the home: their care is not ours alone.
    """
    if not home.catalog.exists():
        raise UserError(
            "this warehouse's catalog is in PostgreSQL, which several machines share: care for it "
            "with PostgreSQL's own tools (pg_dump, VACUUM) and the store's; PneumoWatch compacts, "
            "erases and backs up homes of its own alone"
        )
    with home.care_lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "a compaction, an erasure or a backup of this home is running; try again after it"
            ) from None
        yield


def flush(warehouse: Warehouse) -> None:
    """Inlined rows go into Parquet files, and every other process learns of it."""
    with warehouse.alone():
        warehouse.sql(FLUSH)
        warehouse.sql(RENEW.format(quoted(f"flushed {datetime.now(UTC).isoformat()}")))


def purge(warehouse: Warehouse) -> None:
    """After rows were deleted: their bytes leave the Parquet files, the catalog and its log.

    The write lock is held throughout, so every file that the catalog does not know was left
    by a kill and goes too. A reader in the middle of a query may have to ask again.
    """
    flush(warehouse)
    with warehouse.alone():
        for call in PURGE:
            warehouse.sql(call)
        if warehouse.home.catalog.exists():  # another catalog's database frees its pages itself
            compact_file(warehouse.home.catalog)


def data_files(warehouse: Warehouse) -> dict[Path, int]:
    """Path → size of every Parquet file under the data folder, known to the catalog or not."""
    return {path: path.stat().st_size for path in warehouse.home.data.rglob("*.parquet")}
