"""Compaction: fewer, larger files with the same rows in them, while writers go on.

It merges, rewrites and flushes, and never expires a version: the same `--as-of` has the same
answer after it. Files that were replaced are kept for a safe age, for readers that began with
them.
"""

from dataclasses import dataclass

from ingest.errors import ConfigurationError
from warehouse.care.lake import CLEAN, TIDY, care, data_files, flush
from warehouse.store import Warehouse

SAFE_HOURS = 24


@dataclass(frozen=True, slots=True)
class Compacted:
    """Parquet files that hold the rows of now, and all that lie on the disk, before and after."""

    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    on_disk_before: int
    on_disk_after: int
    removed: int  # files that were replaced, or left by a kill, longer ago than the safe age


def compact(warehouse: Warehouse, safe_hours: int = SAFE_HOURS) -> Compacted:
    """Compacts the warehouse. Files younger than `safe_hours` are replaced but not removed.

    UserError where another care of this home is running.
    """
    if safe_hours < 1:
        raise ConfigurationError("--safe-hours must be at least 1: a reader may be in a query")
    with care(warehouse.home):
        before, disk_before = _live(warehouse), len(data_files(warehouse))
        flush(warehouse)
        for call in TIDY:
            with warehouse.alone():
                warehouse.sql(call)
        removed = 0
        for call in CLEAN:
            with warehouse.alone():
                removed += len(warehouse.sql(call, hours=safe_hours))
        after, disk_after = _live(warehouse), len(data_files(warehouse))
    return Compacted(
        *(before[0], after[0], before[1], after[1], disk_before, disk_after), removed=removed
    )


def _live(warehouse: Warehouse) -> tuple[int, int]:
    """How many files the catalog reads now, and their bytes."""
    (row,) = warehouse.query("live_files")
    return row["files"], row["bytes"]
