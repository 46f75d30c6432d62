"""What a DICOM header says about a film, read leniently, and whether it may be counted.

Real headers lie and leave out: nothing is required to be there, and only a clear statement
that this is not a frontal chest radiograph is a reason to refuse it.
"""

import contextlib
import re

from pydicom.dataset import Dataset

from ingest import anatomy
from ingest.burned_in import BURNED_IN
from ingest.dicom_text import of_items, text, texts, whole
from ingest.dicom_when import acquired_moments, patient_age
from ingest.film import Header
from ingest.part10 import DICOMDIR_CLASS
from ingest.problem import ProblemError
from ingest.records import Reason
from ingest.values import fold, parse_sex, parse_view

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
_UID = re.compile(r"[0-9.]{1,64}")


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
    acquired = tuple(acquired_moments(dataset))
    uid, patient = text(dataset, "SOPInstanceUID"), "\\".join(texts(dataset, "PatientID"))
    age, age_flags = patient_age(dataset, acquired)
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
    return " ".join(of_items(dataset, keyword, "CodeMeaning"))


def _codes(dataset: Dataset, keyword: str) -> list[str]:
    return of_items(dataset, keyword, "CodeValue")


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
