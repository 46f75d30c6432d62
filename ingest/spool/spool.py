"""The spool: what was received and is not yet in the warehouse, safe against any kill.

A payload file is written, synced and renamed before the row that names it is committed; a
sender is told only after that. A worker takes entries, and settles them once the warehouse
has them; an entry that it never settled is simply taken again. SQLite's primary key is what
makes two deliveries of the same bytes one entry.
"""

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from ingest.facts import Facts
from ingest.problem import Problem
from ingest.records import Reason
from ingest.spool.errors import SpoolFullError, SpoolUnavailableError
from ingest.spool.records import Entry, Outcome, Packed, Receipt, Settlement

FULL_PACE = 1024  # entries that a worker takes at once
_BUSY_SECONDS = 30.0
_ORPHANED = 3600.0  # seconds after which a payload without a row was left by a kill


class Spool:
    """One spool folder. Safe for several threads and processes at once.

    Every call raises SpoolUnavailableError where the disk refuses, and works again once it
    does not.
    """

    def __init__(self, folder: Path, reserve: int = 0) -> None:
        """`reserve`: bytes that must stay free on the disk for anything to be taken in."""
        self.folder, self.reserve = folder, reserve
        self.films, self.aside = folder / "films", folder / "aside"
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
            self._open = None

    def check_room(self, size: int = 0) -> None:
        """Raises SpoolFullError when `size` bytes more would eat into the reserve."""
        try:
            self.films.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise _unavailable(self.folder, error) from None
        if free < self.reserve + size:
            raise SpoolFullError(
                f"the disk of {self.folder} has {free // 2**20} MiB left, and "
                f"{self.reserve // 2**20} MiB must stay free ([ingest] spool_reserve); make room"
            )

    def add(self, packed: Packed) -> Receipt:
        """Durable when this returns. The same bytes again are one entry, not two.

        What was refused before and comes again is judged again: the site may be known by now,
        or a parser that was too slow may be quick enough.
        """
        with self._transaction() as db:
            known = db.execute(
                "SELECT outcome, payload FROM entries WHERE entry_id = ?", (packed.entry_id,)
            ).fetchone()
            superfluous = packed.payload
            if known is None:
                db.execute(
                    "INSERT INTO entries VALUES (?,?,?,?,?,?,?,1,0,NULL,NULL,NULL,NULL)",
                    (packed.entry_id, packed.door, *_changing(packed)),
                )
                superfluous = None
            elif known[0] == Outcome.REJECTED or (known == (None, None) and packed.payload):
                db.execute(
                    "UPDATE entries SET study_id=?, facts=?, payload=?, bytes=?, received_at=?, "
                    "deliveries=deliveries+1, tries=0, outcome=NULL, settled_at=NULL "
                    "WHERE entry_id=?",
                    (*_changing(packed), packed.entry_id),
                )
                superfluous = None
            else:
                db.execute(
                    "UPDATE entries SET deliveries=deliveries+1 WHERE entry_id=?",
                    (packed.entry_id,),
                )
        if superfluous:
            (self.films / superfluous).unlink(missing_ok=True)
        facts = packed.facts
        return Receipt(packed.entry_id, facts.study_id, known is not None, facts.problem)

    def take(self) -> list[Entry]:
        """The entries that have waited longest; none when nothing waits.

        One worker at a time may call this and `settle`. It takes fewer at once when its
        predecessor died over some, until the one that kills workers is alone.
        """
        with self._transaction() as db:
            pace = self._pace(db)
            rows = db.execute(
                "SELECT entry_id, facts, payload, tries FROM entries WHERE outcome IS NULL "
                "ORDER BY received_at, entry_id LIMIT ?",
                (pace,),
            ).fetchall()
            if rows:
                db.execute("UPDATE pace SET entries=?", (max(1, pace // 2),))
            if len(rows) == 1:
                db.execute("UPDATE entries SET tries=tries+1 WHERE entry_id=?", (rows[0][0],))
        return [
            Entry(name, Facts.from_json(facts), payload and self.films / payload, tries)
            for name, facts, payload, tries in rows
        ]

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write down what became of entries, then drop their payloads.

        Of a collision the payload is set aside, under `aside/`.
        """
        now, done = datetime.now(UTC).isoformat(), []
        with self._transaction() as db:
            for one in settlements:
                row = db.execute(
                    "SELECT payload FROM entries WHERE entry_id=?", (one.entry_id,)
                ).fetchone()
                done += [(row[0], one.problem)] if row and row[0] else []
                problem = one.problem
                db.execute(
                    "UPDATE entries SET payload=NULL, outcome=?, reason=?, sentence=?, "
                    "settled_at=?, study_id=coalesce(?, study_id) WHERE entry_id=?",
                    (
                        one.outcome,
                        problem and problem.reason,
                        problem and problem.sentence,
                        now,
                        one.study_id,
                        one.entry_id,
                    ),
                )
                if one.forget:
                    db.execute(
                        "UPDATE entries SET facts='{}', study_id=NULL WHERE entry_id=?",
                        (one.entry_id,),
                    )
        for payload, problem in done:
            self._drop(payload, problem is not None and problem.reason is Reason.ID_COLLISION)

    def went_well(self) -> None:
        """A worker got through all that it had taken: the next may take more at once."""
        with self._transaction() as db:
            db.execute("UPDATE pace SET entries=?", (min(FULL_PACE, 4 * self._pace(db)),))

    def outcome(self, entry_id: str) -> Settlement | None:
        """What became of an entry; None while it waits, and for one that is not known."""
        row = self._row(
            "SELECT outcome, study_id, reason, sentence FROM entries "
            "WHERE entry_id=? AND outcome IS NOT NULL",
            entry_id,
        )
        if row is None:
            return None
        problem = Problem(Reason(row[2]), row[3]) if row[2] else None
        return Settlement(entry_id, Outcome(row[0]), row[1], problem)

    def holds(self, study_id: str) -> bool:
        """Whether an instance is safe here: it waits, or it is in the warehouse."""
        return bool(
            self._row(
                "SELECT 1 FROM entries WHERE study_id=? AND "
                "(outcome IS NULL OR outcome IN ('predicted', 'duplicate'))",
                study_id,
            )
        )

    def waiting(self) -> int:
        """How many entries wait."""
        row = self._row("SELECT count(*) FROM entries WHERE outcome IS NULL")
        return int(row[0]) if row else 0

    def counts(self) -> dict[str, int]:
        """Entries by outcome, `waiting` among them, and `deliveries` in all."""
        with self._transaction("DEFERRED") as db:
            rows = db.execute(
                "SELECT coalesce(outcome, 'waiting'), count(*) FROM entries GROUP BY 1"
            ).fetchall()
            (total,) = db.execute("SELECT coalesce(sum(deliveries), 0) FROM entries").fetchone()
        return {"waiting": 0} | dict(rows) | {"deliveries": total}

    def sweep(self, keep_days: float) -> int:
        """Drop what kills left behind and outcomes older than `keep_days`; returns how many."""
        oldest = (datetime.now(UTC) - timedelta(days=keep_days)).isoformat()
        with self._transaction() as db:
            gone = db.execute(
                "DELETE FROM entries WHERE outcome IS NOT NULL AND settled_at < ?", (oldest,)
            ).rowcount
            rows = db.execute("SELECT payload FROM entries WHERE payload IS NOT NULL")
            named = {name for (name,) in rows}
        before = time.time() - _ORPHANED
        for path in self.films.glob("*/*"):
            orphan = str(path.relative_to(self.films)) not in named
            if orphan and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def transaction(self, kind: str = "IMMEDIATE") -> AbstractContextManager[sqlite3.Connection]:
        """A transaction of its own, for the care of the spool (erasing.py)."""
        return self._transaction(kind)

    def _drop(self, payload: str, aside: bool) -> None:
        """The second film of a collision is kept for whoever finds out which was right."""
        path = self.films / payload
        if aside and path.exists():
            self.aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(self.aside / path.name)
        path.unlink(missing_ok=True)

    def _row(self, query: str, *values: str) -> tuple[str, ...] | None:
        with self._transaction("DEFERRED") as db:
            row: tuple[str, ...] | None = db.execute(query, values).fetchone()
        return row

    @staticmethod
    def _pace(db: sqlite3.Connection) -> int:
        row = db.execute("SELECT entries FROM pace").fetchone()
        return int(row[0])

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """A transaction of its own; after an error of the disk the next one opens anew."""
        with self._lock:
            try:
                db = self._connected()
                db.execute(f"BEGIN {kind}")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
            except (sqlite3.OperationalError, sqlite3.DatabaseError, OSError) as error:
                self._forget()
                raise _unavailable(self.folder, error) from None

    def _connected(self) -> sqlite3.Connection:
        if self._open is None:
            self.films.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open = _connect(self.folder / "spool.sqlite")
        return self._open

    def _forget(self) -> None:
        try:
            self.close()
        except sqlite3.Error:
            self._open = None


def _connect(path: Path) -> sqlite3.Connection:
    """Each commit reaches the disk before it returns."""
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(files("ingest.spool").joinpath("schema.sql").read_text("utf-8"))
        db.execute("INSERT INTO pace SELECT ? WHERE NOT EXISTS (SELECT 1 FROM pace)", (FULL_PACE,))
    except BaseException:
        db.close()
        raise
    return db


def _changing(packed: Packed) -> tuple[str | int | None, ...]:
    facts = packed.facts
    received = facts.received_at.isoformat()
    return (facts.study_id, facts.as_json(), packed.payload, packed.bytes, received)


def _unavailable(folder: Path, error: Exception) -> SpoolUnavailableError:
    text = getattr(error, "strerror", None) or str(error)
    return SpoolUnavailableError(f"the spool {folder} cannot be written now ({text})")
