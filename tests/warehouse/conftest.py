"""An empty network, for tests of the warehouse room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warehouse.rows import network
from warehouse.store import Warehouse


@pytest.fixture(scope="session")
def prototype(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home, made once; each test gets a copy of its own."""
    home = tmp_path_factory.mktemp("prototype") / "home"
    network(home).close()
    return home


@pytest.fixture
def warehouse(prototype: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """A real DuckLake home with three sites in two regions."""
    shutil.copytree(prototype, tmp_path / "home")
    with Warehouse.open(tmp_path / "home") as opened:
        yield opened
