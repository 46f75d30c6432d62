"""Porters: what crashes or hangs one costs its own delivery and nothing else."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.records import Reason
from ingest.spool.errors import SpoolFullError, SpoolUnavailableError
from ingest.spool.porters import Porters
from ingest.spool.records import Delivery, Door, Receipt
from ingest.spool.spool import Spool
from tests.ingest.films import KEY, dataset, dicom_bytes, film, jpeg, small

SETTINGS = ReaderSettings(KEY, small)


@pytest.fixture
def porters(tmp_path: Path) -> Iterator[Porters]:
    spool = Spool(tmp_path / "spool")
    with Porters(spool, SETTINGS, count=2, time_cap=4, memory_cap=2**30) as made:
        yield made
    spool.close()


def delivery(data: bytes | Path, site: str | None = "A") -> Delivery:
    return Delivery(Door.WATCH, Input(Path("x"), site_id=site), data)


def good(number: int) -> bytes:
    return dicom_bytes(dataset(film(seed=number), SOPInstanceUID=f"1.2.{number}"))


def carrying(porters: Porters) -> list[psutil.Process]:
    """The child processes that carry for this spool, and no others of the test run."""
    idle = [one for one in list(porters._idle.queue) if one]
    return [psutil.Process(one._process.pid) for one in idle]


def stopped(porters: Porters) -> psutil.Process:
    """The porter that takes the next delivery, brought to a halt as a hanging parser would be."""
    porters.take(delivery(good(99)))
    running = carrying(porters)
    for one in running:
        one.send_signal(signal.SIGSTOP)
    return running[0]


def test_a_delivery_is_durable_when_it_is_taken(porters: Porters) -> None:
    receipt = porters.take(delivery(good(1)))
    assert receipt.understood
    assert not receipt.repeated
    assert porters.take(delivery(good(1))).repeated
    (entry,) = porters.spool.take()
    assert entry.payload is not None
    assert entry.payload.stat().st_mode & 0o077 == 0
    assert (entry.entry_id, entry.facts.study_id) == (receipt.entry_id, receipt.study_id)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"hello", Reason.NOT_AN_IMAGE),
        (good(1)[:300], Reason.NO_PIXELS),
        (jpeg(film())[:100], Reason.TRUNCATED),
    ],
)
def test_what_cannot_be_understood_is_recorded_too(
    porters: Porters, data: bytes, reason: Reason
) -> None:
    receipt = porters.take(delivery(data))
    assert not receipt.understood
    assert receipt.problem is not None
    assert receipt.problem.reason is reason
    assert porters.spool.waiting() == 1


def test_a_header_that_hangs_its_parser_costs_itself_only(porters: Porters) -> None:
    stopped(porters)
    receipt = porters.take(delivery(good(1)))
    assert receipt.problem is not None
    assert receipt.problem.reason is Reason.DECODER_FAILED
    assert porters.take(delivery(good(2))).understood
    again = porters.take(delivery(good(1)))
    assert (again.repeated, again.problem) == (True, None)


def test_a_porter_that_is_killed_costs_its_delivery_only(porters: Porters) -> None:
    receipts: list[Receipt] = []
    porter = stopped(porters)
    taking = threading.Thread(target=lambda: receipts.append(porters.take(delivery(good(1)))))
    taking.start()
    time.sleep(0.5)
    porter.send_signal(signal.SIGKILL)
    taking.join(20)
    (receipt,) = receipts
    assert receipt.problem is not None
    assert "crashed" in receipt.problem.sentence
    assert porters.take(delivery(good(2))).understood


def test_what_is_no_regular_file_is_not_waited_for(porters: Porters, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    receipt = porters.take(delivery(tmp_path / "pipe"))
    assert receipt.problem is not None
    assert receipt.problem.reason is Reason.UNREADABLE


def test_a_file_that_eats_memory_is_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge.dcm"
    with huge.open("wb") as file:
        file.write(good(1)[:-1000])
        file.truncate(400 * 2**20)
    spool = Spool(tmp_path / "spool")
    with Porters(spool, SETTINGS, count=1, time_cap=60, memory_cap=2**28) as porters:
        receipt = porters.take(delivery(huge))
        assert receipt.problem is not None
        assert receipt.problem.reason is Reason.PIXEL_BOMB
        assert porters.take(delivery(good(1))).understood


def test_several_threads_take_at_once(porters: Porters) -> None:
    def take(first: int) -> None:
        for number in range(first, first + 8):
            porters.take(delivery(good(number)))

    threads = [threading.Thread(target=take, args=(start,)) for start in (0, 4, 8, 12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert porters.spool.counts() == {"waiting": 20, "deliveries": 32}
    assert len(list(porters.spool.films.glob("*/*"))) == 20


def test_a_disk_without_room_takes_nothing_and_says_so(tmp_path: Path) -> None:
    with Porters(Spool(tmp_path / "spool", reserve=2**60), SETTINGS) as porters:
        with pytest.raises(SpoolFullError):
            porters.take(delivery(good(1)))
        porters.spool.reserve = 0
        assert porters.take(delivery(good(1))).understood


def test_a_spool_that_cannot_be_written_says_so_and_recovers(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with Porters(Spool(tmp_path / "spool"), SETTINGS) as porters:
        with pytest.raises(SpoolUnavailableError):
            porters.take(delivery(good(1)))
        (tmp_path / "spool").unlink()
        assert porters.take(delivery(good(1))).understood


def test_porters_outlive_the_thread_that_needed_them_first(porters: Porters) -> None:
    """A door has a thread for each association, and they end."""
    for number in range(6):
        thread = threading.Thread(target=porters.take, args=(delivery(good(number)),))
        thread.start()
        thread.join()
        time.sleep(0.1)
    assert [one.facts.problem for one in porters.spool.take()] == [None] * 6
    assert len(carrying(porters)) == 1, "one of them did all the work"


def test_a_porter_that_was_killed_while_idle_costs_no_delivery(porters: Porters) -> None:
    porters.take(delivery(good(1)))
    (child,) = carrying(porters)
    child.kill()
    child.wait()
    assert porters.take(delivery(good(2))).understood
