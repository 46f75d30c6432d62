"""The data dictionary of an export: every column, its type, its unit and its meaning."""

from dataclasses import dataclass

import pyarrow as pa

_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "yes/no": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export."""

    type: str
    unit: str
    meaning: str


COLUMNS: dict[str, Column] = {
    "patient_key": Column(
        "text", "", "pseudonym of the participant: a keyed hash, never the id; empty: none came"
    ),
    "study_number": Column("integer", "", "1 for the participant's first X-ray in the cohort, …"),
    "study_id": Column("text", "", "pseudonym of the X-ray"),
    "site_id": Column("text", "", "the site that sent it; empty: not known"),
    "region": Column("text", "", "the site's region, as of the version"),
    "acquired_date": Column(
        "date", "day", "when it was taken, a day at the site; empty: absent or implausible"
    ),
    "index_date": Column("date", "day", "the participant's index date; empty: none is defined"),
    "days_from_index": Column("integer", "days", "acquired_date less index_date"),
    "age_years": Column("number", "years", "age when it was taken; 90 stands for 90 and over"),
    "sex": Column("text", "", "F, M or O, as the header or the manifest says"),
    "view": Column("text", "", "projection: PA or AP"),
    "source": Column("text", "", "dicom, image, generated or simulated"),
    "synthetic": Column("yes/no", "", "generated or simulated: shows no patient"),
    "flags": Column("text", "", "what ingest noted, separated by commas"),
    "model_version": Column("text", "", "the version of the current prediction"),
    "in_scope": Column("yes/no", "", "within what that version was validated on"),
    "probability": Column("number", "0 to 1", "calibrated, of pneumonia; not a diagnosis"),
    "threshold": Column("number", "0 to 1", "at or above it the label is PNEUMONIA"),
    "label": Column("text", "", "the model's: PNEUMONIA or NORMAL; empty out of scope"),
    "p_bacterial": Column("number", "0 to 1", "of a bacterial cause, given pneumonia"),
    "p_viral": Column("number", "0 to 1", "of a viral cause, given pneumonia"),
    "predicted_aetiology": Column(
        "text", "", "of films labelled PNEUMONIA, the likelier of bacterial and viral"
    ),
    "confirmed_label": Column("text", "", "the latest confirmed diagnosis: PNEUMONIA or NORMAL"),
    "confirmed_aetiology": Column("text", "", "the confirmed cause, where one was loaded"),
}


def schema() -> pa.Schema:
    """The columns as Arrow types."""
    return pa.schema([(name, _TYPES[column.type]) for name, column in COLUMNS.items()])


def dictionary() -> pa.Table:
    """The dictionary itself as a table: column, type, unit, meaning."""
    rows = [
        {"column": name, "type": one.type, "unit": one.unit, "meaning": one.meaning}
        for name, one in COLUMNS.items()
    ]
    return pa.Table.from_pylist(rows)
