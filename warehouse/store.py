"""The warehouse itself: versioned reads, and write transactions that happen once.

How exactly-once holds on the SQLite catalog. DuckLake has no unique keys, so two writers
that both look and then both insert would double a row. Here every write transaction holds
an exclusive `flock` on one file of the home from before it looks until after it commits;
the kernel drops the lock when the process dies, however it dies. What a transaction has
read is therefore still true when it commits, and `new_rows` (an anti-join on the key)
makes a repeated write a change of nothing. A writer that is killed between the commit and
the acknowledgement leaves rows that the next try finds and passes over.

How versions hold. `commit_number` is taken inside the transaction, under the lock, one
above the last; a reader that keeps to `commit_number <= n` sees the same rows for ever.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingest.errors import ConfigurationError
from warehouse.connection import connect
from warehouse.home import Home

Row = dict[str, Any]


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

    def __init__(self, home: Home, connection: duckdb.DuckDBPyConnection, read_only: bool) -> None:
        self.home = home
        self.read_only = read_only
        self._connection = connection

    @classmethod
    def open(cls, home: Path, read_only: bool = False) -> "Warehouse":
        """Opens the home's warehouse; raises ConfigurationError where there is none."""
        place = Home(Path(home)).require()
        warehouse = cls(place, connect(place, read_only=read_only), read_only)
        if read_only:
            warehouse._refuse_other_schema()
        else:
            warehouse.migrate()
        return warehouse

    @classmethod
    def create(cls, home: Path) -> "Warehouse":
        """Makes an empty warehouse under the home and opens it."""
        place = Home(Path(home))
        place.data.mkdir(parents=True, exist_ok=True)
        warehouse = cls(place, connect(place, read_only=False), False)
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
        with self.cursor() as cursor:
            return _rows(cursor, text, parameters)

    @contextmanager
    def write(self, kind: str) -> Iterator[Transaction]:
        """One write transaction, alone among all processes of this home.

        `kind` says what it was for (ingest, sites, …). Commits when the block ends, rolls
        back when it raises.
        """
        with _locked(self.home.write_lock), self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            try:
                transaction = _begin(cursor)
                yield transaction
                _record_commit(transaction, kind)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def migrate(self) -> list[str]:
        """Applies the numbered migrations that this warehouse lacks; returns their names."""
        with _locked(self.home.write_lock), self.cursor() as cursor:
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


def _begin(cursor: duckdb.DuckDBPyConnection) -> Transaction:
    """The next commit number, and a time no earlier than the last commit's.

    A clock that was set back must not make a later commit look earlier.
    """
    found = cursor.execute("SELECT max(commit_number), max(recorded_at) FROM commits").fetchone()
    last, recorded_at = found if found else (None, None)
    now = datetime.now(UTC)
    if recorded_at is not None:
        now = max(now, recorded_at.astimezone(UTC) + timedelta(microseconds=1))
    return Transaction(cursor, (last or 0) + 1, now)


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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
