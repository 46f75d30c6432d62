"""A cohort's files: the same bytes for the same version, and nothing of a person but a key."""

import csv
import hashlib
import io
import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import DiskError, UserError
from tests.warehouse.rows import card, load, prediction
from warehouse.cohorts.columns import COLUMNS
from warehouse.cohorts.export import NOTICE, export
from warehouse.cohorts.grammar import parse
from warehouse.cohorts.omop import IMAGE_OCCURRENCE, MEASUREMENT, person_ids
from warehouse.cohorts.registry import save
from warehouse.cohorts.selection import select
from warehouse.csv_bytes import csv_bytes
from warehouse.models import promote, register
from warehouse.store import Warehouse

DRAWN = """
A1 2026-01-05 PN patient_key=p1 sex=F age_years=30
A1 2026-01-20 P  patient_key=p1 sex=F age_years=30
B1 2026-01-05 NP patient_key=p2 sex=M age_years=50
B1 2026-01-06 P  sex=F age_years=44
A1 none       P  patient_key=p3 age_years=70
A2 2026-01-09 -  patient_key=p4 age_years=70
"""
RESTRICTED = {"content_hash", "file_key", "acquired_at", "received_at", "reader_key"}


@pytest.fixture
def adults(warehouse: Warehouse) -> Warehouse:
    load(warehouse, DRAWN)
    save(warehouse, "adults", parse("age >= 18 and acquired <= 2026-12-31 or acquired is unknown"))
    return warehouse


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_same_version_gives_the_same_bytes_after_later_ingests_and_rescores(
    adults: Warehouse, tmp_path: Path
) -> None:
    first = export(select(adults, "adults"), "csv", tmp_path / "first", omop=True)
    binary = export(select(adults, "adults"), "parquet", tmp_path / "binary")
    load(adults, "A1 2026-02-02 PP patient_key=p9 age_years=40")
    _rescore(adults)
    later = export(select(adults, "adults"), "csv", tmp_path / "later", omop=True)
    again = export(
        select(adults, "adults", first.commit_number), "csv", tmp_path / "again", omop=True
    )
    assert (first.xrays, later.xrays) == (8, 10)
    for name in first.files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    changed = [(tmp_path / one / "adults.csv").read_bytes() for one in ("first", "later")]
    assert changed[0] != changed[1]
    assert again.files == first.files
    export(select(adults, "adults", binary.commit_number), "parquet", tmp_path / "binary again")
    for name in binary.files:
        one, other = (tmp_path / folder / name for folder in ("binary", "binary again"))
        assert one.read_bytes() == other.read_bytes()
    models = {row["model_version"] for row in read(tmp_path / "later" / "adults.csv")}
    assert models == {"m2"}


def _rescore(warehouse: Warehouse) -> None:
    """Every film is scored by m2, which calls it normal, and m2 is promoted."""
    register(warehouse, card("m2"))
    films = warehouse.sql("SELECT study_id FROM studies")
    with warehouse.write("rescore") as transaction:
        scored = [asdict(prediction(film["study_id"], "NORMAL", "m2")) for film in films]
        transaction.append("predictions", scored)
    promote(warehouse, "m2")


def test_csv_and_parquet_hold_the_columns_of_the_dictionary(
    adults: Warehouse, tmp_path: Path
) -> None:
    export(select(adults, "adults"), "csv", tmp_path / "out")
    export(select(adults, "adults"), "parquet", tmp_path / "out2")
    rows, table = (
        read(tmp_path / "out" / "adults.csv"),
        pq.read_table(tmp_path / "out2" / "adults.parquet"),
    )
    dictionary = read(tmp_path / "out" / "dictionary.csv")
    assert list(rows[0]) == table.column_names == [row["column"] for row in dictionary]
    assert list(rows[0]) == list(COLUMNS)
    assert all(row["type"] and row["meaning"] for row in dictionary)
    assert not RESTRICTED & set(COLUMNS)
    assert [row["study_id"] for row in rows] == table["study_id"].to_pylist()
    assert table.schema.field("acquired_date").type == pa.date32()
    assert rows[0]["synthetic"] == "no"
    assert rows[-1]["patient_key"] == "", "an X-ray without a patient's id comes last"


def test_the_provenance_says_all_that_is_needed_to_repeat_it(
    adults: Warehouse, tmp_path: Path
) -> None:
    selection = select(adults, "adults")
    done = export(selection, "csv", tmp_path / "out")
    said = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert said["notice"] == NOTICE
    assert "never a diagnosis" in NOTICE
    assert "pseudonymous, not anonymous" in NOTICE
    assert said["as_of"]["commit_number"] == done.commit_number
    text = said["cohort"]["definition"]
    assert said["cohort"]["definition_hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert parse(text) == selection.saved.tree
    for name, file in said["files"].items():
        content = (tmp_path / "out" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert (said["size"]["xrays"], said["size"]["model_versions"]) == (8, ["m1"])
    attrition = read(tmp_path / "out" / "attrition.csv")
    assert [row["criterion"] for row in attrition] == [s["criterion"] for s in said["attrition"]]
    parameters = {
        key: date.fromisoformat(value) if isinstance(value, str) else value
        for key, value in said["query"]["parameters"].items()
    }
    assert len(adults.sql(said["query"]["sql"], **parameters)) == 8, "the SQL runs as it is written"


def test_omop_tables_have_the_models_columns_and_no_invented_concept(
    adults: Warehouse, tmp_path: Path
) -> None:
    export(select(adults, "adults"), "csv", tmp_path / "out", omop=True)
    images, found = (
        read(tmp_path / "out" / f"{n}.csv") for n in ("image_occurrence", "measurement")
    )
    assert list(found[0]) == MEASUREMENT.names
    assert list(images[0]) == IMAGE_OCCURRENCE.names
    assert len(MEASUREMENT.names) == 23
    assert len(images) == len(found) == 6, "no person or no date: not in OMOP"
    said = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert said["omop"]["xrays_left_out"] == 2
    concepts = {row[name] for row in found for name in row if name.endswith("concept_id")}
    assert concepts == {"0", "4172703"}
    assert {row[n] for row in images for n in row if n.endswith("concept_id")} == {"0"}
    by_image = {row["image_occurrence_id"]: row for row in images}
    rows = {row["study_id"]: row for row in read(tmp_path / "out" / "adults.csv")}
    persons: dict[str, set[str]] = {}
    for row in found:
        image = by_image[row["measurement_event_id"]]
        study = rows[image["image_study_uid"]]
        assert row["value_as_number"] == study["probability"]
        assert row["measurement_date"] == study["acquired_date"]
        persons.setdefault(study["patient_key"], set()).add(row["person_id"])
    assert sorted(p for own in persons.values() for p in own) == ["1", "2", "3"]


def test_numbers_of_persons_repeat_within_an_export_and_differ_between_two() -> None:
    keys = [f"p{number}" for number in range(50)]
    one = person_ids(keys, "a")
    assert one == person_ids(reversed(keys), "a")
    assert sorted(one.values()) == list(range(1, 51))
    assert one != person_ids(keys, "b")


def test_nothing_is_overwritten_unless_asked(adults: Warehouse, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(select(adults, "adults"), "csv", out)
    (out / "adults.csv").write_text("mine")
    with pytest.raises(UserError, match=r"holds adults\.csv, .* already; .*--force"):
        export(select(adults, "adults"), "csv", out)
    assert (out / "adults.csv").read_text() == "mine"
    export(select(adults, "adults"), "csv", out, force=True)
    assert (out / "adults.csv").read_text().startswith("patient_key,")
    assert (out / "adults.csv").stat().st_mode & 0o777 == 0o600
    assert out.stat().st_mode & 0o777 == 0o700


def test_a_place_where_no_folder_can_be_is_named(adults: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file; name a folder"):
        export(select(adults, "adults"), "csv", tmp_path / "file")
    with pytest.raises((UserError, DiskError), match="does not exist"):
        export(select(adults, "adults"), "csv", tmp_path / "no" / "out")
    with pytest.raises(UserError, match="'xlsx' is not one of csv, parquet"):
        export(select(adults, "adults"), "xlsx", tmp_path / "out")


def test_an_empty_cohort_is_an_export_too(adults: Warehouse, tmp_path: Path) -> None:
    save(adults, "nobody", parse("age > 129"))
    done = export(select(adults, "nobody"), "csv", tmp_path / "out", omop=True)
    assert (done.xrays, read(tmp_path / "out" / "nobody.csv")) == (0, [])


def test_a_cell_that_a_spreadsheet_would_run_is_text() -> None:
    assert csv_bytes(pa.table({"a": ["=1+1", "x", None], "b": [-0.5, 1.0, None]})) == (
        b"a,b\n'=1+1,-0.5\nx,1.0\n,\n"
    )
