"""The catalog of one machine: a SQLite file in the home, and a `flock` for its writers."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from ingest.errors import ConfigurationError
from warehouse.home import Home
from warehouse.sql_text import quoted


@dataclass(frozen=True, slots=True)
class SqliteCatalog:
    """Any number of processes of one machine; the folder must not be a network share."""

    home: Home
    extensions: tuple[str, ...] = ("sqlite_scanner", "ducklake")
    advice: str = (
        "check that the disk is there, that you may write to it, or restore a copy of the home"
    )

    @property
    def shown(self) -> str:
        return str(self.home.catalog)

    def attach_as(self, connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:  # noqa: ARG002
        """Write-ahead logging, so that readers do not wait for a writer; a home may be moved."""
        target = quoted(f"ducklake:sqlite:{self.home.catalog.resolve()}")
        options = ["META_JOURNAL_MODE 'WAL'", "META_BUSY_TIMEOUT 10000", "OVERRIDE_DATA_PATH true"]
        return target, options

    def require(self) -> None:
        """ConfigurationError where the file is not there."""
        if not self.home.catalog.exists():
            root = self.home.root
            raise ConfigurationError(
                f"{root} holds no PneumoWatch home; "
                f"run `pneumowatch init --home {root}` first, or name another with --home"
            )

    def prepare(self) -> None:
        """The folder; DuckLake makes the file."""
        self.home.warehouse.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """An exclusive lock that the kernel drops when the process dies, however it dies."""
        with self.home.write_lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
