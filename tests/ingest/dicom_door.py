"""A DICOM door of its own for a test, and what senders of several kinds do to it."""

import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

from ingest.doors.commitment import Committing
from ingest.doors.reporting import Reports
from ingest.doors.scp import DicomServer
from ingest.doors.settings import Peer, ReceiveSettings
from ingest.doors.storing import Storing
from ingest.doors.tally import Tally
from ingest.facts import Facts
from ingest.identity import Pseudonymiser
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.reader import ReaderSettings
from ingest.records import Reason
from ingest.spool.commitments import Commitments
from ingest.spool.porters import Porters
from ingest.spool.records import Entry, Outcome, Settlement
from ingest.spool.spool import Spool
from tests.ingest.films import KEY, dataset, film, small

ROOT = "1.2.826.0.1.3680043.10.77."
CR = "1.2.840.10008.5.1.4.1.1.1"
PEERS = (Peer("MOD", "A"), Peer("ELSEWHERE", "B"))
NAMES = Pseudonymiser(KEY)


@dataclass
class Door:
    """An open door, its spool, and what it said."""

    server: DicomServer
    porters: Porters
    committing: Committing
    said: list[str] = field(default_factory=list)

    @property
    def spool(self) -> Spool:
        return self.porters.spool

    @property
    def tally(self) -> Tally:
        return self.server.storing.tally

    @property
    def port(self) -> int:
        return self.server.port

    def entry(self, uid: str) -> Entry | None:
        """What the spool holds of an instance. Without taking it, which is a worker's business."""
        with self.spool.transaction("DEFERRED") as db:
            row = db.execute(
                "SELECT entry_id, facts, payload, tries FROM entries WHERE study_id=?",
                (NAMES.study_id_from_uid(uid),),
            ).fetchone()
        if row is None:
            return None
        payload = row[2] and self.spool.films / row[2]
        return Entry(row[0], Facts.from_json(row[1]), payload, row[3])

    def settle(self, uid: str, outcome: Outcome = Outcome.PREDICTED) -> None:
        """As the ingest worker does."""
        entry = self.entry(uid)
        assert entry is not None
        problem = Problem(Reason.NOT_A_CHEST, "x") if outcome is Outcome.REJECTED else None
        self.spool.settle([Settlement(entry.entry_id, outcome, entry.facts.study_id, problem)])


def place(site: str, path: Path) -> Input:
    """Site A is loaded; no other one is."""
    problem = None if site == "A" else Problem(Reason.UNKNOWN_SITE, "the site is not loaded")
    return Input(path, path.name, site, problem=problem)


@contextmanager
def open_door(
    folder: Path,
    peers: tuple[Peer, ...] = PEERS,
    max_bytes: int = 2**22,
    reserve: int = 0,
    keeps: bool = False,
    **settings: object,
) -> Iterator[Door]:
    """A door with everything real behind it."""
    spool = Spool(folder / "spool", reserve)
    said: list[str] = []
    asked = replace(ReceiveSettings(host="127.0.0.1", peers=peers), port=0, **settings)  # type: ignore[arg-type]
    with Porters(spool, ReaderSettings(KEY, small), count=2, time_cap=20) as porters:
        storing = Storing(place, porters.take, max_bytes, Tally())
        server = DicomServer(asked, storing, said.append, lambda event: committing.request(event))
        reports = Reports(asked.ae_title, server.peers, server.quiet_since)
        committing = Committing(
            Commitments(spool, NAMES), asked.commitment, lambda _: keeps, said.append, reports.send
        )
        server.start()
        committing.start()
        try:
            yield Door(server, porters, committing, said)
        finally:
            server.stop(5.0)
            committing.stop()
    spool.close()


def instance(number: int, **elements: object) -> Dataset:
    """A small chest film with a UID of its own and a patient whose name must reach nothing."""
    uid = f"{ROOT}{number}"
    parents = {"StudyInstanceUID": f"{uid}.1", "SeriesInstanceUID": f"{uid}.2"}
    named = {
        "SOPInstanceUID": uid,
        **parents,
        "PatientName": "Planted^Identity",
        "PatientID": "PLANTED-1",
    }
    made = dataset(film(seed=number), **{**named, **elements})
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    return made


@contextmanager
def associated(
    door: Door, *contexts: tuple[str, list[str]], title: str = "MOD", called: str = "CXRSCP"
) -> Iterator[Association]:
    """An association of ours with the door, whatever became of it."""
    ae = AE(title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    for sop_class, syntaxes in contexts or ((CR, ["1.2.840.10008.1.2.1"]),):
        ae.add_requested_context(sop_class, syntaxes)
    assoc = ae.associate("127.0.0.1", door.port, ae_title=called)
    bare = assoc.dul.socket.socket if assoc.dul.socket else None
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()
        if bare:  # pynetdicom leaves it open where the other side closed first
            bare.close()


def statuses(door: Door, *films: Dataset, title: str = "MOD") -> list[int]:
    """What each film was answered."""
    classes = {str(one.SOPClassUID) for one in films}
    contexts = [(one, ["1.2.840.10008.1.2.1"]) for one in sorted(classes)]
    with associated(door, *contexts, title=title) as assoc:
        return [int(assoc.send_c_store(one).Status) for one in films]


def program(name: str) -> str:
    """A Debian program; the test is skipped where it is not installed.

    pynetdicom installs programs of the same names beside Python's: those do not count.
    """
    ours = str(Path(sys.executable).parent)
    places = [one for one in os.environ.get("PATH", "").split(os.pathsep) if one != ours]
    found = shutil.which(name, path=os.pathsep.join(places))
    if not found:
        pytest.skip(f"needs {name} (Debian packages dcmtk and orthanc)")
    return found


def ran(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """A program and what it said, both streams together."""
    return subprocess.run(
        [program(str(words[0])), *map(str, words[1:])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def plug(door: Door) -> socket.socket:
    """A bare connection."""
    return socket.create_connection(("127.0.0.1", door.port), 10)


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    """PS3.8 9.3: type, reserved, length, body."""
    return struct.pack(">BBL", kind, 0, len(body) if length is None else length) + body
