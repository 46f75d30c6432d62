"""The warehouse itself: versioned reads, and write transactions that happen once.

DuckLake has no unique keys: two writers that both look and then both insert would double a
row, silently. Three things together keep every row single, on both catalogs.

1. **Turns.** A write transaction is alone from before it looks until after it commits: by
   `flock` on SQLite (sqlite_catalog.py), by a session advisory lock on PostgreSQL
   (postgres_catalog.py). What it has read is therefore still true when it commits, and
   adding only what is not there yet makes a repeated write a change of nothing.
2. **A claim.** The lock of PostgreSQL is lost when its connection is, and its holder does not
   notice: another writer may then commit the same rows. So every write transaction first
   updates the one row of `turns`. Of two transactions that both did, DuckLake lets the first
   commit and refuses the second, since both deleted the same row version; it then raises
   `OvertakenError` and has written nothing. The claim alone is enough for exactly-once; the
   lock makes conflicts rare, without which writers would mostly work in vain.
3. **Redelivery.** Who delivers keeps what it delivers until the commit is acknowledged. A
   writer that is killed, overtaken, or cut off between commit and acknowledgement delivers
   again (`write_again` does at once), finds what is there, and passes it over.

How versions hold. `commit_number` is taken inside the transaction, one above the last, and
the claim means that no two commits took the same; a reader that keeps to
`commit_number <= n` sees the same rows for ever.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from ingest.errors import ConfigurationError, UserError
from warehouse.catalog import catalog_of
from warehouse.connection import connect
from warehouse.data_path import make_data_folder
from warehouse.home import Home
from warehouse.settings import WarehouseSettings

Row = dict[str, Any]
Result = TypeVar("Result")
DELIVERIES = 50  # of the same work before `write_again` gives up; one more is a rare thing

# A read that met compaction or erasure in another process is tried again, for so many seconds.
_UPKEEP_PAUSES = (0.05, 0.2, 0.5, 1.0, 0.0)


class OvertakenError(UserError):
    """The commit did not go through, or nobody heard that it did; the same again is no harm."""


@cache
def statement(name: str) -> str:
    """The text of warehouse/queries/<name>.sql."""
    return files("warehouse").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def software_version() -> str:
    """The installed version of PneumoWatch."""
    return metadata.version("pneumowatch")


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open write transaction; everything in it gets one commit number or none."""

    cursor: duckdb.DuckDBPyConnection
    commit_number: int
    recorded_at: datetime
    home: Home
    committed: list[Callable[[], None]] = field(default_factory=list)  # done after the commit

    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of queries/<name>.sql as this transaction sees them."""
        return _rows(self.cursor, statement(name), parameters)

    def append(self, table: str, rows: Sequence[Row]) -> int:
        """Adds rows under this commit's number; the keys of a row are column names."""
        if not rows:
            return 0
        batch = pa.Table.from_pylist([{**row, "commit_number": self.commit_number} for row in rows])
        self.append_table(table, batch)
        return len(rows)

    def append_table(self, table: str, batch: pa.Table) -> None:
        """Adds an Arrow table that already carries its commit number."""
        self.cursor.register("incoming_rows", batch)
        into = f'INSERT INTO "{table}" BY NAME'  # a table of ours, never a user's text
        self.cursor.execute(f"{into} SELECT * FROM incoming_rows")  # noqa: S608
        self.cursor.unregister("incoming_rows")


class Warehouse:
    """One attached warehouse. Safe to share between threads: each call has its own cursor."""

    def __init__(self, home: Home, settings: WarehouseSettings, *, read_only: bool, create: bool):
        self.home = home
        self.settings = settings
        self.read_only = read_only
        self._catalog = catalog_of(home, settings)
        self._connection = connect(home, read_only=read_only, settings=settings, create=create)

    @classmethod
    def open(
        cls, home: Path, read_only: bool = False, settings: WarehouseSettings | None = None
    ) -> "Warehouse":
        """Opens the home's warehouse; raises ConfigurationError where there is none."""
        place, settings = Home(Path(home)), settings or WarehouseSettings()
        catalog_of(place, settings).require()
        warehouse = cls(place, settings, read_only=read_only, create=False)
        if read_only:
            warehouse._refuse_other_schema()
        else:
            warehouse.migrate()
        return warehouse

    @classmethod
    def create(cls, home: Path, settings: WarehouseSettings | None = None) -> "Warehouse":
        """Opens the home's warehouse, made where it is not there yet, by one of any number."""
        place, settings = Home(Path(home)), settings or WarehouseSettings()
        make_data_folder(place, settings)
        catalog = catalog_of(place, settings)
        catalog.prepare()
        with catalog.alone():
            warehouse = cls(place, settings, read_only=False, create=True)
        warehouse.migrate()
        return warehouse

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Warehouse":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of queries/<name>.sql from one consistent snapshot."""
        return self.sql(statement(name), **parameters)

    def sql(self, text: str, **parameters: object) -> list[Row]:
        """Rows of a statement; values are bound, never pasted."""
        for pause in _UPKEEP_PAUSES:
            try:
                with self.cursor() as cursor:
                    return _rows(cursor, text, parameters)
            except duckdb.Error as error:
                if not pause or not _met_upkeep(error):
                    raise
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def write(self, kind: str) -> Iterator[Transaction]:
        """One write transaction, alone among all writers of this warehouse.

        `kind` says what it was for (ingest, sites, …). Commits when the block ends, rolls
        back when it raises. OvertakenError where another writer came between after all.
        """
        with self._catalog.alone(), self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            try:
                transaction = _begin(cursor, self.home)
                yield transaction
                _record_commit(transaction, kind)
            except BaseException:
                with suppress(duckdb.Error):  # a connection that is gone has rolled back
                    cursor.execute("ROLLBACK")
                raise
            _commit(cursor)
            for act in transaction.committed:
                act()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps writers out without a transaction, for upkeep that commits by itself."""
        with self._catalog.alone():
            yield

    def write_again(self, kind: str, work: Callable[[Transaction], Result]) -> Result:
        """`work` in a write transaction, and in a new one as often as it was overtaken.

        `work` looks before it adds, so that doing it again after a commit adds nothing.
        """
        for _ in range(DELIVERIES - 1):
            try:
                with self.write(kind) as transaction:
                    return work(transaction)
            except OvertakenError:
                continue
        with self.write(kind) as transaction:
            return work(transaction)

    def migrate(self) -> list[str]:
        """Applies the numbered migrations that this warehouse lacks; returns their names."""
        with self._catalog.alone(), self.cursor() as cursor:
            applied = _applied_migrations(cursor)
            todo = [name for name in migration_names() if name not in applied]
            for name in todo:
                _apply_migration(cursor, name)
        self._refuse_other_schema()
        return todo

    def _refuse_other_schema(self) -> None:
        with self.cursor() as cursor:
            applied = _applied_migrations(cursor)
        known = set(migration_names())
        if missing := sorted(known - applied):
            raise ConfigurationError(
                f"the warehouse in {self.home.root} lacks {missing[0]}; any command that writes "
                "(`pneumowatch status` is enough) brings it up to date"
            )
        if newer := sorted(applied - known):
            raise ConfigurationError(
                f"the warehouse in {self.home.root} was written by a newer PneumoWatch "
                f"({newer[-1]}); install that version to open it"
            )

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own; for this room alone, others have queries and transactions."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("USE w")
            yield cursor
        finally:
            cursor.close()


def migration_names() -> list[str]:
    """File names of all migrations, in order."""
    folder = files("warehouse").joinpath("migrations")
    return sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))


def _applied_migrations(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    known = cursor.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'w' AND table_name = 'migrations'"
    ).fetchall()
    if not known:
        return set()
    return {name for (name,) in cursor.execute("SELECT name FROM migrations").fetchall()}


def _apply_migration(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    text = files("warehouse").joinpath("migrations", name).read_text(encoding="utf-8")
    cursor.execute("BEGIN TRANSACTION")
    try:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name VARCHAR, applied_at TIMESTAMPTZ)"
        )
        cursor.execute(text)
        cursor.execute("INSERT INTO migrations VALUES ($1, $2)", [name, datetime.now(UTC)])
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


def _begin(cursor: duckdb.DuckDBPyConnection, home: Home) -> Transaction:
    """The claim; then the next commit number, and a time no earlier than the last commit's.

    A clock that was set back must not make a later commit look earlier.
    """
    cursor.execute("UPDATE turns SET turn = turn + 1")
    found = cursor.execute("SELECT max(commit_number), max(recorded_at) FROM commits").fetchone()
    last, recorded_at = found if found else (None, None)
    now = datetime.now(UTC)
    if recorded_at is not None:
        now = max(now, recorded_at.astimezone(UTC) + timedelta(microseconds=1))
    return Transaction(cursor, (last or 0) + 1, now, home)


def _commit(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("COMMIT")
    except duckdb.TransactionException as error:
        raise _not_committed(str(error)) from None


def _not_committed(message: str) -> UserError:
    """Of DuckLake's message only what went wrong: it repeats the rows that were to be written."""
    if "permission denied" in message:
        return ConfigurationError("the user of the catalog may read it only; name one that writes")
    if "conflict" in message:
        what = "another writer committed between this one's look and its commit"
    else:
        found = re.search(r"ERROR: *([a-z][^\n\"']*)", message)
        what = f"the catalog did not take the commit ({found[1].strip() if found else 'cut off'})"
    return OvertakenError(f"{what}; run it again: what is in the warehouse is passed over")


def _record_commit(transaction: Transaction, kind: str) -> None:
    row = {
        "recorded_at": transaction.recorded_at,
        "kind": kind,
        "software_version": software_version(),
    }
    transaction.append("commits", [row])


def _rows(cursor: duckdb.DuckDBPyConnection, text: str, parameters: dict[str, object]) -> list[Row]:
    cursor.execute(text, parameters or None)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _met_upkeep(error: duckdb.Error) -> bool:
    """Whether a read named what was moved elsewhere meanwhile; care/lake.py says how."""
    text = str(error)
    return "ducklake_inlined_data_" in text or ".parquet" in text
