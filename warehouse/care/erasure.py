"""Erasure: every byte about a patient, or older than a day, leaves the home.

The rows go in one transaction with a tombstone, an entry of the audit record and keyed hashes
by which the same X-ray is known when it comes again; then spool, kept images, Parquet files and
catalog are rid of the bytes. What is still to do stands in a journal in the home, which holds
pseudonyms and no id, until it is done: a run that was killed is finished by the next one.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime

from ingest.durable import sync_folder, write_durably
from ingest.errors import ConfigurationError
from ingest.identity import Pseudonymiser
from ingest.records import Reason
from ingest.spool.erasing import erase as erase_spooled
from ingest.spool.erasing import traces
from ingest.spool.spool import Spool
from warehouse import audit
from warehouse.care.lake import care, purge
from warehouse.home import Home
from warehouse.images import drop, kept_files
from warehouse.store import Row, Transaction, Warehouse

PATIENT, AGE = "patient", "age"
_COLUMNS = ("study_id", "first_study_id")  # whatever table has one of them
_COUNTED = ("studies", "predictions", "labels", "resends", "rejections")


@dataclass(frozen=True, slots=True)
class Journal:
    """What an erasure has to remove. Everything in it is a keyed hash, a day or a number."""

    erasure_id: str
    kind: str
    patient_key: str | None
    older_than: str | None
    study_ids: tuple[str, ...] = ()
    films: tuple[tuple[str, str], ...] = ()  # (site, content hash)
    entries: tuple[str, ...] = ()  # of the spool


@dataclass(frozen=True, slots=True)
class Erased:
    """What was there, and is not any more."""

    studies: int = 0
    predictions: int = 0
    labels: int = 0
    resends: int = 0
    rejections: int = 0
    spooled: int = 0
    files: int = 0  # kept images and originals, payloads, what was set aside


def patient(patient_key: str) -> Journal:
    """The erasure of a patient; nothing has been looked up yet."""
    return Journal(secrets.token_hex(16), PATIENT, patient_key, None)


def older_than(day: date) -> Journal:
    """The erasure of what was taken (where that is not known: received) before a day."""
    return Journal(secrets.token_hex(16), AGE, None, day.isoformat())


def years_ago(years: int, today: date | None = None) -> date:
    """The day so many years before today (UTC); of 29 February the 28th."""
    if not 1 <= years <= 200:
        raise ConfigurationError(f"the years to keep must be 1 to 200, not {years}")
    day = today or datetime.now(UTC).date()
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def look(warehouse: Warehouse, spool: Spool, wanted: Journal) -> tuple[Journal, Erased]:
    """What an erasure would remove, counted; nothing is changed."""
    found = _found(warehouse, spool, wanted)
    ids = set(found.study_ids)
    counts = dict.fromkeys(_COUNTED, 0)
    for table in _COUNTED[:-1]:
        text = f"SELECT count(*) AS n FROM {table} WHERE study_id IN (SELECT unnest($ids))"  # noqa: S608
        counts[table] = warehouse.sql(text, ids=list(ids))[0]["n"]
    files = sum(len(kept_files(warehouse.home, one)) for one in ids)
    return found, Erased(**counts, spooled=len(found.entries), files=files)


def erase(
    warehouse: Warehouse,
    spool: Spool,
    names: Pseudonymiser,
    wanted: Journal,
    step: Callable[[str], None] = lambda _step: None,
) -> Erased:
    """Removes it. An erasure that was broken off before is finished first.

    `step` is told what has been done. Raises UserError where something else that cares for
    the home runs, or others kept the catalog busy; then the same again goes on.
    """
    with care(warehouse.home):
        if pending := unfinished(warehouse.home):
            _carry_out(warehouse, spool, names, pending, step)
        found, counted = look(warehouse, spool, wanted)
        if not any(asdict(counted).values()):
            action = audit.Action.ERASE if wanted.kind == PATIENT else audit.Action.RETAIN
            audit.record(warehouse, action, wanted.older_than or "", {"rows": 0})
            return counted
        return _carry_out(warehouse, spool, names, found, step)


def finish(warehouse: Warehouse, spool: Spool, names: Pseudonymiser) -> bool:
    """Finishes an erasure that was broken off; False where there is none."""
    with care(warehouse.home):
        pending = unfinished(warehouse.home)
        if pending:
            _carry_out(warehouse, spool, names, pending, lambda _step: None)
        return pending is not None


def unfinished(home: Home) -> Journal | None:
    """The journal of an erasure that was broken off."""
    if not home.erasure_journal.exists():
        return None
    values = json.loads(home.erasure_journal.read_text(encoding="ascii"))
    films = tuple((site, film) for site, film in values.pop("films"))
    study_ids, entries = tuple(values.pop("study_ids")), tuple(values.pop("entries"))
    return Journal(**values, study_ids=study_ids, entries=entries, films=films)


def _carry_out(
    warehouse: Warehouse,
    spool: Spool,
    names: Pseudonymiser,
    wanted: Journal,
    step: Callable[[str], None],
) -> Erased:
    home = warehouse.home
    _write(home, wanted)
    step("noted what has to go")
    wanted, counts = _delete_rows(warehouse, spool, names, wanted)
    step("removed the rows")
    files = erase_spooled(spool, wanted.entries, wanted.patient_key, wanted.study_ids)
    step("cleared the spool")
    files += drop(home, wanted.study_ids)
    step("removed the kept images")
    purge(warehouse)
    step("rewrote the files of the warehouse")
    home.erasure_journal.unlink()
    sync_folder(home.root)
    return replace(counts, spooled=len(wanted.entries), files=files)


def _found(source: Warehouse | Transaction, spool: Spool, wanted: Journal) -> Journal:
    """The same with what is there now added to what was noted before."""
    rows = source.query("erasable", patient_key=wanted.patient_key, older_than=wanted.older_than)
    ids = {row["study_id"] for row in rows} | set(wanted.study_ids)
    spooled = traces(spool, wanted.patient_key, ids)
    ids |= {one.study_id for one in spooled if one.study_id and wanted.kind == PATIENT}
    films = {(row["site_id"] or "", row["content_hash"]) for row in rows}
    return replace(
        wanted,
        study_ids=tuple(sorted(ids)),
        films=tuple(sorted(films | set(wanted.films))),
        entries=tuple(sorted({one.entry_id for one in spooled} | set(wanted.entries))),
    )


def _delete_rows(
    warehouse: Warehouse, spool: Spool, names: Pseudonymiser, wanted: Journal
) -> tuple[Journal, Erased]:
    """Rows out, tombstone and audit entry in: one transaction, under the write lock."""
    with warehouse.write("erase") as transaction:
        wanted = _found(transaction, spool, wanted)
        _write(warehouse.home, wanted)  # what came in meanwhile is in the journal too
        counts = dict.fromkeys(_COUNTED, 0)
        for column in _COLUMNS:
            for row in transaction.query("tables_with_column", wanted=column):
                gone = _delete(transaction, row["table_name"], column, wanted.study_ids)
                counts[row["table_name"]] = counts.get(row["table_name"], 0) + gone
        refused = _rejections(transaction, names, wanted)
        counts["rejections"] = _delete(transaction, "rejections", "rejection_id", refused)
        _bury(transaction, names, wanted, counts)
    return wanted, Erased(**{name: counts[name] for name in _COUNTED})


def _delete(transaction: Transaction, table: str, column: str, values: Iterable[str]) -> int:
    text = f'DELETE FROM "{table}" WHERE {column} IN (SELECT unnest($ids::VARCHAR[]))'  # noqa: S608
    row = transaction.cursor.execute(text, {"ids": list(values)}).fetchone()
    return int(row[0]) if row else 0


def _rejections(transaction: Transaction, names: Pseudonymiser, wanted: Journal) -> list[str]:
    """Refusals know no patient; these are the ones that can be told to be of one."""
    rows = transaction.query(
        "erasable_rejections",
        rejection_ids=[
            names.rejection_id(entry, "", reason) for entry in wanted.entries for reason in Reason
        ],
        file_keys=[names.file_key(one) for one in wanted.study_ids],
        content_hashes=[film for _, film in wanted.films],
        older_than=wanted.older_than,
    )
    return [row["rejection_id"] for row in rows]


def _bury(
    transaction: Transaction, names: Pseudonymiser, wanted: Journal, counts: dict[str, int]
) -> None:
    """The tombstone, once; what is found later of the same erasure belongs to it."""
    total = sum(counts.values())
    if wanted.kind == PATIENT:
        known = transaction.query("erased", marks=(marks := _marks(names, wanted)))
        new = sorted(set(marks) - {row["erased_hash"] for row in known})
        transaction.append("erased", [{"erased_hash": mark} for mark in new])
    if transaction.query("erasures", erasure_id=wanted.erasure_id) and not total:
        return
    transaction.append("erasures", [_tombstone(transaction, names, wanted, total, counts)])
    action = audit.Action.ERASE if wanted.kind == PATIENT else audit.Action.RETAIN
    audit.append(transaction, action, wanted.older_than or "", counts | {"rows": total})


def _marks(names: Pseudonymiser, wanted: Journal) -> list[str]:
    """As arrivals.erased_marks makes them of a study."""
    marks = [names.erased_key("study", one) for one in wanted.study_ids]
    return marks + [names.erased_key("film", *film) for film in wanted.films]


def _tombstone(
    transaction: Transaction,
    names: Pseudonymiser,
    wanted: Journal,
    total: int,
    counts: dict[str, int],
) -> Row:
    key = wanted.patient_key
    return {
        "erasure_id": wanted.erasure_id,
        "kind": wanted.kind,
        "erased_at": transaction.recorded_at,
        "actor": audit.operator(),
        "request_hash": names.erased_key("patient", key) if key else None,
        "older_than": date.fromisoformat(wanted.older_than) if wanted.older_than else None,
        "row_count": total,
        "study_count": counts["studies"],
    }


def _write(home: Home, journal: Journal) -> None:
    text = json.dumps(asdict(journal))
    write_durably(home.erasure_journal, text.encode("ascii"), 0o600)
