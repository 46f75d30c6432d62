"""DuckDB with DuckLake attached: the same statements whatever catalog and data path."""

import importlib.util
from pathlib import Path

import duckdb

from ingest.errors import ConfigurationError
from warehouse.catalog import Catalog, catalog_of
from warehouse.data_path import data_path, let_reach
from warehouse.home import Home
from warehouse.settings import WarehouseSettings
from warehouse.sql_text import quoted

# A commit that finds another one before it looks for conflicts and tries again, in DuckLake.
_RETRIES = (
    "SET ducklake_max_retry_count = 100",
    "SET ducklake_retry_wait_ms = 20",
    "SET ducklake_retry_backoff = 1.2",
)


def extension_file(name: str) -> Path:
    """The signed binary inside the wheel `duckdb-extension-<name>`: nothing is downloaded."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        found = sorted(Path(folder).glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension"))
        if found:
            return found[0]
    raise ConfigurationError(
        f"the DuckDB extension {name} for DuckDB {duckdb.__version__} is not installed; "
        f"run `pip install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}`"
    )


def connect(
    home: Home,
    *,
    read_only: bool,
    settings: WarehouseSettings | None = None,
    create: bool = True,
) -> duckdb.DuckDBPyConnection:
    """A connection with the home's warehouse attached as `w`. Any number of processes may.

    ConfigurationError where the catalog cannot be opened, without any password in it.
    """
    settings = settings or WarehouseSettings()
    catalog = catalog_of(home, settings)
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        for name in (*catalog.extensions, *(("httpfs",) if settings.on_s3 else ())):
            connection.execute(f"LOAD {quoted(extension_file(name))}")
        for statement in ("SET TimeZone = 'UTC'", *_RETRIES):
            connection.execute(statement)
        if settings.on_s3:
            let_reach(connection, settings)
        _attach(connection, catalog, data_path(home, settings), read_only, create)
    except BaseException:
        connection.close()
        raise
    return connection


def _attach(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    data: str,
    read_only: bool,
    create: bool,
) -> None:
    target, options = catalog.attach_as(connection)
    options += [
        f"DATA_PATH {quoted(data)}",
        "DATA_INLINING_ROW_LIMIT 10",
        f"CREATE_IF_NOT_EXISTS {'true' if create and not read_only else 'false'}",
    ]
    if read_only:
        options.append("READ_ONLY")
    try:
        connection.execute(f"ATTACH {target} AS w ({', '.join(options)})")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(
            f"the catalog {catalog.shown} cannot be opened ({reason}); {catalog.advice}"
        ) from None
    connection.execute("USE w")
