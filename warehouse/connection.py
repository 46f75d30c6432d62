"""DuckDB with DuckLake attached: the only place that knows how the catalog is reached."""

import importlib.util
from pathlib import Path

import duckdb

from ingest.errors import ConfigurationError
from warehouse.home import Home

EXTENSIONS = ("sqlite_scanner", "ducklake")  # in this order: the catalog's reader first


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


def connect(home: Home, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection with the home's warehouse attached as `w`. Any number of processes may."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in EXTENSIONS:
        connection.execute(f"LOAD {quoted(extension_file(name))}")
    connection.execute("SET TimeZone = 'UTC'")
    options = [
        f"DATA_PATH {quoted(home.data.resolve())}",
        "OVERRIDE_DATA_PATH true",  # a home may be moved, or be named by another path
        "META_JOURNAL_MODE 'WAL'",
        "META_BUSY_TIMEOUT 10000",
        "DATA_INLINING_ROW_LIMIT 10",
    ]
    if read_only:
        options.append("READ_ONLY")
    target = quoted(f"ducklake:sqlite:{home.catalog.resolve()}")
    try:
        connection.execute(f"ATTACH {target} AS w ({', '.join(options)})")
    except duckdb.Error as error:
        connection.close()
        raise ConfigurationError(_unreadable(home, error)) from None
    connection.execute("USE w")
    return connection


def _unreadable(home: Home, error: duckdb.Error) -> str:
    return (
        f"the catalog {home.catalog} cannot be opened ({str(error).splitlines()[0]}); "
        "check that the disk is there, that you may write to it, or restore a copy of the home"
    )


def quoted(text: Path | str) -> str:
    """A SQL string literal; ATTACH and LOAD take no bound parameters."""
    return "'" + str(text).replace("'", "''") + "'"
