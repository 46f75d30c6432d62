import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import InputError
from ingest.manifest import Manifest, ManifestRow, RowError, read_manifest
from ingest.records import Reason
from tests.ingest.films import SHARED

HEADER = "file,site_id,acquired_at,received_at,patient_id,age_years,sex,view\n"


def manifest(tmp_path: Path, text: str | bytes) -> Manifest:
    path = tmp_path / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest(path)


def row(found: Manifest, file: str) -> ManifestRow:
    position = found.position(file)
    assert position is not None
    value = found.row(position)
    assert isinstance(value, ManifestRow)
    return value


def test_a_full_row(tmp_path: Path) -> None:
    line = "a.jpg,NBO-01,2026-03-02T20:05:00+03:00,2026-03-03,P1,4,f,Ap\n"
    assert row(manifest(tmp_path, HEADER + line), "a.jpg") == ManifestRow(
        file="a.jpg",
        site_id="NBO-01",
        acquired_at=datetime.fromisoformat("2026-03-02T17:05:00Z").astimezone(UTC),
        received_at=date(2026, 3, 3),
        patient_id="P1",
        age_years=4.0,
        sex="F",
        view="AP",
    )


def test_only_three_columns_are_needed_in_any_order_and_case(tmp_path: Path) -> None:
    found = manifest(tmp_path, "Acquired_At, FILE ,note,site_id\n,./x//a.png,hello,\n")
    assert row(found, "x/a.png") == ManifestRow("x/a.png", None, None)


@pytest.mark.parametrize(
    ("cells", "column", "value"),
    [
        ("a.jpg,S,02/03/2026,,,,,", "acquired_at", "02/03/2026"),
        ("a.jpg,S,2026-02-30,,,,,", "acquired_at", "2026-02-30"),
        ("a.jpg,S,2026-W10-1,,,,,", "acquired_at", "2026-W10-1"),
        ("a.jpg,S,,yesterday,,,,", "received_at", "yesterday"),
        ("a.jpg,S,,,,131,,", "age_years", "131"),
        ("a.jpg,S,,,,-1,,", "age_years", "-1"),
        ("a.jpg,S,,,,four,,", "age_years", "four"),
        ("a.jpg,S,,,,,X,", "sex", "X"),
        ("a.jpg,S,,,,,,upside", "view", "upside"),
        (",S,,,,,,", "file", ""),
        ("../a.jpg,S,,,,,,", "file", "../a.jpg"),
        ("x/../../a.jpg,S,,,,,,", "file", "x/../../a.jpg"),
        ("a.jpg,S,,,,,,,,", "file", "a.jpg"),
        ("a.jpg,S", "file", "a.jpg"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_on(
    tmp_path: Path, cells: str, column: str, value: str
) -> None:
    found = manifest(tmp_path, f"{HEADER}good.jpg,S,2026-03-02,,,,,\n{cells}\nlast.jpg,S,,,,,,\n")
    (error,) = found.errors
    assert (error.line, error.column, error.value) == (3, column, value)
    assert f"line 3, column {column}" in str(error)
    assert repr(value) in str(error)
    assert row(found, "good.jpg").site_id == row(found, "last.jpg").site_id == "S"


def test_a_bad_row_costs_its_file_and_the_problem_hides_the_value(tmp_path: Path) -> None:
    found = manifest(tmp_path, HEADER + "a.jpg,S,Jane Doe,,,,,\n")
    position = found.position("a.jpg")
    assert position is not None
    error = found.row(position)
    assert isinstance(error, RowError)
    assert error.problem().reason is Reason.MANIFEST_ROW
    assert "line 2, column acquired_at" in error.problem().sentence
    assert "Jane" not in error.problem().sentence


def test_lines_are_those_of_a_text_editor(tmp_path: Path) -> None:
    text = (
        '"file",site_id,acquired_at\n'  # 1
        '"two\nlines.jpg",S,\n'  # 2 and 3
        "\n"  # 4
        "bad.jpg,S,never\n"  # 5
        "\r\n"  # 6
        '"a ""quoted"" one.jpg",S,nope\n'  # 7
    )
    found = manifest(tmp_path, text)
    assert [(e.line, e.value) for e in found.errors] == [(5, "never"), (7, "nope")]
    assert row(found, "two\nlines.jpg").site_id == "S"
    assert found.position('a "quoted" one.jpg') is not None


@given(
    st.lists(
        st.sampled_from(['"a\nb.jpg",S,', "", "x.jpg,S,never", '"q"",.jpg",S,bad']), max_size=12
    )
)
def test_every_bad_row_is_found_on_its_line(lines: list[str]) -> None:
    expected, at = [], 2
    for line in lines:
        if line.endswith(("never", "bad")):
            expected.append(at)
        at += 1 + line.count("\n")
    with tempfile.TemporaryDirectory() as folder:
        found = manifest(Path(folder), "\n".join(["file,site_id,acquired_at", *lines]) + "\n")
    assert sorted({e.line for e in found.errors if "contradicts" not in e.message}) == expected


def test_the_same_row_twice_is_harmless_and_two_that_differ_are_not(tmp_path: Path) -> None:
    text = "file,site_id,acquired_at\na.jpg,S,\n./a.jpg,S,\nb.jpg,S,\nb.jpg,T,\n"
    found = manifest(tmp_path, text)
    assert row(found, "a.jpg").site_id == "S"
    assert len(found) == 2
    (error,) = found.errors
    assert (error.line, error.column, error.value) == (5, "site_id", "T")
    position = found.position("b.jpg")
    assert position is not None
    assert isinstance(found.row(position), RowError)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"file,site_id\na,b\n", "no column acquired_at"),
        (b"file,file,site_id,acquired_at\n", "column file: stands twice"),
        (b'file,site_id,acquired_at\na.jpg,S,\n"b.jpg,S,\n', "line 3: has a quote"),
        (b'file,site_id,acquired_at\n"a"b.jpg,S,\n', "line 2: has a quote"),
        ("file,site_id,acquired_at\né.jpg,S,\n".encode("cp1252"), "line 2: is not UTF-8"),
        ("file,site_id,acquired_at\n".encode("utf-16"), "UTF-16"),
        (b"\0\0\0\0", "NUL"),
    ],
)
def test_a_mistake_of_the_whole_file(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        manifest(tmp_path, content)
    assert "manifest.csv" in str(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read: No such file"):
        read_manifest(tmp_path / "none.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write(tmp_path: Path, separator: str, mark: bytes, end: str) -> None:
    lines = ["file,site_id,acquired_at", "ä.jpg,S,2026-03-02", ""]
    text = end.join(lines).replace(",", separator)
    assert row(manifest(tmp_path, mark + text.encode()), "ä.jpg").acquired_at == date(2026, 3, 2)


def test_a_base_name_counts_when_only_one_row_has_it(tmp_path: Path) -> None:
    found = manifest(tmp_path, "file,site_id,acquired_at\nx/a.jpg,S,\nx/b.jpg,S,\ny/b.jpg,S,\n")
    assert found.basename_position("a.jpg") == 0
    assert found.basename_position("b.jpg") is None


def test_unknown_values_are_no_values(tmp_path: Path) -> None:
    found = manifest(tmp_path, HEADER + "a.jpg,S,,,,unknown,U,N/A\n")
    assert found.errors == []
    assert row(found, "a.jpg").sex is None


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")
def test_the_incoming_manifest_has_no_mistakes() -> None:
    found = read_manifest(SHARED / "incoming" / "manifest.csv")
    assert (len(found), found.errors) == (300, [])
