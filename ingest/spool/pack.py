"""A delivery becomes what may lie in the spool: facts and a payload, without the patient."""

import hashlib
import os
import secrets
from pathlib import Path

from ingest import sniff
from ingest.durable import make_folder, write_durably
from ingest.facts import Facts, gather
from ingest.film import Header
from ingest.identity import Pseudonymiser
from ingest.inputs import Input
from ingest.problem import Problem, ProblemError
from ingest.reader import ReaderSettings, load, raise_known, ruled_out, troubled, within
from ingest.records import Source
from ingest.spool.bare import bare_jpeg, bare_png
from ingest.spool.errors import WrongStudyError
from ingest.spool.records import Delivery, Packed

_BARE = {sniff.JPEG: (bare_jpeg, ".jpeg"), sniff.PNG: (bare_png, ".png")}


def pack(delivery: Delivery, films: Path, settings: ReaderSettings) -> Packed:
    """Judge the header, take out the patient, and write the payload durably under `films`.

    Whatever is wrong with the input ends up in `facts.problem`. Raises DiskError where the
    disk refuses, and WrongStudyError where it is not of the study that the delivery names.
    """
    names, item = Pseudonymiser(settings.key), delivery.item
    data = b""
    try:
        if isinstance(delivery.data, bytes):
            data = delivery.data
        else:
            raise_known(item)  # it may be a pipe, or lie elsewhere
            data = load(delivery.data, settings)
        raise_known(item)
        kept, suffix, facts = _judged(within(data, settings), delivery, names, settings)
    except WrongStudyError:
        raise
    except Exception as error:  # noqa: BLE001  one input must never cost another
        problem = troubled(error)
        kept, suffix, facts = b"", "", _facts(item, Header(), names, settings, problem)
    entry_id = entry_id_of(names, item, data)
    payload = _write(films, entry_id, kept, suffix) if kept else None
    return Packed(entry_id, delivery.door, facts, payload, len(kept))


def _judged(
    data: bytes, delivery: Delivery, names: Pseudonymiser, settings: ReaderSettings
) -> tuple[bytes, str, Facts]:
    """Payload (empty where it is ruled out), its suffix, and the facts."""
    item = delivery.item
    kind = sniff.kind(data[: sniff.HEAD_BYTES])
    if kind != sniff.DICOM:
        bare, suffix = _BARE[kind]
        facts = _facts(item, Header(), names, settings, ruled_out(item), Source.IMAGE)
        return (b"" if facts.problem else bare(data)), suffix, facts
    from ingest import dicom_header, part10
    from ingest.dicom import BYTES_A_PIXEL
    from ingest.dicom_text import text
    from ingest.spool.deidentify import Uids, without_patient

    dataset = part10.parse(data, max_bytes=settings.max_pixels * BYTES_A_PIXEL)
    uids = Uids(*(text(dataset, f"{one}InstanceUID") for one in ("Study", "Series")))
    if delivery.study_uid not in ("", uids.study):
        raise WrongStudyError("the instance is of another study than the request")
    flags: tuple[str, ...] = ()
    problem = None
    try:
        flags = dicom_header.check(dataset)
    except ProblemError as error:
        problem = error.problem
    header = dicom_header.read(dataset, flags)
    facts = _facts(item, header, names, settings, problem or ruled_out(item), Source.DICOM)
    if facts.problem:
        return b"", "", facts
    part10.check_whole(dataset)
    return without_patient(dataset, facts, uids, names), ".dcm", facts


def _facts(
    item: Input,
    header: Header,
    names: Pseudonymiser,
    settings: ReaderSettings,
    problem: Problem | None,
    source: str = Source.IMAGE,
) -> Facts:
    source = settings.source or item.source or source
    return gather(item, header, names, source, settings.received_at, problem)


def entry_id_of(names: Pseudonymiser, item: Input, data: bytes) -> str:
    """An entry's id: of its bytes; of its name where it is empty or could not be read at all."""
    content = data or b"\0" + os.fsencode(item.path.name)
    return names.entry_id(item.site_id, hashlib.blake2b(content).hexdigest())


def _write(films: Path, entry_id: str, kept: bytes, suffix: str) -> str:
    """The payload's name under `films`; a name of its own for each delivery."""
    payload = f"{entry_id[:2]}/{entry_id}-{secrets.token_hex(4)}{suffix}"
    path = films / payload
    if not path.parent.exists():
        make_folder(path.parent)
    write_durably(path, kept, 0o600)
    return payload
