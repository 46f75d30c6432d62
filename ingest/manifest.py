"""The manifest: a CSV that says for each file where and when it was taken.

A mistake of the whole file is an InputError. A mistake of one row is collected, named by
line (as a text editor counts), column and value, and costs that row's file alone.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path, PurePosixPath

import polars as pl

from ingest.csv_text import read_text, separator
from ingest.errors import InputError
from ingest.problem import Problem
from ingest.records import Reason
from ingest.values import OLDEST_AGE, parse_age, parse_iso, parse_sex, parse_view

REQUIRED = ("file", "site_id", "acquired_at")
OPTIONAL = ("received_at", "patient_id", "age_years", "sex", "view")
COLUMNS = REQUIRED + OPTIONAL
_NOT_STATED = frozenset({"", "U", "UNKNOWN", "NA", "N/A", "NAN", "NULL", "NONE", "-", "?"})


@dataclass(frozen=True, slots=True)
class RowError:
    """One bad cell. For stderr only: the value may be a patient's."""

    line: int
    column: str
    value: str
    message: str
    file: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message} (found {self.value!r})"

    def problem(self) -> Problem:
        """Without the value."""
        sentence = f"its manifest row, line {self.line}, column {self.column}: {self.message}"
        return Problem(Reason.MANIFEST_ROW, sentence)


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One good row, before site time zones are applied."""

    file: str
    site_id: str | None
    acquired_at: datetime | date | None
    received_at: datetime | date | None = None
    patient_id: str | None = field(default=None, repr=False)
    age_years: float | None = None
    sex: str | None = None
    view: str | None = None


class Manifest:
    """Rows by file name. Cells stay in one polars frame; a row is parsed when asked for."""

    def __init__(
        self, path: Path, cells: pl.DataFrame, lines: Sequence[int], ragged: Mapping[int, int]
    ) -> None:
        self.path = path
        self.errors: list[RowError] = []
        self._cells, self._lines, self._ragged = cells, lines, ragged
        self._error_of: dict[int, RowError] = {}
        self._position: dict[str, int] = {}
        self._by_basename: dict[str, int | None] = {}
        for position in range(cells.height):
            self._index(position)

    def __len__(self) -> int:
        """Files that are named, in good rows and bad; one that is named twice counts once."""
        return len(self._position)

    def files(self) -> Iterable[str]:
        """Every file named, without a leading "./"."""
        return self._position.keys()

    def position(self, file: str) -> int | None:
        """Where `file` stands, if it is named exactly so."""
        return self._position.get(file)

    def basename_position(self, name: str) -> int | None:
        """Where the one file with this last part stands; None when there are none or several."""
        return self._by_basename.get(name)

    def row(self, position: int) -> ManifestRow | RowError:
        """The row, or why it cannot be used."""
        return self._error_of.get(position) or self._parse(position)

    def _values(self, position: int) -> dict[str, str]:
        cells = self._cells.row(position)
        names = self._cells.columns
        return {name: (cell or "").strip() for name, cell in zip(names, cells, strict=True)}

    def _parse(self, position: int) -> ManifestRow | RowError:
        values, line = self._values(position), self._lines[position]
        if position not in self._ragged:
            return _parse_row(values, line)
        message = (
            f"{self._ragged[position]} cells where the header has {len(values)}; "
            "quote a cell that holds the separator"
        )
        first = self._cells.columns[0]
        return RowError(line, first, values[first], message, values["file"])

    def _index(self, position: int) -> None:
        values = self._values(position)
        if not any(values.values()):
            return  # a blank line
        parsed = self._parse(position)
        if isinstance(parsed, RowError):
            self._fail(position, parsed)
        file = normalise(values["file"])
        if file:
            self._enter(file, position)

    def _enter(self, file: str, position: int) -> None:
        first = self._position.setdefault(file, position)
        if first != position:
            self._compare(file, first, position)
            return
        name = PurePosixPath(file).name
        self._by_basename[name] = None if name in self._by_basename else position

    def _compare(self, file: str, first: int, second: int) -> None:
        """The same row twice is harmless; two that differ spoil each other."""
        earlier, later = self._values(first), self._values(second)
        different = [name for name in later if later[name] != earlier[name] and name != "file"]
        if not different:
            return
        message = f"it contradicts line {self._lines[first]} about the same file"
        name = different[0]
        error = RowError(self._lines[second], name, later[name], message, file)
        self._error_of.setdefault(first, error)
        if second not in self._error_of:
            self._fail(second, error)

    def _fail(self, position: int, error: RowError) -> None:
        self.errors.append(error)
        self._error_of[position] = error


def normalise(file: str) -> str:
    """A file cell as it is looked up: no leading "./", no doubled slashes."""
    return str(PurePosixPath(file)) if file else ""


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        InputError: the file as a whole cannot be used; the message names the way out.
    """
    text = read_text(path, REQUIRED)
    split_by = separator(text)
    lines, ragged = _structure(text, split_by, path)
    cells = _read_cells(text, split_by, path)
    if cells.height != len(lines):
        raise InputError("its rows cannot be told apart; check the quotes", file=path)
    return Manifest(path, cells, lines, ragged)


def _structure(text: str, split_by: str, path: Path) -> tuple[list[int], dict[int, int]]:
    """The editor line on which each data row begins, and the rows with a wrong cell count."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=split_by, strict=True)
    lines: list[int] = []
    ragged: dict[int, int] = {}
    line = 1
    try:
        width = len(_checked_header(next(reader), path))
        line = reader.line_num + 1
        for position, row in enumerate(reader):
            lines.append(line)
            if row and len(row) != width:
                ragged[position] = len(row)
            line = reader.line_num + 1
    except csv.Error:
        raise InputError("has a quote that is not closed", file=path, line=line) from None
    return lines, ragged


def _checked_header(header: list[str], path: Path) -> list[str]:
    names = [name.strip().lower() for name in header]
    for name in REQUIRED:
        if name not in names:
            raise InputError(
                f"has no column {name}; it needs {','.join(REQUIRED)} and may have "
                f"{','.join(OPTIONAL)}",
                file=path,
                line=1,
            )
    for name in COLUMNS:
        if names.count(name) > 1:
            raise InputError("stands twice in the header", file=path, line=1, column=name)
    return names


def _read_cells(text: str, split_by: str, path: Path) -> pl.DataFrame:
    """The known columns, all as strings; a blank line is a row of nulls."""
    try:
        frame = pl.read_csv(
            text.encode(),
            separator=split_by,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        raise InputError("cannot be split into columns; check the quotes", file=path) from None
    frame = frame.rename(lambda name: name.strip().lower())
    return frame.select([name for name in COLUMNS if name in frame.columns])


def _parse_row(values: dict[str, str], line: int) -> ManifestRow | RowError:
    """One row's cells as values, or its first mistake."""
    try:
        return _row(values)
    except _CellError as mistake:
        value = values.get(mistake.column, "")
        return RowError(line, mistake.column, value, mistake.message, values["file"])


class _CellError(ValueError):
    def __init__(self, column: str, message: str) -> None:
        self.column, self.message = column, message
        super().__init__(message)


def _row(values: dict[str, str]) -> ManifestRow:
    return ManifestRow(
        file=_file(values["file"]),
        site_id=values["site_id"] or None,
        acquired_at=_time(values, "acquired_at"),
        received_at=_time(values, "received_at"),
        patient_id=values.get("patient_id") or None,
        age_years=_age(values.get("age_years", "")),
        sex=_choice(values, "sex", parse_sex, "F, M, O or nothing"),
        view=_choice(values, "view", parse_view, "PA, AP, LATERAL or nothing"),
    )


def _file(text: str) -> str:
    if not text:
        raise _CellError("file", "no file is named")
    if ".." in PurePosixPath(text).parts:
        raise _CellError("file", "a path must not lead out of the folder by ..")
    return normalise(text)


def _time(values: dict[str, str], column: str) -> datetime | date | None:
    text = values.get(column, "")
    if not text:
        return None
    moment = parse_iso(text)
    if moment is None:
        raise _CellError(column, "not a date; write 2026-05-14 or 2026-05-14T08:30+03:00")
    return moment


def _age(text: str) -> float | None:
    if text.upper() in _NOT_STATED:
        return None
    years = parse_age(text)
    if years is None or not 0.0 <= years <= OLDEST_AGE:
        raise _CellError("age_years", f"not an age in years from 0 to {OLDEST_AGE:.0f}")
    return years


def _choice(
    values: dict[str, str], column: str, parse: Callable[[str], str | None], wanted: str
) -> str | None:
    text = values.get(column, "")
    if text.upper() in _NOT_STATED:
        return None
    parsed = parse(text)
    if parsed is None:
        raise _CellError(column, f"must be {wanted}")
    return parsed
