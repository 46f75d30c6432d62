"""A writer of PostgreSQL that has lost its turn, for real: its lock's connection is ended."""

from dataclasses import replace

import duckdb
import pytest

from ingest.errors import ConfigurationError
from tests.postgres import Server
from tests.warehouse.places import Place
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_studies, look_up
from warehouse.connection import connect
from warehouse.home import Home
from warehouse.postgres_catalog import lock_number
from warehouse.store import OvertakenError, Transaction, Warehouse

pytestmark = pytest.mark.parametrize("place", ["postgres"], indirect=True)
NAMES = [f"s{number}" for number in range(20)]
END_LOCKS = """
SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND d.datname = '{name}'
"""
END_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'
"""


def deliver(transaction: Transaction) -> int:
    """The same 20 studies whoever calls; what is there is passed over."""
    found = look_up(transaction, [study(name) for name in NAMES])
    scored = {one.study_id: prediction(one.study_id, "NORMAL") for one in found.new}
    append_studies(transaction, found.new, scored)
    return len(found.new)


def end(server: Server, place: Place, statement: str) -> int:
    name = place.settings.catalog.rpartition("/")[2]
    return int(server.run(statement.format(name=name))[0][0])


def counts(warehouse: Warehouse) -> tuple[int, int]:
    (row,) = warehouse.sql(
        "SELECT count(*) AS studies, count(DISTINCT study_id) AS different FROM studies"
    )
    return row["studies"], row["different"]


def test_the_lock_is_held_from_before_the_look_until_after_the_commit(
    warehouse: Warehouse, postgres: Server, place: Place
) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    number = lock_number(place.settings.schema) & 0xFFFFFFFF
    with warehouse.write("test") as transaction:
        assert postgres.run(f"{held} AND objid = {number}") == [(1,)]
        deliver(transaction)
    assert postgres.run(held) == [(0,)]


def test_a_writer_whose_lock_was_lost_does_not_double_what_another_wrote(
    warehouse: Warehouse, postgres: Server, place: Place
) -> None:
    def lose_turn() -> None:
        with warehouse.write("slow") as transaction:
            assert deliver(transaction) == len(NAMES)
            assert end(postgres, place, END_LOCKS) == 1
            with place.open() as other, other.write("fast") as faster:
                assert deliver(faster) == len(NAMES)

    with pytest.raises(OvertakenError, match="another writer"):
        lose_turn()
    assert counts(warehouse) == (len(NAMES), len(NAMES))
    assert warehouse.write_again("slow", deliver) == 0, "delivered again, it adds nothing"
    assert counts(warehouse) == (len(NAMES), len(NAMES))
    rows = warehouse.sql("SELECT commit_number FROM commits ORDER BY 1")
    numbers = [row["commit_number"] for row in rows]
    assert numbers == sorted(set(numbers))


def test_it_is_delivered_again_at_once(
    warehouse: Warehouse, postgres: Server, place: Place
) -> None:
    tries = []

    def overtaken_once(transaction: Transaction) -> int:
        added = deliver(transaction)
        tries.append(added)
        if len(tries) == 1:
            end(postgres, place, END_LOCKS)
            with place.open() as other, other.write("fast") as faster:
                deliver(faster)
        return added

    assert warehouse.write_again("slow", overtaken_once) == 0
    assert tries == [len(NAMES), 0]
    assert counts(warehouse) == (len(NAMES), len(NAMES))


def test_a_writer_cut_off_from_the_catalog_has_written_nothing_and_recovers(
    warehouse: Warehouse, postgres: Server, place: Place
) -> None:
    def cut_off() -> None:
        with warehouse.write("test") as transaction:
            deliver(transaction)
            assert end(postgres, place, END_ALL) >= 2

    with pytest.raises(OvertakenError):
        cut_off()
    assert counts(warehouse) == (0, 0)
    assert warehouse.write_again("test", deliver) == len(NAMES)


def test_without_the_claim_ducklake_itself_would_double(place: Place) -> None:
    """What the claim is for: should this fail one day, the claim may go."""
    one, two = (
        connect(Home(place.home), read_only=False, settings=place.settings) for _ in range(2)
    )
    for connection in (one, two):
        connection.execute("BEGIN")
        assert connection.execute("SELECT count(*) FROM labels").fetchone() == (0,)
        connection.execute("INSERT INTO labels (study_id) VALUES ('s')")
    one.execute("COMMIT")
    two.execute("COMMIT")
    assert one.execute("SELECT count(*) FROM labels").fetchone() == (2,)


def test_of_two_transactions_with_the_claim_one_fails(place: Place) -> None:
    one, two = (
        connect(Home(place.home), read_only=False, settings=place.settings) for _ in range(2)
    )
    for connection in (one, two):
        connection.execute("BEGIN")
        connection.execute("UPDATE turns SET turn = turn + 1")
        connection.execute("INSERT INTO labels (study_id) VALUES ('s')")
    one.execute("COMMIT")
    with pytest.raises(duckdb.TransactionException, match="conflict"):
        two.execute("COMMIT")
    assert one.execute("SELECT count(*) FROM labels").fetchone() == (1,)


def test_a_server_that_is_away_is_named_without_its_password(place: Place) -> None:
    away = place.settings.catalog.replace("@127.0.0.1:", "@127.0.0.1:1")
    for read_only in (True, False):
        with pytest.raises(ConfigurationError, match=r"postgresql://pneumo@127\.0\.0\.1") as raised:
            Place(place.home, replace(place.settings, catalog=away)).open(read_only)
        assert "staple" not in str(raised.value)
