"""Who did what: an append-only record, each entry sealed with the hash of the one before it.

An entry of a write is appended in the write's own transaction, so that neither is there without
the other; a read or an export gets a transaction of its own (`record`). An entry never names a
patient: its object and details are versions, hashes and counts.

After each commit the newest entry's number and hash are also added to `audit.heads` in the home.
With them `verify` sees entries that were cut off at the end, which a chain alone cannot show.
Whoever can rewrite the table and that file alike can forge both; a head that was noted elsewhere
(`audit --verify --expect`) finds that too.
"""

import getpass
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ingest.durable import sync_folder
from warehouse.store import Row, Transaction, Warehouse

START = "0" * 64  # what the first entry follows
Details = Mapping[str, str | int | float | bool | None]


class Action(StrEnum):
    """What is recorded. A closed list; docs/audit.md explains each one."""

    LOGIN = "login"
    ACCOUNT = "account"
    VIEW = "view"
    EXPORT = "export"
    LABELS = "labels"
    SITES = "sites"
    MODEL_ADD = "model_add"
    MODEL_PROMOTE = "model_promote"
    MODEL_ROLLBACK = "model_rollback"
    CALIBRATE = "calibrate"
    RESCORE = "rescore"
    ERASE = "erase"
    RETAIN = "retain"
    CONFIGURATION = "configuration"
    KEY = "key"
    BACKUP = "backup"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. Every field is a column of the table `audit`; `details` is canonical JSON."""

    seq: int
    happened_at: datetime  # UTC
    actor: str
    action: str
    object: str
    details: str
    previous_hash: str
    hash: str
    commit_number: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the whole chain found: `problems` is empty where it holds."""

    entries: int
    head: str  # "seq:hash" of the newest entry, to be noted elsewhere
    problems: tuple[str, ...]


_actor: ContextVar[str] = ContextVar("actor", default="")


def operator() -> str:
    """Who acts: the account that `acting_as` names, else the user of the operating system."""
    if named := _actor.get():
        return named
    try:
        return f"os:{getpass.getuser()}"
    except (OSError, KeyError):  # a container's user without a name
        return f"os:{os.getuid()}"


@contextmanager
def acting_as(account: str) -> Iterator[None]:
    """What is recorded within the block was done by this account."""
    token = _actor.set(f"account:{account}")
    try:
        yield
    finally:
        _actor.reset(token)


def append(
    transaction: Transaction, action: Action, what: str = "", details: Details | None = None
) -> Entry:
    """Adds an entry to an open write transaction: both are committed, or neither is.

    `what` is the object of the act (a version, a cohort's name, …), `details` numbers and
    words about it. Neither may name or number a patient.
    """
    (last,) = transaction.query("audit_head") or [{"seq": 0, "hash": START}]
    entry = _sealed(
        Entry(
            seq=last["seq"] + 1,
            happened_at=transaction.recorded_at,
            actor=operator(),
            action=str(action),
            object=what,
            details=_canonical(dict(details or {})),
            previous_hash=last["hash"],
            hash="",
            commit_number=transaction.commit_number,
        )
    )
    transaction.append("audit", [asdict(entry)])
    heads = transaction.home.audit_heads
    transaction.committed.append(lambda: _note(heads, entry))
    return entry


def record(
    warehouse: Warehouse, action: Action, what: str = "", details: Details | None = None
) -> Entry:
    """Adds an entry in a transaction of its own: for what reads and does not write.

    A warehouse that was opened read-only is opened once more to write. Call this before the
    rows leave: what could not be recorded must not be handed out.
    """
    if warehouse.read_only:
        with Warehouse.open(warehouse.home.root, settings=warehouse.settings) as writable:
            return record(writable, action, what, details)
    with warehouse.write("audit") as transaction:
        return append(transaction, action, what, details)


def note_configuration(warehouse: Warehouse) -> Entry | None:
    """Records the digest of the home's configuration where it is not the one recorded last."""
    file = warehouse.home.configuration
    content = file.read_bytes() if file.is_file() else b""
    digest = hashlib.sha256(content).hexdigest()
    rows = warehouse.query("audit_configuration", action=str(Action.CONFIGURATION))
    if rows and rows[0]["object"] == digest:
        return None
    return record(warehouse, Action.CONFIGURATION, digest, {"bytes": len(content)})


def entries(
    warehouse: Warehouse,
    first: datetime | None = None,
    last: datetime | None = None,
    action: str | None = None,
) -> list[Entry]:
    """The entries of a time (both ends included) and an action, oldest first."""
    rows = warehouse.query("audit_entries", first=first, last=last, action=action)
    return [_entry(row) for row in rows]


def verify(warehouse: Warehouse, expected: str | None = None) -> Verdict:
    """Goes through the whole chain, and holds it against the heads noted in the home.

    `expected` is a "seq:hash" that somebody noted elsewhere. Problems name an edited, missing,
    reordered or doubled entry by its number.
    """
    noted = _noted(warehouse.home.audit_heads)  # before the chain: it grows meanwhile
    chain = entries(warehouse)
    problems = _broken(chain)
    hashes = {entry.seq: entry.hash for entry in chain}
    newest = f"{chain[-1].seq}:{chain[-1].hash}" if chain else f"0:{START}"
    if expected:
        noted = [*noted, expected]
    problems += _unlike(hashes, noted)
    return Verdict(len(chain), newest, tuple(dict.fromkeys(problems)))


def canonical(entry: Entry) -> bytes:
    """What an entry's hash is taken of: every field but the hash, as one line of JSON."""
    moment = entry.happened_at.astimezone(UTC).isoformat(timespec="microseconds")
    values = asdict(entry) | {"happened_at": moment}
    del values["hash"]
    return _canonical(values).encode("ascii")


def _canonical(values: Mapping[str, object]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _seal(entry: Entry) -> str:
    return hashlib.sha256(canonical(entry)).hexdigest()


def _sealed(entry: Entry) -> Entry:
    return Entry(**asdict(entry) | {"hash": _seal(entry)})


def _entry(row: Row) -> Entry:
    return Entry(**row | {"happened_at": row["happened_at"].astimezone(UTC)})


def _broken(chain: Sequence[Entry]) -> list[str]:
    problems, previous, expected = [], START, 1
    for entry in chain:
        if entry.seq != expected:
            gap = f"entries {expected} to {entry.seq - 1} are missing"
            problems.append(gap if entry.seq > expected else f"entry {entry.seq} is there twice")
        if _seal(entry) != entry.hash:
            problems.append(f"entry {entry.seq} was changed after it was written")
        if entry.previous_hash != previous:
            problems.append(f"entry {entry.seq} does not follow the entry before it")
        previous, expected = entry.hash, entry.seq + 1
    return problems


def _unlike(hashes: Mapping[int, str], noted: Sequence[str]) -> list[str]:
    """What heads that were noted say against the chain."""
    problems, cut = [], []
    for line in noted:
        number, _, digest = line.partition(":")
        if not number.isdecimal() or len(digest) != len(START):
            problems.append(f"the noted head {line[:80]!r} is not one")
        elif int(number) and int(number) not in hashes:
            cut.append(int(number))
        elif int(number) and hashes[int(number)] != digest:
            problems.append(f"entry {number} is not the one whose head was noted")
    if cut:
        problems.append(f"entries up to {max(cut)} were written, and {len(cut)} of them are gone")
    return problems


def _note(heads: Path, entry: Entry) -> None:
    heads.parent.mkdir(parents=True, exist_ok=True)  # of a catalog that lies elsewhere
    new = not heads.exists()
    with heads.open("a", encoding="ascii") as file:
        file.write(f"{entry.seq}:{entry.hash}\n")
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync_folder(heads.parent)


def _noted(heads: Path) -> list[str]:
    """Whole lines: the last one may have been cut short by a power cut."""
    if not heads.exists():
        return []
    text = heads.read_text(encoding="ascii", errors="replace")
    return text[: text.rfind("\n") + 1].splitlines()
