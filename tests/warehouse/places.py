"""Where a test's warehouse lies, in a form that goes to other processes."""

from dataclasses import dataclass
from pathlib import Path

from warehouse.settings import WarehouseSettings
from warehouse.store import Warehouse


@dataclass(frozen=True, slots=True)
class Place:
    """A home and the settings of its warehouse."""

    home: Path
    settings: WarehouseSettings

    def open(self, read_only: bool = False) -> Warehouse:
        return Warehouse.open(self.home, read_only, self.settings)
