"""Confirmed diagnoses: every line ends in one place, and loading again changes nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from ingest.content import content_hash
from ingest.errors import InputError
from ingest.identity import Pseudonymiser, study_id_from_content
from ingest.settings import IngestSettings
from tests.ingest.films import KEY, film, png
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_studies
from warehouse.label_file import read_labels
from warehouse.labels import Labelled, load_labels
from warehouse.store import Warehouse
from warehouse.versions import resolve

NAMES = Pseudonymiser(KEY)
SETTINGS = IngestSettings(workers=0)
FILM = film(seed=3)


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """Studies a, b, c of files a.png, b.png, c.png; FILM at two sites; two films of IM0001."""
    studies = [_of(study(name, day=date(2026, 5, 11)), f"{name}.png") for name in "abc"]
    for site in ("A1", "B1"):
        digest = content_hash(FILM)
        one = study(study_id_from_content(digest, site), site)
        studies.append(replace(_of(one, "renamed.png"), content_hash=digest))
    studies += [_of(study(name), "IM0001") for name in ("d", "e")]
    with warehouse.write("test") as transaction:
        scored = {one.study_id: prediction(one.study_id, "NORMAL") for one in studies}
        append_studies(transaction, studies, scored)
    return warehouse


def _of(one, name: str):  # type: ignore[no-untyped-def]
    return replace(one, file_key=NAMES.file_key(name))


def load(warehouse: Warehouse, folder: Path, text: str) -> Labelled:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    found = load_labels(warehouse, read_labels(path), KEY, SETTINGS)
    total = found.loaded + found.unchanged + len(found.unknown) + len(found.errors)
    assert found.received == total
    return found


def labels(warehouse: Warehouse, *names: str) -> list[tuple]:
    rows = warehouse.query(
        "current_labels", study_ids=list(names), commit=resolve(warehouse).commit_number
    )
    return sorted((row["study_id"], row["label"], row["aetiology"]) for row in rows)


def test_labels_by_id_and_by_the_name_of_the_file(stored: Warehouse, tmp_path: Path) -> None:
    found = load(
        stored,
        tmp_path,
        "file,study_id,label,aetiology,extra\n"
        ",a,PNEUMONIA,Bacterial,x\n"
        "deep/folder/b.png,,normal,normal,\n"
        "\n"
        "nowhere.png,,NORMAL,,\n"
        ",z,NORMAL,,\n",
    )
    assert (found.loaded, found.unchanged, [row.line for row in found.unknown]) == (2, 0, [5, 6])
    assert labels(stored, "a", "b", "c") == [("a", "PNEUMONIA", "bacteria"), ("b", "NORMAL", None)]


def test_loading_again_appends_only_what_changed_and_the_latest_wins(
    stored: Warehouse, tmp_path: Path
) -> None:
    text = "study_id,label\na,PNEUMONIA\nb,NORMAL\n"
    load(stored, tmp_path, text)
    first = resolve(stored).commit_number
    again = load(stored, tmp_path, text)
    assert (again.loaded, again.unchanged) == (0, 2)
    changed = load(stored, tmp_path, text.replace("a,PNEUMONIA", "a,NORMAL"))
    assert (changed.loaded, changed.unchanged) == (1, 1)
    assert labels(stored, "a") == [("a", "NORMAL", None)]
    rows = stored.query("current_labels", study_ids=["a"], commit=first)
    assert [row["label"] for row in rows] == ["PNEUMONIA"], "as it was known then"
    assert stored.sql("SELECT count(*) AS n FROM labels") == [{"n": 3}]


def test_a_file_at_hand_is_known_by_its_pixels_at_every_site(
    stored: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "c.png").write_bytes(png(FILM))  # the name of another study
    found = load(stored, tmp_path, "file,label\nc.png,PNEUMONIA\n")
    assert found.loaded == 1
    ids = [study_id_from_content(content_hash(FILM), site) for site in ("A1", "B1")]
    assert {name for name, *_ in labels(stored, "c", *ids)} == set(ids)


def test_a_file_at_hand_that_was_never_ingested_is_unknown_whatever_its_name(
    stored: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(np.flipud(FILM)))
    found = load(stored, tmp_path, "file,label\na.png,PNEUMONIA\n")
    assert (found.loaded, len(found.unknown)) == (0, 1)


def test_a_name_that_several_films_have_is_an_error(stored: Warehouse, tmp_path: Path) -> None:
    (error,) = load(stored, tmp_path, "file,label\nIM0001,NORMAL\n").errors
    assert str(error) == (
        "line 2, column file: 2 films came in under this name; write the study_id (found 'IM0001')"
    )


def test_rows_that_contradict_one_another_spoil_each_other(
    stored: Warehouse, tmp_path: Path
) -> None:
    found = load(
        stored,
        tmp_path,
        "study_id,file,label\na,,NORMAL\na,,NORMAL\nb,,NORMAL\n,a.png,PNEUMONIA\n",
    )
    assert [(error.line, error.message.split(" about")[0]) for error in found.errors] == [
        (2, "it contradicts line 5"),
        (3, "it contradicts line 5"),
        (5, "it contradicts line 2"),
    ]
    assert labels(stored, "a", "b") == [("b", "NORMAL", None)]
    twice = load(stored, tmp_path, "study_id,label\nc,NORMAL\nc,NORMAL\n")
    assert (twice.loaded, twice.unchanged) == (1, 1)


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("a,,SICK,,,", "label", "must be NORMAL or PNEUMONIA"),
        ("a,,,,,", "label", "must be NORMAL or PNEUMONIA"),
        (",,NORMAL,,,", "file", "no study is named"),
        ("a,,NORMAL,virus,,", "aetiology", "a normal film has no cause"),
        ("a,,PNEUMONIA,Jane Doe,,", "aetiology", "must be bacteria, virus, fungus, mixed, other"),
        ("a,,NORMAL,,,soon", "read_at", "not a date"),
        ("a,,NORMAL,,,2999-01-01", "read_at", "not a date up to now"),
        ("a,,NORMAL,,,,,", "label", "8 cells where the header has 6"),
    ],
)
def test_a_bad_cell_is_named_and_costs_its_line_alone(
    stored: Warehouse, tmp_path: Path, row: str, column: str, said: str
) -> None:
    header = "study_id,file,label,aetiology,reader,read_at\n"
    found = load(stored, tmp_path, f"{header}{row}\nb,,NORMAL,,,\n")
    (error,) = found.errors
    assert (found.loaded, error.line, error.column) == (1, 2, column)
    assert said in error.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("file,diagnosis\na,NORMAL\n", r"line 1: needs a column label, and study_id or file"),
        ("label\nNORMAL\n", "needs a column label, and study_id or file"),
        ("file,label,label\n", "column label: stands twice"),
        ('file,label\n"a,NORMAL\n', "line 2: has a quote that is not closed"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_whole(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=f"labels.csv.*{said}"):
        read_labels(tmp_path / "labels.csv")


def test_semicolons_and_a_byte_order_mark_are_a_spreadsheets_csv(
    stored: Warehouse, tmp_path: Path
) -> None:
    assert load(stored, tmp_path, "\ufeffStudy_ID;Label\na;Normal\n").loaded == 1


def test_who_read_it_is_a_pseudonym_and_when_is_utc(stored: Warehouse, tmp_path: Path) -> None:
    load(
        stored,
        tmp_path,
        "study_id,label,reader,read_at\na,NORMAL,Dr Jane Doe,2026-05-14T08:30+03:00\n",
    )
    (row,) = stored.sql("SELECT * FROM labels")
    assert row["reader_key"] == NAMES.reader_key("Dr Jane Doe ")
    assert row["read_at"] == datetime(2026, 5, 14, 5, 30, tzinfo=UTC)
    assert "Jane" not in str(row)
    assert NAMES.reader_key("x") != NAMES.file_key("x") != NAMES.patient_key("x")
