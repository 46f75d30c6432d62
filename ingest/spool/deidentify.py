"""A delivery without the patient: an allow-list after PS3.15 Annex E, Basic Profile.

Of a DICOM object only the pixel module goes on, with what a reader needs to know the object
for one: SOP class, modality, view, sex, top-coded age and date. Ids are keyed hashes, UIDs are
made of them (2.25 and 128 bits), names are empty.
Site and day are kept: the result is pseudonymous, not anonymous (DICOM CID 7050: 113100 Basic
Profile, 113106 Retain Longitudinal Temporal Information Full Dates).
"""

import io
from dataclasses import dataclass

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from ingest.allow_list import PIXELS
from ingest.facts import Facts
from ingest.identity import Pseudonymiser
from ingest.problem import ProblemError
from ingest.records import Reason

_TABLES = ("ModalityLUTSequence", "VOILUTSequence")
_TABLE_PARTS = ("LUTDescriptor", "LUTData")
_OUR_CLASS_UID = "2.25.287283925172361245519127912536478142917"  # this implementation's
_METHOD = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
)


@dataclass(frozen=True, slots=True)
class Uids:
    """The UIDs of an object as received. Held in memory only."""

    study: str = ""
    series: str = ""


def uid_of(digest: str) -> str:
    """A UID from 32 hex digits of a keyed hash: PS3.5 B.2, the decimal form of a UUID's bits."""
    return f"2.25.{int(digest, 16)}"


def without_patient(dataset: Dataset, facts: Facts, uids: Uids, names: Pseudonymiser) -> bytes:
    """A part-10 file of the pixel module and the facts; nothing else of `dataset` is in it.

    Raises ProblemError where its elements cannot be written.
    """
    kept = Dataset()
    for keyword in PIXELS:
        if keyword in dataset and keyword not in _TABLES:
            kept[keyword] = dataset[keyword]
    for keyword in _TABLES:
        if tables := _tables(dataset, keyword):
            setattr(kept, keyword, Sequence(tables))
    _describe(kept, dataset, facts, uids, names)
    return _written(kept, dataset)


def _tables(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Look-up tables without their explanations, which are free text."""
    found = []
    try:
        items = list(dataset.get(keyword) or ())
    except Exception:  # noqa: BLE001  a damaged table is no table
        return []
    for item in items:
        table = Dataset()
        for part in _TABLE_PARTS:
            if part in item:
                table[part] = item[part]
        found.append(table)
    return found


def _describe(
    kept: Dataset, dataset: Dataset, facts: Facts, uids: Uids, names: Pseudonymiser
) -> None:
    """What says that this is a film, of which day, and that its patient was taken out."""
    kept.SOPClassUID = UID(_sop_class(dataset))
    kept.SOPInstanceUID = UID(uid_of(facts.study_id or names.study_id_from_uid("")))
    kept.StudyInstanceUID = uid_of(names.exam_key(uids.study)) if uids.study else ""
    kept.SeriesInstanceUID = uid_of(names.exam_key(uids.series)) if uids.series else ""
    kept.Modality = "CR"
    kept.PatientName, kept.PatientBirthDate = "", ""
    kept.PatientID = facts.patient_key or ""
    kept.PatientSex = facts.sex or ""
    if facts.age_years is not None:
        kept.PatientAge = f"{int(facts.age_years):03d}Y"
    kept.StudyDate = facts.acquired_date.strftime("%Y%m%d") if facts.acquired_date else ""
    kept.StudyTime, kept.AccessionNumber, kept.StudyID, kept.ReferringPhysicianName = "", "", "", ""
    kept.SeriesNumber, kept.InstanceNumber = None, None
    kept.ViewPosition = facts.view or ""
    kept.PatientIdentityRemoved = "YES"
    kept.LongitudinalTemporalInformationModified = "UNMODIFIED"
    kept.DeidentificationMethodCodeSequence = Sequence([_code(*one) for one in _METHOD])


def _sop_class(dataset: Dataset) -> str:
    """Its own where it is one of the standard's, Secondary Capture otherwise."""
    uid = UID(str(dataset.get("SOPClassUID", "")))
    standard = uid.startswith("1.2.840.10008.5.1.4.1.1.") and uid.is_valid
    return str(uid) if standard else "1.2.840.10008.5.1.4.1.1.7"


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _written(kept: Dataset, dataset: Dataset) -> bytes:
    """In the syntax that the pixels came in (a deflated one was inflated on reading)."""
    kept.file_meta = FileMetaDataset()
    kept.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    kept.file_meta.MediaStorageSOPClassUID = kept.SOPClassUID
    kept.file_meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    kept.file_meta.ImplementationClassUID = UID(_OUR_CLASS_UID)
    buffer = io.BytesIO()
    try:
        dcmwrite(buffer, kept, enforce_file_format=True)
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001  pydicom raises whatever a damaged element leads to
        raise ProblemError(Reason.UNREADABLE, "its DICOM header is damaged") from None
    return buffer.getvalue()
