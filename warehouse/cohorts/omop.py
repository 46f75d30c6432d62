"""A cohort's rows as OMOP CDM 5.4: `measurement`, and `image_occurrence` of its imaging extension.

Columns and their order: OHDSI CommonDataModel 5.4 (measurement) and the extension MI-CDM of
OHDSI's imaging working group (image_occurrence). A concept id that this program is not sure of
is 0, OMOP's "No matching concept"; identifiers that OMOP demands and PneumoWatch does not keep
(a procedure, DICOM UIDs) are 0 or the X-ray's pseudonym. docs/cohorts.md says which.
"""

import hashlib
from collections.abc import Iterable

import pyarrow as pa

from warehouse.store import Row

NO_MATCHING_CONCEPT = 0
EQUALS = 4172703  # "=", SNOMED 276136004, domain Meas Value Operator
SOURCE_VALUE = "pneumonia_probability"

_INTEGER, _NUMBER, _TEXT, _DATE = pa.int64(), pa.float64(), pa.string(), pa.date32()
MEASUREMENT = pa.schema(
    [
        ("measurement_id", _INTEGER),
        ("person_id", _INTEGER),
        ("measurement_concept_id", _INTEGER),
        ("measurement_date", _DATE),
        ("measurement_datetime", _TEXT),
        ("measurement_time", _TEXT),
        ("measurement_type_concept_id", _INTEGER),
        ("operator_concept_id", _INTEGER),
        ("value_as_number", _NUMBER),
        ("value_as_concept_id", _INTEGER),
        ("unit_concept_id", _INTEGER),
        ("range_low", _NUMBER),
        ("range_high", _NUMBER),
        ("provider_id", _INTEGER),
        ("visit_occurrence_id", _INTEGER),
        ("visit_detail_id", _INTEGER),
        ("measurement_source_value", _TEXT),
        ("measurement_source_concept_id", _INTEGER),
        ("unit_source_value", _TEXT),
        ("unit_source_concept_id", _INTEGER),
        ("value_source_value", _TEXT),
        ("measurement_event_id", _INTEGER),
        ("meas_event_field_concept_id", _INTEGER),
    ]
)
IMAGE_OCCURRENCE = pa.schema(
    [
        ("image_occurrence_id", _INTEGER),
        ("person_id", _INTEGER),
        ("procedure_occurrence_id", _INTEGER),
        ("visit_occurrence_id", _INTEGER),
        ("anatomic_site_concept_id", _INTEGER),
        ("wadors_uri", _TEXT),
        ("local_path", _TEXT),
        ("image_occurrence_date", _DATE),
        ("image_study_uid", _TEXT),
        ("image_series_uid", _TEXT),
        ("modality_concept_id", _INTEGER),
    ]
)


def omop_tables(rows: pa.Table, salt: str) -> dict[str, pa.Table]:
    """`image_occurrence` and `measurement` of rows that have a person and a date.

    `salt` names the export: the same one numbers persons in the same way.
    """
    usable = [row for row in rows.to_pylist() if row["patient_key"] and row["acquired_date"]]
    persons = person_ids((row["patient_key"] for row in usable), salt)
    images: list[Row] = []
    measurements: list[Row] = []
    for number, row in enumerate(usable, 1):
        person = persons[row["patient_key"]]
        images.append(_image(number, person, row))
        if row["probability"] is not None:
            measurements.append(_measurement(len(measurements) + 1, number, person, row))
    return {
        "image_occurrence": pa.Table.from_pylist(images, schema=IMAGE_OCCURRENCE),
        "measurement": pa.Table.from_pylist(measurements, schema=MEASUREMENT),
    }


def person_ids(patient_keys: Iterable[str], salt: str) -> dict[str, int]:
    """patient_key → 1, 2, … in the order of a hash, so that the number itself says nothing."""

    def order(key: str) -> str:
        return hashlib.sha256(f"{salt}/{key}".encode()).hexdigest()

    return {key: number for number, key in enumerate(sorted(set(patient_keys), key=order), 1)}


def _image(number: int, person: int, row: Row) -> Row:
    return {
        "image_occurrence_id": number,
        "person_id": person,
        "procedure_occurrence_id": 0,
        "anatomic_site_concept_id": NO_MATCHING_CONCEPT,
        "image_occurrence_date": row["acquired_date"],
        "image_study_uid": row["study_id"],
        "image_series_uid": row["study_id"],
        "modality_concept_id": NO_MATCHING_CONCEPT,
    }


def _measurement(number: int, image: int, person: int, row: Row) -> Row:
    return {
        "measurement_id": number,
        "person_id": person,
        "measurement_concept_id": NO_MATCHING_CONCEPT,
        "measurement_date": row["acquired_date"],
        "measurement_type_concept_id": NO_MATCHING_CONCEPT,
        "operator_concept_id": EQUALS,
        "value_as_number": row["probability"],
        "value_as_concept_id": NO_MATCHING_CONCEPT,
        "unit_concept_id": NO_MATCHING_CONCEPT,
        "measurement_source_value": SOURCE_VALUE,
        "measurement_source_concept_id": NO_MATCHING_CONCEPT,
        "unit_source_concept_id": NO_MATCHING_CONCEPT,
        "value_source_value": row["label"],
        "measurement_event_id": image,
        "meas_event_field_concept_id": NO_MATCHING_CONCEPT,
    }
