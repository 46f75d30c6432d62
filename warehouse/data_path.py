"""Where a warehouse's Parquet files lie: the home, a shared folder, or an object store."""

from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from warehouse.home import Home
from warehouse.settings import WarehouseSettings
from warehouse.sql_text import quoted


def data_path(home: Home, settings: WarehouseSettings) -> str:
    """An absolute folder (a relative one is of the home), or s3://…/."""
    if settings.on_s3:
        return settings.data.rstrip("/") + "/"
    return str(((home.root / settings.data) if settings.data else home.data).resolve())


def make_data_folder(home: Home, settings: WarehouseSettings) -> None:
    """The folder, where it is one; an object store has none."""
    if not settings.on_s3:
        Path(data_path(home, settings)).mkdir(parents=True, exist_ok=True)


def let_reach(connection: duckdb.DuckDBPyConnection, settings: WarehouseSettings) -> None:
    """Tells a connection how the object store is reached; the secret stays in its memory."""
    known = {
        "KEY_ID": settings.s3_key_id,
        "SECRET": settings.s3_secret,
        "REGION": settings.s3_region,
        "ENDPOINT": urlsplit(settings.s3_endpoint).netloc,
        "SCOPE": f"s3://{urlsplit(settings.data).netloc}",
    }
    options = [f"{name} {quoted(value)}" for name, value in known.items() if value]
    if settings.s3_endpoint:
        options.append(f"URL_STYLE {quoted(settings.s3_url_style)}")
        options.append(f"USE_SSL {'true' if settings.s3_endpoint.startswith('https') else 'false'}")
    connection.execute(f"CREATE SECRET data_store (TYPE s3, {', '.join(options)})")
