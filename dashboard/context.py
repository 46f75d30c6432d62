"""What nearly every command opens: the home, its configuration and its warehouse."""

from pathlib import Path

from dashboard.configuration import Configuration, load
from ingest.identity import load_key
from warehouse.audit import note_configuration
from warehouse.home import Home
from warehouse.key_check import bind_key
from warehouse.store import Warehouse


def configuration(home: Path) -> Configuration:
    """The home's settings."""
    return load(Home(home).configuration)


def has_home(home: Path) -> bool:
    """Whether `pneumowatch init` has been run here, or the configuration names a catalog."""
    place = Home(home)
    return place.catalog.exists() or load(place.configuration).warehouse.on_postgres


def open_warehouse(home: Path, *, read_only: bool = False) -> Warehouse:
    """The home's warehouse; ConfigurationError where there is no home.

    To be written to only under the pseudonym key that the warehouse was begun with; a command
    that may write records when the configuration is another than the last one saw.
    """
    warehouse = Warehouse.open(home, read_only, configuration(home).warehouse)
    try:
        if not read_only:
            if warehouse.home.key.exists():
                bind_key(warehouse, load_key(warehouse.home.key))
            note_configuration(warehouse)
    except BaseException:
        warehouse.close()
        raise
    return warehouse
