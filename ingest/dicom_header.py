"""What a DICOM header says about a film, read leniently, and whether it may be counted.

Real headers lie and leave out: nothing is required to be there, and only a clear statement
that this is not a frontal chest radiograph is a reason to refuse it.
"""

import contextlib
import itertools
import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ingest import anatomy
from ingest.burned_in import BURNED_IN
from ingest.film import Header
from ingest.part10 import DICOMDIR_CLASS
from ingest.problem import ProblemError
from ingest.records import Reason
from ingest.values import IMPLAUSIBLE_AGE, fold, parse_age, parse_sex, parse_view

BODY_PART_UNKNOWN = "body_part_unknown"
MORE_THAN_CHEST = "more_than_chest"
RECOGNISABLE = "recognisable_features"

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

# Of this film; the others may speak of the whole examination.
_OF_THE_FILM = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
_DESCRIPTIONS = (
    *_OF_THE_FILM,
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "StudyDescription",
)
_NO_PATIENT = frozenset({"", "0", "UNKNOWN", "ANONYMOUS", "ANON", "NONE", "NA", "N/A", "TEST"})
_MOST_VALUES = 16
UNREADABLE_DATE = date.min  # implausible, so that it is flagged and not taken for absent
_UID = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"(\d{4})([.\-/]?)(\d{2})\2(\d{2})(?:[ T]?(\d{2}.*))?")
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,]\d*)?)?)?")
_DATETIME = re.compile(r"(\d{4}-?\d{2}-?\d{2})[ T]?(\d{2}[\d:]*(?:\.\d*)?)?([+-]\d{2}:?\d{2})?")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as a stripped string; "" when it is absent or cannot be decoded."""
    return next(iter(texts(dataset, keyword)), "")


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """All values as stripped strings, a few at most; none when it cannot be decoded."""
    try:
        value: Any = dataset.get(keyword)
        if value is None or isinstance(value, Sequence):
            return []  # writing out nested items takes exponential time
        single = isinstance(value, str | bytes) or not hasattr(value, "__iter__")
        values = [value] if single else itertools.islice(value, _MOST_VALUES)
        return [str(part).strip(" \0\t\r\n") for part in values]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a damaged element is an absent one
        return []


def whole(dataset: Dataset, keyword: str) -> str:
    """All different values of an element that should have one: none is picked at random."""
    return " ".join(dict.fromkeys(texts(dataset, keyword)))


def check(dataset: Dataset) -> tuple[str, ...]:
    """Flags of a film that may be counted; raises ProblemError when the header rules it out."""
    _check_kind(dataset)
    flags = _check_body_part(dataset)
    if _is_lateral(dataset):
        sentence = "a lateral view; only frontal films (PA, AP) are counted"
        raise ProblemError(Reason.LATERAL, sentence)
    return flags + _identity_flags(dataset)


def _identity_flags(dataset: Dataset) -> tuple[str, ...]:
    """What the header says of pixels that may show who the patient is (PS3.3 C.7.6.1, C.12.1)."""
    said = {"BurnedInAnnotation": BURNED_IN, "RecognizableVisualFeatures": RECOGNISABLE}
    return tuple(flag for keyword, flag in said.items() if _is_yes(text(dataset, keyword)))


def _is_yes(written: str) -> bool:
    return written.upper() in ("YES", "Y", "TRUE", "1")


def read(dataset: Dataset, flags: tuple[str, ...]) -> Header:
    """The metadata of a film that `check` let pass."""
    acquired = tuple(_acquired(dataset))
    uid, patient = text(dataset, "SOPInstanceUID"), "\\".join(texts(dataset, "PatientID"))
    age, age_flags = _age(dataset, acquired)
    return Header(
        sop_instance_uid=uid if _UID.fullmatch(uid) else None,
        patient_id=None if fold(patient) in _NO_PATIENT else patient,
        issuer=text(dataset, "IssuerOfPatientID"),
        acquired=acquired,
        age_years=age,
        sex=parse_sex(whole(dataset, "PatientSex")),
        view=_view(dataset),
        flags=(*flags, *age_flags),
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
    part = _readings(whole(dataset, "BodyPartExamined"))
    told = _descriptions(dataset) if anatomy.says_nothing(part) else part
    if anatomy.is_chest(told):
        return (MORE_THAN_CHEST,) if anatomy.is_more(told) else ()
    if not anatomy.says_nothing(part) or anatomy.is_more(told):
        sentence = "its header names another part of the body than the chest"
        raise ProblemError(Reason.NOT_A_CHEST, sentence)
    return (BODY_PART_UNKNOWN,)


def _mentions_chest(dataset: Dataset) -> bool:
    part = _readings(whole(dataset, "BodyPartExamined"))
    return anatomy.is_chest(f"{part} {_descriptions(dataset)}")


def _descriptions(dataset: Dataset) -> str:
    told = [anatomy.part_of_code(code) for code in _codes(dataset, "AnatomicRegionSequence")]
    told += [_code_meaning(dataset, "AnatomicRegionSequence")]
    told += [text(dataset, keyword) for keyword in _DESCRIPTIONS]
    return _readings(" | ".join(told))


def _readings(written: str) -> str:
    """Folded; followed by what the bytes say in UTF-8 and cp1251, which senders seldom declare."""
    read = [written]
    if not written.isascii():
        for encoding in ("utf-8", "cp1251"):
            with contextlib.suppress(UnicodeError):
                read.append(written.encode("latin-1").decode(encoding))
    return " | ".join(fold(reading) for reading in read).replace("_", " ").strip()


def _code_meaning(dataset: Dataset, keyword: str) -> str:
    return " ".join(_of_items(dataset, keyword, "CodeMeaning"))


def _codes(dataset: Dataset, keyword: str) -> list[str]:
    return _of_items(dataset, keyword, "CodeValue")


def _of_items(dataset: Dataset, sequence: str, keyword: str) -> list[str]:
    try:
        return [text(item, keyword) for item in (dataset.get(sequence) or ())[:_MOST_VALUES]]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  as in `texts`
        return []


def _view(dataset: Dataset) -> str | None:
    """ViewPosition; else the code, which needs no language; else what the code is called."""
    coded = [anatomy.view_of_code(code) for code in _codes(dataset, "ViewCodeSequence")]
    return (
        parse_view(whole(dataset, "ViewPosition"))
        or next((view for view in coded if view), None)
        or parse_view(_code_meaning(dataset, "ViewCodeSequence"))
    )


def _is_lateral(dataset: Dataset) -> bool:
    """The view when it is given; else which way the rows run; else the film's own words."""
    view = _view(dataset)
    if view is not None:
        return view == "LATERAL"
    if text(dataset, "PatientOrientation").upper()[:1] in ("A", "P"):
        return True  # rows run from back to front: a sagittal picture (PS3.3 C.7.6.1.1.1)
    words = _readings(" | ".join(text(dataset, keyword) for keyword in _OF_THE_FILM))
    if anatomy.DECUBITUS_WORDS.search(words):
        return True
    return bool(anatomy.LATERAL_WORDS.search(words)) and not anatomy.FRONTAL_WORDS.search(words)


def _acquired(dataset: Dataset) -> list[datetime | date]:
    """Candidates that parse, most telling first; only UNREADABLE_DATE when none of them does."""
    offset = _offset(text(dataset, "TimezoneOffsetFromUTC"))
    written = text(dataset, "AcquisitionDateTime")
    found = [parse_datetime(written, offset)]
    for stem in ("Acquisition", "Study", "Series", "Content"):
        told = text(dataset, f"{stem}Date")
        written += told
        match = _DATE.fullmatch(told)
        clock = text(dataset, f"{stem}Time") or ((match and match[5]) or "")
        found.append(_at(parse_date(told), clock, offset))
    read = [moment for moment in found if moment is not None]
    return [UNREADABLE_DATE] if written and not read else read


def parse_date(value: str) -> date | None:
    """A DICOM date, also as ACR-NEMA wrote it (1993.02.24); a time after it does not count."""
    match = _DATE.fullmatch(value)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
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
        return None  # no place on earth is further from UTC
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-size if match[1] == "-" else size)


def _age(
    dataset: Dataset, acquired: tuple[datetime | date, ...]
) -> tuple[float | None, tuple[str, ...]]:
    """As stated; else, coarsely, from the date of birth, which goes no further; and flags.

    A stated 0 is what devices write when they were told nothing: the date of birth decides.
    """
    written = whole(dataset, "PatientAge")
    stated, born = parse_age(written), _age_at_birth_date(dataset, acquired)
    if stated is None or (stated == 0.0 and born is not None):
        return born, ((IMPLAUSIBLE_AGE,) if written and born is None else ())
    return stated, ()


def _age_at_birth_date(dataset: Dataset, acquired: tuple[datetime | date, ...]) -> float | None:
    born = parse_date(text(dataset, "PatientBirthDate"))
    days = (moment.date() if isinstance(moment, datetime) else moment for moment in acquired)
    taken = next((day for day in days if born and day >= born), None)  # placeholders lie before
    return None if taken is None or born is None else _coarse_age((taken - born).days)


def _coarse_age(days: int) -> float:
    """Whole years, under 2 years whole months: an exact age would give away the birthday."""
    years = days / 365.25
    return float(int(years)) if years >= 2 else int(years * 12) / 12
