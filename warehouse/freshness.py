"""How new and how whole the warehouse is: one row for every face's footer."""

from datetime import UTC, datetime

from warehouse.records import Freshness
from warehouse.store import Warehouse
from warehouse.versions import resolve


def freshness(warehouse: Warehouse, as_of: str | int | datetime | None = None) -> Freshness:
    """Counts and last times as of a version (None: now)."""
    version = resolve(warehouse, as_of)
    (row,) = warehouse.query("freshness", commit=version.commit_number)
    row |= {name: _utc(row[name]) for name in ("last_acquired_at", "last_received_at")}
    row["last_recorded_at"] = version.recorded_at if version.commit_number else None
    return Freshness(commit_number=version.commit_number, **row)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
