"""What nearly every command opens: the home, its configuration and its warehouse."""

from pathlib import Path

from dashboard.configuration import Configuration, load
from warehouse.audit import note_configuration
from warehouse.home import Home
from warehouse.store import Warehouse


def configuration(home: Path) -> Configuration:
    """The home's settings."""
    return load(Home(home).configuration)


def open_warehouse(home: Path, *, read_only: bool = False) -> Warehouse:
    """The home's warehouse; ConfigurationError where there is no home.

    A command that may write records when the configuration is another than the last one saw.
    """
    warehouse = Warehouse.open(home, read_only=read_only)
    if not read_only:
        note_configuration(warehouse)
    return warehouse
