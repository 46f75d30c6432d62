"""A cohort as files: rows, data dictionary, attrition, provenance and, if asked for, OMOP.

The same definition as of the same version gives the same bytes again, for as long as nobody
of it is erased: nothing here depends on when or where it runs, but for the software's version.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.durable import make_folder, write_durably
from ingest.errors import UserError
from warehouse.cohorts.columns import dictionary
from warehouse.cohorts.omop import omop_tables
from warehouse.cohorts.selection import Attrition, Selection
from warehouse.csv_bytes import csv_bytes
from warehouse.store import Row, software_version

FORMATS = ("csv", "parquet")
_PRIVATE = 0o600  # rows of people: for the owner, who decides whom to give them to
NOTICE = (
    "Model outputs and loaded labels for research and surveillance; never a diagnosis. The rows "
    "are pseudonymous, not anonymous: a site and a day may single a person out. Keep them within "
    "the approved protocol, and do not try to identify anyone."
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    folder: Path
    files: list[str]
    xrays: int
    participants: int
    commit_number: int
    definition_version: int


def export(
    selection: Selection, form: str, folder: Path, omop: bool = False, force: bool = False
) -> Exported:
    """Writes the files of a cohort into a folder, which is made if it is not there.

    UserError for another format, a place where no folder can be, and files that are there
    already, unless `force`. Nothing is written where something would be in the way.
    """
    if form not in FORMATS:
        raise UserError(f"--format {form!r} is not one of {', '.join(FORMATS)}")
    rows, size, attrition = selection.rows(), selection.size(), _dicts(selection.attrition())
    contents = _contents(selection, rows, attrition, form, omop)
    counted = {"size": asdict(size), "attrition": attrition}
    notes = counted | ({"omop": _omop_note(rows)} if omop else {})
    contents["provenance.json"] = _provenance(selection, contents, notes)
    _make_way(folder, list(contents), force)
    for name, content in contents.items():
        write_durably(folder / name, content, _PRIVATE)
    return Exported(
        folder,
        list(contents),
        size.xrays,
        size.participants,
        selection.version.commit_number,
        selection.saved.version,
    )


def _dicts(records: Iterable[Attrition]) -> list[Row]:
    return [asdict(record) for record in records]


def _contents(
    selection: Selection, rows: pa.Table, attrition: list[Row], form: str, omop: bool
) -> dict[str, bytes]:
    """File name → bytes, of all files but the provenance."""
    rows_file = f"{selection.saved.name}.{form}"
    contents = {
        rows_file: csv_bytes(rows) if form == "csv" else _parquet_bytes(rows),
        "dictionary.csv": csv_bytes(dictionary()),
        "attrition.csv": csv_bytes(pa.Table.from_pylist(attrition)),
    }
    if omop:
        tables = omop_tables(rows, _salt(selection))
        contents |= {f"{name}.csv": csv_bytes(table) for name, table in tables.items()}
    return contents


def _salt(selection: Selection) -> str:
    """Numbers of persons differ from one export to the next, and repeat with the same export."""
    return f"{selection.saved.definition_hash}/{selection.version.commit_number}"


def _parquet_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _provenance(selection: Selection, contents: Mapping[str, bytes], notes: Row) -> bytes:
    saved, version = selection.saved, selection.version
    document = {
        "notice": NOTICE,
        "cohort": {key: value for key, value in asdict(saved).items() if key != "commit_number"}
        | {"saved_in_commit": saved.commit_number},
        "as_of": {"commit_number": version.commit_number, "recorded_at": version.recorded_at},
        "again": f"pneumowatch cohort export {saved.name} --as-of {version.commit_number}",
        "software": {"pneumowatch": software_version(), "duckdb": duckdb.__version__},
        **notes,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in contents.items()
        },
        "query": {"sql": selection.sql, "parameters": selection.plan.parameters},
    }
    return (json.dumps(document, indent=2, default=_iso, allow_nan=False) + "\n").encode()


def _omop_note(rows: pa.Table) -> Row:
    listed = rows.select(["patient_key", "acquired_date"]).to_pylist()
    left_out = sum(row["patient_key"] is None or row["acquired_date"] is None for row in listed)
    return {
        "cdm": "5.4, with the medical imaging extension's image_occurrence",
        "person_id": "1, 2, …: of this export alone; the next export numbers persons anew",
        "concept_ids": "0 is OMOP's 'No matching concept'; no other was made up",
        "xrays_left_out": left_out,
        "why_left_out": "OMOP rows need a person and a date",
    }


def _iso(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _make_way(folder: Path, names: list[str], force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out {folder} is a file; name a folder")
    if not folder.parent.is_dir():
        raise UserError(f"--out {folder}: the folder {folder.parent} does not exist")
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise UserError(
            f"--out {folder} holds {', '.join(there)} already; name another folder, or "
            "overwrite with --force"
        )
    make_folder(folder)
