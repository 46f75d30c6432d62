"""What the tests of all rooms share. Nothing here imports torch or the warehouse up front."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.postgres import Server

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real X-rays and reference numbers, where they are at hand."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip("needs the data beside the checkout (../shared/data)")
    return data


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Server]":
    """A PostgreSQL server, started once; skips where the package is missing."""
    from tests.postgres import running

    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own PNEUMOWATCH_* variables must not reach the tests."""
    for name in list(os.environ):
        if name.startswith("PNEUMOWATCH_"):
            monkeypatch.delenv(name)
