from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.records import Reason, Study
from tests.ingest.films import dataset, dicom_bytes
from tests.ingest.opening import FILM, opened, read_bytes, reason


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Modality": "CT"}, Reason.NOT_AN_XRAY),
        ({"Modality": "MG"}, Reason.NOT_AN_XRAY),
        (
            {"Modality": "OT", "BodyPartExamined": "", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
            Reason.NOT_AN_XRAY,
        ),
        ({"BodyPartExamined": "KNEE"}, Reason.NOT_A_CHEST),
        ({"BodyPartExamined": "TSPINE"}, Reason.NOT_A_CHEST),
        ({"BodyPartExamined": "", "SeriesDescription": "Left hand"}, Reason.NOT_A_CHEST),
        ({"ViewPosition": "LL"}, Reason.LATERAL),
        ({"ViewPosition": "", "PatientOrientation": ["P", "F"]}, Reason.LATERAL),
        ({"ViewPosition": "", "SeriesDescription": "CHEST LAT"}, Reason.LATERAL),
        ({"PresentationIntentType": "FOR PROCESSING"}, Reason.FOR_PROCESSING),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"}, Reason.FOR_PROCESSING),
        ({"NumberOfFrames": 2}, Reason.MULTI_FRAME),
        ({"Rows": 0}, Reason.UNREADABLE),
        ({"Rows": 40, "Columns": 40}, Reason.TOO_SMALL),
        ({"Rows": 60_000, "Columns": 60_000}, Reason.PIXEL_BOMB),
        ({"BitsStored": 17}, Reason.UNREADABLE),
        ({"SamplesPerPixel": 2}, Reason.UNREADABLE),
        ({"Rows": 161}, Reason.TRUNCATED),
    ],
)
def test_a_header_that_rules_the_film_out(elements: dict[str, object], expected: Reason) -> None:
    assert reason(dataset(FILM, **elements)) is expected


@pytest.mark.parametrize(
    "elements",
    [
        {"Modality": "DX", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1"},
        {"Modality": "CR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"Modality": "", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"},
        {"Modality": "OT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"BodyPartExamined": "THORAX"},
        {"BodyPartExamined": "PORT CHEST"},
        {"BodyPartExamined": "", "StudyDescription": "CHEST AND ABDOMEN"},
        {"ViewPosition": "AP", "PatientOrientation": ["P", "F"]},
        {"ViewPosition": "", "PatientOrientation": ["L", "F"]},
        {"ViewPosition": "", "SeriesDescription": "CHEST PA AND LAT"},
        {"PresentationIntentType": "FOR PRESENTATION"},
        {"NumberOfFrames": 1},
    ],
)
def test_a_header_that_does_not(elements: dict[str, object]) -> None:
    assert opened(dataset(FILM, **elements)).header.sop_instance_uid == "1.2.3.4"


def test_a_silent_header_is_flagged_not_refused() -> None:
    found = opened(dataset(FILM, BodyPartExamined="", ViewPosition=""))
    assert found.header.flags == ("body_part_unknown",)
    assert found.header.view is None


def test_dates_are_taken_from_the_most_telling_element(tmp_path: Path) -> None:
    def moment(**elements: object) -> tuple[datetime | None, str]:
        outcome = read_bytes(tmp_path, dicom_bytes(dataset(FILM, **elements)))
        assert isinstance(outcome, Study)
        return outcome.acquired_at, outcome.flags

    def utc(*parts: int) -> datetime:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]

    assert moment() == (utc(2026, 3, 14, 8, 15), "")
    assert moment(AcquisitionDate="20260313") == (utc(2026, 3, 13), "")
    assert moment(AcquisitionDateTime="20260312101500.5+0300") == (utc(2026, 3, 12, 7, 15), "")
    assert moment(TimezoneOffsetFromUTC="-0500") == (utc(2026, 3, 14, 13, 15), "")
    assert moment(AcquisitionDate="19010101") == (utc(2026, 3, 14, 8, 15), "")
    assert moment(StudyDate="19010101") == (None, "implausible_date")
    assert moment(StudyDate="") == (None, "no_date")
    assert moment(StudyTime="999999") == (utc(2026, 3, 14), "")


def test_ages_come_from_the_age_or_coarsely_from_the_birth_date() -> None:
    assert opened(dataset(FILM, PatientAge="018M")).header.age_years == 1.5
    assert opened(dataset(FILM, PatientBirthDate="20200601")).header.age_years == 5.0
    assert opened(dataset(FILM, PatientBirthDate="20250101")).header.age_years == 14 / 12
    assert opened(dataset(FILM, PatientBirthDate="20300101")).header.age_years is None


def test_an_unusable_uid_is_not_an_identity(tmp_path: Path) -> None:
    outcome = read_bytes(tmp_path, dicom_bytes(dataset(FILM, SOPInstanceUID="Doe^Jane")))
    plain = read_bytes(tmp_path, dicom_bytes(dataset(FILM, SOPInstanceUID="")))
    assert isinstance(outcome, Study)
    assert isinstance(plain, Study)
    assert outcome.study_id == plain.study_id


def test_a_patient_is_keyed_by_id_and_issuer(tmp_path: Path) -> None:
    def key(**elements: object) -> str | None:
        outcome = read_bytes(tmp_path, dicom_bytes(dataset(FILM, **elements)))
        assert isinstance(outcome, Study)
        return outcome.patient_key

    assert key(PatientID="1") == key(PatientID="1 ")
    assert key(PatientID="1", IssuerOfPatientID="A") != key(PatientID="1", IssuerOfPatientID="B")
    assert key() is key(PatientID="ANONYMOUS") is None
