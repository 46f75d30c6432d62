"""`pneumowatch receive` as a hospital meets it: over the network, with its worker."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.cli import main
from dashboard.configuration import load
from dashboard.doors import open_spool
from tests.end_to_end.arriving import as_bytes, generated, instance
from tests.end_to_end.test_chain import new_home
from tests.ingest.dicom_door import ran
from warehouse.store import Warehouse

MARK = "ZQXWV"
CT = "1.2.840.10008.5.1.4.1.1.2"


@contextmanager
def receiving(home: Path, *words: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """A running receiver for MOD of site A; its DICOM port. It is killed if it still runs."""
    port = free_port()
    command = [sys.executable, "-m", "dashboard.cli", "receive", "--home", str(home)]
    where = ["--host", "127.0.0.1", "--port", str(port), "--stow-port", "0", "--device", "cpu"]
    with (home / "receive.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *where, *words], stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        yield port, process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(port: int, seconds: float = 60.0) -> None:
    """Until something listens there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("nothing listens")


def log_of(home: Path) -> str:
    return (home / "receive.log").read_text()


def test_what_is_sent_ends_in_the_warehouse_and_names_nobody(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    films = generated(3)
    folder = tmp_path / "films"
    folder.mkdir()
    for number, film in enumerate(films):
        made = instance(film, number, PatientName=f"{MARK}^Anna", PatientID=f"ID{MARK}")
        (folder / f"{number}.dcm").write_bytes(as_bytes(made))
    scan = instance(films[0], 9, SOPClassUID=CT, Modality="CT", PatientName=f"{MARK}^Anna")
    scan.file_meta.MediaStorageSOPClassUID = CT
    (folder / "scan.dcm").write_bytes(as_bytes(scan))
    with receiving(home, "--peer", "MOD=A", "--json") as (port, process):
        answers(port)
        to = ["-aet", "MOD", "-aec", "CXRSCP", "127.0.0.1", str(port), "+sd", folder]
        for _ in range(2):
            sent = ran("storescu", "-v", *to)
            assert sent.returncode == 0, sent.stdout
        until = time.monotonic() + 120
        while _outcomes(home) != {"waiting": 0, "predicted": 3, "rejected": 1}:
            assert time.monotonic() < until, log_of(home)
            time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(stdout) == {
        "received": 8,
        "repeated": 4,
        "refused": 0,
        "by_status": {"0000": 8},
    }
    with Warehouse.open(home, read_only=True) as warehouse:
        assert len(warehouse.sql("SELECT study_id FROM predictions")) == 3
        reasons = warehouse.sql("SELECT reason FROM rejections")
    assert {one["reason"] for one in reasons} == {"not_an_xray"}
    said = log_of(home)
    assert "never a diagnosis" in said
    assert "127.0.0.1 MOD: association released, 4 received, 0 refused" in said
    for planted in (MARK, "1.2.826.0.1.3680043.10.1."):
        assert planted not in said
        assert planted not in stdout


def _outcomes(home: Path) -> dict[str, int]:
    spool = open_spool(home, load(home / "pneumowatch.toml").ingest)
    counts = spool.counts()
    spool.close()
    del counts["deliveries"]
    return counts


def test_it_says_that_nobody_may_send_and_how_to_change_that(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with receiving(home, "--no-worker") as (port, process):
        answers(port)
        refused = ran("echoscu", "-aet", "MOD", "-aec", "CXRSCP", "127.0.0.1", str(port))
        assert refused.returncode != 0
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert stdout == "received 0 (0 repeated), refused 0\n"
    assert "nobody may send yet" in log_of(home)
    assert "[receive.peers.THEIR_AE_TITLE]" in log_of(home)
    assert "MOD: refused" in log_of(home)


def test_mistakes_are_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = new_home(tmp_path)

    def told(*words: str) -> str:
        assert main(["receive", "--home", str(home), *words]) == 2
        return capsys.readouterr().err

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        busy = told("--no-worker", "--host", "127.0.0.1", "--stow-port", "0", "--port", port)
    assert f"cannot listen on 127.0.0.1 port {port}" in busy
    assert "--port" in busy
    assert "nothing to listen at" in told("--port", "0", "--stow-port", "0")
    assert "AET=SITE" in told("--peer", "MOD")
    assert "16 printable characters" in told("--ae-title", "A" * 17)
