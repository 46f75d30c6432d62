"""What leaves the ingest room: a `Study`, or a `Rejection` with a reason."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import numpy as np


class Source(StrEnum):
    """Where a study's pixels came from. The last two never show a patient."""

    DICOM = "dicom"
    IMAGE = "image"
    GENERATED = "generated"  # a synthetic radiograph, scored by the real chain
    SIMULATED = "simulated"  # no image at all: a score drawn from a known truth

    @property
    def synthetic(self) -> bool:
        return self in (Source.GENERATED, Source.SIMULATED)


class Reason(StrEnum):
    """Why an input is not a study. A closed list; docs/reasons.md explains each one."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    NOT_AN_IMAGE = "not_an_image"
    NO_PIXELS = "no_pixels"
    PIXEL_BOMB = "pixel_bomb"
    MULTI_FRAME = "multi_frame"
    FOR_PROCESSING = "for_processing"
    NOT_AN_XRAY = "not_an_xray"
    NOT_A_CHEST = "not_a_chest"
    LATERAL = "lateral"
    TOO_SMALL = "too_small"
    BLANK = "blank"
    NOISE = "noise"
    COLOUR = "colour"
    BURNED_IN_TEXT = "burned_in_text"
    NO_SITE = "no_site"
    UNKNOWN_SITE = "unknown_site"
    MANIFEST_ROW = "manifest_row"
    ID_COLLISION = "id_collision"
    DECODER_FAILED = "decoder_failed"


@dataclass(frozen=True, slots=True)
class Study:
    """One readable frontal chest radiograph.

    Every field but the last three is a column of the warehouse table `studies`. `pixels` is
    whatever the caller's `prepare` made of the decoded film (for the shipped model a
    (size, size) uint8 array), `image` the bytes that its `keep` made of it, where images are
    kept; none of them is ever stored in the warehouse.
    """

    study_id: str
    content_hash: str
    patient_key: str | None
    site_id: str | None
    acquired_at: datetime | None  # UTC; None when absent or implausible
    acquired_date: date | None  # the day at the site, in its own time zone
    received_at: datetime  # UTC
    age_years: float | None
    sex: str | None  # F, M or O
    view: str | None  # PA or AP
    source: str
    flags: str  # comma-separated, "" when there is nothing to say
    file_key: str | None = None  # keyed hash of the file's name: labels may name the file
    pixels: np.ndarray | None = field(default=None, repr=False, compare=False)
    image: bytes | None = field(default=None, repr=False, compare=False)
    entry_id: str = field(default="", compare=False)  # in the spool, where it came from there


@dataclass(frozen=True, slots=True)
class Rejection:
    """An input that is not a study, and why. The sentence never names the file."""

    rejection_id: str
    reason: Reason
    sentence: str
    site_id: str | None
    file_key: str  # keyed hash of the file's name: names can carry identities
    received_at: datetime
    entry_id: str = field(default="", compare=False)  # in the spool; no column
