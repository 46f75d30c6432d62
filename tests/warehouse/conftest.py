"""An empty network, for tests of the warehouse room, on both catalogs where that is cheap."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Server
from tests.warehouse.places import Place
from tests.warehouse.rows import network
from warehouse.settings import WarehouseSettings
from warehouse.store import Warehouse

ON_BOTH = {"test_store", "test_arrivals", "test_measures", "test_models", "test_rescoring"}
_numbers = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames and metafunc.module.__name__.split(".")[-1] in ON_BOTH:
        metafunc.parametrize("place", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(scope="session")
def prototype(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home, made once; each test gets a copy of its own."""
    home = tmp_path_factory.mktemp("prototype") / "home"
    network(home).close()
    return home


@pytest.fixture(scope="session")
def prototype_data(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The data folder of a database `prototype`, which others are made from as copies."""
    folder = tmp_path_factory.mktemp("prototype-data")
    settings = WarehouseSettings(catalog=postgres.database("prototype"), data=str(folder))
    network(tmp_path_factory.mktemp("prototype-home"), settings).close()
    return str(folder)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A warehouse with three sites in two regions; in SQLite unless a test says otherwise."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copytree(request.getfixturevalue("prototype"), tmp_path / "home")
        yield Place(tmp_path / "home", WarehouseSettings())
        return
    server: Server = request.getfixturevalue("postgres")
    data = request.getfixturevalue("prototype_data")
    name = f"copy{next(_numbers)}"
    url = server.database(name, "prototype")
    (tmp_path / "home").mkdir()
    yield Place(tmp_path / "home", WarehouseSettings(catalog=url, data=data))
    server.drop(name)


@pytest.fixture
def warehouse(place: Place) -> Iterator[Warehouse]:
    """That warehouse, opened."""
    with place.open() as opened:
        yield opened


@pytest.fixture
def local(prototype: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse in SQLite, for what only that has."""
    shutil.copytree(prototype, tmp_path / "local")
    with Warehouse.open(tmp_path / "local") as opened:
        yield opened
