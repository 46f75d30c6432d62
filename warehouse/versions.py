"""An as-of time becomes a commit number, once."""

from datetime import UTC, date, datetime, time

from ingest.errors import UserError
from warehouse.records import Version
from warehouse.store import Row, Warehouse

BEGINNING = Version(0, datetime(1970, 1, 1, tzinfo=UTC))


def resolve(warehouse: Warehouse, as_of: str | int | datetime | None = None) -> Version:
    """The version that `as_of` names: a commit number, a time, a day (its end, UTC) or None.

    None is the newest; of an empty warehouse, `BEGINNING`. UserError for what is neither
    a number nor a time, for a version that the warehouse does not have, and for one from
    before an erasure: its answers of then cannot be made any more.
    """
    if as_of is None:
        found = warehouse.query("version_latest")
        return _version(found[0]) if found else BEGINNING
    wanted = _parse(as_of)
    if wanted == BEGINNING.commit_number:
        return BEGINNING
    if isinstance(wanted, int):
        found = warehouse.query("version_numbered", number=wanted)
        missing = f"the warehouse has no version {wanted}"
    else:
        found = warehouse.query("version_at", at=wanted)
        missing = f"the warehouse had no version yet at {wanted.isoformat()}"
    if not found:
        newest = resolve(warehouse)
        raise UserError(f"{missing}; its newest is {newest.commit_number}")
    if found[0]["commit_number"] < (found[0]["erased_in"] or 0):
        raise UserError(
            f"version {found[0]['commit_number']} is from before an erasure (version "
            f"{found[0]['erased_in']}), after which its numbers cannot be made again; ask for "
            f"{found[0]['erased_in']} or later, or see the bulletin that was archived then"
        )
    return _version(found[0])


def _version(row: Row) -> Version:
    return Version(row["commit_number"], row["recorded_at"].astimezone(UTC))


def _parse(as_of: str | int | datetime) -> int | datetime:
    if isinstance(as_of, datetime):
        return as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
    if isinstance(as_of, int) or as_of.strip().isdigit():
        return int(as_of)
    text = as_of.strip()
    try:
        if len(text) == len("2026-05-14"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"--as-of {as_of!r} is neither a version number nor a time; "
            "write 42, 2026-05-14 or 2026-05-14T09:30+00:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
