"""What a DICOM header says about a film, read leniently, and whether it may be counted.

Real headers lie and leave out: nothing is required to be there, and only a clear statement
that this is not a frontal chest radiograph is a reason to refuse it.
"""

import itertools
import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from pydicom.dataset import Dataset

from ingest.film import Header
from ingest.part10 import DICOMDIR_CLASS
from ingest.problem import ProblemError
from ingest.records import Reason
from ingest.values import parse_age, parse_sex, parse_view

BODY_PART_UNKNOWN = "body_part_unknown"

_XRAY = frozenset({"CR", "DX", "DR", "RG", "XR"})
_UNTOLD = frozenset({"", "OT", "SC"})  # Secondary Capture and exports say no more than this
_OTHER_MODALITIES = frozenset(  # the ones that a sentence may name: anything else is free text
    [
        "CT",
        "MR",
        "US",
        "MG",
        "NM",
        "PT",
        "XA",
        "RF",
        "OT",
        "SC",
        "ES",
        "OP",
        "OPT",
        "SM",
        "IO",
        "PX",
        "BI",
        "ECG",
        "EEG",
        "RTIMAGE",
        "RTDOSE",
    ]
)
_XRAY_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"})
_FOR_PROCESSING_CLASS = "1.2.840.10008.5.1.4.1.1.1.1.1"

_CHEST = re.compile(r"CHEST|THORAX|TORAX|TORACE|LUNG|PULMO|POUMON|\bCXR\b|\bTHX\b")
_ELSEWHERE = re.compile(
    r"TEETH|TOOTH|DENTAL|PANORAM|ORTHOPANT|\bOPG\b|SKULL|HEAD|BRAIN|SINUS|MANDIB|SPINE|CERVICAL|"
    r"LUMBAR|SACR|PELVI|\bHIPS?\b|ABDOM|\bKUB\b|KNEE|FEMUR|TIBIA|ANKLE|FOOT|FEET|\bTOES?\b|"
    r"CALCAN|SHOULDER|CLAVIC|HUMERUS|ELBOW|FOREARM|WRIST|\bHANDS?\b|FINGER|THUMB|EXTREMIT|"
    r"BREAST|MAMMO"
)
_NO_BODY_PART = frozenset({"", "UNKNOWN", "OTHER", "NONE", "UNDEFINED", "-", "NA", "N/A", "XX"})
_DESCRIPTIONS = (
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "StudyDescription",
)
_LATERAL_WORDS = re.compile(r"\bLAT(ERAL)?\b")
_FRONTAL_WORDS = re.compile(r"\b(PA|AP|FRONTAL|POSTERO.?ANTERIOR|ANTERO.?POSTERIOR)\b")
_NO_PATIENT = frozenset({"", "0", "UNKNOWN", "ANONYMOUS", "ANON", "NONE", "NA", "N/A", "TEST"})
_MOST_VALUES = 16
_UID = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.\d*)?)?)?")
_DATETIME = re.compile(r"(\d{8})(\d{2,6}(?:\.\d*)?)?([+-]\d{4})?")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as a stripped string; "" when it is absent or cannot be decoded."""
    return next(iter(texts(dataset, keyword)), "")


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """All values as stripped strings, a few at most; none when it cannot be decoded."""
    try:
        value: Any = dataset.get(keyword)
        if value is None:
            return []
        single = isinstance(value, str | bytes) or not hasattr(value, "__iter__")
        values = [value] if single else itertools.islice(value, _MOST_VALUES)
        return [str(part).strip(" \0\t\r\n") for part in values]
    except Exception:  # noqa: BLE001  a damaged element is an absent one
        return []


def check(dataset: Dataset) -> tuple[str, ...]:
    """Flags of a film that may be counted; raises ProblemError when the header rules it out."""
    _check_kind(dataset)
    flags = _check_body_part(dataset)
    if _is_lateral(dataset):
        sentence = "a lateral view; only frontal films (PA, AP) are counted"
        raise ProblemError(Reason.LATERAL, sentence)
    return flags


def read(dataset: Dataset, flags: tuple[str, ...]) -> Header:
    """The metadata of a film that `check` let pass."""
    acquired = tuple(_acquired(dataset))
    uid, patient = text(dataset, "SOPInstanceUID"), text(dataset, "PatientID")
    return Header(
        sop_instance_uid=uid if _UID.fullmatch(uid) else None,
        patient_id=None if patient.upper() in _NO_PATIENT else patient,
        issuer=text(dataset, "IssuerOfPatientID"),
        acquired=acquired,
        age_years=_age(dataset, acquired),
        sex=parse_sex(text(dataset, "PatientSex")),
        view=_view(dataset),
        flags=flags,
    )


def _check_kind(dataset: Dataset) -> None:
    modality = text(dataset, "Modality").upper()
    sop_class = text(dataset, "SOPClassUID")
    if DICOMDIR_CLASS in (sop_class, _media_class(dataset)):
        raise ProblemError(Reason.NOT_AN_IMAGE, "a DICOMDIR index; send the images that it lists")
    if modality in _UNTOLD and (sop_class in _XRAY_CLASSES or _mentions_chest(dataset)):
        modality = "CR"
    if modality not in _XRAY:
        _refuse_kind(dataset, modality)
    intent = text(dataset, "PresentationIntentType").upper()
    if sop_class == _FOR_PROCESSING_CLASS or intent == "FOR PROCESSING":
        sentence = "raw detector data (FOR PROCESSING); send the FOR PRESENTATION image"
        raise ProblemError(Reason.FOR_PROCESSING, sentence)


def _refuse_kind(dataset: Dataset, modality: str) -> None:
    if not has_pixels(dataset):
        raise ProblemError(Reason.NO_PIXELS, "a DICOM object without a picture; send the image")
    named = f"modality {modality}" if modality in _OTHER_MODALITIES else "no X-ray modality"
    sentence = f"its header gives {named}; only radiographs (CR, DX) are counted"
    raise ProblemError(Reason.NOT_AN_XRAY, sentence)


def has_pixels(dataset: Dataset) -> bool:
    """Whether there are any, of any kind."""
    return any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))


def _media_class(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    return "" if meta is None else text(meta, "MediaStorageSOPClassUID")


def _check_body_part(dataset: Dataset) -> tuple[str, ...]:
    part = text(dataset, "BodyPartExamined").upper()
    told = _descriptions(dataset) if part in _NO_BODY_PART else part
    if _CHEST.search(told):
        return ()
    if part not in _NO_BODY_PART or _ELSEWHERE.search(told):
        sentence = "its header names another part of the body than the chest"
        raise ProblemError(Reason.NOT_A_CHEST, sentence)
    return (BODY_PART_UNKNOWN,)


def _mentions_chest(dataset: Dataset) -> bool:
    part = text(dataset, "BodyPartExamined").upper()
    return bool(_CHEST.search(f"{part} {_descriptions(dataset)}"))


def _descriptions(dataset: Dataset) -> str:
    told = [_code_meaning(dataset, "AnatomicRegionSequence")]
    told += [text(dataset, keyword) for keyword in _DESCRIPTIONS]
    return " | ".join(told).upper().replace("_", " ")


def _code_meaning(dataset: Dataset, keyword: str) -> str:
    try:
        return " ".join(text(item, "CodeMeaning") for item in dataset.get(keyword) or ())
    except Exception:  # noqa: BLE001  as in `text`
        return ""


def _view(dataset: Dataset) -> str | None:
    return parse_view(text(dataset, "ViewPosition")) or parse_view(
        _code_meaning(dataset, "ViewCodeSequence")
    )


def _is_lateral(dataset: Dataset) -> bool:
    """The view when it is given; else which way the rows run; else the series' own words."""
    view = _view(dataset)
    if view is not None:
        return view == "LATERAL"
    if text(dataset, "PatientOrientation").upper()[:1] in ("A", "P"):
        return True  # rows run from back to front: a sagittal picture (PS3.3 C.7.6.1.1.1)
    words = text(dataset, "SeriesDescription").upper().replace("_", " ")
    return bool(_LATERAL_WORDS.search(words)) and not _FRONTAL_WORDS.search(words)


def _acquired(dataset: Dataset) -> list[datetime | date]:
    """Candidates that parse, most telling first."""
    offset = _offset(text(dataset, "TimezoneOffsetFromUTC"))
    found = [parse_datetime(text(dataset, "AcquisitionDateTime"), offset)]
    for stem in ("Acquisition", "Study", "Series", "Content"):
        day = parse_date(text(dataset, f"{stem}Date"))
        found.append(_at(day, text(dataset, f"{stem}Time"), offset))
    return [moment for moment in found if moment is not None]


def parse_date(value: str) -> date | None:
    """A DICOM date, also as ACR-NEMA wrote it (1993.02.24)."""
    match = _DATE.fullmatch(value)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def parse_datetime(value: str, offset: timezone | None) -> datetime | date | None:
    """A DICOM date-time; its own offset counts before the file's."""
    match = _DATETIME.fullmatch(value)
    if match is None:
        return None
    return _at(parse_date(match[1]), match[2] or "", _offset(match[3] or "") or offset)


def _at(day: date | None, clock: str, offset: timezone | None) -> datetime | date | None:
    """The day alone when the time of day does not parse."""
    match = _TIME.fullmatch(clock)
    if day is None or match is None:
        return day
    try:
        hour, minute, second = (int(part or 0) for part in match.groups())
        moment = time(hour, minute, second)
    except ValueError:
        return day
    return datetime.combine(day, moment, offset)


def _offset(value: str) -> timezone | None:
    match = _OFFSET.fullmatch(value)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-size if match[1] == "-" else size)


def _age(dataset: Dataset, acquired: tuple[datetime | date, ...]) -> float | None:
    """As stated; else, coarsely, from the date of birth, which goes no further."""
    stated = parse_age(text(dataset, "PatientAge"))
    born = parse_date(text(dataset, "PatientBirthDate"))
    if stated is not None or born is None:
        return stated
    days = (moment.date() if isinstance(moment, datetime) else moment for moment in acquired)
    taken = next((day for day in days if day >= born), None)  # placeholders lie before
    return None if taken is None else _coarse_age((taken - born).days)


def _coarse_age(days: int) -> float:
    """Whole years, under 2 years whole months: an exact age would give away the birthday."""
    years = days / 365.25
    return float(int(years)) if years >= 2 else int(years * 12) / 12
