"""Proofs on both catalogs: writers at once, readers beside them, kills in mid-transaction."""

import multiprocessing
import os
import random
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import pytest

from ingest.errors import ConfigurationError
from tests.postgres import Server
from tests.warehouse.places import Place
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_studies, look_up
from warehouse.store import DELIVERIES, OvertakenError, Transaction, Warehouse

pytestmark = pytest.mark.proof
on_both = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
SPAWN = multiprocessing.get_context("spawn")
REDUCED = os.environ.get("PROOF_SIZE") == "reduced"
BATCH = 24
END_LOCKS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted
"""


@dataclass(slots=True)
class Told:
    """What a writer or reader says at its end."""

    commits: int = 0
    added: int = 0
    overtaken: int = 0
    reads: int = 0
    seconds: float = 0.0


def deliver(transaction: Transaction, ids: list[str]) -> int:
    found = look_up(transaction, [study(name) for name in ids])
    scored = {one.study_id: prediction(one.study_id, "NORMAL") for one in found.new}
    append_studies(transaction, found.new, scored)
    return len(found.new)


def write_batches(warehouse: Warehouse, batches: list[list[str]], until: float) -> Told:
    """Redelivers what was overtaken, and says how often that was."""
    told, began = Told(), time.monotonic()
    for ids in batches:
        if time.time() > until:
            break
        for _ in range(DELIVERIES):
            try:
                with warehouse.write("proof") as transaction:
                    added = deliver(transaction, ids)
            except (OvertakenError, ConfigurationError):  # the latter: cut off while it waited
                told.overtaken += 1
            else:
                told.commits, told.added = told.commits + 1, told.added + added
                break
    told.seconds = time.monotonic() - began
    return told


def writer(place: Place, batches: list[list[str]], begin: Any, seconds: float, end: Any) -> None:
    with place.open() as warehouse:
        begin.wait()
        end.send(write_batches(warehouse, batches, time.time() + seconds))


def reader(place: Place, begin: Any, seconds: float, end: Any) -> None:
    """Counts for ever; a study without its prediction, or fewer than before, is an error."""
    told, most = Told(), 0
    with place.open(read_only=True) as warehouse:
        begin.wait()
        until = time.time() + seconds
        while time.time() < until:
            (row,) = warehouse.sql(
                "SELECT count(*) AS n, count(p.study_id) AS whole "
                "FROM studies s LEFT JOIN predictions p USING (study_id)"
            )
            assert row["n"] == row["whole"], "torn"
            assert row["n"] >= most, "went back"
            most, told.reads = row["n"], told.reads + 1
    end.send(told)


def at_once(work: list[tuple[Any, tuple]], seconds: float) -> list[Told]:
    """All processes begin together; what each told."""
    begin, ends = SPAWN.Barrier(len(work)), [SPAWN.Pipe(duplex=False) for _ in work]
    processes = [
        SPAWN.Process(target=target, args=(*args, begin, seconds, sent))
        for (target, args), (_, sent) in zip(work, ends, strict=True)
    ]
    for process in processes:
        process.start()
    told = []
    for process, (got, _) in zip(processes, ends, strict=True):
        assert got.poll(seconds + 300), f"{process.name} said nothing"
        told.append(got.recv())
        process.join(60)
        assert process.exitcode == 0
    return told


def batches_of(names: list[str], size: int = BATCH) -> list[list[str]]:
    return [names[at : at + size] for at in range(0, len(names), size)]


def lost_doubled_torn(place: Place, wanted: set[str]) -> tuple[int, int, int]:
    with place.open(read_only=True) as warehouse:
        rows = warehouse.sql("SELECT study_id FROM studies")
        torn = warehouse.sql(
            "SELECT study_id FROM studies ANTI JOIN predictions USING (study_id) UNION ALL "
            "SELECT study_id FROM predictions ANTI JOIN studies USING (study_id)"
        )
        numbers = [r["commit_number"] for r in warehouse.sql("SELECT commit_number FROM commits")]
    assert len(numbers) == len(set(numbers)) == max(numbers), "commit numbers: no gap, none twice"
    there = [row["study_id"] for row in rows]
    return len(wanted - set(there)), len(there) - len(set(there)), len(torn)


def kind_of(place: Place) -> str:
    return "PostgreSQL" if place.settings.on_postgres else "SQLite"


@on_both
def test_writers_given_the_same_and_overlapping_studies(place: Place) -> None:
    count, writers = (240, 2) if REDUCED else (1200, 4)
    names = [f"s{number}" for number in range(count)]
    orders = [names, names[::-1], names[count // 2 :] + names[: count // 2], names[::-1]]
    work = [(writer, (place, batches_of(one))) for one in orders[:writers]]
    told = at_once(work, 3600)
    assert lost_doubled_torn(place, set(names)) == (0, 0, 0)
    assert sum(one.added for one in told) == count
    assert all(one.commits == len(batches_of(names)) for one in told), "none gave up"
    print(
        f"\n{kind_of(place)}: {writers} writers at once, the same {count} studies each: "
        f"{sum(one.commits for one in told)} commits, {sum(one.overtaken for one in told)} "
        "conflicts, 0 lost, 0 doubled"
    )


@on_both
def test_two_writers_and_three_readers(place: Place) -> None:
    seconds = 6.0 if REDUCED else 60.0
    names = [f"s{number}" for number in range(200_000)]
    late = names[BATCH // 2 :]  # the batches of the two overlap by half
    work: list[tuple[Any, tuple]] = [(writer, (place, batches_of(n))) for n in (names, late)]
    told = at_once(work + [(reader, (place,))] * 3, seconds)
    one, two, *readers = told
    acknowledged = set(names[: one.commits * BATCH]) | set(late[: two.commits * BATCH])
    assert lost_doubled_torn(place, acknowledged) == (0, 0, 0)
    assert one.added + two.added == len(acknowledged)
    assert min(one.commits, two.commits) > 0
    assert min(reader.reads for reader in readers) > 0
    commits, longest = one.commits + two.commits, max(one.seconds, two.seconds)
    print(
        f"\n{kind_of(place)}: 2 writers and 3 readers for {seconds:.0f} s: "
        f"{commits / longest:.1f} commits/s of {BATCH} studies ({one.added + two.added} new), "
        f"{one.overtaken + two.overtaken} conflicts, "
        f"{sum(r.reads for r in readers) / seconds:.1f} reads/s, 0 lost, 0 doubled, 0 torn"
    )


def stops_before_its_commit(place: Place, ids: list[str], talk: Connection) -> None:
    """Says when its rows are in; commits when it is told to."""
    with place.open() as warehouse, warehouse.write("killed") as transaction:
        assert deliver(transaction, ids) == len(ids)
        talk.send("inserted")
        assert talk.recv() == "commit"


@on_both
def test_kills_in_mid_transaction(place: Place) -> None:
    kills, chance, committed = (3 if REDUCED else 50), random.Random(7), 0
    for number in range(kills):
        ids = [f"k{number}-{at}" for at in range(BATCH)]
        here, there = SPAWN.Pipe()
        process = SPAWN.Process(target=stops_before_its_commit, args=(place, ids, there))
        process.start()
        assert here.poll(120)
        assert here.recv() == "inserted"
        assert process.is_alive(), "in mid-transaction: its rows are in, its commit is not"
        within_commit = number % 2 == 1
        if within_commit:  # half of the kills come while it commits
            here.send("commit")
            time.sleep(chance.random() * 0.03)
        process.kill()
        process.join()
        with place.open() as warehouse:
            (row,) = warehouse.sql(
                "SELECT count(*) AS n FROM studies WHERE starts_with(study_id, $k)", k=f"k{number}-"
            )
            assert row["n"] in ((0, BATCH) if within_commit else (0,)), "torn"
            committed += row["n"] > 0
            added = warehouse.write_again("again", lambda t, ids=ids: deliver(t, ids))
            assert added == BATCH - row["n"]
    wanted = {f"k{number}-{at}" for number in range(kills) for at in range(BATCH)}
    assert lost_doubled_torn(place, wanted) == (0, 0, 0)
    print(
        f"\n{kind_of(place)}: {kills} kills in mid-transaction, {kills // 2} of them within "
        f"COMMIT ({committed} had committed unacknowledged); delivered again: 0 lost, 0 doubled, "
        "0 torn"
    )


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_writers_whose_locks_are_torn_away_all_the_time(place: Place, postgres: Server) -> None:
    """The claim alone: as fast as it can, the server ends whichever connection holds the lock."""
    count, writers = (120, 2) if REDUCED else (480, 3)
    names = [f"s{number}" for number in range(count)]
    over, torn_away = threading.Event(), []

    def tear() -> None:
        while not over.wait(0.005):
            torn_away.append(postgres.run(END_LOCKS)[0][0])

    tearing = threading.Thread(target=tear)
    tearing.start()
    told = at_once([(writer, (place, batches_of(names)))] * writers, 3600)
    over.set()
    tearing.join()
    assert lost_doubled_torn(place, set(names)) == (0, 0, 0)
    assert sum(one.added for one in told) == count
    overtaken = sum(one.overtaken for one in told)
    assert overtaken > 0, "nobody was overtaken: this has proved nothing"
    print(
        f"\nPostgreSQL: {writers} writers at once, the same {count} studies each, their lock torn "
        f"away {sum(torn_away)} times: {sum(one.commits for one in told)} commits, {overtaken} "
        "overtaken and delivered again, 0 lost, 0 doubled"
    )
