"""What a header says of body part, view, age, sex and date, in the ways that headers say it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ingest.dicom_when import parse_date, parse_datetime
from ingest.film import Header
from ingest.records import Reason, Study
from ingest.values import fold, parse_age, parse_sex, parse_view
from tests.ingest.corpus import SMALL
from tests.ingest.films import dataset, dicom_bytes
from tests.ingest.malformed import element, place_of
from tests.ingest.opening import opened, read_bytes, reason


def code(value: str, meaning: str = "") -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return Sequence([item])


def silent(**elements: object) -> Dataset:
    """A film whose header names neither body part nor view."""
    return dataset(SMALL, **{"BodyPartExamined": "", "ViewPosition": "", **elements})


def written(**texts: str) -> Header:
    """The header of a film with texts written byte for byte, in UTF-8."""
    made = dataset(SMALL)
    for keyword in texts:
        setattr(made, keyword, "1")
    data = dicom_bytes(made)
    for keyword, text in texts.items():
        tag = made[keyword].tag
        start, _, end = place_of(data, tag.group, tag.element)
        value = text.encode() + b" " * (len(text.encode()) % 2)
        vr = data[start + 4 : start + 6]
        data = data[:start] + element(tag.group, tag.element, vr, value) + data[end:]
    from ingest.reader import decode
    from tests.ingest.opening import SETTINGS

    return decode(data, SETTINGS).header


@pytest.mark.parametrize(
    "part",
    [
        "CHEST", "Thorax", "TORAX", "TÓRAX", "torace", "LUNG", "LUNGS", "LUNGE", "PORT CHEST",
        "CHEST_PA", "POUMONS", "PULMONARY", "CXR", "KLATKA PIERSIOWA", "HRUDNIK", "AKCIGER",
        "THORAX AP/PA", "RX TORAX", "BRYSTKASSE",
    ],
)  # fmt: skip
def test_the_chest_in_many_languages(part: str) -> None:
    assert opened(dataset(SMALL, BodyPartExamined=part)).header.flags == ()


@pytest.mark.parametrize("text", ["ГРУДНАЯ КЛЕТКА", "Органы грудной клетки", "胸部", "흉부", "صدر"])
@pytest.mark.parametrize("encoding", ["utf-8 declared", "utf-8", "cp1251"])
def test_the_chest_in_other_scripts_declared_or_not(text: str, encoding: str) -> None:
    made = silent(StudyDescription="1")
    if encoding == "utf-8 declared":
        made.SpecificCharacterSet, made.StudyDescription = "ISO_IR 192", text
        assert opened(made).header.flags == ()
        return
    try:
        value = text.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("not a text of that encoding")
    data = dicom_bytes(made)
    start, _, end = place_of(data, 0x08, 0x1030)
    raw = element(0x08, 0x1030, b"LO", value + b" " * (len(value) % 2))
    from ingest.reader import decode
    from tests.ingest.opening import SETTINGS

    assert decode(data[:start] + raw + data[end:], SETTINGS).header.flags == ()


@pytest.mark.parametrize(
    "part",
    [
        "RIBS", "RIB", "CLAVICLE", "STERNUM", "TSPINE", "THORACIC SPINE", "SHOULDER", "ABDOMEN",
        "HAND", "PELVIS", "KNIE", "GENOU", "RODILLA", "WHOLEBODY", "HEART", "BREAST", "NECK",
        "BEHANDLUNG", "EINSTELLUNG",
    ],
)  # fmt: skip
def test_another_part_is_refused(part: str) -> None:
    assert reason(dataset(SMALL, BodyPartExamined=part)) is Reason.NOT_A_CHEST


@pytest.mark.parametrize(
    "part",
    ["CHEST, ABDOMEN", "CHESTABDOMEN", "CHEST\\ABDOMEN", "BABYGRAM", "THORAX/ABDOMEN", "TORSO"],
)
def test_more_than_the_chest_is_a_chest_film_with_a_flag(part: str) -> None:
    found = opened(dataset(SMALL, BodyPartExamined=part))
    assert found.header.flags == ("more_than_chest",)


@pytest.mark.parametrize("part", ["", "UNKNOWN", "OTHER", "GENERAL", "N/A", "1", "-", "?", "X"])
def test_a_part_that_says_nothing(part: str) -> None:
    assert opened(dataset(SMALL, BodyPartExamined=part)).header.flags == ("body_part_unknown",)
    told = dataset(SMALL, BodyPartExamined=part, ProtocolName="Rodilla AP")
    assert reason(told) is Reason.NOT_A_CHEST


@pytest.mark.parametrize("value", ["51185008", "T-D3000", "816094009", "T-28000"])
def test_a_region_by_its_code_alone(value: str) -> None:
    assert opened(silent(AnatomicRegionSequence=code(value))).header.flags == ()


@pytest.mark.parametrize("value", ["72696002", "T-D9200", "T-12310", "113197003", "T-11300"])
def test_another_region_by_its_code_alone(value: str) -> None:
    assert reason(silent(AnatomicRegionSequence=code(value))) is Reason.NOT_A_CHEST


def test_a_german_ending_is_no_lung() -> None:
    made = silent(
        Modality="OT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7", StudyDescription="Abteilung"
    )
    assert reason(made) is Reason.NOT_AN_XRAY


@pytest.mark.parametrize(
    "elements",
    [
        {"ViewPosition": "LL"},
        {"ViewPosition": "LATERAL"},
        {"ViewPosition": "L-LAT"},
        {"ViewPosition": "PROFIL"},
        {"ViewPosition": ["PA", "LL"]},
        {"ViewCodeSequence": code("399067008")},
        {"ViewCodeSequence": code("R-10236")},
        {"ViewCodeSequence": code("R-10232", "nonsense")},
        {"ViewCodeSequence": code("399135007")},
        {"ViewCodeSequence": code("X-1", "left lateral")},
        {"PatientOrientation": ["A", "F"]},
        {"PatientOrientation": ["PL", "F"]},
        {"SeriesDescription": "Thorax seitlich"},
        {"SeriesDescription": "THORAX PROFIL"},
        {"SeriesDescription": "TÓRAX LATERAL"},
        {"SeriesDescription": "AP LAT DECUBITUS"},
        {"ProtocolName": "Chest Lat"},
        {"AcquisitionDeviceProcessingDescription": "CHEST,LATERAL"},
    ],
)
def test_laterals_in_the_ways_that_headers_say_it(elements: dict[str, object]) -> None:
    assert reason(dataset(SMALL, **{"ViewPosition": "", **elements})) is Reason.LATERAL


@pytest.mark.parametrize(
    ("elements", "view"),
    [
        ({"ViewCodeSequence": code("272479007")}, "PA"),
        ({"ViewCodeSequence": code("R-10214")}, "PA"),
        ({"ViewCodeSequence": code("399348003", "lateral, says the meaning")}, "AP"),
        ({"ViewCodeSequence": code("R-10206")}, "AP"),
        ({"ViewPosition": "P.A."}, "PA"),
        ({"ViewPosition": "AP ERECT"}, "AP"),
        ({"PatientOrientation": ["L", "F"]}, None),
        ({"SeriesDescription": "CHEST PA AND LAT"}, None),
        ({"SeriesDescription": "bilateral"}, None),
        ({"StudyDescription": "CHEST LATERAL"}, None),
        ({"ImageLaterality": "L"}, None),
    ],
)
def test_frontal_films(elements: dict[str, object], view: str | None) -> None:
    assert opened(dataset(SMALL, **{"ViewPosition": "", **elements})).header.view == view


def test_a_view_given_goes_before_a_code() -> None:
    made = dataset(SMALL, ViewPosition="PA", ViewCodeSequence=code("399067008"))
    assert opened(made).header.view == "PA"


@pytest.mark.parametrize(
    ("text", "years"),
    [
        (" 062Y", 62), ("062Y ", 62), ("062 Y", 62), ("62", 62), ("62A", 62), ("62 años", 62),
        ("62J", 62), ("62 ans", 62), ("62,5", 62.5), ("018M", 1.5), ("6 mois", 0.5), ("062y", 62),
        ("Y062", None), ("0 62Y", None), ("62 лет", None), ("sixty", None), ("1e9", None),
    ],
)  # fmt: skip
def test_ages_as_they_are_written(text: str, years: float | None) -> None:
    assert parse_age(text) == (years if years is None else pytest.approx(years))


def test_an_age_of_nothing_is_not_that_of_a_newborn() -> None:
    """000Y is what devices write when they were told nothing."""
    assert opened(dataset(SMALL, PatientAge="000Y")).header.age_years == 0.0
    told = opened(dataset(SMALL, PatientAge="000Y", PatientBirthDate="19600101")).header
    assert told.age_years == 66.0
    newborn = opened(dataset(SMALL, PatientAge="000D", PatientBirthDate="20260310")).header
    assert newborn.age_years == 0.0


def test_an_age_that_cannot_be_read_is_flagged() -> None:
    assert written(PatientAge="old").flags == ("implausible_age",)
    assert written(PatientAge="062Y\\007Y").age_years is None
    assert written(PatientAge="062Y\\062Y").age_years == 62.0
    assert written(PatientAge="").flags == ()


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("M", "M"), ("f", "F"), ("W", "F"), ("weiblich", "F"), ("männlich", "M"), ("Femme", "F"),
        ("HOMBRE", "M"), ("mujer", "F"), ("Ж", "F"), ("М", "M"), ("мужской", "M"), ("女", "F"),
        ("남", "M"), ("O", "O"), ("U", None), ("H", None), ("V", None), ("?", None), ("", None),
    ],
)  # fmt: skip
def test_sexes_of_other_languages(text: str, sex: str | None) -> None:
    assert parse_sex(text) == sex


def test_two_sexes_are_none() -> None:
    assert written(PatientSex="M\\F").sex is None
    assert written(PatientSex="F\\F").sex == "F"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260314", date(2026, 3, 14)), ("1993.02.24", date(1993, 2, 24)),
        ("2026-03-14", date(2026, 3, 14)), ("20260314081500", date(2026, 3, 14)),
        ("2026-03-14 08:15", date(2026, 3, 14)), ("2026/03/14", date(2026, 3, 14)),
        ("14.03.2026", None), ("2026-0314", None), ("20261314", None), ("2026", None), ("", None),
    ],
)  # fmt: skip
def test_dates_as_they_are_written(text: str, day: date | None) -> None:
    assert parse_date(text) == day


def test_a_date_with_a_time_in_it_keeps_the_time() -> None:
    (first,) = written(StudyDate="20260314093000", StudyTime="").acquired
    assert first == datetime(2026, 3, 14, 9, 30)


def test_a_date_that_cannot_be_read_is_not_an_absent_one(tmp_path: Path) -> None:
    for text, flag in (("14.03.2026", "implausible_date"), ("", "no_date")):
        outcome = read_bytes(tmp_path, dicom_bytes(_dated(text)))
        assert isinstance(outcome, Study)
        assert (outcome.acquired_at, outcome.flags) == (None, flag)


def _dated(text: str) -> Dataset:
    made = dataset(SMALL)
    made.StudyDate = ""
    made["StudyDate"]._value = text
    return made


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260312101500+0300", datetime(2026, 3, 12, 7, 15, tzinfo=UTC)),
        ("2026-03-12T10:15:00+03:00", datetime(2026, 3, 12, 7, 15, tzinfo=UTC)),
        ("20260312101500+2500", datetime(2026, 3, 12, 10, 15)),
        ("20260312101500-9999", datetime(2026, 3, 12, 10, 15)),
        ("20260312", date(2026, 3, 12)),
        ("202603", None),
    ],
)
def test_times_with_offsets_also_impossible_ones(text: str, moment: datetime | date | None) -> None:
    found = parse_datetime(text, None)
    aware = isinstance(found, datetime) and found.tzinfo is not None
    assert (found.astimezone(UTC) if aware else found) == moment  # type: ignore[union-attr]


def test_folding() -> None:
    assert fold("Tórax") == fold("tôrax") == "TORAX"
    assert fold("흉부") == "흉부"
    assert parse_view("Antéro-postérieur") is None
    assert parse_view("LATÉRAL") == "LATERAL"
