"""One file in, one `Study` or `Rejection` out; no input makes it raise."""

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ingest import gate, raster, sniff, text_policy
from ingest.burned_in import BURNED_IN
from ingest.content import content_hash
from ingest.facts import Facts, gather
from ingest.film import Film, Header
from ingest.identity import Pseudonymiser, study_id_from_content
from ingest.inputs import Input
from ingest.problem import Problem, ProblemError
from ingest.records import Reason, Rejection, Source, Study
from ingest.settings import MAX_PIXELS, IngestSettings
from ingest.text_policy import FLAG

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
        if item.facts:
            return _spooled(item, item.facts, settings)
        raise_known(item)
        data = load(item.path, settings)
        return _study(item, decode(data, settings), settings)
    except Exception as error:  # noqa: BLE001  one file must never cost another
        problem = troubled(error)
    return reject(item, problem, settings, data)


def troubled(error: Exception) -> Problem:
    """What an exception in the reading of one input says of it."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, RecursionError):
        return _NESTING
    return _stumbled(error)


def raise_known(item: Input) -> None:
    """Raises ProblemError when it is known already that the bytes need not be looked at."""
    if item.problem and item.problem.reason not in _SAID_LAST:
        raise ProblemError(item.problem.reason, item.problem.sentence)


def ruled_out(item: Input) -> Problem | None:
    """What is wrong with an input that has nothing to do with its bytes."""
    return _LATERAL if item.view == "LATERAL" else item.problem


def decode(data: bytes, settings: ReaderSettings, judged: bool = False) -> Film:
    """The bytes of a file as a film that passed the gate; raises ProblemError.

    `judged`: its header was judged before, and is not asked again.
    """
    kind = sniff.kind(data[: sniff.HEAD_BYTES])
    if kind == sniff.DICOM:
        from ingest import dicom  # pydicom is slow to import, and most folders hold none

        as_film = dicom.decode_judged if judged else dicom.decode
        film = as_film(data, settings.max_pixels, settings.min_side)
    else:
        pixels = raster.decode(data, settings.max_pixels)
        film = Film(pixels, pixels, Header(), Source.IMAGE)
    gate.check(film.pixels, settings.min_side)
    return film


def reject(item: Input, problem: Problem, settings: ReaderSettings, data: bytes = b"") -> Rejection:
    """The record of a refusal; the same file refused again for this reason has the same id."""
    names = Pseudonymiser(settings.key)
    if item.facts:
        return _refused(item.entry_id, item.facts, problem, names)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    unknown = item.problem is not None and item.problem.reason is Reason.UNKNOWN_SITE
    return Rejection(
        rejection_id=names.rejection_id(item.name, digest, problem.reason),
        reason=problem.reason,
        sentence=problem.sentence,
        site_id=None if unknown else item.site_id,
        file_key=names.file_key(item.path.name),
        received_at=item.received_at or settings.received_at or datetime.now(UTC),
    )


def _refused(entry_id: str, facts: Facts, problem: Problem, names: Pseudonymiser) -> Rejection:
    """Of an entry of the spool: its own name was left at the door."""
    return Rejection(
        rejection_id=names.rejection_id(entry_id, "", problem.reason),
        reason=problem.reason,
        sentence=problem.sentence,
        site_id=None if problem.reason is Reason.UNKNOWN_SITE else facts.site_id,
        file_key=facts.file_key,
        received_at=facts.received_at,
        entry_id=entry_id,
    )


def _spooled(item: Input, facts: Facts, settings: ReaderSettings) -> Study:
    if facts.problem:
        raise ProblemError(facts.problem.reason, facts.problem.sentence)
    film = decode(load(item.path, settings), settings, judged=True)
    return replace(study_of(facts, film, settings), entry_id=item.entry_id)


def load(path: Path, settings: ReaderSettings) -> bytes:
    """The whole file, and never more than the cap even while it grows."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  a pipe must not be waited for
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ProblemError(_NOT_A_FILE.reason, _NOT_A_FILE.sentence)
            data = file.read(settings.max_bytes + 1)
    except OSError as error:
        sentence = f"it cannot be opened ({error.strerror or 'an input error'})"
        raise ProblemError(Reason.UNREADABLE, sentence) from None
    return within(data, settings)


def within(data: bytes, settings: ReaderSettings) -> bytes:
    """The same; raises ProblemError where it is larger than one file may be."""
    if len(data) > settings.max_bytes:
        raise ProblemError(_TOO_LARGE.reason, _TOO_LARGE.sentence)
    return data


def _study(item: Input, film: Film, settings: ReaderSettings) -> Study:
    if problem := ruled_out(item):
        raise ProblemError(problem.reason, problem.sentence)
    source = settings.source or item.source or film.source
    names = Pseudonymiser(settings.key)
    return study_of(gather(item, film.header, names, source, settings.received_at), film, settings)


def study_of(facts: Facts, film: Film, settings: ReaderSettings) -> Study:
    """A film and what is known of it beside its pixels."""
    flags = {*facts.flags.split(","), *film.header.flags} - {""}
    said = BURNED_IN in flags
    treated = text_policy.treat(film.pixels, said, settings.burned_in, settings.min_side)
    digest = content_hash(film.hashed)
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    del values["problem"]
    values["study_id"] = facts.study_id or study_id_from_content(digest, facts.site_id)
    values["flags"] = ",".join(sorted(flags | set(treated.flags)))
    return Study(
        **values,
        content_hash=digest,
        pixels=settings.prepare(treated.pixels),
        image=settings.keep(treated.pixels) if settings.keep and treated.keepable else None,
    )


def _stumbled(error: Exception) -> Problem:
    """The type alone: a message may quote the file."""
    sentence = f"the decoder stumbled over it ({type(error).__name__}); send it again"
    return Problem(Reason.DECODER_FAILED, sentence)
