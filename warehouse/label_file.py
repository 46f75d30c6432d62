"""A CSV of confirmed diagnoses: rows that can be used, and mistakes named by line and column.

A mistake of the whole file is an InputError; one of a row costs that row alone.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ingest.csv_text import read_text, separator
from ingest.errors import InputError
from ingest.manifest import RowError
from ingest.values import parse_iso, plausible_time, to_utc

COLUMNS = ("study_id", "file", "label", "aetiology", "reader", "read_at")
LABELS = ("NORMAL", "PNEUMONIA")
AETIOLOGIES = {
    "bacteria": "bacteria",
    "bacterial": "bacteria",
    "virus": "virus",
    "viral": "virus",
    "fungus": "fungus",
    "fungal": "fungus",
    "mixed": "mixed",
    "other": "other",
}
_NO_AETIOLOGY = frozenset({"", "unknown", "normal", "none"})


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One good row, before its study is looked for. It may name people: never logged."""

    line: int
    study_id: str
    file: str = field(repr=False)
    label: str
    aetiology: str | None
    reader: str = field(repr=False)
    read_at: datetime | None

    def error(self, message: str) -> RowError:
        """A mistake that shows only once the study is looked for."""
        column = "study_id" if self.study_id else "file"
        return RowError(self.line, column, self.study_id or self.file, message)


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a CSV says; blank lines do not count."""

    path: Path
    rows: list[LabelRow]
    errors: list[RowError]


class _CellError(ValueError):
    def __init__(self, column: str, message: str) -> None:
        self.column, self.message = column, message
        super().__init__(message)


def read_labels(path: Path) -> LabelFile:
    """Reads a CSV with `study_id` or `file`, `label`, and the other COLUMNS as it likes.

    Other columns are passed over. Raises InputError where the file as a whole is no such CSV.
    """
    text = read_text(path, ("file", "label"))
    found = LabelFile(path, [], [])
    for line, values in _cells(text, path):
        try:
            found.rows.append(_row(line, values))
        except _CellError as mistake:
            value = values.get(mistake.column, "")
            found.errors.append(RowError(line, mistake.column, value, mistake.message))
    return found


def _cells(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line as an editor counts, cells by column) of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator(text), strict=True)
    line = 1
    try:
        header = _checked([name.strip().lower() for name in next(reader)], path)
        line = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                cells = [cell.strip() for cell in row] + [""] * (len(header) - len(row))
                yield line, dict(zip(header, cells, strict=False)) | {"": str(len(row))}
            line = reader.line_num + 1
    except csv.Error:
        raise InputError("has a quote that is not closed", file=path, line=line) from None


def _checked(header: list[str], path: Path) -> list[str]:
    if "label" not in header or not {"study_id", "file"} & set(header):
        raise InputError(
            "needs a column label, and study_id or file; it may have aetiology, reader, read_at",
            file=path,
            line=1,
        )
    for name in COLUMNS:
        if header.count(name) > 1:
            raise InputError("stands twice in the header", file=path, line=1, column=name)
    return header


def _row(line: int, values: dict[str, str]) -> LabelRow:
    if int(values[""]) > len(values) - 1:
        message = f"{values['']} cells where the header has {len(values) - 1}"
        raise _CellError("label", f"{message}; quote a cell that holds the separator")
    study_id, file = values.get("study_id", ""), values.get("file", "")
    if not study_id and not file:
        raise _CellError("file" if "file" in values else "study_id", "no study is named")
    label = _label(values["label"])
    return LabelRow(
        line,
        study_id,
        file,
        label,
        _aetiology(values.get("aetiology", ""), label),
        values.get("reader", ""),
        _read_at(values.get("read_at", "")),
    )


def _label(text: str) -> str:
    if text.upper() not in LABELS:
        raise _CellError("label", f"must be {' or '.join(LABELS)}")
    return text.upper()


def _aetiology(text: str, label: str) -> str | None:
    """A closed list: free text could carry an identity into the warehouse."""
    if text.lower() in _NO_AETIOLOGY:
        return None
    if label == "NORMAL":
        raise _CellError("aetiology", "a normal film has no cause; leave it empty")
    if text.lower() not in AETIOLOGIES:
        known = ", ".join(dict.fromkeys(AETIOLOGIES.values()))
        raise _CellError("aetiology", f"must be {known} or nothing")
    return AETIOLOGIES[text.lower()]


def _read_at(text: str) -> datetime | None:
    """UTC where it names no offset."""
    if not text:
        return None
    moment = parse_iso(text)
    read_at = None if moment is None else to_utc(moment, "UTC")
    if read_at is None or not plausible_time(read_at):
        message = "not a date up to now; write 2026-05-14 or 2026-05-14T08:30+03:00"
        raise _CellError("read_at", message)
    return read_at.astimezone(UTC)
