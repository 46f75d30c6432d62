"""Storage commitment: what is promised, what is reported, and that a restart forgets nothing."""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,  # type: ignore[attr-defined]
    StorageCommitmentPushModelInstance,  # type: ignore[attr-defined]
)

from ingest.doors import commitment
from ingest.doors.settings import Peer
from ingest.errors import ConfigurationError
from ingest.identity import Pseudonymiser
from ingest.spool.commitments import Commitment
from ingest.spool.records import Outcome
from tests.ingest.dicom_door import CR, NAMES, ROOT, Door, instance, open_door, statuses
from tests.ingest.films import KEY

TRANSACTION = "1.2.826.0.1.3680043.10.78."
EXPLICIT = "1.2.840.10008.1.2.1"


@dataclass(frozen=True)
class Report:
    """One N-EVENT-REPORT: its type, and what it says of which instance."""

    kind: int
    transaction: str
    kept: frozenset[str]
    failed: dict[str, int]


def report_of(event: Any) -> Report:
    said = event.event_information
    kept = frozenset(
        str(one.ReferencedSOPInstanceUID) for one in said.get("ReferencedSOPSequence", [])
    )
    failed = {
        str(one.ReferencedSOPInstanceUID): int(one.FailureReason)
        for one in said.get("FailedSOPSequence", [])
    }
    return Report(int(event.event_type), str(said.TransactionUID), kept, failed)


@contextmanager
def listener(reports: "queue.Queue[Report]", port: int = 0) -> Iterator[int]:
    """Where MOD listens for reports; its port."""
    ae = AE("MOD")
    ae.add_supported_context(StorageCommitmentPushModel, [EXPLICIT], scu_role=True, scp_role=True)

    def take(event: Any) -> tuple[int, None]:
        reports.put(report_of(event))
        return 0x0000, None

    server = ae.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)]
    )
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()


def request(number: int, *uids: str) -> Dataset:
    asked = Dataset()
    asked.TransactionUID = f"{TRANSACTION}{number}"
    items = []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CR, uid
        items.append(item)
    asked.ReferencedSOPSequence = Sequence(items)
    return asked


@contextmanager
def asking(door: Door, reports: "queue.Queue[Report] | None" = None) -> Iterator[Association]:
    """An association on which MOD asks, and may be told."""
    ae = AE("MOD")
    ae.dimse_timeout = ae.acse_timeout = 20
    ae.add_requested_context(StorageCommitmentPushModel, [EXPLICIT])

    def take(event: Any) -> tuple[int, None]:
        assert reports is not None
        reports.put(report_of(event))
        return 0x0000, None

    assoc = ae.associate(
        "127.0.0.1",
        door.port,
        ae_title="CXRSCP",
        evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)],
    )
    assert assoc.is_established
    bare = assoc.dul.socket.socket if assoc.dul.socket else None
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()
        if bare:
            bare.close()


def ask(assoc: Association, asked: Dataset, action: int = 1, about: str = "") -> int:
    instance_uid = about or StorageCommitmentPushModelInstance
    status, _ = assoc.send_n_action(asked, action, StorageCommitmentPushModel, instance_uid)
    return int(status.Status)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(commitment, "_RETRIES", (0.3,))
    monkeypatch.setattr(commitment, "_WAITING_FOR_OUTCOME", 0.3)
    monkeypatch.setattr(commitment, "_LOOK", 0.1)


def test_what_is_held_is_committed_and_what_is_not_fails_with_its_reason(tmp_path: Path) -> None:
    reports: queue.Queue[Report] = queue.Queue()
    with (
        listener(reports) as port,
        open_door(tmp_path, (Peer("MOD", "A", "127.0.0.1", port),)) as door,
    ):
        assert statuses(door, instance(1), instance(2), instance(3)) == [0, 0, 0]
        door.settle(f"{ROOT}2")
        door.settle(f"{ROOT}3", Outcome.REJECTED)
        with asking(door) as assoc:
            asked = request(1, *(f"{ROOT}{number}" for number in (1, 2, 3, 4)))
            assert ask(assoc, asked) == 0x0000
        said = reports.get(timeout=15)
        assert said == Report(
            2,
            f"{TRANSACTION}1",
            frozenset({f"{ROOT}1", f"{ROOT}2"}),
            {f"{ROOT}3": 0x0110, f"{ROOT}4": 0x0112},
        )
        with asking(door) as assoc:
            assert ask(assoc, request(2, f"{ROOT}1")) == 0x0000
        said = reports.get(timeout=15)
        assert (said.kind, said.kept, said.failed) == (1, {f"{ROOT}1"}, {})
        time.sleep(0.5)
        assert reports.empty(), "reported once"
        assert door.committing.commitments.due() == []


def test_a_sender_that_stays_is_told_on_its_own_association(tmp_path: Path) -> None:
    reports: queue.Queue[Report] = queue.Queue()
    with open_door(tmp_path) as door:
        assert statuses(door, instance(5)) == [0]
        with asking(door, reports) as assoc:
            assert ask(assoc, request(3, f"{ROOT}5")) == 0x0000
            assert reports.get(timeout=15).kept == {f"{ROOT}5"}
            until = time.monotonic() + 10
            while not any("1 objects committed" in line for line in door.said):
                assert time.monotonic() < until
                time.sleep(0.02)


def test_a_report_survives_a_restart_and_no_uid_is_in_the_spool(tmp_path: Path) -> None:
    reports: queue.Queue[Report] = queue.Queue()
    with listener(queue.Queue()) as closed_later:
        port = closed_later
    peers = (Peer("MOD", "A", "127.0.0.1", port),)
    with open_door(tmp_path, peers) as door:
        assert statuses(door, instance(6)) == [0]
        with asking(door) as assoc:
            assert ask(assoc, request(4, f"{ROOT}6")) == 0x0000
        until = time.monotonic() + 15
        while not any("not reported" in line for line in door.said):
            assert time.monotonic() < until
            time.sleep(0.05)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert f"{ROOT}6".encode() not in held
    assert f"{TRANSACTION}4".encode() not in held
    with open_door(tmp_path, peers), listener(reports, port):
        assert reports.get(timeout=15).kept == {f"{ROOT}6"}


def test_an_image_is_promised_only_once_its_original_is_kept(tmp_path: Path) -> None:
    reports: queue.Queue[Report] = queue.Queue()
    with listener(reports) as port:
        peers = (Peer("MOD", "A", "127.0.0.1", port),)
        with open_door(tmp_path / "a", peers, keeps=True, commitment="image") as door:
            assert statuses(door, instance(7)) == [0]
            with asking(door) as assoc:
                assert ask(assoc, request(5, f"{ROOT}7")) == 0x0000
            with pytest.raises(queue.Empty):
                reports.get(timeout=1.5)
            door.settle(f"{ROOT}7")
            assert reports.get(timeout=15).kept == {f"{ROOT}7"}
        with open_door(tmp_path / "b", peers, keeps=False, commitment="image") as door:
            assert statuses(door, instance(8)) == [0]
            with asking(door) as assoc:
                assert ask(assoc, request(6, f"{ROOT}8")) == 0x0000
            assert reports.get(timeout=15).failed == {f"{ROOT}8": 0x0110}


def test_requests_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with open_door(tmp_path) as door, asking(door) as assoc:
        assert ask(assoc, request(7, f"{ROOT}1"), action=2) == 0x0123
        assert ask(assoc, request(7, f"{ROOT}1"), about="1.2.3") == 0x0112
        assert ask(assoc, request(7)) == 0x0115


def test_what_is_sealed_opens_under_its_key_alone() -> None:
    words = b"1.2.3.4.5" * 1000
    sealed = NAMES.seal(words)
    assert NAMES.unseal(sealed) == words
    assert sealed != NAMES.seal(words), "a fresh nonce each time"
    assert words[:9] not in sealed
    with pytest.raises(ConfigurationError, match="another key"):
        Pseudonymiser(bytes(reversed(KEY))).unseal(sealed)
    with pytest.raises(ConfigurationError, match="another key"):
        NAMES.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert NAMES.unseal(NAMES.seal(b"")) == b""


def test_a_commitment_has_no_repr_to_leak() -> None:
    assert "1.2.3" not in repr(Commitment("MOD", "::1", "1.2.3", ()))
