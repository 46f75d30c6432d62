"""What nearly every command opens: the home, its configuration and its warehouse."""

from pathlib import Path

from dashboard.configuration import Configuration, load
from warehouse.home import Home
from warehouse.store import Warehouse


def configuration(home: Path) -> Configuration:
    """The home's settings."""
    return load(Home(home).configuration)


def open_warehouse(home: Path, *, read_only: bool = False) -> Warehouse:
    """The home's warehouse; ConfigurationError where there is no home."""
    return Warehouse.open(home, read_only=read_only)
