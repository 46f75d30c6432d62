"""STOW-RS through `pneumowatch receive`: from a sender to the warehouse, and through kills."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.cli import main
from dashboard.configuration import load
from dashboard.doors import open_spool
from ingest.identity import Pseudonymiser, load_key
from tests.end_to_end.arriving import as_bytes, generated, instance
from tests.end_to_end.test_chain import new_home
from tests.ingest.dropping import until
from tests.ingest.stow_door import TYPE, message
from warehouse.store import Warehouse

WHOLE = os.environ.get("PROOF_SIZE", "whole") == "whole"
KILLS = 50 if WHOLE else 5


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return new_home(tmp_path)


@pytest.fixture
def token(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["tokens", "--home", str(home), "add", "--site", "A"]) == 0
    return capsys.readouterr().out.strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def receiving(home: Path, port: int, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`pneumowatch receive` with its DICOMweb door alone."""
    given = ("--host", "127.0.0.1", "--port", "0", "--stow-port", str(port), *words)
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "receive", "--home", str(home), *given],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port) or process.poll() is not None, 60)
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def send(port: int, token: str, *instances: bytes) -> int:
    """The status; OSError or HTTPException where the server goes away meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": TYPE, "Authorization": f"Bearer {token}"}
        connection.request("POST", "/dicomweb/studies", message(*instances), headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()


def test_from_a_sender_to_the_warehouse(home: Path, token: str) -> None:
    films = [as_bytes(instance(film, number)) for number, film in enumerate(generated(4))]
    port = free_port()
    with receiving(home, port, "--device", "cpu") as process:
        assert send(port, token, *films) == 200
        assert send(port, token, films[0], b"no DICOM") == 202
        spool = open_spool(home, load(home / "pneumowatch.toml").ingest)
        until(lambda: spool.waiting() == 0, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with Warehouse.open(home, read_only=True) as warehouse:
        (row,) = warehouse.sql("SELECT count(*) AS n FROM predictions")
        (refused,) = warehouse.sql("SELECT reason, site_id FROM rejections")
    assert (row["n"], refused["reason"], refused["site_id"]) == (4, "not_an_image", "A")


@pytest.mark.proof
def test_whatever_was_acknowledged_is_in_the_spool_when_the_receiver_is_killed(
    home: Path, token: str
) -> None:
    (film,) = generated(1)
    acknowledged: list[int] = []
    number, chance = iter(range(10**6)), random.Random(5)
    spool = open_spool(home, load(home / "pneumowatch.toml").ingest)
    names = Pseudonymiser(load_key(home / "pseudonym.key"))

    def sender(port: int, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None:
            mine = next(number)
            with contextlib.suppress(OSError, http.client.HTTPException):
                if send(port, token, as_bytes(instance(film, mine))) == 200:
                    acknowledged.append(mine)

    for _ in range(KILLS):
        port = free_port()
        with receiving(home, port, "--no-worker") as process:
            senders = [threading.Thread(target=sender, args=(port, process)) for _ in range(4)]
            for thread in senders:
                thread.start()
            time.sleep(chance.uniform(0.2, 1.5))
            process.kill()
            for thread in senders:
                thread.join()
    held = [n for n in acknowledged if spool.holds(names.study_id_from_uid(_uid(n)))]
    print(f"{KILLS} kills: {len(acknowledged)} acknowledged, {len(held)} held")
    assert len(acknowledged) > KILLS
    assert held == acknowledged


def _uid(number: int) -> str:
    return f"1.2.826.0.1.3680043.10.1.{number}"
