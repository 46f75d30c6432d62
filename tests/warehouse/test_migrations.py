"""A home of the first release: it opens, its rows stay, and what is new is empty."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import ConfigurationError
from tests.warehouse.rows import card
from warehouse.connection import connect
from warehouse.home import Home
from warehouse.measures import MeasureRequest, compute
from warehouse.models import registry, rollback_target
from warehouse.store import Warehouse, _apply_migration, migration_names

ROWS = """
INSERT INTO commits VALUES (1, $now, 'models', '0.1.0'), (2, $now, 'ingest', '0.1.0');
INSERT INTO promotions VALUES ('m0', $now, 1), ('m1', $now, 2);
INSERT INTO studies VALUES ('s', 'h', NULL, 'A1', $now, $now::DATE, $now, 4, 'F', 'PA',
                            'image', '', 1);
INSERT INTO predictions VALUES ('s', 'm1', 0.9, 0.5, 0.5, true, 'PNEUMONIA', 0.5, NULL, NULL,
                                $now, 1);
"""


@pytest.fixture
def first_release(tmp_path: Path) -> Path:
    """A home as 0.1.0 made it: its first migration alone, one study, two promotions."""
    home = Home(tmp_path / "home")
    home.data.mkdir(parents=True)
    connection = connect(home, read_only=False)
    _apply_migration(connection, migration_names()[0])
    for statement in ROWS.strip().split(";")[:-1]:
        connection.execute(statement, {"now": datetime(2026, 5, 11, tzinfo=UTC)})
    for version in ("m0", "m1"):
        text = json.dumps(asdict(card(version)))
        connection.execute("INSERT INTO models VALUES ($v, $t, '', 1)", {"v": version, "t": text})
    connection.close()
    return home.root


def test_it_migrates_and_answers_as_before(first_release: Path) -> None:
    with pytest.raises(ConfigurationError, match="brings it up to date"):
        Warehouse.open(first_release, read_only=True)
    with Warehouse.open(first_release) as warehouse:
        (found,) = compute(warehouse, MeasureRequest("positivity", by=()))
        assert (found.numerator, found.denominator) == (1, 1)
        (study,) = warehouse.query("studies_by_id", study_ids=["s"])
        assert study["file_key"] is None
        for table in ("labels", "site_calibrations"):
            assert warehouse.sql(f"SELECT * FROM {table}") == []
    with Warehouse.open(first_release, read_only=True) as warehouse:
        assert warehouse.sql("SELECT calibration_id FROM predictions") == [{"calibration_id": None}]


def test_promotions_of_the_first_release_can_be_rolled_back(first_release: Path) -> None:
    with Warehouse.open(first_release) as warehouse:
        assert rollback_target(warehouse) == ("m1", "m0")
        assert [row["origin"] for row in registry(warehouse, 2)] == [None, None]
