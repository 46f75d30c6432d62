"""One set of rows in four forms."""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dashboard.output import emit
from ingest.errors import UserError

ROWS = [
    {"name": "=HYPERLINK(1)", "n": 3, "share": 0.12345678, "day": date(2026, 5, 11), "none": None},
    {"name": "two\nlines", "n": -4, "share": None, "day": date(2026, 5, 12), "none": None},
]
COLUMNS = ("name", "n", "share", "day", "none")


def test_json_keeps_full_precision(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, COLUMNS, "json", None)
    found = json.loads(capsys.readouterr().out)
    assert found[0]["share"] == 0.12345678
    assert found[0]["day"] == "2026-05-11"


def test_csv_cells_are_never_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, COLUMNS, "csv", None)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert (rows[1]["n"], rows[1]["share"]) == ("-4", "")


def test_a_table_has_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, COLUMNS, "table", None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["name", "n", "share", "day"], "an empty column is left out"


def test_parquet_round_trip_and_its_need_of_a_file(tmp_path: Path) -> None:
    emit(ROWS, COLUMNS, "parquet", tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == ROWS
    with pytest.raises(UserError, match="needs --out"):
        emit(ROWS, COLUMNS, "parquet", None)
    with pytest.raises(UserError, match="does not exist"):
        emit(ROWS, COLUMNS, "csv", tmp_path / "none" / "x.csv")
    with pytest.raises(UserError, match="cannot be written"):
        emit(ROWS, COLUMNS, "csv", Path("/proc/not-to-be-written"))
    with pytest.raises(UserError, match="is a folder"):
        emit(ROWS, COLUMNS, "csv", tmp_path)


def test_no_rows_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    emit([], COLUMNS, "json", None)
    assert json.loads(capsys.readouterr().out) == []
