"""The spool against the warehouse: what it says was stored is stored, and nothing waits long."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.care.finding import Finding, State
from warehouse.store import Warehouse

LONG = timedelta(hours=1)
_SETTLED = """SELECT DISTINCT study_id FROM entries
WHERE outcome IN ('predicted', 'duplicate') AND study_id IS NOT NULL"""
_WAITING = """SELECT entry_id, payload, received_at FROM entries WHERE outcome IS NULL"""


def spooled(warehouse: Warehouse) -> list[Finding]:
    """Three checks: the file itself, settled entries, waiting ones."""
    path = warehouse.home.spool / "spool.sqlite"
    if not path.exists():
        return [Finding("spool", State.WHOLE, "nothing has come in through a door")]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
        sound = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if sound != "ok":
            return [Finding("spool", State.BROKEN, f"is damaged: {sound}", _SEND_AGAIN, 1)]
        settled = [study_id for (study_id,) in db.execute(_SETTLED)]
        waiting = db.execute(_WAITING).fetchall()
    return [_settled(warehouse, settled), _waiting(warehouse.home.spool / "films", path, waiting)]


_SEND_AGAIN = "move spool/ away and let the senders send again what was not confirmed"


def _settled(warehouse: Warehouse, settled: list[str]) -> Finding:
    lost = warehouse.query("settled_unknown", study_ids=settled)
    if not lost:
        return Finding("spool", State.WHOLE, f"{len(settled)} settled studies are stored")
    found = f"{len(lost)} studies were settled and are not stored (one is {lost[0]['study_id']})"
    todo = (
        "after `restore` of an older backup: have them sent again (delete their entries by "
        "moving spool/ away once nothing waits); otherwise report it"
    )
    return Finding("spool", State.BROKEN, found, todo, len(lost))


def _waiting(films: Path, database: Path, waiting: list[tuple[str, str | None, str]]) -> Finding:
    gone = [one for one, payload, _ in waiting if payload and not (films / payload).exists()]
    if gone and (still := _still_waiting(database, gone)):
        found = f"{len(still)} entries wait for films that are not there (one is {still[0]})"
        return Finding("spool", State.BROKEN, found, "have the senders send them again", len(still))
    now = datetime.now(UTC)
    late = [one for *_, one in waiting if now - datetime.fromisoformat(one) > LONG]
    if not late:
        return Finding("spool", State.WHOLE, f"{len(waiting)} entries wait, none for long")
    found = f"{len(late)} entries have waited since {min(late)[:16]} or later"
    return Finding("spool", State.NOTE, found, "run `pneumowatch drain`", len(late))


def _still_waiting(database: Path, entries: list[str]) -> list[str]:
    """A worker may have settled them between the two looks."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        rows = {entry_id for entry_id, *_ in db.execute(_WAITING)}
    return [one for one in entries if one in rows]
