"""`verify`: each kind of harm is done to a real home, and named."""

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from ingest.errors import UserError
from tests.warehouse.care_homes import KEY, fill
from tests.warehouse.rows import load, prediction, study
from warehouse.arrivals import append_studies
from warehouse.care import keys
from warehouse.care.finding import State
from warehouse.care.lake import data_files
from warehouse.care.verification import verify
from warehouse.records import Label
from warehouse.store import Warehouse


def found(warehouse: Warehouse) -> dict[str, str]:
    """Check → what is broken, without the tests' model, which never had files."""
    return {
        one.check: one.found
        for one in verify(warehouse)
        if one.state is State.BROKEN and one.check != "model files"
    }


def test_a_whole_home_is_whole_and_its_spool_is_not_forgotten(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-12 PPNN-")
    assert found(warehouse) == {}
    models = next(one for one in verify(warehouse) if one.check == "model files")
    assert (models.state, models.found) == (State.BROKEN, "m1 is not there")
    fill(warehouse)
    assert found(warehouse) == {}
    notes = {one.check: one.found for one in verify(warehouse) if one.state is State.NOTE}
    assert "have waited since 2026-05-12" in notes["spool"]


def test_rows_that_contradict_one_another_are_named(warehouse: Warehouse) -> None:
    one, other = study("one"), study("other", site="NOWHERE")
    with warehouse.write("test") as transaction:
        append_studies(transaction, [one, one], {"one": prediction("one", "NORMAL")})
        transaction.append("predictions", [asdict(prediction("ghost", "NORMAL", "m9"))])
        append_studies(transaction, [other], {"other": prediction("other", "NORMAL")})
        transaction.append("labels", [asdict(Label("nobody", "NORMAL"))])
    warehouse.sql("DELETE FROM predictions WHERE study_id = 'other'")
    said = found(warehouse)["rows"]
    for words in (
        "1 duplicate studies (one is one)",
        "1 duplicate predictions",
        "1 predictions without a study (one is ghost)",
        "1 predictions of an unknown model",
        "1 studies without a prediction (one is other)",
        "1 studies of an unknown site (one is other)",
        "1 labels for no study (one is nobody)",
    ):
        assert words in said


def test_commits_that_were_tampered_with_are_named(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-12 PPNN-")
    warehouse.sql("DELETE FROM commits WHERE commit_number = 2")
    broken = [one.found for one in verify(warehouse) if one.check == "commits"]
    assert "gaps before commit numbers (one is 3)" in broken[0]
    assert "of no recorded commit" in broken[1]


def test_files_that_are_missing_cut_or_unknown(warehouse: Warehouse) -> None:
    load(warehouse, f"A1 2026-05-12 {'P' * 30}")
    victim = next(path for path in data_files(warehouse) if path.parent.name == "studies")
    content = victim.read_bytes()
    victim.write_bytes(content[:-1])
    assert "0 are missing and 1 have another size" in found(warehouse)["parquet files"]
    victim.unlink()
    assert "1 are missing and 0" in found(warehouse)["parquet files"]
    victim.write_bytes(content)
    with Warehouse.open(warehouse.home.root, read_only=True) as again:  # DuckDB caches footers
        assert found(again) == {}


def test_the_spool_is_held_against_the_warehouse(warehouse: Warehouse) -> None:
    spool = fill(warehouse)
    for path in spool.films.glob("*/*"):
        path.unlink()
    assert "entries wait for films that are not there" in found(warehouse)["spool"]
    with closing(sqlite3.connect(spool.folder / "spool.sqlite")) as db:
        db.execute("UPDATE entries SET outcome='predicted', study_id='lost' WHERE entry_id='e2'")
        db.commit()
    said = [one.found for one in verify(warehouse) if one.check == "spool"]
    assert "1 studies were settled and are not stored (one is lost)" in said[0]


def test_an_unfinished_erasure_and_a_changed_record_are_broken(warehouse: Warehouse) -> None:
    warehouse.home.erasure_journal.write_text("{}")
    warehouse.sql("UPDATE audit SET actor = 'x' WHERE seq = 2")
    said = found(warehouse)
    assert "broken off" in said["erasures"]
    assert "entry 2 was changed" in said["audit"]


def test_a_key_is_backed_up_and_recognised(warehouse: Warehouse, tmp_path: Path) -> None:
    home = warehouse.home
    home.key.write_text(KEY.hex())
    home.key.chmod(0o600)
    keys.back_up(warehouse, tmp_path / "saved")
    assert (tmp_path / "saved").stat().st_mode & 0o077 == 0
    with pytest.raises(UserError, match="is there already"):
        keys.back_up(warehouse, tmp_path / "saved")
    with pytest.raises(UserError, match="a home has one key"):
        keys.restore(warehouse, tmp_path / "saved")
    home.key.unlink()
    (tmp_path / "other").write_text("ab" * 32)
    (tmp_path / "other").chmod(0o600)
    with pytest.raises(UserError, match="holds another key"):
        keys.restore(warehouse, tmp_path / "other")
    assert keys.restore(warehouse, tmp_path / "saved") == keys.recorded(warehouse)
    assert home.key.read_text().strip() == KEY.hex()
