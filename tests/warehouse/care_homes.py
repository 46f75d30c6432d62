"""A home with a patient in every corner of it, and a search through all its bytes."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq

from ingest.facts import Facts
from ingest.identity import Pseudonymiser
from ingest.problem import Problem
from ingest.records import Reason, Rejection
from ingest.spool.deidentify import uid_of
from ingest.spool.records import Door, Outcome, Packed, Settlement
from ingest.spool.spool import Spool
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_rejections, append_resends, append_studies, collision
from warehouse.images import image_path
from warehouse.records import Label
from warehouse.store import Warehouse

KEY = b"k" * 32
NAMES = Pseudonymiser(KEY)
VICTIM = NAMES.patient_key("P-0815")
OTHER = NAMES.patient_key("P-4711")
# At both ends of the alphabet, so that statistics of columns name them as least and greatest.
IDS = ["00" + "1" * 30, "ff" + "e" * 30, "0f" * 16]
HASHES = ["00" + "2" * 62, "ff" + "d" * 62, "f0" * 32]
WAITING, RESENT = "aa" * 16, "fa" * 16
DAY = date(2026, 5, 12)
AT = datetime(2026, 5, 12, 9, tzinfo=UTC)


def needles() -> list[str]:
    """What must not be found anywhere after the erasure."""
    return [VICTIM, *IDS, *HASHES, WAITING, RESENT, *(uid_of(one) for one in IDS)]


def fill(warehouse: Warehouse) -> Spool:
    """Three films of the victim among forty of others, in large and in small commits."""
    for at, (study_id, film) in enumerate(zip(IDS, HASHES, strict=True)):
        own = study(study_id, "A1", DAY, patient_key=VICTIM, content_hash=film)
        others = [
            study(f"{at}a{n:030d}", "A1", DAY, patient_key=OTHER, content_hash=f"{at}b{n:062d}")
            for n in range(20 if at < 2 else 1)
        ]
        films = [own, *others]
        with warehouse.write("test") as transaction:
            scored = {one.study_id: prediction(one.study_id, "PNEUMONIA") for one in films}
            append_studies(transaction, films, scored)
            transaction.append("labels", [asdict(Label(study_id, "NORMAL"))])
            append_resends(transaction, [(replace(own, study_id=RESENT), study_id)] * (at == 0))
            second = replace(own, content_hash="c" * 64)
            append_rejections(transaction, [collision(second, film, NAMES), _stranger(at)])
    _keep_images(warehouse)
    return _spool(warehouse)


def _stranger(number: int) -> Rejection:
    """Of nobody known."""
    names = {"rejection_id": f"r{number}", "file_key": f"f{number}", "site_id": "A1"}
    return Rejection(reason=Reason.LATERAL, sentence="lateral", received_at=AT, **names)


def _keep_images(warehouse: Warehouse) -> None:
    for study_id, words in [(IDS[0], VICTIM), (f"0a{1:030d}", OTHER)]:
        path = image_path(warehouse.home, study_id)
        path.parent.mkdir(parents=True)
        path.write_bytes(f"an image of {words}".encode())
        path.with_suffix(".dcm").write_bytes(f"an original of {words}".encode())


def _spool(warehouse: Warehouse) -> Spool:
    """One entry waits, one was predicted, one was a collision and lies aside; others' too."""
    spool = Spool(warehouse.home.spool)
    spool.check_room()
    for name, study_id, patient in [
        ("e1", WAITING, VICTIM),
        ("e2", IDS[0], VICTIM),
        ("e3", IDS[1], VICTIM),
        ("e4", "0a" * 16, OTHER),
    ]:
        facts = Facts(study_id, patient, "A1", AT, DAY, AT, 3.5, "F", "PA", "dicom", "", name)
        payload = spool.films / name / f"{name}-0123.dcm"
        payload.parent.mkdir()
        payload.write_bytes(f"a film of {patient} {uid_of(study_id)}".encode())
        spool.add(Packed(name, Door.DICOM, facts, str(payload.relative_to(spool.films)), 3))
    aside = Problem(Reason.ID_COLLISION, f"another film (content hash {HASHES[1]})")
    spool.settle(
        [
            Settlement("e2", Outcome.PREDICTED, IDS[0]),
            Settlement("e3", Outcome.REJECTED, problem=aside),
        ]
    )
    (spool.aside / "zz-forgotten.dcm").write_bytes(uid_of(IDS[1]).encode())
    return spool


def where(home: Path, words: Iterable[str]) -> set[str]:
    """Which files of a home hold any of the words: raw, in SQLite's cells, or inside Parquet."""
    found = set()
    for path in sorted(one for one in home.rglob("*") if one.is_file()):
        text = str(path.relative_to(home)) + path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += str(pq.read_table(path).to_pylist()) + str(pq.read_metadata(path).to_dict())
        if path.suffix == ".sqlite":
            text += _cells(path)
        if any(word in text for word in words):
            found.add(path.relative_to(home).parts[0] + "…" + path.suffix)
    return found


def _cells(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return str([db.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables])
