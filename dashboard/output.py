"""Writing records as a table, JSON, CSV or Parquet: the same columns in each."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ingest.errors import UserError

FORMATS = ("table", "json", "csv", "parquet")


def rows_of(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Records or mappings as plain dicts."""
    return [asdict(r) if is_dataclass(r) and not isinstance(r, type) else dict(r) for r in records]


def emit(records: Sequence[Any], columns: Sequence[str], form: str, out: Path | None) -> None:
    """Writes records to a file or to standard output.

    UserError for Parquet without a file, and for a folder that does not exist.
    """
    rows = rows_of(records)
    if form == "parquet":
        _write_parquet(rows, columns, out)
        return
    write_text(_text(rows, columns, form), out)


def write_text(text: str, out: Path | None) -> None:
    """To a file, or to standard output; UserError where the file cannot be written."""
    if out is None:
        sys.stdout.write(text)
    else:
        _written(out, text)


def csv_text(records: Sequence[Any], columns: Sequence[str]) -> str:
    """The records as CSV, the same bytes that `emit` writes."""
    return _csv(rows_of(records), columns)


def print_json(value: Any) -> None:
    """Exactly one JSON document on standard output; dates as ISO strings."""
    json.dump(value, sys.stdout, default=iso, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def iso(value: object) -> str:
    """Dates and times as ISO strings; anything else that JSON lacks is a bug."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _text(rows: list[dict[str, Any]], columns: Sequence[str], form: str) -> str:
    if form == "json":
        chosen = [{name: row[name] for name in columns} for row in rows]
        return json.dumps(chosen, default=iso, allow_nan=False, indent=2) + "\n"
    if form == "csv":
        return _csv(rows, columns)
    return _table(rows, columns)


def _csv(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_guarded(_cell(row[name])) for name in columns])
    return buffer.getvalue()


def _guarded(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text."""
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t", "\r") else text


def _table(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    shown = [name for name in columns if any(row[name] is not None for row in rows)] or columns
    lines = [list(shown)] + [[_cell(row[name], 4) for name in shown] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(shown))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _cell(value: object, digits: int | None = None) -> str:
    if value is None:
        return ""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, float) and digits is not None:
        return f"{value:.{digits}f}".rstrip("0").rstrip(".")
    text = str(value)
    return "".join(c if c.isprintable() else " " for c in text)


def _write_parquet(rows: list[dict[str, Any]], columns: Sequence[str], out: Path | None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if out is None:
        raise UserError("--format parquet needs --out FILE")
    chosen = [{name: row[name] for name in columns} for row in rows]
    table = pa.Table.from_pylist(chosen) if chosen else pa.table({name: [] for name in columns})
    pq.write_table(table, _checked(out))


def _written(out: Path, text: str) -> None:
    try:
        _checked(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror}") from None


def _checked(out: Path) -> Path:
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: the folder {out.parent} does not exist")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file")
    return out
