"""A home of the first release: it opens, its rows stay, and what is new is empty."""

import json
import tarfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import ConfigurationError
from ingest.identity import Pseudonymiser, load_key
from ingest.spool.spool import Spool
from tests.warehouse.rows import card
from warehouse.audit import Action, record
from warehouse.care import erasure
from warehouse.care.compaction import compact
from warehouse.care.finding import State
from warehouse.care.verification import verify
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


RELEASED = Path(__file__).parent / "homes" / "0.1.0.tar.gz"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A home that the code of 0.1.0 made: five generated films, sixty simulated X-rays.

    `expected.json` in it is what that code answered.
    """
    with tarfile.open(RELEASED) as packed:
        packed.extractall(tmp_path, filter="data")
    (tmp_path / "home" / "pseudonym.key").chmod(0o600)
    return tmp_path / "home"


def test_a_home_of_0_1_0_opens_migrates_and_answers_as_it_did(released: Path) -> None:
    expected = json.loads((released / "expected.json").read_text())
    assert sum(row["numerator"] for row in expected["xrays"]) == 65
    with Warehouse.open(released) as warehouse:
        assert warehouse.migrate() == []
        for measure, rows in expected.items():
            found = compute(warehouse, MeasureRequest(measure, period="week", by=("region",)))
            assert len(found) == len(rows)
            for one, row in zip(found, rows, strict=True):
                now = asdict(one)
                # `complete` depends on today, and a method is put in other words now
                same = row.keys() - {"complete", "method"}
                assert {name: _comparable(now[name]) for name in same} == {
                    name: _comparable(row[name]) for name in same
                }, measure
        assert len(warehouse.query("rejections", commit=10)) == 2
        assert record(warehouse, Action.EXPORT, "first entry").seq == 1


def _comparable(value: object) -> str:
    """As text, dates like their ISO form; of a float what does not hang on rounding."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def test_a_home_of_0_1_0_is_whole_can_be_compacted_and_erased_from(released: Path) -> None:
    with Warehouse.open(released) as warehouse:
        names = Pseudonymiser(load_key(released / "pseudonym.key"))
        assert [one for one in verify(warehouse) if one.state is State.BROKEN] == []
        compact(warehouse)
        patient = erasure.patient(names.patient_key("P0"))
        counts = erasure.erase(warehouse, Spool(released / "spool"), names, patient)
        assert (counts.studies, counts.predictions) == (2, 2)
        weeks = compute(warehouse, MeasureRequest("xrays", by=()))
        assert sum(one.numerator or 0 for one in weeks) == 63
