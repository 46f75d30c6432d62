"""A decoded film on its way to becoming a `Study`."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np


@dataclass(frozen=True, slots=True, repr=False)
class Header:
    """What a DICOM header says, read leniently from an allow-list. Held in memory only.

    It names a patient, so it has no repr; only keyed hashes of it leave `reader.read`.
    """

    sop_instance_uid: str | None = None
    patient_id: str | None = None
    issuer: str = ""
    acquired: tuple[datetime | date, ...] = ()  # candidates, most telling first
    age_years: float | None = None
    sex: str | None = None
    view: str | None = None  # PA or AP
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Film:
    """Both arrays are (h, w), uint8 or uint16; `hashed` is what `content_hash` covers."""

    pixels: np.ndarray  # as shown: white = dense
    hashed: np.ndarray
    header: Header
    source: str
