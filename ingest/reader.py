"""One file in, one `Study` or `Rejection` out; no input makes it raise."""

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ingest import gate, raster, sniff, text_policy
from ingest.burned_in import BURNED_IN
from ingest.content import content_hash
from ingest.film import Film, Header
from ingest.identity import Pseudonymiser, study_id_from_content
from ingest.inputs import Input
from ingest.problem import Problem, ProblemError
from ingest.records import Reason, Rejection, Source, Study
from ingest.settings import MAX_PIXELS, IngestSettings
from ingest.text_policy import FLAG
from ingest.values import NO_DATE, acquired, local_day, plausible_age

# What is wrong with the file itself is said first: it stays wrong when the rest is mended.
_SAID_LAST = (Reason.NO_SITE, Reason.UNKNOWN_SITE, Reason.MANIFEST_ROW)
_LATERAL = Problem(Reason.LATERAL, "a lateral view; only frontal films (PA, AP) are counted")
_TOO_LARGE = Problem(Reason.PIXEL_BOMB, "the file is larger than any radiograph")
_NOT_A_FILE = Problem(Reason.UNREADABLE, "not a regular file (a pipe, a device or a folder)")
_MEMORY = Problem(Reason.PIXEL_BOMB, "decoding it needs more memory than one film may take")
_NESTING = Problem(Reason.UNREADABLE, "its header is nested too deeply")


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What `read` needs, picklable for decode workers. Sizes in pixels and bytes.

    `prepare` makes `Study.pixels` of a (h, w) film, `keep` the bytes of `Study.image` where
    images are kept; both must be importable by name.
    """

    key: bytes = field(repr=False)
    prepare: Callable[[np.ndarray], np.ndarray]
    received_at: datetime | None = None  # UTC; None: the time of reading
    source: str | None = None  # overrides what the file is
    max_pixels: int = MAX_PIXELS
    max_bytes: int = 512 * 2**20
    min_side: int = 96
    keep: Callable[[np.ndarray], bytes] | None = None
    burned_in: str = FLAG

    @classmethod
    def of(
        cls,
        settings: IngestSettings,
        key: bytes,
        prepare: Callable[[np.ndarray], np.ndarray],
        received_at: datetime | None = None,
        source: str | None = None,
        keep: Callable[[np.ndarray], bytes] | None = None,
    ) -> "ReaderSettings":
        """The caps of the configuration."""
        caps = (settings.max_pixels, settings.max_bytes, settings.min_side)
        return cls(key, prepare, received_at, source, *caps, keep, settings.burned_in)


def read(item: Input, settings: ReaderSettings) -> Study | Rejection:
    """Sniff, decode, judge, pseudonymise and prepare one file."""
    data = b""
    try:
        if item.problem and item.problem.reason not in _SAID_LAST:
            raise ProblemError(item.problem.reason, item.problem.sentence)
        data = _load(item.path, settings.max_bytes)
        return _study(item, decode(data, settings), settings)
    except ProblemError as error:
        problem = error.problem
    except MemoryError:
        problem = _MEMORY
    except RecursionError:
        problem = _NESTING
    except Exception as error:  # noqa: BLE001  one file must never cost another
        problem = _stumbled(error)
    return reject(item, problem, settings, data)


def decode(data: bytes, settings: ReaderSettings) -> Film:
    """The bytes of a file as a film that passed the gate; raises ProblemError."""
    kind = sniff.kind(data[: sniff.HEAD_BYTES])
    if kind == sniff.DICOM:
        from ingest import dicom  # pydicom is slow to import, and most folders hold none

        film = dicom.decode(data, settings.max_pixels, settings.min_side)
    else:
        pixels = raster.decode(data, settings.max_pixels)
        film = Film(pixels, pixels, Header(), Source.IMAGE)
    gate.check(film.pixels, settings.min_side)
    return film


def reject(item: Input, problem: Problem, settings: ReaderSettings, data: bytes = b"") -> Rejection:
    """The record of a refusal; the same file refused again for this reason has the same id."""
    names = Pseudonymiser(settings.key)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    unknown = item.problem is not None and item.problem.reason is Reason.UNKNOWN_SITE
    return Rejection(
        rejection_id=names.rejection_id(item.name, digest, problem.reason),
        reason=problem.reason,
        sentence=problem.sentence,
        site_id=None if unknown else item.site_id,
        file_key=names.file_key(item.path.name),
        received_at=_received(item, settings),
    )


def _load(path: Path, max_bytes: int) -> bytes:
    """The whole file, and never more than the cap even while it grows."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  a pipe must not be waited for
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ProblemError(_NOT_A_FILE.reason, _NOT_A_FILE.sentence)
            data = file.read(max_bytes + 1)
    except OSError as error:
        sentence = f"it cannot be opened ({error.strerror or 'an input error'})"
        raise ProblemError(Reason.UNREADABLE, sentence) from None
    if len(data) > max_bytes:
        raise ProblemError(_TOO_LARGE.reason, _TOO_LARGE.sentence)
    return data


def _study(item: Input, film: Film, settings: ReaderSettings) -> Study:
    if item.view == "LATERAL":
        raise ProblemError(_LATERAL.reason, _LATERAL.sentence)
    if item.problem:
        raise ProblemError(item.problem.reason, item.problem.sentence)
    header, names = film.header, Pseudonymiser(settings.key)
    said = BURNED_IN in header.flags
    treated = text_policy.treat(film.pixels, said, settings.burned_in, settings.min_side)
    digest = content_hash(film.hashed)
    moment, date_flag = _acquired(item, header)
    age, age_flag = _age(item, header)
    return Study(
        study_id=_study_id(names, header, digest, item.site_id),
        content_hash=digest,
        patient_key=_patient_key(names, item, header),
        site_id=item.site_id,
        acquired_at=moment,
        acquired_date=local_day(moment, item.zone),
        received_at=_received(item, settings),
        age_years=age,
        sex=item.sex or header.sex,
        view=item.view or header.view,
        source=settings.source or item.source or film.source,
        flags=_joined(date_flag, age_flag, *item.flags, *header.flags, *treated.flags),
        file_key=names.file_key(item.path.name),
        pixels=settings.prepare(treated.pixels),
        image=settings.keep(treated.pixels) if settings.keep and treated.keepable else None,
    )


def _study_id(names: Pseudonymiser, header: Header, digest: str, site_id: str | None) -> str:
    if header.sop_instance_uid:
        return names.study_id_from_uid(header.sop_instance_uid)
    return study_id_from_content(digest, site_id)


def _patient_key(names: Pseudonymiser, item: Input, header: Header) -> str | None:
    if item.patient_id:
        return names.patient_key(item.patient_id)
    return names.patient_key(header.patient_id, header.issuer) if header.patient_id else None


def _acquired(item: Input, header: Header) -> tuple[datetime | None, str]:
    """The manifest's time, else the header's first plausible one, else None and why."""
    if item.acquired_at is not None:
        return item.acquired_at, ""
    flag = item.acquired_flag or NO_DATE
    for candidate in header.acquired:
        moment, flag = acquired(candidate, item.zone)
        if moment is not None:
            return moment, ""
    return None, flag


def _age(item: Input, header: Header) -> tuple[float | None, str]:
    known = header.age_years if item.age_years is None else item.age_years
    return plausible_age(known)


def _received(item: Input, settings: ReaderSettings) -> datetime:
    return item.received_at or settings.received_at or datetime.now(UTC)


def _joined(*flags: str) -> str:
    return ",".join(sorted({flag for flag in flags if flag}))


def _stumbled(error: Exception) -> Problem:
    """The type alone: a message may quote the file."""
    sentence = f"the decoder stumbled over it ({type(error).__name__}); send it again"
    return Problem(Reason.DECODER_FAILED, sentence)
