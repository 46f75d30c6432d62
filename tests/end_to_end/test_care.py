"""The care of a home as an operator does it: commands, real films, a real model."""

import json
import shutil
from pathlib import Path

from tests.end_to_end.arriving import as_bytes, generated, instance, take_in
from tests.end_to_end.test_chain import call, new_home
from tests.warehouse.care_homes import where
from warehouse.store import Warehouse


def said(home: Path, *words: str) -> dict:
    ran = call(home, *words, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_patient_is_erased_and_does_not_come_back(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with (home / "pneumowatch.toml").open("a") as file:
        file.write('keep_images = true\nkeep_originals = "all"\n')
    films = [as_bytes(instance(film, number)) for number, film in enumerate(generated(3))]
    take_in(home, films)
    assert said(home, "drain")["predicted"] == 3
    with Warehouse.open(home, read_only=True) as warehouse:
        rows = warehouse.sql("SELECT study_id, patient_key, content_hash FROM studies")
    assert call(home, "verify").returncode == 0, call(home, "verify").stdout
    made = said(home, "backup", str(tmp_path / "backups"))

    unsure = call(home, "erase", "--patient-id", "P-1")
    assert unsure.returncode == 2
    assert "add --yes" in unsure.stderr
    done = said(home, "erase", "--patient-id", "P-1", "--yes")
    assert (done["studies"], done["predictions"], done["spooled"]) == (1, 1, 1)
    assert done["files"] >= 2
    (gone,) = [row for row in rows if not where(home, [row["study_id"]])]
    assert where(home, [gone["patient_key"], gone["content_hash"], "P-1"]) == set()

    take_in(home, films)
    again = said(home, "drain")
    assert (again["predicted"], again["duplicates"], again["waiting"]) == (0, 1, 0)
    assert where(home, [*gone.values()]) == set(), "what comes again leaves nothing"
    assert call(home, "verify").returncode == 0
    late = call(home, "measures", "--as-of", "3")
    assert late.returncode == 2
    assert "from before an erasure" in late.stderr

    shown = said(home, "audit")
    assert {"configuration", "backup", "erase", "model_promote"} <= {one["action"] for one in shown}
    assert "P-1" not in json.dumps(shown)
    assert said(home, "audit", "--verify")["whole"]
    _restored(home, tmp_path, made["version"], rows)


def _restored(home: Path, tmp_path: Path, version: int, rows: list[dict]) -> None:
    copy = tmp_path / "copy"
    assert said(copy, "restore", str(tmp_path / "backups"))["version"] == version
    with Warehouse.open(copy, read_only=True) as warehouse:
        text = "SELECT study_id, patient_key, content_hash FROM studies"
        assert sorted(map(str, warehouse.sql(text))) == sorted(map(str, rows))
    assert call(home, "key", "backup", str(tmp_path / "key")).returncode == 0
    assert call(copy, "key", "restore", str(tmp_path / "key")).returncode == 0
    assert said(copy, "erase", "--patient-id", "P-1", "--yes")["studies"] == 1
    shutil.rmtree(copy)
