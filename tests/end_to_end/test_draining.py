"""From the spool to the warehouse, as the ingest worker does it: real processes, a real model."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from dashboard.configuration import load
from dashboard.doors import open_spool
from dashboard.draining import worker_beside
from ingest.spool.records import Outcome
from ingest.spool.spool import Spool
from tests.end_to_end.arriving import as_bytes, generated, instance, take_in
from tests.end_to_end.test_chain import call, new_home
from warehouse.store import Warehouse

FILMS = 40
MARK = "ZQXWV"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return new_home(tmp_path)


@pytest.fixture(scope="module")
def films() -> list[np.ndarray]:
    return generated(FILMS)


def spool_of(home: Path) -> Spool:
    return open_spool(home, load(home / "pneumowatch.toml").ingest)


def drain(home: Path) -> dict:
    ran = call(home, "drain", "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def rows(home: Path, text: str) -> list[dict]:
    with Warehouse.open(home, read_only=True) as warehouse:
        return warehouse.sql(text)


def test_every_entry_ends_once_with_the_outcome_that_the_warehouse_has(
    home: Path, films: list[np.ndarray]
) -> None:
    first = as_bytes(instance(films[0], 0))
    resend = as_bytes(instance(films[0], 100))
    collision = as_bytes(instance(films[1], 0))
    lateral = as_bytes(instance(films[2], 2, ViewPosition="LL"))
    receipts = take_in(home, [first, resend, collision, lateral, b"no image", first])
    assert [one.repeated for one in receipts] == [False] * 5 + [True]
    found = drain(home)
    assert (found["predicted"], found["duplicates"]) == (1, 1)
    assert found["by_reason"] == {"id_collision": 1, "lateral": 1, "not_an_image": 1}
    assert found["waiting"] == 0
    spool = spool_of(home)
    ended = [spool.outcome(one.entry_id) for one in receipts]
    outcomes = [one.outcome for one in ended if one]
    assert outcomes == [
        Outcome.PREDICTED,
        Outcome.DUPLICATE,
        Outcome.REJECTED,
        Outcome.REJECTED,
        Outcome.REJECTED,
        Outcome.PREDICTED,
    ]
    assert list(spool.films.glob("*/*")) == []
    assert len(list(spool.aside.iterdir())) == 1
    (resent,) = rows(home, "SELECT * FROM resends")
    assert (resent["first_study_id"], resent["study_id"]) == (
        receipts[0].study_id,
        receipts[1].study_id,
    )
    (refused,) = rows(home, "SELECT sentence FROM rejections WHERE reason = 'id_collision'")
    hashes = {row["content_hash"] for row in rows(home, "SELECT content_hash FROM studies")}
    assert all(one in refused["sentence"] for one in hashes)
    assert drain(home)["received"] == 0


def test_a_worker_killed_at_any_moment_loses_and_doubles_nothing(
    home: Path, films: list[np.ndarray]
) -> None:
    receipts = take_in(home, [as_bytes(instance(film, n)) for n, film in enumerate(films)])
    for seconds in (0.8, 1.4, 1.8, 2.2):
        _killed_after(home, seconds)
    drain(home)
    spool = spool_of(home)
    ended = [spool.outcome(one.entry_id) for one in receipts]
    assert all(one is not None and one.outcome is Outcome.PREDICTED for one in ended)
    (counted,) = rows(home, "SELECT count(*) AS n, count(DISTINCT study_id) AS d FROM predictions")
    assert (counted["n"], counted["d"]) == (FILMS, FILMS)


def _killed_after(home: Path, seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "drain", "--home", str(home)],
        env={**os.environ, "PNEUMOWATCH_WAREHOUSE_COMMIT_ROWS": "8"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_worker_beside_a_door_is_started_again_and_ends_with_it(
    home: Path, films: list[np.ndarray]
) -> None:
    with worker_beside(home, "cpu"):
        child = _wait_for(lambda: _worker(home))
        child.send_signal(signal.SIGKILL)
        _wait_for(lambda: child if not child.is_running() else None)
        take_in(home, [as_bytes(instance(films[0], 1))])
        spool = spool_of(home)
        _wait_for(lambda: spool.counts().get("predicted"))
    assert _worker(home) is None


def _worker(home: Path) -> psutil.Process | None:
    for one in psutil.Process().children():
        words = one.cmdline() if one.status() != psutil.STATUS_ZOMBIE else []
        if "drain" in words and str(home) in words:
            return one
    return None


def _wait_for(look: object, seconds: float = 60.0) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():  # type: ignore[operator]
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.mark.parametrize("kept", [False, True])
def test_nothing_that_was_written_names_the_patient(
    home: Path, films: list[np.ndarray], kept: bool
) -> None:
    """Every byte of the home but its key: warehouse, catalog, spool, images, originals."""
    if kept:
        with (home / "pneumowatch.toml").open("a") as file:
            file.write('keep_originals = "A"\nkeep_images = true\n')
    planted = {
        "PatientName": f"{MARK}^Anna",
        "PatientID": f"ID-{MARK}",
        "PatientBirthDate": "19531117",
        "InstitutionName": f"{MARK} General",
        "StudyDescription": f"chest {MARK}",
        "AccessionNumber": f"{MARK}1",
        "StudyInstanceUID": "1.2.826.19531117.1",
    }
    uids = [f"1.2.826.19531117.7.{number}" for number in range(6)]
    data = [
        as_bytes(instance(film, n, **planted, SOPInstanceUID=uid))
        for n, (film, uid) in enumerate(zip(films, uids, strict=False))
    ]
    data += [as_bytes(instance(films[7], 7, **planted, Modality=MARK)), data[0][:900]]
    data += [as_bytes(instance(films[8], 0, **planted, SOPInstanceUID=uids[0]))]
    taken = take_in(home, data)
    waiting = _named(home)  # while it waits in the spool
    ran = call(home, "drain")
    assert waiting == []
    assert _named(home) == []
    assert MARK not in ran.stdout + ran.stderr
    assert spool_of(home).counts()["predicted"] == 6
    originals = {path.stem for path in (home / "studies").rglob("*.dcm")}
    assert originals == ({str(one.study_id) for one in taken[:6]} if kept else set())


def _named(home: Path) -> list[str]:
    """Files under the home that hold the mark or the birthday, in whatever case or width."""
    marks = [MARK.encode(), MARK.lower().encode(), MARK.encode("utf-16-le"), b"19531117"]
    found = []
    for path in home.rglob("*"):
        if path.is_file() and path.name != "pseudonym.key":
            content = path.read_bytes()
            if any(mark in content for mark in marks) or MARK in path.name:
                found.append(str(path.relative_to(home)))
    return found + _named_rows(home)


def _named_rows(home: Path) -> list[str]:
    """Parquet is compressed, so bytes alone would not show what a table holds."""
    tables = rows(home, "SELECT table_name AS name FROM duckdb_tables() WHERE database_name = 'w'")
    text = [
        f"{table['name']}: {row}"
        for table in tables
        for row in rows(home, f'SELECT * FROM "{table["name"]}"')
    ]
    assert any("film" in line or "rejections" in line for line in text)
    return [line for line in text if MARK in line.upper() or "19531117" in line]
