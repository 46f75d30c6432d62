"""The audit record, tampered with where an attacker would: in the files themselves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from tests.warehouse.rows import SITES
from warehouse.audit import (
    Action,
    acting_as,
    append,
    entries,
    note_configuration,
    record,
    verify,
)
from warehouse.audit_fhir import events
from warehouse.models import promote, register
from warehouse.sites import load_sites
from warehouse.store import Warehouse


@pytest.fixture
def recorded(warehouse: Warehouse) -> Warehouse:
    for number in range(4):
        record(warehouse, Action.EXPORT, f"cohort:{number}", {"rows": number})
    return warehouse


def test_a_write_and_its_entry_are_committed_together(warehouse: Warehouse) -> None:
    before = len(entries(warehouse))
    commit = load_sites(warehouse, SITES, [])
    newest = entries(warehouse)[-1]
    assert (newest.action, newest.commit_number) == ("sites", commit)
    with pytest.raises(RuntimeError):
        _fail_half_way(warehouse)
    assert len(entries(warehouse)) == before + 1
    assert verify(warehouse).problems == ()


def _fail_half_way(warehouse: Warehouse) -> None:
    with warehouse.write("test") as transaction:
        append(transaction, Action.LABELS)
        raise RuntimeError


def test_models_are_recorded(warehouse: Warehouse) -> None:
    from tests.warehouse.rows import card

    register(warehouse, card("m2"))
    promote(warehouse, "m2")
    promote(warehouse, "m2")  # nothing happens, nothing is recorded
    assert [(one.action, one.object) for one in entries(warehouse)] == [
        ("sites", ""),
        ("model_add", "m1"),
        ("model_promote", "m1"),
        ("model_add", "m2"),
        ("model_promote", "m2"),
    ]


def test_a_reader_records_what_it_hands_out_and_who_asked(recorded: Warehouse) -> None:
    with Warehouse.open(recorded.home.root, read_only=True) as reader, acting_as("ann"):
        record(reader, Action.VIEW, "worklist", {"rows": 3})
    newest = entries(recorded)[-1]
    assert (newest.actor, newest.object) == ("account:ann", "worklist")
    assert json.loads(newest.details) == {"rows": 3}
    assert entries(recorded)[0].actor.startswith("os:")


def test_entries_by_time_and_action(recorded: Warehouse) -> None:
    assert len(entries(recorded, action="export")) == 4
    assert entries(recorded, first=datetime.now(UTC) + timedelta(hours=1)) == []
    assert entries(recorded, last=datetime(2001, 1, 1, tzinfo=UTC)) == []
    chosen = entries(recorded)[2].happened_at
    assert [one.seq for one in entries(recorded, first=chosen, last=chosen)] in ([3], [2, 3])


TAMPERINGS = {  # kind: statement, what is said of it
    "an edit": ("UPDATE audit SET actor = 'os:nobody' WHERE seq = 5", "entry 5 was changed"),
    "a deletion": ("DELETE FROM audit WHERE seq = 4", "entries 4 to 4 are missing"),
    "the first one gone": ("DELETE FROM audit WHERE seq = 1", "entries 1 to 1 are missing"),
    "reordering": (
        "UPDATE audit SET seq = CASE seq WHEN 4 THEN 5 ELSE 4 END WHERE seq IN (4, 5)",
        "entry 4 was changed",
    ),
    "a double": ("INSERT INTO audit SELECT * FROM audit WHERE seq = 6", "entry 6 is there twice"),
    "truncation": ("DELETE FROM audit WHERE seq > 5", "entries up to 7 were written"),
    "all of it": ("DELETE FROM audit", "entries up to 7 were written"),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_in_the_table_is_found(recorded: Warehouse, kind: str) -> None:
    assert verify(recorded).problems == ()
    statement, complaint = TAMPERINGS[kind]
    recorded.sql(statement)
    assert complaint in " ".join(verify(recorded).problems)


def test_what_was_cut_off_stays_known_when_the_record_goes_on(recorded: Warehouse) -> None:
    recorded.sql("DELETE FROM audit WHERE seq > 5")
    record(recorded, Action.EXPORT, "another")
    record(recorded, Action.EXPORT, "and another")
    assert "entry 6 is not the one whose head was noted" in " ".join(verify(recorded).problems)


def _reseal(warehouse: Warehouse) -> None:
    """What somebody does who knows how entries are sealed."""
    from warehouse.audit import START, Entry, _sealed

    chain = entries(warehouse)
    warehouse.sql("DELETE FROM audit")
    previous = START
    for entry in chain:
        values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
        changed = {"actor": "os:nobody", "previous_hash": previous}
        sealed = _sealed(Entry(**values | changed))
        previous = sealed.hash
        names = list(Entry.__dataclass_fields__)
        bound = ", ".join(f"${name}" for name in names)
        row = {name: getattr(sealed, name) for name in names}
        warehouse.sql(f"INSERT INTO audit ({', '.join(names)}) VALUES ({bound})", **row)


def test_a_chain_that_was_forged_whole_differs_from_the_heads(recorded: Warehouse) -> None:
    noted = verify(recorded).head
    _reseal(recorded)
    assert any("whose head was noted" in one for one in verify(recorded).problems)
    recorded.home.audit_heads.unlink()
    assert verify(recorded).problems == (), "table and heads forged alike cannot be told apart"
    assert "entry 7 is not the one" in " ".join(verify(recorded, noted).problems)


def _cut(heads: Path) -> None:
    heads.write_bytes(heads.read_bytes()[:-30])


def _garble(heads: Path) -> None:
    heads.write_text("not a head\n")


@pytest.mark.parametrize(("harm", "problems"), [(_cut, 0), (_garble, 1)])
def test_a_heads_file_that_was_cut_is_no_alarm_and_one_that_was_garbled_is(
    recorded: Warehouse, harm: Callable[[Path], None], problems: int
) -> None:
    harm(recorded.home.audit_heads)
    assert len(verify(recorded).problems) == problems


def test_the_record_as_fhir_audit_events(recorded: Warehouse) -> None:
    """Held against the standard's own definitions, R4B."""
    with acting_as("ann"):
        record(recorded, Action.LOGIN, "", {"refused": True})
    lines = list(events(entries(recorded)))
    resources = [AuditEvent.model_validate_json(line) for line in lines]
    assert [one.id for one in resources] == [f"pneumowatch-{n}" for n in range(1, len(lines) + 1)]
    export, login = resources[-2], resources[-1]
    assert (export.action, export.type.code, export.outcome) == ("R", "110106", "0")
    assert export.entity[0].what.identifier.value == "cohort:3"
    assert {one.type: one.valueString for one in export.entity[0].detail}["rows"] == "3"
    assert (login.action, login.type.code, login.outcome) == ("E", "110114", "4")
    assert login.agent[0].who.display == "account:ann"


def test_a_changed_configuration_is_recorded_once(recorded: Warehouse) -> None:
    assert note_configuration(recorded) is not None
    assert note_configuration(recorded) is None
    recorded.home.configuration.write_text("[ingest]\n")
    assert note_configuration(recorded) is not None
    assert [one.action for one in entries(recorded)][-2:] == ["configuration"] * 2
