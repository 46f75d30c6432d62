"""Erasure, judged by the bytes that are left."""

import multiprocessing
import os
import signal
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ingest.errors import UserError
from ingest.spool.spool import Spool
from tests.warehouse.care_homes import (
    DAY,
    HASHES,
    IDS,
    NAMES,
    OTHER,
    VICTIM,
    fill,
    needles,
    where,
)
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_studies, look_up
from warehouse.audit import entries, verify
from warehouse.care.erasure import erase, finish, look, older_than, patient, unfinished
from warehouse.measures import MeasureRequest, compute
from warehouse.store import Warehouse
from warehouse.versions import resolve

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def spool(warehouse: Warehouse) -> Spool:
    return fill(warehouse)


def xrays(warehouse: Warehouse) -> int:
    (found,) = compute(warehouse, MeasureRequest("xrays", by=()))
    return int(found.numerator or 0)


def test_no_byte_of_the_patient_is_left(warehouse: Warehouse, spool: Spool) -> None:
    home, before = warehouse.home.root, resolve(warehouse)
    assert {"warehouse….sqlite", "warehouse….parquet", "spool….sqlite", "studies….dcm"} <= where(
        home, needles()
    ), "the search finds what is there"
    others = where(home, [OTHER])
    with Warehouse.open(home, read_only=True):  # somebody else has it open
        counts = erase(warehouse, spool, NAMES, patient(VICTIM))
    assert (counts.studies, counts.predictions, counts.labels, counts.resends) == (3, 3, 3, 1)
    assert (counts.rejections, counts.spooled) == (3, 3)
    assert where(home, needles()) == set()
    assert others - {"spool….sqlite-wal"} == where(home, [OTHER])
    assert xrays(warehouse) == 41
    (stone,) = warehouse.sql("SELECT * FROM erasures")
    assert (stone["kind"], stone["study_count"], stone["row_count"]) == ("patient", 3, 13)
    assert entries(warehouse)[-1].action == "erase"
    assert verify(warehouse).problems == ()
    assert unfinished(warehouse.home) is None
    with pytest.raises(UserError, match="from before an erasure"):
        resolve(warehouse, before.commit_number)
    with pytest.raises(UserError, match="archived"):
        resolve(warehouse, before.recorded_at)
    assert resolve(warehouse, stone["commit_number"]) == resolve(warehouse)
    _comes_again(warehouse)


def _comes_again(warehouse: Warehouse) -> None:
    """What was erased stays erased; a new X-ray of the same person is a new one."""
    known = warehouse.sql("SELECT max(erased_at) AS at FROM erasures")[0]["at"]
    later = known + timedelta(days=1)
    same = study(IDS[0], "A1", DAY, patient_key=VICTIM, content_hash=HASHES[0], received_at=later)
    pixels = replace(same, study_id="b" * 32)
    late = study("c" * 32, "A1", DAY, patient_key=VICTIM, received_at=known - timedelta(hours=1))
    new = study("d" * 32, "A1", DAY, patient_key=VICTIM, received_at=later)
    found = look_up(warehouse, [same, pixels, late, new], NAMES)
    assert [one.study_id for one in found.erased] == [IDS[0], "b" * 32, "c" * 32]
    assert [one.study_id for one in found.new] == ["d" * 32]


def test_nothing_to_erase_is_recorded_and_ends_no_version(warehouse: Warehouse) -> None:
    before, nobody = resolve(warehouse), patient(NAMES.patient_key("nobody"))
    counts = erase(warehouse, Spool(warehouse.home.spool), NAMES, nobody)
    assert not any(vars_of(counts))
    assert entries(warehouse)[-1].details == '{"rows":0}'
    assert resolve(warehouse, before.commit_number) == before


def vars_of(counts: object) -> list[int]:
    return [getattr(counts, name) for name in type(counts).__dataclass_fields__]


def test_looking_changes_nothing(warehouse: Warehouse, spool: Spool) -> None:
    before = resolve(warehouse)
    _, counts = look(warehouse, spool, patient(VICTIM))
    assert (counts.studies, counts.spooled, counts.files) == (3, 3, 2)
    assert resolve(warehouse) == before
    assert not warehouse.home.erasure_journal.exists()


def _die_after(home: Path, steps: int) -> None:
    done = 0

    def step(_text: str) -> None:
        nonlocal done
        done += 1
        if done == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    with Warehouse.open(home) as warehouse:
        erase(warehouse, Spool(home / "spool"), NAMES, patient(VICTIM), step)


def test_an_erasure_that_is_killed_after_any_step_is_finished_by_the_next(
    warehouse: Warehouse, spool: Spool
) -> None:
    home = warehouse.home.root
    spool.close()
    for steps in range(1, 6):
        child = SPAWN.Process(target=_die_after, args=(home, steps))
        child.start()
        child.join(120)
        assert child.exitcode == -signal.SIGKILL
        journal = (home / "erasure.json").read_text()
        assert "P-0815" not in journal
        assert (home / "erasure.json").stat().st_mode & 0o077 == 0
    assert finish(warehouse, spool, NAMES)
    assert not finish(warehouse, spool, NAMES)
    assert where(home, needles()) == set()
    assert xrays(warehouse) == 41
    (stone,) = warehouse.sql("SELECT * FROM erasures")
    assert stone["study_count"] == 3
    assert [one.action for one in entries(warehouse)].count("erase") == 1
    assert verify(warehouse).problems == ()


def test_retention_removes_what_is_older_and_nothing_else(warehouse: Warehouse) -> None:
    films = [
        study("a" * 32, "A1", date(2015, 5, 1)),
        study("b" * 32, "A1", date(2026, 5, 1)),
        study("c" * 32, "A1", None, received_at=datetime(2015, 5, 1, tzinfo=UTC)),
        study("d" * 32, "A1", date(2016, 5, 11)),
    ]
    with warehouse.write("test") as transaction:
        scored = {one.study_id: prediction(one.study_id, "NORMAL") for one in films}
        append_studies(transaction, films, scored)
    spool = Spool(warehouse.home.spool)
    counts = erase(warehouse, spool, NAMES, older_than(date(2016, 5, 11)))
    assert (counts.studies, counts.predictions) == (2, 2)
    left = warehouse.sql("SELECT study_id FROM studies ORDER BY 1")
    assert [row["study_id"] for row in left] == ["b" * 32, "d" * 32]
    assert where(warehouse.home.root, ["a" * 32, "c" * 32]) == set()
    (entry,) = entries(warehouse, action="retain")
    assert entry.object == "2016-05-11"
    assert look_up(warehouse, films[:1], NAMES).erased == [], "age keeps no list of what it was"
