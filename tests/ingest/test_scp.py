"""The DICOM door: who may send, what each object is answered, and senders that misbehave."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import P_DATA

from ingest.doors.settings import ANYBODY, Peer
from tests.ingest.dicom_door import (
    CR,
    ROOT,
    Door,
    associated,
    instance,
    open_door,
    pdu,
    plug,
    statuses,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
PRIVATE = "1.3.6.1.4.1.9590.100.9"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door"), idle_seconds=2.5) as made:
        yield made


def rejected_with(assoc: Association) -> tuple[int, int, int]:
    answer = assoc.acceptor.primitive
    assert assoc.is_rejected
    return answer.result, answer.result_source, answer.diagnostic


def settled(holds: object, seconds: float = 10.0) -> None:
    """Waits until `holds()`; fails when it never does."""
    until = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def test_unknown_senders_and_wrong_names_are_rejected(door: Door) -> None:
    with associated(door, title="STRANGER") as assoc:
        assert rejected_with(assoc) == (1, 1, 3)
    with associated(door, called="OTHER") as assoc:
        assert rejected_with(assoc) == (1, 1, 7)
    assert any("STRANGER: refused" in line for line in door.said)


def test_without_peers_nobody_may_send_and_a_star_lets_anybody_in(tmp_path: Path) -> None:
    with open_door(tmp_path / "a", peers=()) as empty, associated(empty) as assoc:
        assert rejected_with(assoc) == (1, 1, 3)
    with (
        open_door(tmp_path / "b", peers=(Peer(ANYBODY, "A"),)) as open_to_all,
        associated(open_to_all, ("1.2.840.10008.1.1", [IMPLICIT]), title="WHO EVER") as assoc,
    ):
        assert assoc.send_c_echo().Status == 0x0000


def test_a_film_is_taken_as_it_came_and_without_its_patient(door: Door) -> None:
    film = instance(1)
    assert statuses(door, film) == [0x0000]
    entry = door.entry(film.SOPInstanceUID)
    assert entry is not None
    assert entry.payload is not None
    assert dcmread(entry.payload).PixelData == film.PixelData
    assert entry.facts.site_id == "A"
    held = b"".join(path.read_bytes() for path in door.spool.folder.rglob("*") if path.is_file())
    for planted in (b"PLANTED", b"Planted", film.SOPInstanceUID.encode()):
        assert planted not in held
        assert not any(planted.decode() in line for line in door.said)


def test_the_same_film_again_is_a_success_and_one_entry(door: Door) -> None:
    before = door.tally.repeated
    assert statuses(door, instance(2), instance(2)) == [0x0000, 0x0000]
    assert door.tally.repeated == before + 1


def test_other_classes_are_acknowledged_and_recorded_as_refused(door: Door) -> None:
    scan = instance(3, SOPClassUID=CT, Modality="CT")
    secret = instance(4, SOPClassUID=PRIVATE, Modality="XX")
    assert statuses(door, scan, secret) == [0x0000, 0x0000]
    for one in (scan, secret):
        entry = door.entry(one.SOPInstanceUID)
        assert entry is not None
        assert entry.facts.problem is not None
        assert entry.facts.problem.reason == "not_an_xray"


def test_a_site_that_is_not_loaded_is_not_authorised(door: Door) -> None:
    assert statuses(door, instance(5), title="ELSEWHERE") == [0x0124]


def sent_raw(assoc: Association, body: bytes, uid: str, sop_class: str = CR) -> int:
    """A C-STORE request of any bytes, and the status of its answer."""
    from io import BytesIO

    from pynetdicom.dimse_primitives import C_STORE

    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, uid
    request.DataSet = BytesIO(body)
    context = assoc.accepted_contexts[0].context_id
    assert context is not None
    assoc._reactor_checkpoint.clear()
    try:
        assoc.dimse.send_msg(request, context)
        _, answer = assoc.dimse.get_msg(block=True)
    finally:
        assoc._reactor_checkpoint.set()
    assert answer is not None, "no answer"
    return int(answer.Status)


def encoded(made: Dataset) -> bytes:
    from pynetdicom.dsutils import encode

    data = encode(made, False, True)
    assert data is not None
    return data


def test_a_request_and_its_data_must_name_the_same_object(door: Door) -> None:
    body = encoded(instance(6))
    with associated(door) as assoc:
        assert sent_raw(assoc, body, f"{ROOT}66") == 0xA900
        assert sent_raw(assoc, body, f"{ROOT}6", CT) == 0x0122
        assert sent_raw(assoc, body, f"{ROOT}6") == 0x0000
    other = encoded(instance(7, SOPClassUID=CT))
    with associated(door) as assoc:
        assert sent_raw(assoc, other, f"{ROOT}7") == 0xA900


@pytest.mark.parametrize("body", [b"garbage" * 9, b"\0\0", encoded(instance(8))[:-5000]])
def test_what_cannot_be_understood_is_said_to_be_so(door: Door, body: bytes) -> None:
    with associated(door) as assoc:
        assert sent_raw(assoc, body, f"{ROOT}8") == 0xC000


def test_more_than_the_cap_is_refused_in_flat_memory(tmp_path: Path) -> None:
    with open_door(tmp_path, max_bytes=2**20) as small_door, associated(small_door) as assoc:
        assert statuses(small_door, instance(9)) == [0x0000]
        before = psutil.Process().memory_info().rss
        body = bytes(3 * 2**20)
        assert sent_raw(assoc, body, f"{ROOT}10") == 0xC000
        assert psutil.Process().memory_info().rss - before < 2**25
        assert statuses(small_door, instance(11)) == [0x0000]


def test_a_sender_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    with open_door(tmp_path, max_bytes=2**20) as small_door, associated(small_door) as assoc:
        before = psutil.Process().memory_info().rss
        piece = P_DATA()
        piece.presentation_data_value_list = [[1, b"\0" + bytes(2**20 - 100)]]  # type: ignore[list-item]
        for _ in range(64):
            assoc.dul.send_pdu(piece)
        settled(lambda: not assoc.is_established)
        assert psutil.Process().memory_info().rss - before < 2**26
        assert statuses(small_door, instance(12)) == [0x0000]


def test_disks_that_refuse_are_out_of_resources_until_they_do_not(tmp_path: Path) -> None:
    with open_door(tmp_path, reserve=2**62) as full:
        assert statuses(full, instance(13), instance(14)) == [0xA700, 0xA700]
        assert full.tally.as_dict()["refused"] == 2
        full.spool.reserve = 0
        assert statuses(full, instance(13)) == [0x0000]


def test_a_fault_of_ours_is_not_the_films(tmp_path: Path) -> None:
    """Nothing was acknowledged, and the sender keeps it."""
    with open_door(tmp_path) as faulty:
        take = faulty.server.storing.take

        def broken(_: object) -> object:
            raise ZeroDivisionError("ZQXWV")

        object.__setattr__(faulty.server.storing, "take", broken)
        assert statuses(faulty, instance(20)) == [0xA700]
        object.__setattr__(faulty.server.storing, "take", take)
        assert statuses(faulty, instance(20)) == [0x0000]
        assert not any("ZQXWV" in line for line in faulty.said)


def test_garbage_and_hanging_up_cost_nothing_but_the_connection(door: Door) -> None:
    with plug(door) as one:
        one.sendall(b"GET / HTTP/1.1\r\n\r\n" * 50)
    with plug(door) as one:
        one.sendall(pdu(1, b"", 2**32 - 1) + bytes(4096))
        one.settimeout(10)
        try:
            while one.recv(4096):
                pass
        except ConnectionError:
            pass
    with associated(door) as assoc:
        half = P_DATA()
        half.presentation_data_value_list = [[1, b"\0" + bytes(9000)]]  # type: ignore[list-item]
        assoc.dul.send_pdu(half)
        time.sleep(0.1)
        assoc.abort()
    assert statuses(door, instance(15)) == [0x0000]


def test_a_silent_association_ends(door: Door) -> None:
    with associated(door, title="MOD") as assoc:
        began = time.monotonic()
        settled(lambda: not assoc.is_established, 12.0)
        assert time.monotonic() - began > 1.0


def test_no_more_associations_than_may_be(tmp_path: Path) -> None:
    with open_door(tmp_path, max_associations=1) as one_seat, associated(one_seat) as first:
        assert first.is_established
        with associated(one_seat) as second:
            assert rejected_with(second) == (2, 3, 2)
        first.release()
        settled(lambda: not one_seat.server.associations)
        with associated(one_seat) as third:
            assert third.is_established


def test_what_is_in_hand_is_finished_when_the_door_closes(tmp_path: Path) -> None:
    answers: list[int] = []
    with open_door(tmp_path) as closing:
        slow = closing.server.storing

        def unhurried(delivery: object) -> object:
            time.sleep(1.0)
            return closing.porters.take(delivery)  # type: ignore[arg-type]

        object.__setattr__(slow, "take", unhurried)
        sender = threading.Thread(target=lambda: answers.extend(statuses(closing, instance(16))))
        sender.start()
        settled(lambda: any(not one.dimse.idle for one in closing.server.associations))
        closing.server.stop(10.0)
        sender.join(10.0)
        assert answers == [0x0000]
        assert closing.spool.waiting() == 1


def test_the_first_offered_syntax_is_taken(door: Door) -> None:
    offered = [generate_uid(), "1.2.840.10008.1.2.4.201", EXPLICIT]
    with associated(door, (CR, offered), (CT, [IMPLICIT, EXPLICIT])) as assoc:
        taken = [context.transfer_syntax[0] for context in assoc.accepted_contexts]
    assert taken == ["1.2.840.10008.1.2.4.201", IMPLICIT]


def test_pynetdicom_says_nothing(door: Door, capfd: pytest.CaptureFixture[str]) -> None:
    assert _config.LOG_HANDLER_LEVEL == "none"
    with associated(door) as assoc:
        sent_raw(assoc, b"garbage" * 9, f"{ROOT}17")
    assert capfd.readouterr() == ("", "")


def test_a_sender_that_hangs_up_before_its_answer_loses_nothing(tmp_path: Path) -> None:
    with open_door(tmp_path) as unlucky:
        slow = unlucky.server.storing

        def unhurried(delivery: object) -> object:
            time.sleep(1.5)
            return unlucky.porters.take(delivery)  # type: ignore[arg-type]

        object.__setattr__(slow, "take", unhurried)
        sender = threading.Thread(target=lambda: _hung_up(unlucky))
        sender.start()
        settled(lambda: any(not one.dimse.idle for one in unlucky.server.associations))
        before = psutil.Process().cpu_times()
        sender.join()
        settled(lambda: unlucky.spool.waiting() == 1)
        settled(lambda: not unlucky.server._visits)
        spent = psutil.Process().cpu_times()
        assert spent.user + spent.system - before.user - before.system < 0.8, "it span"
        object.__setattr__(slow, "take", unlucky.porters.take)
        assert statuses(unlucky, instance(18)) == [0x0000]
        assert unlucky.tally.repeated == 1


def _hung_up(door: Door) -> None:
    """Sends a film, and closes the connection without a word while it is being stored."""
    with associated(door) as assoc:
        film = instance(18)
        threading.Timer(0.5, lambda: assoc.dul.socket.socket.shutdown(2)).start()  # type: ignore[union-attr]
        assoc.send_c_store(film)


def test_associations_leave_no_thread_and_no_descriptor_behind(tmp_path: Path) -> None:
    with open_door(tmp_path) as busy:
        assert statuses(busy, instance(19)) == [0x0000]
        settled(lambda: not busy.server._visits)
        time.sleep(0.3)
        process, gone = psutil.Process(), Association.abort
        before = process.num_fds(), threading.active_count()
        for number in range(15):
            with associated(busy, title="STRANGER" if number % 3 == 1 else "MOD") as assoc:
                if number % 3 == 2:
                    gone(assoc)
        settled(lambda: not busy.server._visits)
        settled(lambda: threading.active_count() <= before[1] + 1)
        settled(lambda: process.num_fds() <= before[0] + 2)


def pdv(header: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """PS3.8 9.3.5: a P-DATA-TF with one fragment, in context 1."""
    size = 1 + len(header) + len(body) if length is None else length
    return pdu(4, size.to_bytes(4, "big") + b"\x01" + header + body)


def command(field: int) -> bytes:
    """A command set of a group length, a class, a field and a data set that is to come."""
    elements = [(0x0002, b"1.2\0"), (0x0100, field.to_bytes(2, "little")), (0x0110, b"\x01\0")]
    body = b"".join(
        b"\0\0" + tag.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value
        for tag, value in [*elements, (0x0800, b"\0\0")]
    )
    return b"\0\0\0\0\x04\0\0\0" + len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize(
    "bad",
    [
        pdv(b""),
        pdv(b"\x03", b"rubbish"),
        pdv(b"\x03", command(0x7777)),
        pdv(b"\x03", command(0x0001)) + pdv(b"\x02", b"abc"),
        pdv(b"\x03", command(0x0130)) + pdv(b"\x02", b"\xff" * 99),
        pdv(b"\x00", b"x" * 50, length=2**31),
        pdu(4, b""),
        pdu(2, b"\0" * 80),
        pdu(9, b"what"),
        pdv(b"\x03", command(0x8001)),
    ],
    ids=range(10),
)
def test_nonsense_within_an_association_ends_that_one(door: Door, bad: bytes) -> None:
    with associated(door) as assoc:
        assoc.dul.socket.socket.sendall(bad)  # type: ignore[union-attr]
        time.sleep(0.1)
    assert statuses(door, instance(15)) == [0x0000]
    settled(lambda: not door.server.associations, 8.0)


def conversation(door: Door) -> list[bytes]:
    """The PDUs that a well-behaved sender writes, as they were."""
    sent: list[bytes] = []
    ae = AE("MOD")
    ae.add_requested_context(CR, [EXPLICIT])
    hear = (evt.EVT_DATA_SENT, lambda event: sent.append(bytes(event.data)))
    assoc = ae.associate("127.0.0.1", door.port, ae_title="CXRSCP", evt_handlers=[hear])
    assert assoc.send_c_store(instance(21)).Status == 0x0000
    assoc.release()
    return sent


@pytest.mark.parametrize("seed", range(4))
def test_damaged_conversations_do_no_harm(door: Door, seed: int) -> None:
    rng = random.Random(seed)
    spoken = conversation(door)
    for _ in range(10):
        said = bytearray(b"".join(spoken))
        for _ in range(rng.choice((1, 3, 30))):
            early = rng.random() < 0.8  # among the headers, mostly
            said[rng.randrange(min(900, len(said)) if early else len(said))] = rng.randrange(256)
        del said[rng.choice((len(said), rng.randrange(len(said)))) :]
        with plug(door) as one, contextlib.suppress(OSError):
            one.sendall(said)
            one.settimeout(0.2)
            while one.recv(65536):
                pass
    assert statuses(door, instance(15)) == [0x0000]
    settled(lambda: not door.server.associations, 8.0)
