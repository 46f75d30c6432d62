"""Where a warehouse's catalog lies, and how its writers take turns."""

from contextlib import AbstractContextManager
from typing import Protocol

import duckdb

from warehouse.home import Home
from warehouse.settings import WarehouseSettings


class Catalog(Protocol):
    """What differs between SQLite in the home and PostgreSQL. All else is the same code."""

    @property
    def extensions(self) -> tuple[str, ...]:
        """Of DuckDB, in the order in which they are loaded."""

    @property
    def shown(self) -> str:
        """How messages name it: never with a password."""

    @property
    def advice(self) -> str:
        """What to look at when it cannot be opened."""

    def attach_as(self, connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
        """DuckLake's target and options for ATTACH, after secrets have been made known."""

    def require(self) -> None:
        """ConfigurationError with the command to run where there plainly is no warehouse."""

    def prepare(self) -> None:
        """Makes what must be there before a new warehouse is attached; again is no harm."""

    def alone(self) -> AbstractContextManager[None]:
        """No other writer of this warehouse is between its look and its commit."""


def catalog_of(home: Home, settings: WarehouseSettings) -> Catalog:
    """The catalog that the settings name."""
    if settings.on_postgres:
        from warehouse.postgres_catalog import PostgresCatalog  # only who uses it pays for it

        return PostgresCatalog(home, settings.catalog, settings.schema)
    from warehouse.sqlite_catalog import SqliteCatalog

    return SqliteCatalog(home)
