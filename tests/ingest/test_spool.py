"""The spool's state machine: durable, once, and not stopped by a disk that refuses."""

import os
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.facts import Facts
from ingest.problem import Problem
from ingest.records import Reason
from ingest.spool.errors import SpoolFullError, SpoolUnavailableError
from ingest.spool.records import Door, Outcome, Packed, Settlement
from ingest.spool.spool import FULL_PACE, Spool

NOW = datetime(2026, 5, 14, 9, tzinfo=UTC)
FACTS = Facts("s", "p", "A", NOW, NOW.date(), NOW, 3.5, "F", "PA", "dicom", "", "f")
LATERAL = Problem(Reason.LATERAL, "a lateral view; only frontal films (PA, AP) are counted")
COLLISION = Problem(Reason.ID_COLLISION, "another film is stored under the same SOPInstanceUID")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def packed(name: str, *, second: int = 0, payload: bool = True, study: str = "s") -> Packed:
    facts = replace(FACTS, study_id=study, received_at=NOW + timedelta(seconds=second))
    return Packed(name, Door.DICOM, facts, f"{name}.dcm" if payload else None, 3)


def put(spool: Spool, what: Packed) -> Path:
    spool.check_room()
    assert what.payload
    path = spool.films / what.payload
    path.write_bytes(b"abc")
    return path


def test_an_entry_waits_until_it_is_settled(spool: Spool) -> None:
    path = put(spool, packed("a"))
    receipt = spool.add(packed("a"))
    assert (receipt.repeated, receipt.understood, receipt.study_id) == (False, True, "s")
    assert spool.outcome("a") is None
    (entry,) = spool.take()
    assert (entry.facts, entry.payload) == (FACTS, path)
    done = Settlement("a", Outcome.PREDICTED, "s")
    spool.settle([done])
    assert spool.outcome("a") == done
    assert spool.take() == []
    assert not path.exists()


def test_what_was_taken_and_not_settled_is_taken_again(spool: Spool, tmp_path: Path) -> None:
    spool.add(packed("a"))
    assert [entry.entry_id for entry in spool.take()] == ["a"]
    spool.close()
    assert [entry.entry_id for entry in Spool(tmp_path / "spool").take()] == ["a"]


def test_the_same_bytes_again_are_one_entry_and_leave_no_file(spool: Spool) -> None:
    put(spool, packed("a"))
    spool.add(packed("a"))
    again = replace(packed("a"), payload="again.dcm")
    extra = put(spool, again)
    assert spool.add(again).repeated
    assert not extra.exists()
    assert spool.counts() == {"waiting": 1, "deliveries": 2}


def test_a_refused_input_that_comes_again_is_judged_again(spool: Spool) -> None:
    refused = replace(packed("a"), facts=replace(FACTS, problem=LATERAL), payload=None)
    assert spool.add(refused).problem == LATERAL
    spool.take()
    spool.settle([Settlement("a", Outcome.REJECTED, problem=LATERAL)])
    settled = spool.outcome("a")
    assert settled is not None
    assert settled.problem == LATERAL
    put(spool, packed("a"))
    assert spool.add(packed("a")).repeated
    assert [entry.facts.problem for entry in spool.take()] == [None]


def test_a_film_whose_first_copy_cost_its_porter_is_taken_whole_the_second_time(
    spool: Spool,
) -> None:
    spool.add(replace(packed("a"), facts=replace(FACTS, problem=LATERAL), payload=None))
    path = put(spool, packed("a"))
    assert spool.add(packed("a")).repeated
    (entry,) = spool.take()
    assert (entry.payload, entry.facts.problem) == (path, None)


def test_the_oldest_are_taken_first(spool: Spool) -> None:
    for name, second in (("b", 2), ("a", 1), ("c", 3)):
        spool.add(packed(name, second=second))
    assert [entry.entry_id for entry in spool.take()] == ["a", "b", "c"]


def test_an_entry_that_kills_workers_ends_up_alone_and_counted(spool: Spool) -> None:
    for number in range(40):
        spool.add(packed(f"{number:02}", second=number))
    sizes = [len(spool.take()) for _ in range(12)]  # none of these workers got through
    assert sizes[0] == 40
    assert sizes[-1] == 1
    assert sizes == sorted(sizes, reverse=True)
    (entry,) = spool.take()
    assert entry.tries >= 1
    spool.settle([Settlement(entry.entry_id, Outcome.REJECTED, problem=LATERAL)])
    for _ in range(6):
        spool.went_well()
    assert len(spool.take()) == 39
    assert FULL_PACE >= 40


def test_the_second_film_of_a_collision_is_set_aside(spool: Spool) -> None:
    path = put(spool, packed("a"))
    spool.add(packed("a"))
    spool.settle([Settlement("a", Outcome.REJECTED, problem=COLLISION)])
    assert not path.exists()
    assert [one.read_bytes() for one in spool.aside.iterdir()] == [b"abc"]


@pytest.mark.parametrize(
    ("outcome", "held"),
    [(None, True), (Outcome.PREDICTED, True), (Outcome.DUPLICATE, True), (Outcome.REJECTED, False)],
)
def test_what_is_held_may_be_committed_to(spool: Spool, outcome: Outcome, held: bool) -> None:
    spool.add(packed("a", study="film"))
    if outcome:
        problem = LATERAL if outcome is Outcome.REJECTED else None
        spool.settle([Settlement("a", outcome, problem=problem)])
    assert spool.holds("film") is held
    assert not spool.holds("another")


def test_many_threads_and_processes_may_add(spool: Spool, tmp_path: Path) -> None:
    other = Spool(tmp_path / "spool")

    def add(target: Spool, first: int) -> None:
        for number in range(first, first + 20):
            target.add(packed(f"{number}", second=number))

    threads = [
        threading.Thread(target=add, args=(target, 10 * number))
        for number, target in enumerate([spool, other] * 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spool.counts() == {"waiting": 70, "deliveries": 120}


def test_a_disk_without_room_is_said_and_nothing_is_taken(spool: Spool) -> None:
    greedy = Spool(spool.folder, reserve=2**60)
    with pytest.raises(SpoolFullError, match="spool_reserve"):
        greedy.check_room()
    spool.check_room()


def test_a_damaged_state_is_said_and_works_again_when_it_is_mended(spool: Spool) -> None:
    spool.add(packed("a"))
    spool.close()
    file = spool.folder / "spool.sqlite"
    good = file.read_bytes()
    file.write_bytes(b"no database, whatever else it is" * 200)
    with pytest.raises(SpoolUnavailableError, match="spool"):
        spool.add(packed("b"))
    file.write_bytes(good)
    spool.add(packed("b"))
    assert spool.waiting() == 2


def test_a_sweep_forgets_what_is_old_and_drops_what_kills_left(spool: Spool) -> None:
    for name in ("old", "new", "waiting"):
        spool.add(packed(name))
    spool.settle([Settlement("old", Outcome.PREDICTED), Settlement("new", Outcome.PREDICTED)])
    with sqlite3.connect(spool.folder / "spool.sqlite") as db:
        db.execute("UPDATE entries SET settled_at='2020-01-01' WHERE entry_id='old'")
    (spool.films / "ab").mkdir()
    for name, age in (("left", 7200), ("fresh", 0)):
        path = spool.films / "ab" / name
        path.write_bytes(b"")
        stamp = datetime.now(UTC).timestamp() - age
        os.utime(path, (stamp, stamp))
    assert spool.sweep(keep_days=30) == 2
    assert [path.name for path in (spool.films / "ab").iterdir()] == ["fresh"]
    assert spool.outcome("old") is None
    assert spool.outcome("new") is not None
    assert spool.waiting() == 1


def test_facts_come_back_from_json_as_they_were() -> None:
    for facts in (FACTS, replace(FACTS, problem=LATERAL, acquired_at=None, acquired_date=None)):
        assert Facts.from_json(facts.as_json()) == facts
