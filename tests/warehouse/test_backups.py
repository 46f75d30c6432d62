"""Backups made while others write, and homes restored from them: compared row by row."""

import json
import multiprocessing
import shutil
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import InputError, UserError
from tests.warehouse.care_homes import OTHER, VICTIM, fill, where
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_studies
from warehouse.audit import entries, verify
from warehouse.care import verification
from warehouse.care.backups import back_up, restore
from warehouse.care.finding import State
from warehouse.care.lake import data_files
from warehouse.measures import MeasureRequest, compute
from warehouse.store import Warehouse

SPAWN = multiprocessing.get_context("spawn")
MEASURES = ("xrays", "positivity", "prevalence", "bacterial_share", "out_of_scope")


def _keep_writing(home: Path, stop: object) -> None:
    with Warehouse.open(home) as warehouse:
        number = 0
        while not stop.is_set():  # type: ignore[attr-defined]
            films = [study(f"w{number}-{n}", day=date(2026, 5, 11)) for n in range(15)]
            scored = {one.study_id: prediction(one.study_id, "NORMAL") for one in films}
            with warehouse.write("test") as transaction:
                append_studies(transaction, films, scored)
            number += 1


def contents(warehouse: Warehouse, version: int) -> dict[str, object]:
    """Every measure and every table, as of a version."""
    found: dict[str, object] = {
        name: compute(warehouse, MeasureRequest(name, by=("site",), as_of=version))
        for name in MEASURES
    }
    for row in warehouse.query("tables_with_column", wanted="commit_number"):
        table = row["table_name"]
        text = f'SELECT * FROM "{table}" WHERE commit_number <= $version'
        rows = warehouse.sql(text, version=version)
        found[table] = sorted(rows, key=repr)
    return found


def test_a_home_restored_from_a_backup_made_while_another_wrote_is_the_same(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    fill(warehouse).close()
    home, stop = warehouse.home.root, SPAWN.Event()
    (home / "pseudonym.key").write_text("k" * 64)
    before = len(data_files(warehouse))
    writer = SPAWN.Process(target=_keep_writing, args=(home, stop))
    writer.start()
    try:
        while len(data_files(warehouse)) < before + 2:  # it is at work
            pass
        made = back_up(warehouse, tmp_path / "backups")
        again = back_up(warehouse, tmp_path / "backups")
    finally:
        stop.set()
        writer.join(60)
    assert writer.exitcode == 0
    assert again.version > made.version
    assert again.folder != made.folder
    assert again.linked > made.linked > 0
    assert not (made.folder / "pseudonym.key").exists()
    restored = tmp_path / "restored"
    assert restore(made.folder, restored).version == made.version
    with Warehouse.open(restored) as copy:
        assert contents(copy, made.version) == contents(warehouse, made.version)
        broken = [one.check for one in verification.verify(copy) if one.state is State.BROKEN]
        assert broken == ["model files"], "the tests' model m1 never had any"
        assert entries(copy)[-1].action == "restore"
        assert verify(copy).problems == ()
    for one in (VICTIM, OTHER):
        kept = {"studies….png", "studies….dcm", "spool….dcm"}
        assert where(restored, [one]) & kept == where(home, [one]) & kept
    with Warehouse.open(tmp_path / "restored"):  # the backup is not the home: writing there
        pass
    assert restore(tmp_path / "backups", tmp_path / "newest").version == again.version


def test_a_backup_that_was_damaged_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    fill(warehouse).close()
    (warehouse.home.root / "pseudonym.key").write_text("k" * 64)
    made = back_up(warehouse, tmp_path / "backups", with_key=True)
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["files"].keys() >= {"pseudonym.key", "warehouse/catalog.sqlite", "audit.heads"}
    damaged = tmp_path / "damaged"
    shutil.copytree(made.folder, damaged)
    content = bytearray((damaged / "warehouse/catalog.sqlite").read_bytes())
    content[5000] ^= 1
    (damaged / "warehouse/catalog.sqlite").write_bytes(content)
    with pytest.raises(InputError, match=r"catalog\.sqlite.*is not what the manifest says"):
        restore(damaged, tmp_path / "home2")
    assert not (tmp_path / "home2").exists()
    (damaged / "warehouse/catalog.sqlite").unlink()
    with pytest.raises(InputError, match="is missing from the backup"):
        restore(damaged, tmp_path / "home2")
    with pytest.raises(UserError, match="is not empty"):
        restore(made.folder, warehouse.home.root)
    with pytest.raises(UserError, match="holds no backup"):
        restore(tmp_path, tmp_path / "home2")
    with pytest.raises(UserError, match="in the home itself"):
        back_up(warehouse, warehouse.home.root / "backups")
    (damaged / "manifest.json").write_text('{"files": {"../../evil": {}}}')
    with pytest.raises(InputError, match="not a manifest"):
        restore(damaged, tmp_path / "home2")
