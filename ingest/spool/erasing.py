"""What the spool holds of a patient: found, and removed byte for byte."""

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import UserError
from ingest.spool.deidentify import uid_of
from ingest.spool.spool import Spool

_BUSY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Trace:
    """An entry of the spool that is of a patient or of a study. Ids are keyed hashes."""

    entry_id: str
    study_id: str | None


def traces(spool: Spool, patient_key: str | None, study_ids: Collection[str]) -> list[Trace]:
    """The entries of a patient (None: of nobody) and of these studies, waiting or settled."""
    if not (spool.folder / "spool.sqlite").exists():
        return []
    with spool.transaction("DEFERRED") as db:
        rows = db.execute(
            "SELECT entry_id, study_id FROM entries "
            "WHERE json_extract(facts, '$.patient_key') = ? "
            "OR study_id IN (SELECT value FROM json_each(?))",
            (patient_key, json.dumps(list(study_ids))),
        ).fetchall()
    return [Trace(*row) for row in rows]


def erase(
    spool: Spool, entry_ids: Collection[str], patient_key: str | None, study_ids: Collection[str]
) -> int:
    """Removes entries, their payloads, and what was set aside; returns how many files went.

    Doing it again changes nothing. A worker that has one of them in hand finds its payload
    gone, or settles an entry that is not there: neither does harm.
    """
    if not (spool.folder / "spool.sqlite").exists():
        return 0
    with spool.transaction() as db:
        db.execute(
            "DELETE FROM entries WHERE entry_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(entry_ids)),),
        )
    files = [path for one in entry_ids for path in spool.films.glob(f"{one[:2]}/{one}-*")]
    files += _aside(spool, entry_ids, patient_key, study_ids)
    for path in files:
        path.unlink(missing_ok=True)
    compact_file(spool.folder / "spool.sqlite")
    return len(files)


def _aside(
    spool: Spool, entry_ids: Collection[str], patient_key: str | None, study_ids: Collection[str]
) -> list[Path]:
    """By the entry's name; where the entry is forgotten already, by what the file says."""
    words = [uid_of(one).encode() for one in study_ids if _hexadecimal(one)]
    words += [patient_key.encode()] if patient_key else []
    found = []
    for path in sorted(spool.aside.glob("*")):
        named = path.name.partition("-")[0] in entry_ids
        if named or _says(path, words):
            found.append(path)
    return found


def _says(path: Path, words: Collection[bytes]) -> bool:
    content = path.read_bytes()
    return any(word in content for word in words)


def _hexadecimal(study_id: str) -> bool:
    return bool(study_id) and set(study_id) <= set("0123456789abcdef")


def compact_file(path: Path) -> None:
    """Rewrites a SQLite file without what was deleted, and empties its write-ahead log.

    UserError where others read it for so long that its log could not be emptied.
    """
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
        try:
            db.execute("VACUUM")
            busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            busy = 1
    if busy:
        raise UserError(
            f"others were using {path} for {_BUSY_SECONDS:.0f} s, so its deleted rows are still "
            "on the disk; stop what reads it and run the same command again"
        )
